"""Mutated frames, before and after authentication: each is refused by name, at once, and leaves nothing behind.

    python -m tests.wire.mutated [--frames 1000000] [--seed 1] [--json]

One half is damaged anywhere, as on the way; the other half is forged, with checks that fit. Half goes to a handshake,
at each point where it takes a frame, half to a connection of a real node. Exits with 1 when a limit is not met; what
raised anything but a named error is printed with its bytes.
"""

import argparse
import gc
import logging
import random
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence

import trio

from partisan_core import Node, open_node
from partisan_core.errors import WireError
from partisan_core.identity import NodeSpec
from partisan_core.kernel.connection import Shaken
from partisan_core.wire.frames import FrameReader, Kind
from partisan_core.wire.handshake import Handshake, State
from partisan_core.wire.limits import PREAUTH_BODY
from partisan_core.wire.session import Losses
from tests.memory import resident
from tests.verdicts import Figures, at_most, conclude
from tests.wire.golden_frames import EXAMPLES, stored
from tests.wire.hands import BETA, accepter, dialler, frame, hello
from tests.wire.mutations import damaged, forged

_HANDSHAKE = {Kind.HELLO, Kind.PROOF, Kind.WELCOME, Kind.REFUSAL}
_KIND = 4
"""Where a frame has its kind."""
_FRAMES = [stored(name) for name in EXAMPLES]
_SHAKEN = [one for one in _FRAMES if one[_KIND] in _HANDSHAKE]
_AFTER = [one for one in _FRAMES if one[_KIND] not in _HANDSHAKE]
_TURN = 500
"""Frames until the other tasks of the node run (chosen)."""
_WARM_UP = 2_000
"""Frames before the memory is looked at."""
_TRIES = 3
"""What is slow by itself is slow each time."""

LIMITS = (at_most("crashes", 0), at_most("longest ms", 10), at_most("MiB grown", 20))


def _greeted() -> tuple[Handshake, Handshake]:
    one, other = dialler(), accepter()
    other.receive(frame(one.start()))
    one.receive(frame(other.greet()))
    return one, other


def _started() -> Handshake:
    one = dialler()
    one.start()
    return one


def _proving() -> Handshake:
    one, _ = _greeted()
    one.prove(2**62, 300, 70_000)
    return one


_POINTS: Sequence[Callable[[], Handshake]] = (accepter, _started, lambda: _greeted()[1], _proving)
"""Where a handshake takes a frame: both hellos, the proof, the welcome."""


def shake(data: bytes, rng: random.Random) -> str:
    """Let a handshake hear it; what came of that, by name."""
    reader, this = FrameReader(PREAUTH_BODY), rng.choice(_POINTS)()
    frames = reader.feed(data)
    if reader.error is not None:
        return _name_of(reader.error)
    if not frames:
        return "not complete"
    this.receive(frames[0])
    if this.refusal is None:
        return "taken"
    assert this.refusal.text.isprintable()
    assert this.state is State.REFUSED
    return f"refused ({this.refusal.code})"


class Tape:
    """A wire that gives these bytes and then its end, and swallows what it is given."""

    def __init__(self, data: bytes) -> None:
        self.remote = "nowhere"
        self._data = data

    def try_recv_into(self, buffer: bytearray | memoryview) -> int:
        part, self._data = self._data[: len(buffer)], self._data[len(buffer) :]
        buffer[: len(part)] = part
        return len(part)

    def try_send(self, data: bytes | bytearray | memoryview) -> int:
        return len(data)

    async def wait_readable(self) -> None:
        """There is always something, if only the end."""

    async def wait_writable(self) -> None:
        """There is always room."""

    def interrupt(self) -> None:
        """Nobody waits."""

    def close(self) -> None:
        """Nothing is held."""


class Listener:
    """Connections of a real node to a peer that has proved who it is."""

    def __init__(self, node: Node, peer: NodeSpec) -> None:
        self._kernel = node._kernel
        self._peer = self._kernel.peers.get(peer)
        self.box = node.open_mailbox("greeter", limit=1_000_000)
        """Two mutants in a row may hold a thousand messages, and a full one would be waited for."""
        self._hellos = [hello(peer, channel="default", packs=packs) for packs in ("", "zlib")]

    @property
    def holds_nothing(self) -> bool:
        """Nothing of what has begun to arrive is still counted."""
        return self._peer.budget.reserve(self._peer.budget.limit)

    async def hear(self, data: bytes, rng: random.Random) -> str:
        """Let a fresh connection read it; what came of that, by name."""
        lane = self._kernel.channels["default"].open_lane(0, 1 << 20)
        shaken = Shaken(Tape(data), rng.choice(self._hellos), lane, Losses(0, 0), None, False)
        connection = self._kernel._connect(shaken, self._kernel.peers, self._peer)
        try:
            await connection.reader.run()
        except WireError as error:
            return _name_of(error)
        finally:
            connection.incoming.end()
        return "taken"


def _name_of(error: WireError) -> str:
    assert str(error).isprintable()
    return type(error).__name__


def mutants(rng: random.Random, originals: Sequence[bytes]) -> Iterator[bytes]:
    """Without end: one frame, or two of which one is sound."""
    while True:
        one = rng.choice(originals)
        mutant = damaged(one, rng) if rng.random() < 0.5 else forged(one, originals, rng)
        yield rng.choice((b"", b"", rng.choice(originals))) + mutant


class Trial:
    """What came of all frames."""

    def __init__(self, seed: int) -> None:
        self.outcomes: Counter[str] = Counter()
        self.crashes = 0
        self.longest = 0.0
        """Seconds of processor time."""
        self._seed = seed

    async def run(self, frames: int, listener: Listener) -> None:
        """Half before authentication, half after."""
        rng = random.Random(self._seed)
        before, after = mutants(rng, _SHAKEN), mutants(rng, _AFTER)
        for number in range(frames):
            if number % 2:
                await self._try("after", next(after), listener.hear)
            else:
                await self._try("before", next(before), _shake)
            if number % _TURN == 0:
                await trio.lowlevel.checkpoint()
                if len(listener.box):
                    await listener.box.receive_batch()

    async def _try(self, when: str, data: bytes, hear: Callable[[bytes, random.Random], Awaitable[str]]) -> None:
        shortest = float("inf")
        for _ in range(_TRIES):
            begun = time.thread_time()
            try:
                outcome = await hear(data, random.Random(len(data)))
            except Exception as error:  # noqa: BLE001 (whatever it is, it has no name)
                outcome = "crash"
                print(f"seed {self._seed}, {when} authentication: {error!r} for {data.hex()}")
            shortest = min(shortest, time.thread_time() - begun)
            if shortest <= self.longest:
                break
        self.crashes += outcome == "crash"
        self.outcomes[f"{when}: {outcome}"] += 1
        self.longest = max(self.longest, shortest)


async def _shake(data: bytes, rng: random.Random) -> str:
    return shake(data, rng)


async def measure(frames: int, seed: int) -> tuple[Figures, Counter[str]]:
    """Try so many; the figures, and how often what came of a frame."""
    trial = Trial(seed)
    async with open_node(node={"name": "alpha", "strict": True}, transport={"use": "memory"}) as node:
        listener = Listener(node, BETA)
        await Trial(seed + 1).run(min(frames, _WARM_UP), listener)
        gc.collect()
        gc.freeze()  # a full collection of all that was imported is no frame's fault
        before = resident()
        await trial.run(frames, listener)
        gc.collect()
        grown = resident() - before
        gc.unfreeze()
        assert listener.holds_nothing
    figures = {"frames": frames, "crashes": trial.crashes, "longest ms": trial.longest * 1000, "MiB grown": grown}
    return figures, trial.outcomes


def main(words: Sequence[str] | None = None) -> int:
    """Measure, print, return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.wire.mutated", description=__doc__)
    parser.add_argument("--frames", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="the figures in a line, and no words")
    options = parser.parse_args(words)
    logging.disable()
    figures, outcomes = trio.run(measure, options.frames, options.seed)
    if not options.json:
        print(*(f"{count:>10} {outcome}" for outcome, count in sorted(outcomes.items())), sep="\n")
    return int(not conclude(f"mutated frames, seed {options.seed}", figures, LIMITS, as_json=options.json))


if __name__ == "__main__":
    sys.exit(main())
