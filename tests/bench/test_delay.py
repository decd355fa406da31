"""The proxy in its own process, on real sockets."""

import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from time import monotonic

import pytest

from partisan_bench.delay.process import opened_delay

ROUND_TRIP = 0.04
PATIENCE = 20.0
KIB, MIB = 1024, 1024**2


@contextmanager
def connected(round_trip: float = ROUND_TRIP, window: int = MIB) -> Iterator[tuple[socket.socket, socket.socket]]:
    """Both ends of one connection through a proxy."""
    with socket.create_server(("127.0.0.1", 0)) as listener, opened_delay(round_trip, window) as delay:
        host, port = listener.getsockname()
        delay.forward_to(f"{host}:{port}")
        listener.settimeout(PATIENCE)
        with reach(delay.address) as near, listener.accept()[0] as far:
            far.settimeout(PATIENCE)
            yield near, far


def reach(address: str) -> socket.socket:
    host, port = address.split(":")
    return socket.create_connection((host, int(port)), timeout=PATIENCE)


def receive_all(source: socket.socket) -> bytes:
    """Everything until the end."""
    return b"".join(iter(lambda: source.recv(MIB), b""))


def test_a_round_trip_takes_as_long_as_stated_both_ways_together() -> None:
    with connected() as (near, far):
        times = []
        for _ in range(5):
            started = monotonic()
            near.sendall(b"ping")
            assert far.recv(4) == b"ping"
            half = monotonic()
            far.sendall(b"pong")
            assert near.recv(4) == b"pong"
            assert half - started >= ROUND_TRIP / 2
            times.append(monotonic() - started)
    assert min(times) >= ROUND_TRIP
    assert min(times) < 2 * ROUND_TRIP, "delayed far more than stated"


def test_a_round_trip_of_one_millisecond_is_not_two() -> None:
    with connected(0.001) as (near, far):
        times = []
        for _ in range(200):
            started = monotonic()
            near.sendall(b"ping")
            far.sendall(far.recv(4))
            near.recv(4)
            times.append(monotonic() - started)
    assert 0.001 <= min(times) < 0.0018


def test_bytes_of_both_directions_arrive_whole_and_in_order_and_ends_follow_them() -> None:
    there, back = (b"".join(struct.pack("<I", factor * number) for number in range(MIB)) for factor in (1, 7))
    with connected(0.002) as (near, far):
        received: list[bytes] = []
        echo = threading.Thread(target=lambda: received.append(receive_all(far)))
        answers = threading.Thread(target=send_and_end, args=(far, back))
        ours = threading.Thread(target=send_and_end, args=(near, there))
        for thread in (echo, answers, ours):
            thread.start()
        assert receive_all(near) == back
        for thread in (echo, answers, ours):
            thread.join(PATIENCE)
        assert received == [there]


def send_and_end(sink: socket.socket, data: bytes) -> None:
    sink.sendall(data)
    sink.shutdown(socket.SHUT_WR)


def test_one_direction_goes_on_after_the_other_has_ended() -> None:
    with connected() as (near, far):
        near.shutdown(socket.SHUT_WR)
        assert far.recv(1) == b""
        far.sendall(b"still here")
        assert near.recv(10) == b"still here"


def test_a_sender_whose_receiver_reads_nothing_gets_no_further_than_window_and_buffers() -> None:
    with connected(window=MIB) as (near, far):
        small(near, socket.SO_SNDBUF)
        near.settimeout(20 * ROUND_TRIP)
        sent = send_until_stuck(near)
        assert MIB <= sent < 16 * MIB  # the receiving end's buffer is the system's to size: 6 MiB at most, mostly
        near.shutdown(socket.SHUT_WR)
        far.settimeout(PATIENCE)
        assert len(receive_all(far)) == sent


def send_until_stuck(sink: socket.socket) -> int:
    """How many bytes went until the socket's timeout."""
    sent = 0
    with suppress(TimeoutError):
        while sent < 64 * MIB:
            sent += sink.send(bytes(64 * KIB))
    return sent


def small(one: socket.socket, buffer: int) -> None:
    one.setsockopt(socket.SOL_SOCKET, buffer, 64 * KIB)


def test_a_connection_carries_a_window_per_round_trip_and_no_more() -> None:
    window, trips = 256 * KIB, 10
    with connected(window=window) as (near, far):
        sender = threading.Thread(target=send_and_end, args=(near, bytes(window * trips)))
        started = monotonic()
        sender.start()
        assert len(receive_all(far)) == window * trips
        elapsed = monotonic() - started
        sender.join(PATIENCE)
    assert elapsed >= (trips - 0.5) * ROUND_TRIP


def test_a_reset_at_one_end_is_an_error_at_the_other_one() -> None:
    with connected() as (near, far):
        far.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        far.close()
        with pytest.raises(ConnectionResetError):
            near.recv(1)


def test_a_connection_to_a_target_that_refuses_ends() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        host, port = closed.getsockname()
    with opened_delay(ROUND_TRIP) as delay:
        delay.forward_to(f"{host}:{port}")
        for _ in range(2):
            with reach(delay.address) as near:
                assert near.recv(1) == b""


def test_connections_do_not_hold_each_other_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener, opened_delay(ROUND_TRIP, 64 * KIB) as delay:
        delay.forward_to("{}:{}".format(*listener.getsockname()))
        with reach(delay.address) as stuck, listener.accept()[0], reach(delay.address) as near:
            stuck.settimeout(5 * ROUND_TRIP)
            with pytest.raises(TimeoutError):
                stuck.sendall(bytes(64 * MIB))
            with listener.accept()[0] as far:
                near.sendall(b"ping")
                far.settimeout(PATIENCE)
                assert far.recv(4) == b"ping"


@pytest.mark.parametrize("told", ["", "127.0.0.1:1\n"], ids=["before it has a target", "while it forwards"])
def test_the_proxy_ends_with_the_process_that_started_it(told: str) -> None:
    command = [sys.executable, "-m", "partisan_bench.delay", "0.01", "1000"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.communicate(told, timeout=PATIENCE)[0].startswith("127.0.0.1:")
    assert process.returncode == 0
