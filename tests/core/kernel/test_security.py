"""Who may be a member: secrets, their rotation, the deny list, and where a node may listen."""

import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import msgspec
import pytest
import trio
import trio.testing
from msgspec.structs import replace
from trio.testing import MockClock

from partisan_core import Node
from partisan_core.errors import ConfigError, InsecureBindError, JoinError, SecretError
from partisan_core.kernel.doorway import HOST_LIMIT
from partisan_core.kernel.secret_files import automatic_secret
from partisan_core.notices import DialRefused, NeighbourUp, PeerRefused
from partisan_core.wire.frames import Kind, encode_frame
from partisan_core.wire.messages import Refusal, Refused
from tests.core.kernel.nodes import PATIENCE, Memory, link, notice_of, opened, pair, until
from tests.core.kernel.stranger import HELLO, SPEC, stranger_at

OLD, NEW = "the old secret, which everybody has", "the new secret, which replaces the old"
AFAR: dict[str, object] = {"transport": {"use": "tests.core.kernel.afar:afar"}}


class Keys:
    """Secret files in a folder."""

    def __init__(self, folder: Path) -> None:
        for name, secret in (("old", OLD), ("new", NEW)):
            path = folder / name
            path.write_text(secret)
            path.chmod(0o600)
        self._folder = folder

    def of(self, *names: str, **more: object) -> dict[str, object]:
        """The section with these secrets."""
        return {"security": {"secret_files": [str(self._folder / name) for name in names], **more}}


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    return Keys(tmp_path)


async def join(node: Node, contact: Node) -> None:
    with trio.fail_after(PATIENCE):
        await node.join(*contact.addresses)


# -- secrets ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("dials", "accepts"), [("old", "new"), ("new", "old")])
async def test_a_node_with_another_secret_is_refused_on_both_sides_and_told_how_to_mend_it(
    keys: Keys, dials: str, accepts: str
) -> None:
    memory = Memory()
    async with (
        memory.opened("alpha", **keys.of(accepts)) as alpha,
        memory.opened("beta", **keys.of(dials)) as beta,
        alpha.open_events() as events,
    ):
        with pytest.raises(JoinError, match=r"by the peer \(auth\).*same secret.*\[security\] secret_files") as raised:
            await join(beta, alpha)
        refused = await notice_of(PeerRefused, events)
        assert refused.code == "auth"
        assert alpha.counters["PeerRefused"] == 1
        assert not alpha.members()[1:]
        assert all(secret not in f"{raised.value}{refused}" for secret in (OLD, NEW))


async def test_a_wanted_peer_that_comes_back_with_another_secret_is_refused_and_reported(
    keys: Keys, autojump_clock: MockClock
) -> None:
    memory = Memory()
    async with memory.opened("alpha", **keys.of("old")) as alpha, alpha.open_events() as events:
        async with memory.opened("beta", **keys.of("old")) as beta:
            await link(beta, alpha)
            where = {"node": {"listen": [str(beta.addresses[0])]}}
        async with memory.opened("beta", **where, **keys.of("new")):
            while "(auth)" not in (await notice_of(DialRefused, events)).error:
                """It was away before."""
            assert not alpha.neighbours()


ROTATION = [(("old",), ("old", "new")), (("old", "new"), ("new", "old")), (("new", "old"), ("new",))]
"""Each step of a rotation: some nodes have restarted with what the next step says, some have not."""


@pytest.mark.parametrize(("before", "after"), ROTATION)
async def test_in_each_step_of_a_rotation_everybody_can_dial_everybody(
    keys: Keys, before: Sequence[str], after: Sequence[str]
) -> None:
    memory = Memory()
    async with memory.opened("alpha", **keys.of(*before)) as alpha, memory.opened("beta", **keys.of(*after)) as beta:
        await link(alpha, beta)
        async with memory.opened("gamma", **keys.of(*after)) as gamma:
            await link(gamma, alpha)


async def test_nodes_of_one_user_share_a_secret_by_themselves() -> None:
    async with opened("alpha") as alpha, opened("beta") as beta:
        await link(beta, alpha)
        assert automatic_secret("default")


async def test_a_stranger_without_the_secret_learns_nothing_of_the_members(keys: Keys) -> None:
    """With the secret it would hear that the name is in use; without, only that it is a stranger."""
    async with opened("alpha", **keys.of("old")) as alpha, stranger_at(alpha.addresses[0]) as stranger:
        answer = await stranger.shake(replace(HELLO, node=replace(SPEC, name="alpha")))
        assert isinstance(answer, Refusal)
        assert answer.code is Refused.AUTH
        assert "alpha" not in answer.text


async def test_an_impostor_at_the_address_of_a_peer_cannot_end_a_node_by_calling_it_stale() -> None:
    async def refuse(stream: trio.SocketStream) -> None:
        async with stream:
            await stream.receive_some()
            body = msgspec.msgpack.encode(Refusal(Refused.STALE, "a newer life of your name is known", bytes(32)))
            await stream.send_all(encode_frame(Kind.REFUSAL, body))

    async with opened("alpha") as alpha, alpha.open_events() as events, trio.open_nursery() as nursery:
        async with opened("beta") as beta:
            await link(beta, alpha)
            where = beta.addresses[0]
        listeners = await trio.open_tcp_listeners(where.port, host=where.host)
        nursery.start_soon(trio.serve_listeners, refuse, listeners)
        while "(stale)" not in (await notice_of(DialRefused, events)).error:
            """Nobody was there yet."""
        await trio.testing.wait_all_tasks_blocked()
        assert alpha.status().state == "up"
        nursery.cancel_scope.cancel()


async def test_a_private_transport_touches_no_secret_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    async with pair():
        assert not (tmp_path / "state").exists()


async def test_a_secret_file_that_cannot_be_trusted_stops_the_start(keys: Keys, tmp_path: Path) -> None:
    (tmp_path / "old").chmod(0o644)
    with pytest.raises(SecretError, match="chmod 600"):
        async with Memory().opened("alpha", **keys.of("new", "old")):
            """Not reached."""


async def test_more_than_two_secrets_are_no_rotation(keys: Keys) -> None:
    with pytest.raises(ConfigError, match="at most two files"):
        async with Memory().opened("alpha", **keys.of("new", "old", "older")):
            """Not reached."""


# -- the deny list ------------------------------------------------------------------------------------------------


async def test_a_denied_name_is_refused_when_it_dials_and_when_it_is_dialled() -> None:
    memory = Memory()
    async with (
        memory.opened("alpha", security={"deny": ["beta"]}) as alpha,
        memory.opened("beta") as beta,
        alpha.open_events() as events,
    ):
        with pytest.raises(JoinError, match=r"by the peer \(denied\): beta is on the deny list of node alpha"):
            await join(beta, alpha)
        assert (await notice_of(PeerRefused, events)).code == "denied"
        with pytest.raises(JoinError, match=r"by us \(denied\)"):
            await join(alpha, beta)
        await until(lambda: beta.counters["PeerRefused"] == 1)


async def test_other_names_are_not_denied() -> None:
    async with pair(security={"deny": ["gamma"]}) as (alpha, beta):
        assert (alpha.neighbours(), beta.neighbours()) == (("beta",), ("alpha",))


# -- incarnations -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("days", "refused"), [(40, False), (60, True)])
async def test_an_incarnation_weeks_in_the_future_is_refused_as_a_wrong_clock(days: int, refused: bool) -> None:
    async with opened("alpha") as alpha, stranger_at(alpha.addresses[0]) as stranger:
        incarnation = alpha.spec().incarnation + days * 24 * 3600 * 1000
        answer = await stranger.shake(replace(HELLO, node=replace(SPEC, incarnation=incarnation)))
        assert isinstance(answer, Refusal) is refused
        if isinstance(answer, Refusal):
            assert answer.code is Refused.FUTURE
            assert "clock" in answer.text


# -- where a node may listen --------------------------------------------------------------------------------------


@pytest.mark.parametrize("wildcard", ["0.0.0.0:0", "[::]:0"])
async def test_listening_for_other_machines_needs_a_secret(wildcard: str, keys: Keys) -> None:
    node = {"listen": ["127.0.0.1:0", wildcard], "advertise": ["127.0.0.1:9090"]}
    with pytest.raises(InsecureBindError, match=r"(?s)others than this machine.*nothing was started.*secret_files"):
        async with opened("alpha", node=node):
            """Not reached."""
    async with opened("alpha", node=node, **keys.of("old")) as alpha:
        assert alpha.addresses


async def test_a_host_name_counts_as_what_it_is_resolved_to(monkeypatch: pytest.MonkeyPatch) -> None:
    resolved = await trio.socket.getaddrinfo("0.0.0.0", 0, type=trio.socket.SOCK_STREAM)

    async def resolve(*_: object, **__: object) -> object:
        return resolved

    monkeypatch.setattr(trio.socket, "getaddrinfo", resolve)
    with pytest.raises(InsecureBindError, match="localhost"):
        async with opened("alpha", node={"listen": ["localhost:0"]}):
            """Not reached."""


async def test_an_insecure_node_lets_anybody_in_and_warns_each_minute(
    caplog: pytest.LogCaptureFixture, autojump_clock: MockClock
) -> None:
    autojump_clock.autojump_threshold = 0.05  # real sockets need real moments
    insecure = {**AFAR, "security": {"allow_insecure": True}}
    with caplog.at_level(logging.WARNING, "partisan.security"):
        async with opened("alpha", **insecure) as alpha, alpha.open_events() as events:
            await trio.sleep(150)
            async with opened("beta", **insecure) as beta:
                await join(beta, alpha)
                await notice_of(NeighbourUp, events)
    warned = [record for record in caplog.records if str(alpha.addresses[0]) in record.getMessage()]
    assert len(warned) == 3
    assert "anybody" in warned[0].getMessage()


async def test_a_node_on_loopback_does_not_warn(caplog: pytest.LogCaptureFixture) -> None:
    async with opened("alpha", security={"allow_insecure": True}):
        assert not caplog.records


# -- the door -----------------------------------------------------------------------------------------------------


@asynccontextmanager
async def half_open(node: Node, count: int) -> AsyncIterator[list[trio.SocketStream]]:
    """Connections of strangers that say nothing."""
    where = node.addresses[0]
    async with AsyncExitStack() as stack:
        streams = [await trio.open_tcp_stream(where.host, where.port) for _ in range(count)]
        yield [await stack.enter_async_context(stream) for stream in streams]


async def test_one_other_machine_cannot_fill_the_door(keys: Keys) -> None:
    async with opened("alpha", **AFAR, **keys.of("old")) as alpha, half_open(alpha, HOST_LIMIT + 3) as streams:
        with trio.fail_after(1.5):
            for stream in streams[HOST_LIMIT:]:
                assert await stream.receive_some() == b"", "one too many is closed at once, long before the deadline"
        assert alpha.counters["PeerRefused"] == 3


async def test_handshakes_from_this_machine_are_bounded_only_together() -> None:
    async with opened("alpha") as alpha, opened("beta") as beta, half_open(alpha, HOST_LIMIT + 3):
        await link(beta, alpha)
        assert alpha.counters["PeerRefused"] == 0


async def test_the_door_opens_again_when_half_open_connections_have_gone(keys: Keys) -> None:
    async with opened("alpha", **AFAR, **keys.of("old")) as alpha, opened("beta", **AFAR, **keys.of("old")) as beta:
        async with half_open(alpha, HOST_LIMIT):
            """They go again."""
        await until(lambda: alpha.counters["PeerRefused"] == HOST_LIMIT)
        await link(beta, alpha)
