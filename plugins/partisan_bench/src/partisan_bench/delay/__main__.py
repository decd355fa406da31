"""`python -m partisan_bench.delay DELAY WINDOW`: prints its address, reads that of its target, and forwards.

It ends when its standard input is closed, so it outlives nobody.
"""

import sys
from selectors import EVENT_READ

from partisan_bench.delay.proxy import Proxy


def main(delay: str, window: str) -> None:
    """Delay by so many seconds each way; hold at most so many bytes of each connection and direction."""
    proxy = Proxy(float(delay), int(window))
    print(*proxy.address, sep=":", flush=True)
    host, _, port = sys.stdin.readline().strip().rpartition(":")
    if port:
        proxy.target = (host, int(port))
        proxy.selector.register(sys.stdin, EVENT_READ, lambda events: sys.exit())
        proxy.run()


main(*sys.argv[1:])
