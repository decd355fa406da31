"""Leaving and eviction hold under every order, repetition and loss of messages that hypothesis finds."""

from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Struct

from partisan_core.effects import Send
from partisan_core.events import Event, Evict, Join, Leave, LinkUp, Received, Started, TimerFired
from partisan_core.identity import NodeSpec
from partisan_fullmesh import FullMesh, FullMeshConfig

NAMES = ("alpha", "beta", "gamma", "delta")
LEAVER = "delta"


class Post:
    """Four nodes, linked, and their messages, delivered in any order."""

    def __init__(self) -> None:
        self.specs = {name: NodeSpec(name, 1, number) for number, name in enumerate(NAMES)}
        self.nodes = {name: FullMesh(spec, FullMeshConfig(), Random(0)) for name, spec in self.specs.items()}
        self.waiting: list[tuple[str, str, Struct]] = []
        for name in NAMES:
            self.feed(name, Started())
        for name in NAMES[1:]:
            self.feed(name, Join(self.specs["alpha"]))
        self.deliver_everything()
        for name in NAMES:
            for other in NAMES:
                if other != name:
                    self.feed(name, LinkUp(self.specs[other]))
        self.deliver_everything()

    def feed(self, name: str, event: Event) -> None:
        for effect in self.nodes[name].handle(event, 0.0):
            if isinstance(effect, Send):
                self.waiting.append((name, effect.peer.name, effect.message))

    def deliver(self, index: int, *, again: bool) -> None:
        position = index % len(self.waiting)
        source, target, message = self.waiting[position]
        if not again:
            del self.waiting[position]
        self.feed(target, Received(self.specs[source], message))

    def deliver_everything(self) -> None:
        while self.waiting:
            self.deliver(0, again=False)

    def round(self) -> None:
        for name in NAMES:
            self.feed(name, TimerFired("round"))

    def know_the_leaver(self) -> set[str]:
        return {name for name, node in self.nodes.items() if name != LEAVER and LEAVER in node.members()}


actions = st.one_of(
    st.tuples(st.just("deliver"), st.integers(0, 100)),
    st.tuples(st.just("repeat"), st.integers(0, 100)),
    st.tuples(st.just("lose"), st.integers(0, 100)),
    st.tuples(st.just("round"), st.just(0)),
)


def play(post: Post, script: list[tuple[str, int]]) -> None:
    """Act the script out; who has forgotten the leaver must not come to know it again."""
    for action, index in script:
        knew = post.know_the_leaver()
        if action == "round":
            post.round()
        elif post.waiting and action == "lose":
            del post.waiting[index % len(post.waiting)]
        elif post.waiting:
            post.deliver(index, again=action == "repeat")
        assert post.know_the_leaver() <= knew


def settle(post: Post) -> None:
    for _ in range(4):
        post.deliver_everything()
        post.round()
    post.deliver_everything()


@settings(deadline=None)
@given(st.lists(actions, max_size=15), st.lists(actions, max_size=40))
def test_who_left_stays_away_whatever_the_order_of_messages(
    before: list[tuple[str, int]], after: list[tuple[str, int]]
) -> None:
    post = Post()
    play(post, before)
    post.feed(LEAVER, Leave())
    assert any(source == LEAVER for source, _, _ in post.waiting)
    play(post, [step for step in after if step[0] != "lose"])
    settle(post)
    assert post.know_the_leaver() == set()


@settings(deadline=None)
@given(st.lists(actions, max_size=15), st.lists(actions, max_size=40))
def test_who_was_evicted_stays_away_whatever_is_lost_repeated_and_reordered(
    before: list[tuple[str, int]], after: list[tuple[str, int]]
) -> None:
    post = Post()
    play(post, before)
    post.feed("beta", Evict(post.specs[LEAVER]))
    play(post, after)
    settle(post)
    assert post.know_the_leaver() == set()
    assert LEAVER not in post.nodes[LEAVER].members()
