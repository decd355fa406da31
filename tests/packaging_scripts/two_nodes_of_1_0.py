"""Two nodes that are made of plugins for API 1.0 alone: one joins the other, says something, and is answered."""

import trio

from partisan_core import Node, load_config, open_node

SECTIONS: dict[str, object] = {
    "overlay": {"use": "pairs", "most": 3},
    "serializer": {"use": "lines"},
    "failure_detector": {"use": "trusting"},
    "transport": {"use": "plain_tcp"},
    "channels": {"default": {"policy": "patient"}},
}


async def talk(alpha: Node, beta: Node) -> None:
    asked, answered = alpha.open_mailbox("asked"), beta.open_mailbox("answered")
    await beta.join(str(alpha.addresses[0]))
    await beta.send("alpha/asked", {"from": "beta"})
    print(await asked.receive())
    await alpha.wait_neighbours()
    await alpha.send("beta/answered", {"from": "alpha"})
    print(await answered.receive())


async def main() -> None:
    with trio.fail_after(20):
        async with (
            open_node(load_config(overrides={"node.name": "alpha", **SECTIONS})) as alpha,
            open_node(load_config(overrides={"node.name": "beta", **SECTIONS})) as beta,
        ):
            await talk(alpha, beta)


trio.run(main)
