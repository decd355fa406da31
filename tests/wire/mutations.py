"""Frames that are no longer what they were: pure, drawn from a generator that is handed in."""

import random
from collections.abc import Callable, Sequence

from partisan_core.wire.frames import CHECKSUM, HEADER, HEADER_SIZE, encode_frame

Bytes = bytes | bytearray
_EXTREMES = (0, 1, 0x7F, 0x80, 0xC1, 0xDC, 0xDD, 0xDF, 0xFF)
"""Bytes that mean much to MessagePack or to an integer: lengths, signs, nothing at all."""
_NUMBERS = (0, 1, 2, 300, 2**31, 2**32 - 1, 2**62, 2**63 - 1, 2**64 - 1)


def _flip(data: bytearray, rng: random.Random) -> None:
    data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)


def _set(data: bytearray, rng: random.Random) -> None:
    data[rng.randrange(len(data))] = rng.choice(_EXTREMES)


def _cut(data: bytearray, rng: random.Random) -> None:
    start = rng.randrange(len(data))
    del data[start : start + rng.randint(1, 16)]


def _repeat(data: bytearray, rng: random.Random) -> None:
    start = rng.randrange(len(data))
    part = data[start : start + rng.randint(1, 16)]
    data[start:start] = part * rng.choice((1, 2, 100))


def _insert(data: bytearray, rng: random.Random) -> None:
    start = rng.randrange(len(data) + 1)
    data[start:start] = rng.randbytes(rng.randint(1, 16))


def _end(data: bytearray, rng: random.Random) -> None:
    del data[rng.randrange(len(data)) :]


_CHANGES: Sequence[Callable[[bytearray, random.Random], None]] = (_flip, _set, _cut, _repeat, _insert, _end)


def damaged(data: bytes, rng: random.Random) -> bytes:
    """With one to four changes at any place."""
    changed = bytearray(data)
    for _ in range(rng.randint(1, 4)):
        if changed:
            rng.choice(_CHANGES)(changed, rng)
    return bytes(changed)


def forged(frame: bytes, others: Sequence[bytes], rng: random.Random) -> bytes:
    """As from a peer that means it: another body, kind, number or flags, and checks that fit."""
    _, kind, flags, _, number = HEADER.unpack_from(frame)
    body = frame[HEADER_SIZE : -CHECKSUM.size]
    match rng.randrange(8):
        case 0:
            kind = rng.randrange(256)
        case 1:
            flags = rng.randrange(256)
        case 2:
            number = rng.choice(_NUMBERS)
        case 3:
            other = rng.choice(others)
            body = other[HEADER_SIZE : -CHECKSUM.size]
        case _:
            body = damaged(body, rng)
    return encode_frame(kind, body, number, flags)
