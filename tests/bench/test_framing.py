"""Records with their length before them, and records with a checksum: what the stream baselines send."""

import socket
import threading
from queue import Queue
from zlib import crc32

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from partisan_bench.framing import Unframer, framed
from partisan_bench.oneway import blocking, blocking_crc32
from partisan_bench.work import Record

RECORDS = st.lists(st.tuples(st.integers(0, 1 << 40), st.text(), st.booleans(), st.binary(max_size=300)))


@given(RECORDS, st.lists(st.integers(1, 400), min_size=1))
def test_records_come_whole_and_in_order_however_the_stream_is_cut(records: list[Record], steps: list[int]) -> None:
    stream, received, unframer, start = b"".join(map(framed, records)), list[Record](), Unframer(), 0
    while start < len(stream):
        step = steps[start % len(steps)]
        received += unframer.feed(stream[start : start + step])
        start += step
    assert received == records


def test_a_record_is_counted_by_its_checksum_and_one_that_lost_a_bit_is_found() -> None:
    ports, answers, data = Queue[str](), list[bytes](), msgspec.msgpack.encode((1, "", True, b""))

    def send() -> None:
        with socket.create_connection(("127.0.0.1", int(ports.get(timeout=10)))) as connection:
            connection.sendall(blocking.HEADER.pack(len(data), crc32(data)) + data)
            answers.append(connection.recv(100))
            connection.sendall(blocking.HEADER.pack(len(data), crc32(data)) + data[:-1] + b"\x01")

    sender = threading.Thread(target=send)
    sender.start()
    with pytest.raises(blocking.CorruptRecord):
        blocking_crc32.serve(ports.put)
    sender.join()
    assert answers == [blocking.HEADER.pack(1, 0)]
