"""The memory of large messages is fetched from the system once."""

import platform
import subprocess
import sys

import pytest

PROGRAM = """
from resource import RUSAGE_SELF, getrusage

import trio

from partisan_core import open_node


def use_memory():
    [b"x" * 2_000_000 for _ in range(3)]


async def main():
    async with open_node(None, node={"name": "alpha", "listen": []}, overlay={"use": "fullmesh"}):
        use_memory()
        before = getrusage(RUSAGE_SELF).ru_minflt
        for _ in range(20):
            use_memory()
        print(getrusage(RUSAGE_SELF).ru_minflt - before)


trio.run(main)
"""
PAGES_OF_ONE_USE = 3 * 2_000_000 // 4096


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries do not adapt what they keep")
def test_a_process_with_a_node_uses_the_memory_of_large_messages_again_without_page_faults() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=60, check=True)
    assert int(done.stdout) < PAGES_OF_ONE_USE / 2
