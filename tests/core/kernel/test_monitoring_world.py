"""Random histories of monitors: `python -m tests.core.kernel.test_monitoring_world 0-9999` plays more of them."""

import sys
from collections.abc import Callable

import pytest

from partisan_core.config.model import DEFAULT_CHANNEL
from partisan_core.downs import DownReason, Ending
from partisan_core.mailboxes import Mailbox
from partisan_core.refs import Ref
from tests.core.kernel.monitoring_world import Case, World, play


def test_each_monitor_is_told_once_whatever_is_lost_doubled_broken_or_restarted() -> None:
    for seed in range(150):
        play(seed)


class Omitting(World):
    """Nothing is lost but one word, by its number; who is linked to whom, the seed says."""

    def __init__(self, seed: int, omitted: int) -> None:
        super().__init__(seed, loss=0, double=0)
        self.omitted, self.words_so_far = omitted, 0

    def deliver(self) -> None:
        one, other = next(way for way, words in self.words.items() if words)
        word = self.words[one, other].popleft()
        self.words_so_far += 1
        if self.words_so_far != self.omitted:
            self.members[other].take_in(self.members[one].spec, word)


def ending(world: World, case: Case) -> None:
    case.end(Ending(DownReason.FAILED, "done"))
    world.members["beta"].boxes.pop("one").close("done")
    world.calm_down()
    assert [(down.reason, down.detail) for down in case.told] == [(DownReason.FAILED, "done")]


def cancelling(world: World, case: Case) -> None:
    case.monitor.cancel()
    world.calm_down()
    assert not case.told


@pytest.mark.parametrize("scenario", [ending, cancelling])
@pytest.mark.parametrize("seed", [0, 1], ids=["linked", "relayed"])
def test_any_one_word_may_be_omitted(seed: int, scenario: Callable[[World, Case], None]) -> None:
    words = play_without(0, seed, scenario)
    assert words == (4 if seed == 0 else 8)
    for omitted in range(1, words + 1):
        play_without(omitted, seed, scenario)


def play_without(omitted: int, seed: int, scenario: Callable[[World, Case], None]) -> int:
    """Returns how many words there were, and leaves nothing behind."""
    world = Omitting(seed, omitted)
    world.members["beta"].boxes["one"] = Mailbox("one", 10, lambda box: None)
    ref, inbox = Ref("beta", "one"), Mailbox("inbox", 10, lambda box: None)
    case = Case("alpha", world.members["alpha"].monitors.open(ref, DEFAULT_CHANNEL, to=inbox), ref, inbox)
    world.cases.append(case)
    world.calm_down()
    assert case.monitor.is_settled, f"without word {omitted}"
    scenario(world, case)
    world.cases.clear()
    world.check_calm()
    return world.words_so_far


if __name__ == "__main__":
    first, _, last = sys.argv[1].partition("-")
    for number in range(int(first), int(last) + 1):
        play(number)
    print(f"seeds {first} to {last}: each monitor told once")
