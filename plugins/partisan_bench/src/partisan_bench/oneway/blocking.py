"""Blocking sockets: one length-prefixed record in msgpack per `sendall`."""

import socket
from collections.abc import Callable, Sequence
from functools import partial
from struct import Struct
from time import perf_counter
from typing import TypeAlias

import msgspec

from partisan_bench.cases import Case
from partisan_bench.work import LAST, NUMBER, Figures, Ready, Record, records, throughput, warmed

HEADER = Struct("<II")
"""Length and checksum of what follows."""

Checksum: TypeAlias = Callable[[bytes | memoryview], int]


class CorruptRecord(Exception):
    """A record that came does not have the checksum that its header states."""


def unchecked(data: bytes | memoryview) -> int:
    """Return the same for any data."""
    del data
    return 0


def serve(ready: Ready, checksum: Checksum = unchecked) -> None:
    """Count records; answer the last one on the same connection."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        ready(str(listener.getsockname()[1]))
        connection, _ = listener.accept()
    decode, count = msgspec.msgpack.Decoder(Record).decode, 0
    with connection, connection.makefile("rb", 1 << 16) as incoming:
        while header := incoming.read(HEADER.size):
            length, stated = HEADER.unpack(header)
            data = incoming.read(length)
            if checksum(data) != stated:
                raise CorruptRecord(f"record {count} has another checksum than it states")
            count += 1
            if decode(data)[LAST]:
                connection.sendall(HEADER.pack(count, 0))
                count = 0


def drive(address: str, cases: Sequence[Case], seconds: float, checksum: Checksum = unchecked) -> list[Figures]:
    """Send for `seconds` per case and wait for the acknowledgement."""
    with socket.create_connection(("127.0.0.1", int(address))) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return [warmed(partial(_flood, connection, checksum, case.payload), seconds) for case in cases]


def _flood(connection: socket.socket, checksum: Checksum, payload: int, seconds: float) -> Figures:
    send, encode, frame = connection.sendall, msgspec.msgpack.Encoder().encode_into, bytearray()
    started = perf_counter()
    for record in records(payload, seconds):
        encode(record, frame, HEADER.size)
        with memoryview(frame)[HEADER.size :] as data:
            HEADER.pack_into(frame, 0, len(data), checksum(data))
        send(frame)
    counted, _ = HEADER.unpack(connection.recv(HEADER.size, socket.MSG_WAITALL))
    return throughput(record[NUMBER], counted, payload, started)
