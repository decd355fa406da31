"""A working node without the rest: sends to itself, then a second node joins and sends to it."""

import trio

from partisan_core import open_node


async def main() -> None:
    async with open_node(node={"name": "alpha"}) as alpha, open_node(node={"name": "beta"}) as beta:
        inbox = alpha.open_mailbox("inbox")
        await alpha.send("alpha/inbox", {"from": "alpha"})
        print(await inbox.receive())
        await beta.join(str(alpha.addresses[0]))
        await beta.send("alpha/inbox", {"from": "beta"})
        print(await inbox.receive())


async def with_a_deadline() -> None:
    with trio.fail_after(20):
        await main()


trio.run(with_a_deadline)
