"""Whom a node remembers beside its views: the contacts it joined through, and the neighbours it lost. Pure."""

from collections.abc import Iterator

from partisan_core.identity import NodeSpec

MAX_REMEMBERED = 16
"""Contacts that are kept, and lost neighbours: the latest of each. Simulated partitions heal with it."""


class Acquaintances:
    """A node that nobody in its views can help turns to these; so does one half of a network that was cut in two."""

    def __init__(self) -> None:
        self.contacts: dict[str, NodeSpec] = {}
        self.lost: dict[str, NodeSpec] = {}

    def __iter__(self) -> Iterator[NodeSpec]:
        yield from {**self.contacts, **self.lost}.values()

    def meet(self, contact: NodeSpec) -> None:
        """This node joins through `contact`."""
        _keep(self.contacts, contact)

    def lose(self, neighbour: NodeSpec) -> None:
        """The link to a neighbour failed: it, or the network between, may come back."""
        _keep(self.lost, neighbour)

    def find(self, name: str) -> None:
        """It is a neighbour again."""
        self.lost.pop(name, None)

    def drop(self, name: str) -> None:
        """It has left for good."""
        self.contacts.pop(name, None)
        self.lost.pop(name, None)


def _keep(remembered: dict[str, NodeSpec], peer: NodeSpec) -> None:
    remembered.pop(peer.name, None)
    remembered[peer.name] = peer
    if len(remembered) > MAX_REMEMBERED:
        del remembered[next(iter(remembered))]
