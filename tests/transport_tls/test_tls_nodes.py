"""Nodes that talk by TLS, over real sockets: who gets in, who does not and is told why."""

from contextlib import AbstractAsyncContextManager
from datetime import timedelta

import pytest
import trio

from partisan_core import Node, load_config
from partisan_core.errors import JoinError
from partisan_core.events import Reason
from partisan_core.kernel.security import secure
from partisan_core.notices import DialRefused, PeerRefused
from partisan_transport_tls.plugin import partisan_transport
from tests.integration.nodes import PATIENCE, notice_of, until
from tests.integration.nodes import opened as opened_plain
from tests.transport_tls.authorities import Authority, Files


def opened(name: str, files: Files, **sections: object) -> AbstractAsyncContextManager[Node]:
    return opened_plain(name, transport=files.table, **sections)


async def join(node: Node, contact: Node) -> None:
    with trio.fail_after(PATIENCE):
        await node.join(*contact.addresses)
    await until(lambda: contact.name in node.neighbours() and node.name in contact.neighbours())


async def test_nodes_with_certificates_of_one_authority_talk(authority: Authority) -> None:
    async with opened("alpha", authority.issue("alpha")) as alpha, opened("beta", authority.issue("beta")) as beta:
        await join(beta, alpha)
        inbox = alpha.open_mailbox("greeter")
        message = {"text": "hello", "much": bytes(300_000)}
        await beta.send("alpha/greeter", message)
        with trio.fail_after(PATIENCE):
            assert await inbox.receive() == message


async def test_a_name_that_no_host_may_have_stands_in_a_certificate_as_a_uri(authority: Authority) -> None:
    files = authority.issue("beta", dns=[], uris=["partisan://be_ta@shop:1"])
    async with opened("alpha", authority.issue("alpha")) as alpha, opened("be_ta@shop:1", files) as beta:
        await join(beta, alpha)


@pytest.mark.parametrize("they_join", [True, False], ids=["they join us", "we join them"])
async def test_a_node_with_the_certificate_of_another_is_refused_by_name_on_both_sides(
    authority: Authority, they_join: bool
) -> None:
    stolen = authority.issue("gamma")
    async with opened("alpha", authority.issue("alpha")) as alpha, opened("beta", stolen) as beta:
        joiner, contact = (beta, alpha) if they_join else (alpha, beta)
        async with contact.open_events() as events:
            with trio.fail_after(PATIENCE), pytest.raises(JoinError) as raised:
                await joiner.join(*contact.addresses)
            refused = await notice_of(PeerRefused, events)
        assert refused.code == "certificate"
        for text in (str(raised.value), refused.error):
            assert "(certificate): node beta shows a certificate for 'gamma'" in text
        assert alpha.neighbours() == beta.neighbours() == ()


@pytest.mark.parametrize("they_join", [True, False], ids=["they join us", "we join them"])
async def test_an_expired_certificate_is_refused_by_name_on_both_sides(authority: Authority, they_join: bool) -> None:
    expired = authority.issue("beta", age=timedelta(days=3))
    async with opened("alpha", authority.issue("alpha")) as alpha, opened("beta", expired) as beta:
        joiner, contact = (beta, alpha) if they_join else (alpha, beta)
        async with contact.open_events() as events:
            with trio.fail_after(PATIENCE), pytest.raises(JoinError, match="expired"):
                await joiner.join(*contact.addresses)
            refused = await notice_of(PeerRefused, events)
        assert refused.code == "certificate"
        assert "expired" in refused.error
        assert contact.counters["refused_certificate"] == 1


async def test_a_member_that_comes_back_with_an_expired_certificate_is_rejected_by_name(authority: Authority) -> None:
    async with opened("alpha", authority.issue("alpha")) as alpha, alpha.open_events() as events:
        async with opened("beta", authority.issue("beta")) as beta:
            await join(beta, alpha)
            where = {"listen": list(map(str, beta.addresses))}
        expired = authority.issue("beta", age=timedelta(days=3))
        async with opened("beta", expired, node=where) as beta, beta.open_events() as theirs:
            with trio.fail_after(PATIENCE):
                while (refused := await notice_of(DialRefused, events)).reason is not Reason.REJECTED:
                    """It was away before."""
            assert [row.error_code for row in alpha.connections() if row.channel == "membership"] == ["certificate"]
            assert "certificate has expired" in refused.error
            assert "certificate expired" in (await notice_of(PeerRefused, theirs)).error


@pytest.mark.parametrize("plain_joins", [True, False])
async def test_a_node_without_tls_and_one_with_it_part_at_once(authority: Authority, plain_joins: bool) -> None:
    """Long before the deadline of handshakes."""
    patient = {"links": {"handshake_timeout": "60s"}}
    async with (
        opened("alpha", authority.issue("alpha"), **patient) as alpha,
        opened_plain("beta", **patient) as beta,
        trio.open_nursery() as nursery,
    ):
        joiner, contact = (beta, alpha) if plain_joins else (alpha, beta)
        async with contact.open_events() as events:
            nursery.start_soon(joiner.join, *contact.addresses)
            refused = await notice_of(PeerRefused, events)
        assert refused.code == "garbage"
        if plain_joins:
            assert "TLS" in refused.error
        assert alpha.neighbours() == beta.neighbours() == ()
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize("said", [b"", b"\x16\x03\x01\x02\x00\x01"], ids=["silent", "half a hello"])
async def test_a_tls_handshake_that_does_not_go_on_ends_at_the_deadline(authority: Authority, said: bytes) -> None:
    alpha_files = authority.issue("alpha")
    async with (
        opened("alpha", alpha_files, links={"handshake_timeout": "200ms"}) as alpha,
        alpha.open_events() as events,
    ):
        where = alpha.addresses[0]
        async with await trio.open_tcp_stream(where.host, where.port) as stream:
            await stream.send_all(said)
            assert (await notice_of(PeerRefused, events)).code == "silent"
            with trio.fail_after(PATIENCE):
                assert await stream.receive_some() == b""


async def test_a_node_that_others_can_reach_needs_no_secret_beside_tls(authority: Authority) -> None:
    where = {"listen": ["0.0.0.0:0"], "advertise": ["127.0.0.1:9"]}
    async with opened("alpha", authority.issue("alpha"), node=where) as alpha:
        assert alpha.addresses


@pytest.mark.parametrize("keyed", ["off_loopback", "always"])
def test_frames_have_no_tags_beside_those_of_tls_unless_they_are_asked_for(keyed: str) -> None:
    config = load_config(None, environ={}, overrides={"security": {"keyed_frames": keyed}})
    security = secure(config, [], partisan_transport())
    assert security.wants_keyed("192.0.2.1:9090") is (keyed == "always")
    assert security.origin("192.0.2.1:9090") == "192.0.2.1", "the door still counts whom it comes from"


# -- files that are replaced --------------------------------------------------------------------------------------


async def test_a_node_shows_its_new_certificate_without_a_restart(authority: Authority) -> None:
    """The first one has expired: nobody new could come in."""
    async with (
        opened("alpha", authority.issue("alpha", age=timedelta(days=3))) as alpha,
        opened("beta", authority.issue("beta")) as beta,
    ):
        with trio.fail_after(PATIENCE), pytest.raises(JoinError, match="expired"):
            await beta.join(*alpha.addresses)
        authority.issue("alpha")
        await join(beta, alpha)


async def test_a_cluster_moves_to_another_authority_while_it_runs(authority: Authority) -> None:
    files = {name: authority.issue(name) for name in ("alpha", "beta", "gamma")}
    async with opened("alpha", files["alpha"]) as alpha, opened("beta", files["beta"]) as beta:
        await join(beta, alpha)
        successor = Authority(authority.folder, "successor")
        authority.ca.write_bytes(authority.ca.read_bytes() + successor.ca.read_bytes())
        successor.issue("gamma")
        async with opened("gamma", files["gamma"]) as gamma:
            await join(gamma, alpha)
            await until(lambda: "beta" in gamma.neighbours())
            successor.issue("alpha")
            successor.issue("beta")
            authority.ca.write_bytes(successor.ca.read_bytes())
            async with opened("delta", successor.issue("delta")) as delta:
                await join(delta, alpha)
                await until(lambda: len(delta.neighbours()) == 3)
