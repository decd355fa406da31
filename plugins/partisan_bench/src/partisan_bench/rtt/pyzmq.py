"""Blocking DEALER to ROUTER, one record in msgpack per message; several callers are a window of requests."""

from collections import deque
from collections.abc import Sequence
from functools import partial
from time import perf_counter

import msgspec
import zmq

from partisan_bench.cases import Case
from partisan_bench.work import Figures, Ready, Record, latency, warmed


def serve(ready: Ready) -> None:
    """Decode each record and send it back."""
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    router = context.socket(zmq.ROUTER)
    port = router.bind_to_random_port("tcp://127.0.0.1")
    ready(f"tcp://127.0.0.1:{port}")
    encode, decode = msgspec.msgpack.Encoder().encode, msgspec.msgpack.Decoder(Record).decode
    while True:
        caller, data = router.recv_multipart()
        router.send_multipart((caller, encode(decode(data))))


def drive(address: str, cases: Sequence[Case], seconds: float) -> list[Figures]:
    """Keep as many requests under way as each case has callers, for `seconds`."""
    with zmq.Context() as context, context.socket(zmq.DEALER) as dealer:
        dealer.connect(address)
        return [warmed(partial(_call, dealer, case), seconds) for case in cases]


def _call(dealer: zmq.Socket[bytes], case: Case, seconds: float) -> Figures:
    encode, decode = msgspec.msgpack.Encoder().encode, msgspec.msgpack.Decoder(Record).decode
    record, times, sent = (0, "", False, bytes(case.payload)), list[float](), deque[float]()
    now = started = perf_counter()
    for _ in range(case.callers):
        sent.append(now)
        dealer.send(encode(record))
    while sent:
        record = decode(dealer.recv())
        now = perf_counter()
        times.append(now - sent.popleft())
        if now < started + seconds:
            sent.append(now)
            dealer.send(encode(record))
    return latency(times, started)
