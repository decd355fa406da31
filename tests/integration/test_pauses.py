"""A process that stops and goes on, while numbered messages flow between all nodes: what the others see of it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec
import trio

from tests.integration.nodes import opened, until
from tests.integration.processes import Victim, running
from tests.integration.talking import Account, Talker


@asynccontextmanager
async def conversation(padding: int) -> AsyncIterator[tuple[Victim, list[Talker]]]:
    """Alpha and beta, who talk in this process, and gamma in its own; everybody has heard everybody."""
    async with opened("alpha") as alpha, opened("beta") as beta, trio.open_nursery() as nursery:
        talkers = [Talker(alpha, padding), Talker(beta, padding)]
        for talker in talkers:
            await nursery.start(talker.run)
        await beta.join(*alpha.addresses)
        async with running("tests.integration.talking", "gamma", str(alpha.addresses[0])) as gamma:
            await gamma.start()
            await until(lambda: all(len(talker.account.last) == 2 for talker in talkers))
            await until_heard(gamma, {"alpha": 1, "beta": 1})
            yield gamma, talkers
        nursery.cancel_scope.cancel()


async def account_of(gamma: Victim) -> Account:
    await gamma.say("account")
    return msgspec.json.decode(await gamma.hear(), type=Account)


async def until_heard(gamma: Victim, numbers: dict[str, int]) -> Account:
    """Wait until gamma has got messages of these senders with these numbers, or later ones."""
    with trio.fail_after(20):
        while True:
            account = await account_of(gamma)
            if all(account.last.get(name, 0) >= number for name, number in numbers.items()):
                return account


async def pause(gamma: Victim, seconds: float) -> None:
    gamma.pause()
    await trio.sleep(seconds)
    gamma.resume()


async def until_talking_again(gamma: Victim, talkers: list[Talker]) -> Account:
    """Wait until messages sent from now on have arrived at everybody."""
    before = await account_of(gamma)
    heard = [talker.account.last["gamma"] for talker in talkers]
    await until(lambda: all(t.account.last["gamma"] >= last + 20 for t, last in zip(talkers, heard, strict=True)))
    return await until_heard(gamma, {name: number + 20 for name, number in before.last.items()})


async def test_a_process_that_stops_for_two_seconds_is_not_down_and_every_message_arrives() -> None:
    async with conversation(padding=0) as (gamma, talkers):
        known = [len(talker.account.events) for talker in talkers]
        await pause(gamma, 2)
        account = await until_talking_again(gamma, talkers)
        assert [len(talker.account.events) for talker in talkers] == known
        for each in (account, *(talker.account for talker in talkers)):
            assert not each.disordered
            assert not each.missing


async def test_a_process_that_stops_for_ten_seconds_is_down_once_and_up_once_and_order_is_kept() -> None:
    async with conversation(padding=32 * 1024) as (gamma, talkers):  # more than fits into the buffers of the system
        known = [len(talker.account.events) for talker in talkers]
        await pause(gamma, 10)
        await until(lambda: all(t.account.events[-1] == "gamma up" for t in talkers))
        account = await until_talking_again(gamma, talkers)
        for talker, before in zip(talkers, known, strict=True):
            assert talker.account.events[before:] == ["gamma down unreachable", "gamma up"]
        assert set(account.missing) == {"alpha", "beta"}, "they gave up what was queued for it"
        for each in (account, *(talker.account for talker in talkers)):
            assert not each.disordered
            assert not each.unexplained()
