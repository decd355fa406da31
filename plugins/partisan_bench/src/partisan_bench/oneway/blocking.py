"""Blocking sockets: one length-prefixed record in msgpack per `sendall`."""

import socket
from collections.abc import Sequence
from functools import partial
from struct import Struct
from time import perf_counter

import msgspec

from partisan_bench.cases import Case
from partisan_bench.work import LAST, NUMBER, Figures, Ready, Record, records, throughput, warmed

_PREFIX = Struct("<I")


def serve(ready: Ready) -> None:
    """Count records; answer the last one on the same connection."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        ready(str(listener.getsockname()[1]))
        connection, _ = listener.accept()
    decode, count = msgspec.msgpack.Decoder(Record).decode, 0
    with connection, connection.makefile("rb", 1 << 16) as incoming:
        while prefix := incoming.read(_PREFIX.size):
            record = decode(incoming.read(*_PREFIX.unpack(prefix)))
            count += 1
            if record[LAST]:
                connection.sendall(_PREFIX.pack(count))
                count = 0


def drive(address: str, cases: Sequence[Case], seconds: float) -> list[Figures]:
    """Send for `seconds` per case and wait for the acknowledgement."""
    with socket.create_connection(("127.0.0.1", int(address))) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return [warmed(partial(_flood, connection, case.payload), seconds) for case in cases]


def _flood(connection: socket.socket, payload: int, seconds: float) -> Figures:
    send, encode, prefix = connection.sendall, msgspec.msgpack.Encoder().encode, _PREFIX.pack
    started = perf_counter()
    for record in records(payload, seconds):
        data = encode(record)
        send(prefix(len(data)) + data)
    (counted,) = _PREFIX.unpack(connection.recv(_PREFIX.size, socket.MSG_WAITALL))
    return throughput(record[NUMBER], counted, started)
