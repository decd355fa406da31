"""A strategy under observation: after each event it is asked what it shows, and held to the rules of the seam.

The rules hold for every overlay, whatever it promises beside them (I4 of the reliability reference, and the seam):

- it does not raise;
- what it shows is the same object as long as nothing changed, and a new one when something did;
- every key is the name of what it stands for; it never wants a link to itself, nor more than its configuration
  allows;
- it shows nobody who never lived, and nobody other than as he was;
- as long as it shows a name, it goes on to newer lives of it only (I7).

A partial view forgets, and may hear of an older life again after it forgot the newer one. So I7 is asked of what is
shown, and not of what was; who promises more is asked more by other rules.
"""

from collections.abc import Mapping
from typing import Literal

from partisan_core.effects import Effect
from partisan_core.events import Event, Leave, Received
from partisan_core.identity import NodeSpec
from partisan_core.strategy import MembershipStrategy
from partisan_testkit.schedules.history import History
from partisan_testkit.schedules.violation import Violation

View = Mapping[str, NodeSpec]
What = Literal["members", "links"]

ANY_LIFE = 0
"""The incarnation of who is known by configuration only: any life of that name at that address."""


class Watched:
    """Stands in for a strategy, hands everything through, and compares."""

    def __init__(self, me: NodeSpec, strategy: MembershipStrategy, history: History, most_links: int | None) -> None:
        self.messages, self.capabilities = strategy.messages, strategy.capabilities
        self.members, self.links, self.next_hop = strategy.members, strategy.links, strategy.next_hop
        self.snapshot = strategy.snapshot
        self.inner = strategy
        self._me, self._history, self._most_links = me, history, most_links
        self._shown: dict[What, tuple[View, dict[str, NodeSpec]]] = {}
        """The object that was shown last, and what was in it then."""

    def restore(self, data: bytes) -> None:
        """Hand the snapshot through."""
        self.inner.restore(data)

    def handle(self, event: Event, now: float) -> list[Effect]:
        """Hand the event through, and look.

        Raises:
            Violation: when a rule of the seam is broken.
        """
        has_links = bool(self.inner.links())
        if isinstance(event, Received):
            self._history.hears(self._me, event.peer, event.message)
        try:
            effects = self.inner.handle(event, now)
        except Exception as error:
            raise Violation(f"{self._me} raised {error!r} at {event}") from error
        if isinstance(event, Leave):
            self._history.leaves(self._me, effects, has_links=has_links)
        self._compare("members", self.inner.members())
        self._compare("links", self.inner.links())
        return effects

    def _compare(self, what: What, shown: View) -> None:
        last, content = self._shown.get(what, (None, {}))
        if shown is last:
            if shown != content:
                raise Violation(f"{self._me} changed what {what}() shows and returns the same object")
            return
        if last is not None and shown == content:
            raise Violation(f"{self._me} returns another object from {what}() although nothing changed")
        self._shown[what] = shown, dict(shown)
        for name, peer in shown.items():
            if content.get(name) is not peer:
                self._check(what, name, peer, content.get(name))
        if what == "links":
            self._check_links(shown)

    def _check(self, what: What, name: str, peer: NodeSpec, before: NodeSpec | None) -> None:
        if peer.name != name:
            raise Violation(f"{self._me} shows {peer} under the name {name} in {what}()")
        if peer.incarnation != ANY_LIFE and self._history.lives.get((name, peer.life)) != peer:
            raise Violation(f"{self._me} shows {peer} in {what}(), who never lived or was another")
        if before is not None and peer.life < before.life:
            raise Violation(f"{self._me} goes back from {before} to {peer} in {what}()")

    def _check_links(self, links: View) -> None:
        if self._me.name in links:
            raise Violation(f"{self._me} wants a link to itself")
        if self._most_links is not None and len(links) > self._most_links:
            raise Violation(f"{self._me} wants {len(links)} links, more than {self._most_links}")
