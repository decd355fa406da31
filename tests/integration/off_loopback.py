"""Nodes at an address that is not loopback: run in a network namespace of its own by `test_off_loopback`."""

import json
import secrets
import sys
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import trio

from partisan_core import Node, open_node
from partisan_core.errors import InsecureBindError, JoinError


def write_secret(path: Path) -> str:
    path.touch(0o600)
    path.write_text(secrets.token_hex(32))
    return str(path)


def opened(address: str, name: str, *secret_files: str) -> AbstractAsyncContextManager[Node]:
    return open_node(node={"name": name, "listen": [f"{address}:0"]}, security={"secret_files": secret_files})


async def observe(address: str, folder: Path) -> dict[str, object]:
    """What each of three nodes meets: one without a secret, two with the same, one with another."""
    right, wrong = write_secret(folder / "right.secret"), write_secret(folder / "wrong.secret")
    seen: dict[str, object] = {}
    try:
        async with opened(address, "naked"):
            seen["naked"] = "listens"
    except InsecureBindError as error:
        seen["naked"] = str(error)
    async with (
        opened(address, "alpha", right) as alpha,
        opened(address, "beta", right) as beta,
        opened(address, "stranger", wrong) as stranger,
        alpha.open_mailbox("box") as box,
    ):
        await beta.join(*alpha.addresses, fully=True)
        await beta.send("alpha/box", "hello")
        seen["heard"] = await box.receive()
        try:
            await stranger.join(*alpha.addresses)
        except JoinError as error:
            seen["stranger"] = str(error)
        seen["counted"] = alpha.counters["refused_auth"]
        seen["neighbours"] = alpha.neighbours()
    return seen


async def main() -> None:
    with trio.fail_after(20):
        print(json.dumps(await observe(sys.argv[1], Path(sys.argv[2]))))


if __name__ == "__main__":
    trio.run(main)
