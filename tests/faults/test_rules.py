"""The pure parts: rules, their book, what is held back."""

import math
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from partisan_core.config.readings import Misfit
from partisan_core.wire.frames import Kind, encode_frame
from partisan_faults.fates import cut, decide, flipping, truncating
from partisan_faults.line import Line
from partisan_faults.rules import ACTIONS, IN, KINDS, OUT, Armed, Event, Rule, RuleBook

DATA = Event(OUT, "beta", "default", "data")


def fired(**rule: Any) -> bool:
    book = RuleBook(1)
    book.add("one", Rule(**({"action": "drop"} | rule)))
    return bool(list(book.strike(DATA, *ACTIONS)))


@pytest.mark.parametrize(
    ("rule", "strikes"),
    [
        ({}, True),
        ({"direction": OUT}, True),
        ({"direction": IN}, False),
        ({"peers": ("alpha", "beta")}, True),
        ({"peers": ("alpha",)}, False),
        ({"channels": ("default",)}, True),
        ({"channels": ("bulk",)}, False),
        ({"kinds": ("data",)}, True),
        ({"kinds": ("ping",)}, False),
    ],
)
def test_a_rule_strikes_what_it_matches(rule: dict[str, Any], strikes: bool) -> None:
    assert fired(**rule) is strikes


@pytest.mark.parametrize(
    ("rule", "complaint"),
    [
        ({"peers": "beta"}, r'a list of names: write \["beta"\]'),
        ({"action": "dorp"}, "did you mean 'drop'"),
        ({"direction": "inn"}, "did you mean 'in'"),
        ({"kinds": ("dta",)}, "did you mean 'data'"),
        ({"kinds": ("hello",)}, "one of data, ping"),
        ({"probability": 0.0}, "above 0 and at most 1"),
        ({"probability": 1.1}, "above 0 and at most 1"),
        ({"probability": math.nan}, "above 0 and at most 1"),
        ({"count": -1}, "a whole number"),
        ({"action": "delay"}, "how long to delay"),
        ({"action": "corrupt", "direction": "in"}, "bytes are changed where they are written"),
        ({"action": "partition", "probability": 0.5}, "partition has no use for it"),
        ({"action": "pause", "kinds": ("data",)}, "pause has no use for it"),
        ({"action": "refuse", "channels": ("bulk",)}, "refuse has no use for it"),
        ({"action": "refuse", "direction": "in"}, "refused to who dials"),
        ({"time": 1.0}, "drop has no use for it"),
        ({"action": "close", "jitter": 1.0}, "close has no use for it"),
        ({"action": "truncate", "bits": 2}, "truncate has no use for it"),
        ({"peers": ("no name",)}, "names: 1 to 128"),
    ],
)
def test_a_rule_that_cannot_be_is_refused_with_the_reason(rule: dict[str, Any], complaint: str) -> None:
    with pytest.raises(Misfit, match=complaint):
        Rule(**({"action": "drop"} | rule))


def test_what_kernels_tell_each_other_is_lost_only_when_a_rule_says_so() -> None:
    control = DATA._replace(kind="control")
    for kinds, strikes in (((), False), (("control",), True)):
        book = RuleBook(1)
        book.add("one", Rule(action="drop", kinds=kinds))
        assert bool(list(book.strike(control, "drop"))) is strikes
    assert {"data", "fragment", "relay", "control", "ping", "pong"} <= KINDS.keys()


def test_what_one_rule_draws_does_not_depend_on_the_others() -> None:
    rule = Rule(action="drop", probability=0.5)
    alone, among = RuleBook(3), RuleBook(3)
    alone.add("it", rule)
    for name in ("before", "it", "behind"):
        among.add(name, rule)
    drawn = [[armed.name for armed in book.strike(DATA, "drop")] for book in (alone, among) for _ in range(100)]
    assert ["it" in names for names in drawn[:100]] == ["it" in names for names in drawn[100:]]
    assert 30 < sum("it" in names for names in drawn[:100]) < 70


def test_a_dropped_frame_meets_no_further_rule_and_delays_add_up() -> None:
    told: list[str] = []

    def tell(armed: Armed, event: Event) -> None:
        told.append(armed.name)

    book = RuleBook(1)
    slow = Rule(action="delay", time=1.0)
    for name, rule in {"slow": slow, "slower": replace(slow, time=2.0), "twice": Rule(action="duplicate")}.items():
        book.add(name, rule)
    fate = decide(book, DATA, tell)
    assert (fate.copies, fate.delay) == (2, 3.0)
    book.add("lost", Rule(action="drop"))
    book.add("never", Rule(action="close"))
    assert decide(book, DATA, tell).copies == 0
    assert told == ["slow", "slower", "twice", "slow", "slower", "twice", "lost"]


def test_frames_are_cut_apart_as_they_were_put_together() -> None:
    frames = [encode_frame(Kind.DATA, b"x" * size, size) for size in (0, 1, 1000)] + [encode_frame(Kind.PING, b"", 7)]
    assert list(cut(memoryview(b"".join(frames)))) == [
        *(("data", frame) for frame in frames[:3]),
        ("ping", frames[3]),
    ]


@given(st.binary(min_size=1, max_size=200), st.integers(1, 2000), st.integers())
def test_damage_changes_exactly_so_many_bits_or_cuts_the_end_off(frame: bytes, bits: int, seed: int) -> None:
    flipped = flipping(Random(seed), bits)(frame)
    changed = sum((one ^ other).bit_count() for one, other in zip(frame, flipped, strict=True))
    assert changed == min(bits, 8 * len(frame))
    shorter = truncating(Random(seed))(frame)
    assert len(shorter) < len(frame)
    assert frame.startswith(shorter)


STEPS = st.lists(st.tuples(st.sampled_from(["put", "aside", "take"]), st.floats(0, 5)), max_size=60)


@given(STEPS)
def test_a_line_keeps_order_and_time_and_loses_nothing(steps: list[tuple[str, float]]) -> None:
    line: Line[int] = Line()
    now, taken, put, aside = 0.0, [], [], set()
    for number, (step, seconds) in enumerate(steps):
        if step == "put":
            line.put(number, 1, now + seconds)
            put.append(number)
        elif step == "aside":
            line.put_aside(number, 1, now + seconds)
            put.append(number)
            aside.add(number)
        else:
            now += seconds
            taken += line.take(now)
            assert line.due > now, "what is due was taken"
        assert line.size == len(put) - len(taken)
        assert bool(line) is bool(line.size)
    line.release()
    taken += line.take(now)
    assert sorted(taken) == put
    assert [one for one in taken if one not in aside] == [one for one in put if one not in aside]


def test_what_is_put_aside_is_overtaken_by_the_next_or_goes_in_time() -> None:
    line: Line[str] = Line()
    line.put_aside("first", 1, 5.0)
    line.put("second", 1, 0.0)
    assert line.take(0.0) == ["second", "first"]
    line.put_aside("alone", 1, 5.0)
    assert line.take(4.9) == []
    assert line.take(5.0) == ["alone"]
