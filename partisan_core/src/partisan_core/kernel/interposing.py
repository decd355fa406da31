"""Where an interposition is wired into a running node, and out of it again: see `interposition`."""

from collections.abc import Callable, Collection, Sequence

from partisan_core.identity import Address
from partisan_core.interposition import Deliver, Interposition, Stage, Stretch
from partisan_core.kernel.kernel import Kernel
from partisan_core.notices import Notice


def interpose(kernel: Kernel, make: Callable[[Stage], Interposition]) -> None:
    """Let what `make` makes stand between a node, which has not started yet, and its wires."""
    _Stage(kernel, make)


class _Stage:
    """What one node offers to its interposition."""

    def __init__(self, kernel: Kernel, make: Callable[[Stage], Interposition]) -> None:
        self.name, self.counters = kernel.me.name, kernel.journal.counters
        self.chance, self._kernel = kernel.rng, kernel
        self._plain: dict[str, Deliver] = {}
        """How the channels deliver that are watched."""
        self._interposition = make(self)
        kernel.interpose(self._interposition)

    def channels(self) -> Collection[str]:
        """Those of the node, `membership` included."""
        return self._kernel.channels.keys()

    def stretches(self) -> Sequence[Stretch]:
        """The connections that are open."""
        return self._kernel.connections()

    def names_at(self, address: Address) -> Collection[str]:
        """Who is known to be dialled there: members, and peers that the overlay does not know."""
        peers = [peer.spec for peer in self._kernel.peers.table.values()]
        return {spec.name for spec in (*peers, *self._kernel.members().values()) if address in spec.addresses}

    def watch_messages(self, *, wanted: bool) -> None:
        """Ask for the ways of messages, and for their delivery, anew; or let them be as without interposition."""
        between = self._interposition if wanted else None
        for name, channel in self._kernel.channels.items():
            plain = self._plain.setdefault(name, channel.deliver)
            channel.deliver = plain if between is None else between.delivering(name, plain)
        in_turn = self._kernel.postoffice.deliver
        self._kernel.ordering.deliver = in_turn if between is None else between.delivering("", in_turn)
        if between is None:
            self._plain.clear()
        self._kernel.outlets.interposition = between
        self._kernel.outlets.forget()

    def call_later(self, after: float, callback: Callable[[], None]) -> None:
        """Call `callback()` after `after` seconds."""
        self._kernel.timers.call_later(after, callback)

    def report(self, notice: Notice) -> None:
        """Tell a notice."""
        self._kernel.journal.report(notice)
