"""The rules of the seam, which every strategy is held to at every event."""

from collections.abc import Mapping
from typing import Any

import pytest

from partisan_core.effects import Effect
from partisan_core.events import Event, Started
from partisan_core.identity import Address, NodeSpec
from partisan_testkit.schedules import Violation
from partisan_testkit.schedules.history import History
from partisan_testkit.schedules.watched import Watched


def spec(name: str, incarnation: int = 1) -> NodeSpec:
    return NodeSpec(name, incarnation, 7, (Address("10.0.0.1", 1),))


ME, A, OLD, B = spec("me"), spec("a", 2), spec("a"), spec("b")


class Scripted:
    """Shows at each event what it was told to show."""

    messages, capabilities = (), frozenset[str]()

    def __init__(self, *script: Mapping[str, NodeSpec], links: bool = False) -> None:
        self._script, self._links = list(script), links
        self._shown: Mapping[str, NodeSpec] = {}

    def handle(self, event: Event, now: float) -> list[Effect]:
        self._shown = self._script.pop(0)
        return []

    def members(self) -> Mapping[str, NodeSpec]:
        return _NOBODY if self._links else self._shown

    def links(self) -> Mapping[str, NodeSpec]:
        return self._shown if self._links else _NOBODY

    def next_hop(self, name: str) -> str | None:
        return None

    def snapshot(self) -> bytes:
        return b""

    def restore(self, data: bytes) -> None:
        """Nothing is remembered."""


_NOBODY: Mapping[str, NodeSpec] = {}


def watch(strategy: Any, events: int) -> None:
    history = History()
    for life in (ME, A, OLD, B):
        history.starts(life)
    watched = Watched(ME, strategy, history, most_links=1)
    for _ in range(events):
        watched.handle(Started(), 0.0)


def test_what_changes_with_each_change_and_only_then_is_sane() -> None:
    shown = {"a": OLD}
    watch(Scripted(shown, shown, {"a": A}, {}), events=4)
    watch(Scripted(shown, links=True), events=1)


@pytest.mark.parametrize(
    ("strategy", "words"),
    [
        (Scripted({"a": A}, {"a": A}), "another object from members.. although nothing changed"),
        (Scripted({"b": A}), "under the name b"),
        (Scripted({"c": spec("c")}), "who never lived or was another"),
        (Scripted({"a": NodeSpec("a", 2, 7, (Address("10.0.0.1", 2),))}), "who never lived or was another"),
        (Scripted({"a": A}, {"a": OLD}), "goes back from a@2 to a@1"),
        (Scripted({"me": ME}, links=True), "wants a link to itself"),
        (Scripted({"a": A, "b": B}, links=True), "wants 2 links, more than 1"),
        (Scripted(), "raised IndexError"),
    ],
)
def test_each_rule_finds_who_breaks_it(strategy: Scripted, words: str) -> None:
    with pytest.raises(Violation, match=words):
        watch(strategy, events=2)


def test_a_change_of_the_object_that_was_shown_is_found() -> None:
    class Changing(Scripted):
        def handle(self, event: Event, now: float) -> list[Effect]:
            self._shown = shown
            shown["ab"[len(shown)]] = (A, B)[len(shown)]
            return []

    shown: dict[str, NodeSpec] = {}
    with pytest.raises(Violation, match="returns the same object"):
        watch(Changing(), events=2)
