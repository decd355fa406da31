"""Blocking DEALER to ROUTER, one record in msgpack per message; large ones on a second DEALER, or not."""

from collections.abc import Sequence
from functools import partial
from time import perf_counter

import msgspec
import zmq

from partisan_bench.cases import Case
from partisan_bench.hol.traffic import BULK, IN_FLIGHT, PAUSE, PING, Tally, answer, record
from partisan_bench.work import REPLY_TO, Figures, Ready, Record, warmed

_Sockets = tuple[zmq.Socket[bytes], zmq.Socket[bytes]]


def serve(ready: Ready) -> None:
    """Answer each record on its connection."""
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    router = context.socket(zmq.ROUTER)
    ready(f"127.0.0.1:{router.bind_to_random_port('tcp://127.0.0.1')}")
    encode, decode = msgspec.msgpack.Encoder().encode, msgspec.msgpack.Decoder(Record).decode
    while True:
        caller, data = router.recv_multipart()
        router.send_multipart((caller, encode(answer(decode(data)))))


def drive(address: str, cases: Sequence[Case], seconds: float) -> list[Figures]:
    """Ping for `seconds` per case, while large messages stream."""
    with zmq.Context() as context, context.socket(zmq.DEALER) as first, context.socket(zmq.DEALER) as second:
        for dealer in (first, second):
            dealer.connect(f"tcp://{address}")
        return [warmed(partial(_run, (first, second), case), seconds) for case in cases]


def _run(dealers: _Sockets, case: Case, seconds: float) -> Figures:
    encode, decode, poller = msgspec.msgpack.Encoder().encode, msgspec.msgpack.Decoder(Record).decode, _poller(dealers)
    ping, bulk = record(PING, bytes(case.payload)), record(BULK, bytes(case.bulk))
    tally = Tally(perf_counter(), seconds)
    window = IN_FLIGHT if case.bulk else 0
    under_way, pinged, next_ping = 0, 0.0, tally.started
    while tally.wants_ping(now := perf_counter()) or under_way or pinged:
        goes_on = tally.wants_bulk(now, under_way + tally.acknowledged)
        if goes_on and under_way < window:
            dealers[case.is_apart].send(encode(bulk))
            under_way += 1
        if not pinged and perf_counter() >= next_ping and tally.wants_ping(now):
            pinged = perf_counter()
            dealers[0].send(encode(ping))
        for dealer, _ in poller.poll(int(PAUSE * 1000) if under_way == window or not goes_on else 0):
            if decode(dealer.recv())[REPLY_TO] == PING:
                now = perf_counter()
                tally.times.append(now - pinged)
                pinged, next_ping = 0.0, now + PAUSE
            else:
                under_way -= 1
                tally.acknowledged += 1
    return tally.figures(case.bulk, perf_counter())


def _poller(sockets: _Sockets) -> zmq.Poller:
    poller = zmq.Poller()
    for one in sockets:
        poller.register(one, zmq.POLLIN)
    return poller
