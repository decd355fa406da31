"""PUSH to PULL, one record in msgpack per message."""

from collections.abc import Sequence
from functools import partial
from time import perf_counter

import msgspec
import zmq

from partisan_bench.cases import Case
from partisan_bench.work import LAST, NUMBER, Figures, Ready, Record, records, throughput, warmed


def serve(ready: Ready) -> None:
    """Count records; answer the last one on a second pair of sockets."""
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    inbox, acknowledgements = context.socket(zmq.PULL), context.socket(zmq.PUSH)
    ready(f"{_bind(inbox)} {_bind(acknowledgements)}")
    receive, decode = inbox.recv, msgspec.msgpack.Decoder(Record).decode
    count = 0
    while True:
        record = decode(receive())
        count += 1
        if record[LAST]:
            acknowledgements.send(msgspec.msgpack.encode(count))
            count = 0


def drive(address: str, cases: Sequence[Case], seconds: float) -> list[Figures]:
    """Send for `seconds` per case and wait for the acknowledgement."""
    inbox, acknowledgements = address.split()
    with zmq.Context() as context, context.socket(zmq.PUSH) as outlet, context.socket(zmq.PULL) as answers:
        outlet.connect(inbox)
        answers.connect(acknowledgements)
        return [warmed(partial(_flood, outlet, answers, case.payload), seconds) for case in cases]


def _flood(outlet: zmq.Socket[bytes], answers: zmq.Socket[bytes], payload: int, seconds: float) -> Figures:
    send, encode = outlet.send, msgspec.msgpack.Encoder().encode
    started = perf_counter()
    for record in records(payload, seconds):
        send(encode(record))
    return throughput(record[NUMBER], msgspec.msgpack.decode(answers.recv(), type=int), payload, started)


def _bind(socket: zmq.Socket[bytes]) -> str:
    port = socket.bind_to_random_port("tcp://127.0.0.1")
    return f"tcp://127.0.0.1:{port}"
