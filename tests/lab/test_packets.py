"""What the wire does to packets, without a wire."""

import random
import socket
import struct
import time

from hypothesis import given
from hypothesis import strategies as st

from tests.lab.packets import Departure, Fate, Weather, decide, destination, flip_payload, tcp_checksum
from tests.lab.wire import Change, Wire, address_of

FROM, TO = (socket.inet_aton(address_of(site)) for site in (0, 1))
_OPTIONS = st.integers(0, 10).map(lambda words: b"\x01" * 4 * words)


def segment(payload: bytes, ip_options: bytes = b"", tcp_options: bytes = b"") -> bytes:
    """A packet as a system would make it."""
    head = struct.pack("!BBHHHBBH", 0x45 + len(ip_options) // 4, 0, 0, 0, 0, 64, socket.IPPROTO_TCP, 0) + FROM + TO
    offset = (5 + len(tcp_options) // 4) << 4
    tcp = struct.pack("!HHIIBBHHH", 40000, 9090, 1, 2, offset, 0x18, 1000, 0, 0) + tcp_options
    packet = bytearray(head + ip_options + tcp + payload)
    place = len(head + ip_options) + 16
    packet[place : place + 2] = tcp_checksum(packet).to_bytes(2, "big")
    return bytes(packet)


segments = st.builds(segment, st.binary(min_size=1, max_size=1400), _OPTIONS, _OPTIONS)
generators = st.integers(0, 2**32).map(random.Random)


def bits(one: bytes, other: bytes) -> int:
    """In how many bits they differ."""
    return (int.from_bytes(one) ^ int.from_bytes(other)).bit_count()


@given(segments)
def test_the_checksum_fits_when_the_words_sum_up_to_nothing_modulo_65535(packet: bytes) -> None:
    """RFC 1071 put another way: what a correct sum adds up to in one's complement."""
    covered = packet[12:20] + struct.pack("!BBH", 0, 6, len(packet[(packet[0] & 15) * 4 :]))
    covered += packet[(packet[0] & 15) * 4 :]
    covered += bytes(len(covered) % 2)
    assert sum(struct.unpack(f"!{len(covered) // 2}H", covered)) % 0xFFFF == 0
    assert tcp_checksum(packet) == 0


@given(segments, generators)
def test_a_flip_with_repair_changes_one_bit_of_the_payload_and_the_checksum_fits(
    packet: bytes, rng: random.Random
) -> None:
    changed = flip_payload(packet, rng, repair=True)
    assert tcp_checksum(packet) == tcp_checksum(changed) == 0
    place = (packet[0] & 15) * 4 + 16
    assert bits(packet[:place], changed[:place]) == 0
    assert bits(packet[place + 2 :], changed[place + 2 :]) == 1


@given(segments, generators)
def test_a_flip_without_repair_is_found_by_the_checksum(packet: bytes, rng: random.Random) -> None:
    changed = flip_payload(packet, rng, repair=False)
    assert bits(packet, changed) == 1
    assert tcp_checksum(changed) != 0


@given(_OPTIONS, generators)
def test_a_segment_without_payload_stays_what_it_is(options: bytes, rng: random.Random) -> None:
    packet = segment(b"", tcp_options=options)
    assert flip_payload(packet, rng, repair=True) == packet


@given(st.binary(max_size=100), generators)
def test_what_is_no_packet_at_all_is_carried_or_lost(rubbish: bytes, rng: random.Random) -> None:
    weather = Weather(0.1, 0.1, 0.3, 0.3, 0.3, 0.9, repair=True)
    assert len(decide(rubbish, weather, rng).departures) <= 2
    assert len(destination(rubbish)) in (0, 4)


@given(segments, generators)
def test_a_clear_sky_does_nothing(packet: bytes, rng: random.Random) -> None:
    assert decide(packet, Weather(), rng) == Fate([Departure(0, True, packet)], False)
    assert destination(packet) == TO


@given(segments, generators, st.floats(0, 1), st.floats(0, 1))
def test_delay_and_jitter_are_the_bounds_of_the_time_on_the_way(
    packet: bytes, rng: random.Random, delay: float, jitter: float
) -> None:
    ((after, keeps_order, _),) = decide(packet, Weather(delay, jitter), rng).departures
    assert delay <= after <= delay + jitter
    assert keeps_order


@given(segments, generators)
def test_what_is_certain_happens(packet: bytes, rng: random.Random) -> None:
    assert decide(packet, Weather(loss=1), rng).departures == []
    assert [one.packet for one in decide(packet, Weather(duplicate=1), rng).departures] == [packet, packet]
    assert not decide(packet, Weather(reorder=1), rng).departures[0].keeps_order
    assert decide(packet, Weather(corrupt=1), rng).is_corrupt


def carried(weather: Weather, packets: list[bytes]) -> list[bytes]:
    """What comes out of a wire between two descriptors, in this order."""
    ends = [socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET) for _ in range(2)]
    try:
        for _, inner in ends:
            inner.setblocking(False)
        wire = Wire([inner.fileno() for _, inner in ends], seed=3)
        wire.change(Change(weather))
        for packet in packets:
            ends[0][0].send(packet)
            wire.take(0)
        found: list[bytes] = []
        deadline = time.monotonic() + 20
        ends[1][0].setblocking(False)
        while len(found) < len(packets):
            assert time.monotonic() < deadline
            wire.give()
            try:
                found.append(ends[1][0].recv(2000))
            except BlockingIOError:
                continue
        return found
    finally:
        for pair in ends:
            for end in pair:
                end.close()


def test_jitter_alone_reorders_nothing_and_reordering_does() -> None:
    packets = [segment(bytes([number])) for number in range(30)]
    assert carried(Weather(jitter=0.02), packets) == packets
    reordered = carried(Weather(reorder=0.3), packets)
    assert reordered != packets
    assert sorted(reordered) == sorted(packets)
