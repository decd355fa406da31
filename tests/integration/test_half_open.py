"""Strangers that connect and do not go on."""

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from partisan_core import Address
from partisan_core.wire.frames import Kind, encode_frame
from tests.integration.agents import Agent, eventually
from tests.integration.sockets import connections_of
from tests.memory import resident

STRANGERS = 500
HALF_A_HELLO = encode_frame(Kind.HELLO, bytes(4000))[:2000]


@contextmanager
def started(name: str) -> Iterator[Agent]:
    agent = Agent(name)
    try:
        agent.started()
        yield agent
    finally:
        agent.kill()


def refused(agent: Agent) -> int:
    return agent.look().notices.get("PeerRefused", 0)


def open_half(address: Address, stack: ExitStack) -> None:
    """As many strangers as the name of the test says: some are silent, the others stop in the middle of a hello."""
    for number in range(STRANGERS):
        stranger = stack.enter_context(socket.create_connection((address.host, address.port)))
        stranger.sendall(HALF_A_HELLO if number % 2 else b"")


def attack(attacked: Agent, rounds: int) -> float:
    """Open them while an honest node joins, wait until all were refused; MiB held then."""
    address = Address.parse(attacked.look().addresses[0])
    with started(f"honest-{rounds}") as honest, ExitStack() as stack:
        open_half(address, stack)
        start = time.monotonic()
        honest.do("join", contacts=[str(address)])
        joined = time.monotonic() - start
        connections, peak = len(connections_of(attacked.process.pid)), resident(attacked.process.pid)
        print(f"round {rounds}: {connections} connections, joined in {joined:.3f} s, {peak:.1f} MiB")
        assert connections > STRANGERS, "they are all there"
        assert joined < 1
        eventually(lambda: refused(attacked) == rounds * STRANGERS, "all strangers refused")
    eventually(lambda: not connections_of(attacked.process.pid), "nothing is left of them")
    return resident(attacked.process.pid)


def test_500_half_open_connections_keep_no_honest_node_out_and_their_memory_returns() -> None:
    """It returns to the interpreter, which keeps some of it: what a second attack takes is what a first one left."""
    with started("attacked") as attacked:
        before = resident(attacked.process.pid)
        first, second = attack(attacked, 1), attack(attacked, 2)
        print(f"memory before, after the first round, after the second: {before:.1f}, {first:.1f}, {second:.1f} MiB")
        assert first - before < 12
        assert second - first < 4
