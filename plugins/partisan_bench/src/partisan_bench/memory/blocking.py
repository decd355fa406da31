"""Blocking sockets: one length-prefixed record in msgpack per `sendall`, answered before the next one."""

import socket
from collections.abc import Sequence
from struct import Struct

import msgspec

from partisan_bench.cases import Case
from partisan_bench.framing import PREFIX, framed
from partisan_bench.memory.meter import Meter, large, shares
from partisan_bench.work import Figures, Ready, Record

_ANSWER = Struct("<Q")


def serve(ready: Ready) -> None:
    """Answer each record with the memory that was taken so far."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        ready(str(listener.getsockname()[1]))
        connection, _ = listener.accept()
    meter = Meter()
    with connection, connection.makefile("rb") as incoming:
        while prefix := incoming.read(PREFIX.size):
            (length,) = PREFIX.unpack(prefix)
            record = msgspec.msgpack.decode(incoming.read(length), type=Record)
            connection.sendall(_ANSWER.pack(max(0, meter.taken(record))))
            del record


def drive(address: str, cases: Sequence[Case], seconds: float) -> list[Figures]:
    """Send for `seconds` per case, one message at a time."""
    meter = Meter()
    with socket.create_connection(("127.0.0.1", int(address))) as connection:
        return [_send(connection, meter, case.payload, seconds) for case in cases]


def _send(connection: socket.socket, meter: Meter, size: int, seconds: float) -> Figures:
    for record in large(size, seconds):
        meter.taken(record)
        connection.sendall(framed(record))
        (theirs,) = _ANSWER.unpack(connection.recv(_ANSWER.size, socket.MSG_WAITALL))
    return shares(meter.taken(record), theirs, size)
