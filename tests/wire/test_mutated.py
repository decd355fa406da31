"""A small version of `python -m tests.wire.mutated`, and proof that it sees what it looks for."""

import random

import pytest

from partisan_core.wire.frames import FrameReader, Kind, encode_frame
from tests.verdicts import conclude
from tests.wire.mutated import LIMITS, Trial, measure
from tests.wire.mutations import damaged, forged

FRAMES = 10_000


async def test_mutated_frames_are_refused_by_name_at_once_and_leave_nothing_behind() -> None:
    figures, outcomes = await measure(FRAMES, seed=1)
    assert conclude("mutated frames, seed 1", figures, LIMITS, as_json=False)
    assert {outcome.split()[0] for outcome in outcomes} == {"before:", "after:"}
    assert min(outcomes["after: FrameError"], outcomes["before: refused (malformed)"], outcomes["after: taken"]) > 100


async def test_what_raises_anything_else_counts_as_a_crash(capsys: pytest.CaptureFixture[str]) -> None:
    async def stumble(data: bytes, rng: random.Random) -> str:
        raise KeyError(data)

    trial = Trial(seed=7)
    await trial._try("after", b"bad", stumble)
    assert trial.crashes == 1
    assert "seed 7, after authentication: KeyError(b'bad') for 626164" in capsys.readouterr().out


async def test_what_is_slow_each_time_is_the_longest_and_what_was_slow_once_is_not() -> None:
    turns = iter([200_000, 10, 10])

    async def work(data: bytes, rng: random.Random) -> str:
        sum(range(next(turns, 200_000)))
        return "taken"

    trial = Trial(seed=7)
    await trial._try("after", b"", work)
    once = trial.longest
    await trial._try("after", b"", work)
    assert once < trial.longest / 10


def test_a_forged_frame_has_checks_that_fit_and_a_damaged_one_rarely() -> None:
    rng = random.Random(3)
    frame = encode_frame(Kind.DATA, bytes(range(100)), 5)
    read = [FrameReader(1 << 20) for _ in range(400)]
    for reader in read[:200]:
        reader.feed(forged(frame, [frame], rng))
    assert not any(type(reader.error).__name__ == "CorruptFrame" for reader in read[:200])
    for reader in read[200:]:
        reader.feed(damaged(frame, rng))
    assert not any(reader.feed(b"") for reader in read[200:])
    assert sum(reader.error is not None or reader.pending > 0 for reader in read[200:]) > 190
