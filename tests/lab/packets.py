"""IPv4 packets on a bad way: pure. What happens to each is drawn from a generator that is handed in.

A bit that flips in a TCP segment is found by TCP's own checksum, and the segment is sent again. With `repair` the
checksum is made to fit, as a faulty switch or driver does that computes it anew: then nobody below the frames sees it.
"""

import random
import struct
from typing import NamedTuple

from msgspec import Struct

_TCP = 6
_DESTINATION = slice(16, 20)
_LATE = 0.01
"""Seconds by which a packet is held back so that others overtake it (chosen: some round trips of this wire)."""


class Weather(Struct, frozen=True, forbid_unknown_fields=True):
    """What befalls the packets of one direction. Chances are between 0 and 1."""

    delay: float = 0.0
    """Seconds."""
    jitter: float = 0.0
    """Seconds more, at most; alone it reorders nothing."""
    loss: float = 0.0
    duplicate: float = 0.0
    reorder: float = 0.0
    corrupt: float = 0.0
    """One bit of the payload of a TCP segment flips."""
    repair: bool = False
    """The checksum of such a segment is made to fit."""


class Departure(NamedTuple):
    """A packet that leaves the wire, so many seconds after it came."""

    after: float
    keeps_order: bool
    packet: bytes


class Fate(NamedTuple):
    """What became of one packet."""

    departures: list[Departure]
    is_corrupt: bool


def decide(packet: bytes, weather: Weather, rng: random.Random) -> Fate:
    """Draw what becomes of a packet."""
    if rng.random() < weather.loss:
        return Fate([], False)
    damaged = flip_payload(packet, rng, repair=weather.repair) if rng.random() < weather.corrupt else packet
    copies = 2 if rng.random() < weather.duplicate else 1
    return Fate([_depart(damaged, weather, rng) for _ in range(copies)], damaged != packet)


def _depart(packet: bytes, weather: Weather, rng: random.Random) -> Departure:
    is_late = rng.random() < weather.reorder
    return Departure(weather.delay + weather.jitter * rng.random() + _LATE * is_late, not is_late, packet)


def destination(packet: bytes) -> bytes:
    """The address where it is to go; empty for what is no IPv4."""
    return packet[_DESTINATION] if len(packet) >= 20 and packet[0] >> 4 == 4 else b""


def flip_payload(packet: bytes, rng: random.Random, *, repair: bool) -> bytes:
    """The packet with one flipped bit in its TCP payload; as it was, when there is none."""
    start = _payload_start(packet)
    if start >= len(packet):
        return packet
    changed = bytearray(packet)
    changed[rng.randrange(start, len(packet))] ^= 1 << rng.randrange(8)
    if repair:
        head = _header_size(packet)
        changed[head + 16 : head + 18] = bytes(2)
        changed[head + 16 : head + 18] = tcp_checksum(changed).to_bytes(2, "big")
    return bytes(changed)


def tcp_checksum(packet: bytes | bytearray) -> int:
    """The sum over pseudo header and segment, RFC 9293 3.1: 0 when the checksum in the packet fits."""
    segment = bytes(packet[_header_size(packet) :])
    covered = bytes(packet[12:20]) + struct.pack("!BBH", 0, _TCP, len(segment)) + segment
    covered += bytes(len(covered) % 2)
    total: int = sum(struct.unpack(f"!{len(covered) // 2}H", covered))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def _header_size(packet: bytes | bytearray) -> int:
    return (packet[0] & 15) * 4


def _payload_start(packet: bytes) -> int:
    """Where the payload of a TCP segment begins; behind the end for all else."""
    head = _header_size(packet) if destination(packet) else 0
    if head < 20 or len(packet) < head + 20 or packet[9] != _TCP:
        return len(packet)
    return head + (packet[head + 12] >> 4) * 4
