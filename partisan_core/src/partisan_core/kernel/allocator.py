"""The memory that large messages come and go in: kept by the process, not fetched from the system for each."""

from functools import cache

_FREED = 8 * 1024 * 1024
"""Bytes of the block that is freed. Measured: messages of 512 KiB and 2 MB cost no page faults with it; before, there
were up to 40 and 850 each, in which the receiver of 2 MB spent two thirds of its time. 4 MiB were not enough."""


@cache
def keep_freed_memory() -> None:
    """Let glibc keep up to 16 MiB of freed memory for what is allocated next.

    At first it hands most of that back to the system, and each page of the next large message is a page fault. But it
    adapts: when a block is freed that the system gave, it takes blocks of this size from its own memory from then on,
    and keeps twice as much (mallopt(3), `M_MMAP_THRESHOLD`). So such a block is freed here, never written to, which
    costs nothing. Once for a process: another one would come from the memory that is kept, and would be cleared.

    Other C libraries learn nothing from it, and go on as they did.
    """
    bytes(_FREED)
