"""The control socket of a node in this process: what it answers, and what it survives."""

import json
import os
import socket
import stat
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
import trio
import trio.testing

from partisan_control.client import ask, is_running
from partisan_control.place import SOCKET_NAME, socket_path
from partisan_control.protocol import (
    REQUEST_LIMIT,
    EvictArguments,
    Gone,
    JoinArguments,
    Joined,
    Nothing,
    PingArguments,
    Pong,
)
from partisan_control.server import ANSWER_PATIENCE, CLIENT_LIMIT, REQUEST_PATIENCE
from partisan_core import Node, open_node
from partisan_core.errors import CapabilityError, ControlError, DataDirUnusable, JoinError, NodeClosed, UnknownNode
from partisan_core.views import Counters, MemberRow, MemberState, Status

DEADLINE = 10


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[Node]:
    async with open_node(node={"name": "alpha", "data_dir": str(tmp_path / "alpha")}) as node:
        yield node


@pytest.fixture
def data_dir(node: Node, tmp_path: Path) -> Path:
    return tmp_path / "alpha"


async def connect(data_dir: Path) -> trio.SocketStream:
    with socket_path(data_dir) as path:
        return await trio.open_unix_socket(path)


async def read_line(stream: trio.SocketStream) -> bytes:
    received = b""
    with trio.fail_after(DEADLINE):
        while not received.endswith(b"\n") and (data := await stream.receive_some()):
            received += data
    return received


async def answer(stream: trio.SocketStream, request: bytes) -> dict[str, object]:
    await stream.send_all(request)
    found: dict[str, object] = json.loads(await read_line(stream))
    return found


async def is_answering(data_dir: Path) -> bool:
    async with await connect(data_dir) as stream:
        return bool((await answer(stream, b'{"command": "status"}\n'))["ok"])


# What it answers.


async def test_a_node_tells_its_status_members_connections_and_counters(node: Node, data_dir: Path) -> None:
    node.open_mailbox("greeter")
    status = await trio.to_thread.run_sync(ask, data_dir, "status", Status)
    assert (status.name, status.state, status.members, status.mailboxes) == ("alpha", MemberState.UP, 1, ("greeter",))
    assert status.addresses == (str(node.addresses[0]),)
    assert status.data_dir == str(data_dir)
    rows = await trio.to_thread.run_sync(ask, data_dir, "members", tuple[MemberRow, ...])
    assert [(row.name, row.local, row.neighbour) for row in rows] == [("alpha", True, False)]
    assert await trio.to_thread.run_sync(ask, data_dir, "connections", tuple[object, ...]) == ()
    counters = await trio.to_thread.run_sync(ask, data_dir, "counters", Counters)
    assert counters == Counters(dict(node.counters), dict(node.dropped), node.channels())


async def test_join_ping_evict_and_leave_act_on_the_node(node: Node, data_dir: Path) -> None:
    async with open_node(node={"name": "beta"}) as beta:

        def ask_all() -> tuple[Joined, Pong, Nothing]:
            address = str(beta.addresses[0])
            return (
                ask(data_dir, "join", Joined, JoinArguments((address,))),
                ask(data_dir, "ping", Pong, PingArguments("beta")),
                ask(data_dir, "evict", Nothing, EvictArguments("beta")),
            )

        joined, pong, _ = await trio.to_thread.run_sync(ask_all)
        assert joined.neighbours == ("beta",)
        assert pong.rtt is not None
        assert [(row.name, row.state) for row in node.member_states()] == [
            ("alpha", MemberState.UP),
            ("beta", MemberState.EVICTED),
        ]
        assert await trio.to_thread.run_sync(ask, data_dir, "leave", Gone) == Gone("alpha", ends=False)
        assert node.status().state is MemberState.LEFT


async def test_an_error_of_the_node_is_raised_by_the_client_as_its_class(node: Node, data_dir: Path) -> None:
    def run(error: type[Exception], command: str, arguments: msgspec.Struct, text: str) -> None:
        with pytest.raises(error, match=text):
            ask(data_dir, command, object, arguments)

    for case in (
        (UnknownNode, "ping", PingArguments("alhpa"), "did you mean 'alpha'"),
        (CapabilityError, "evict", EvictArguments("alpha"), "this node itself"),
        (JoinError, "join", JoinArguments(("127.0.0.1:1",), 0.1), "nobody let alpha in at 127.0.0.1:1 within 0.1 s"),
        (ControlError, "jion", Nothing(), "did you mean 'join'"),
        (ControlError, "ping", Nothing(), "the arguments of ping are wrong: .*`peer`"),
        (ControlError, "join", JoinArguments(()), "the arguments of join are wrong"),
        (ControlError, "status", PingArguments("x"), "the arguments of status are wrong: .*unknown field"),
    ):
        await trio.to_thread.run_sync(run, *case)
    await node.leave()
    await trio.to_thread.run_sync(run, NodeClosed, "leave", Nothing(), "has left")


async def test_a_shutdown_wakes_who_waits_to_end_the_node(node: Node, data_dir: Path) -> None:
    async with trio.open_nursery() as nursery:
        nursery.start_soon(node.wait_end_asked)
        await trio.testing.wait_all_tasks_blocked()
        gone = await trio.to_thread.run_sync(ask, data_dir, "shutdown", Gone)
        assert gone == Gone("alpha", ends=True)
    assert node.status().state is MemberState.LEFT


async def test_a_shutdown_of_a_node_that_nobody_would_end_says_that_it_goes_on(node: Node, data_dir: Path) -> None:
    assert await trio.to_thread.run_sync(ask, data_dir, "shutdown", Gone) == Gone("alpha", ends=False)


async def test_one_connection_carries_many_requests(data_dir: Path) -> None:
    async with await connect(data_dir) as stream:
        for _ in range(3):
            assert (await answer(stream, b'{"command": "status"}\n'))["ok"] is True
        await stream.send_all(b'{"command": "status"}\n{"command": "members"}\n')
        first, second = await read_line(stream), b""
        if first.count(b"\n") == 1:
            second = await read_line(stream)
        assert (first + second).count(b'"ok":true') == 2


# What it survives.


@pytest.mark.parametrize(
    "request_",
    [
        b"\n",
        b"hello\n",
        b"[]\n",
        b'{"command": 3}\n',
        b'{"command": "status", "arguments": {"x": 1}}\n',
        b'{"command": "status", "more": 1}\n',
        b'{"command": "' + b"x" * 1000 + b'"}\n',
        b"[" * 30_000 + b"\n",
        b'{"command": "status", "arguments": ' + b"[" * 30_000 + b"}\n",
        b'{"command": "\xff\xfe"}\n',
        b'{"command": "join", "arguments": {"addresses": ["nowhere"]}}\n',
        b'{"command": "ping", "arguments": {"peer": "alpha", "timeout": 1e9}}\n',
        b'{"command": "ping", "arguments": {"peer": "alpha", "timeout": -1}}\n',
    ],
)
async def test_a_request_that_makes_no_sense_gets_a_named_error_and_the_next_its_answer(
    data_dir: Path, request_: bytes
) -> None:
    async with await connect(data_dir) as stream:
        said = await answer(stream, request_)
        assert said["ok"] is False
        assert said["error"] in ("ControlError", "AddressError")
        assert 10 < len(str(said["message"])) < 500
        assert (await answer(stream, b'{"command": "status"}\n'))["ok"] is True


async def test_a_request_without_end_is_cut_off(data_dir: Path) -> None:
    async with await connect(data_dir) as stream:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(send_what_goes, stream, b"x" * (REQUEST_LIMIT * 4))
            said = json.loads(await read_line(stream))
        assert str(REQUEST_LIMIT) in said["message"]
    assert await is_answering(data_dir)


async def send_what_goes(stream: trio.SocketStream, data: bytes) -> None:
    try:
        await stream.send_all(data)
    except trio.BrokenResourceError:
        return


async def test_a_client_that_closes_in_the_middle_of_a_request_is_forgotten(data_dir: Path) -> None:
    for part in (b"", b'{"comm', b'{"command": "status"}', b'{"command": "status"}\n'):
        stream = await connect(data_dir)
        await stream.send_all(part)
        await stream.aclose()
    assert await is_answering(data_dir)


async def test_a_join_is_given_up_when_its_client_goes(tmp_path: Path) -> None:
    patient = {"handshake_timeout": "1h"}
    async with open_node(node={"name": "alpha", "data_dir": str(tmp_path)}, links=patient) as node:
        [silent] = await trio.open_tcp_listeners(0, host="127.0.0.1")
        async with silent, await connect(tmp_path) as client:
            arguments = {"addresses": [f"127.0.0.1:{silent.socket.getsockname()[1]}"], "timeout": 3600}
            request = {"command": "join", "arguments": arguments}
            await client.send_all(json.dumps(request).encode() + b"\n")
            with trio.fail_after(DEADLINE):
                async with await silent.accept() as dialled:
                    assert await dialled.receive_some()
                    await client.aclose()
                    assert await dialled.receive_some() == b""
        assert node.status().members == 1


async def test_a_silent_client_is_let_go(data_dir: Path, mock_clock: trio.testing.MockClock) -> None:
    async with await connect(data_dir) as stream:
        mock_clock.autojump_threshold = 0.01
        assert await stream.receive_some() == b""
    assert trio.current_time() < REQUEST_PATIENCE + 2


async def test_a_client_that_reads_no_answers_is_let_go_and_holds_up_nobody(
    data_dir: Path, mock_clock: trio.testing.MockClock
) -> None:
    async with await connect(data_dir) as stream, trio.open_nursery() as nursery:
        nursery.start_soon(send_what_goes, stream, b'{"command": "status"}\n' * 100_000)
        await trio.testing.wait_all_tasks_blocked()
        assert await is_answering(data_dir)
        mock_clock.autojump_threshold = 0.01
    assert trio.current_time() < ANSWER_PATIENCE + 2


async def test_more_clients_than_the_limit_are_told_to_come_later(data_dir: Path) -> None:
    streams = [await connect(data_dir) for _ in range(CLIENT_LIMIT)]
    await trio.testing.wait_all_tasks_blocked()
    async with await connect(data_dir) as late:
        assert "clients are connected" in json.loads(await read_line(late))["message"]
    for stream in streams:
        await stream.aclose()
    await trio.testing.wait_all_tasks_blocked()
    assert await is_answering(data_dir)


# Where it is.


async def test_the_socket_is_its_owners_alone_and_goes_with_the_node(tmp_path: Path) -> None:
    path = tmp_path / SOCKET_NAME
    before = os.umask(0)
    try:
        async with open_node(node={"name": "alpha", "data_dir": str(tmp_path)}):
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
    finally:
        os.umask(before)
    assert not path.exists()


async def test_a_path_longer_than_a_socket_address_is_no_obstacle(tmp_path: Path) -> None:
    deep = tmp_path / ("a" * 100) / ("b" * 100)
    async with open_node(node={"name": "alpha", "data_dir": str(deep)}):
        status = await trio.to_thread.run_sync(ask, deep, "status", Status)
        assert status.name == "alpha"
        assert is_running(deep)
    assert not (deep / SOCKET_NAME).exists()
    assert not is_running(deep)


async def test_the_socket_of_a_dead_process_is_replaced(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as dead, socket_path(tmp_path) as path:
        dead.bind(path)
    assert not is_running(tmp_path)
    async with open_node(node={"name": "alpha", "data_dir": str(tmp_path)}):
        assert is_running(tmp_path)


async def test_a_file_in_the_way_of_the_socket_is_kept(tmp_path: Path) -> None:
    (tmp_path / SOCKET_NAME).write_text("precious")
    with pytest.raises(DataDirUnusable, match="is in the way"):
        async with open_node(node={"name": "alpha", "data_dir": str(tmp_path)}):
            raise AssertionError("it started")
    assert (tmp_path / SOCKET_NAME).read_text() == "precious"


async def test_a_node_without_data_dir_has_no_socket_and_works() -> None:
    async with open_node(node={"name": "alpha"}) as node:
        assert node.status().data_dir is None


@pytest.mark.parametrize("disabled", ["control", "extension:control"])
async def test_the_socket_can_be_switched_off(disabled: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PARTISAN_DISABLE_PLUGINS", disabled)
    async with open_node(node={"name": "alpha", "data_dir": str(tmp_path)}):
        assert not (tmp_path / SOCKET_NAME).exists()


@pytest.mark.parametrize("node", [{}, {"data_dir": "data"}])
async def test_a_node_may_enable_it_by_name(
    node: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with open_node(node=node, extensions={"enable": ["control"]}):
        assert is_running(tmp_path / "data") is bool(node)


def test_a_node_without_data_dir_does_not_import_it() -> None:
    program = """
import sys, trio
from partisan_core import open_node

async def main():
    async with open_node():
        assert "partisan_control" not in sys.modules

trio.run(main)
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


def test_a_client_is_told_when_nobody_answers(tmp_path: Path) -> None:
    with pytest.raises(ControlError, match="no running node can be reached in"):
        ask(tmp_path, "status", Status)
    with socket.socket(socket.AF_UNIX) as silent, socket_path(tmp_path) as path:
        silent.bind(path)
        silent.listen()
        with pytest.raises(ControlError, match=r"did not answer within 0\.1 s"):
            ask(tmp_path, "status", Status, timeout=0.1)
