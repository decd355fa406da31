"""Acknowledged messages where frames are lost and doubled, connections break, and the network doubles packets, too.

    python -m tests.lab.lossy [--messages 100000] [--drop 0.3] [--double 0.05] [--reset-every 1] [--seed 1] [--json]

Two nodes in namespaces of their own. Both drop and double frames by rule, the wire doubles as many packets and loses
1 % of them, and one node breaks all connections again and again. Every message must arrive once, and in order. Exits
with 1 when a limit is not met.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from typing import Any

from tests.lab.packets import Weather
from tests.lab.site import opened_lab
from tests.verdicts import Figures, at_least, at_most, conclude

_SIZE = 64
"""Bytes of a message."""
_LOSS = 0.01
"""Of the packets (chosen: TCP with its back-off would be all that is measured with many more)."""
_PATIENCE = 1800.0
"""Seconds for all of it."""
_MANY_FRAMES = {"batch": "2KiB"}
"""Few messages in each, so that there are many to lose."""
_KINDS = ["data", "ack", "again"]

LIMITS = (
    at_most("messages lost", 0),
    at_most("twice or out of order", 0),
    at_most("damaged messages delivered", 0),
    at_most("peers down", 0),
    at_least("frames dropped or doubled", 1),
    at_least("connections lost", 1),
)


def measure(messages: int, drop: float, double: float, reset_every: float, *, seed: int) -> Figures:
    """Build the lab, and let messages flow until so many have arrived."""
    out = {"direction": "out", "channels": ["default"], "kinds": _KINDS}
    rules = {
        "lossy": {"action": "drop", "probability": drop, **out},
        "twice": {"action": "duplicate", "probability": double, **out},
    }
    sections: dict[str, Any] = {
        "channels": {"default": {"ack": True}},
        "faults": {"enabled": True, "seed": seed, "rules": rules},
        "limits": _MANY_FRAMES,
    }
    with opened_lab(2, seed) as lab:
        alpha, beta = (lab.settle(site, name, **sections) for site, name in enumerate(("alpha", "beta")))
        addresses = alpha.started().addresses
        beta.started()
        beta.do("join", contacts=addresses)
        lab.weather(Weather(loss=_LOSS, duplicate=double))
        begun = time.monotonic()
        alpha.flow("beta", _SIZE)
        while beta.account().received.get("alpha", 0) < messages and time.monotonic() < begun + _PATIENCE:
            time.sleep(reset_every)
            alpha.do("break_off", peer="beta")
        sent, _ = alpha.stem("beta")
        while beta.account().last.get("alpha", 0) < sent and time.monotonic() < begun + _PATIENCE:
            time.sleep(reset_every)
        account, sights = beta.account(), [*alpha.sights(), *beta.sights()]
        return {
            "messages": sent,
            "seconds": time.monotonic() - begun,
            "messages lost": sent - account.received.get("alpha", 0),
            "twice or out of order": account.disordered,
            "damaged messages delivered": account.damaged,
            "frames dropped or doubled": alpha.firings() + beta.firings(),
            "connections lost": sum(sight.kind == "ChannelDown" for sight in sights),
            "peers down": sum(sight.kind == "NeighbourDown" for sight in sights),
        }


def main(words: Sequence[str] | None = None) -> int:
    """Measure, print, return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.lab.lossy", description=__doc__)
    parser.add_argument("--messages", type=int, default=100_000)
    parser.add_argument("--drop", type=float, default=0.3, help="of the frames with messages or acknowledgements")
    parser.add_argument("--double", type=float, default=0.05, help="of them, and of the packets")
    parser.add_argument("--reset-every", type=float, default=1.0, help="seconds")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="the figures in a line, and no words")
    given = parser.parse_args(words)
    figures = measure(given.messages, given.drop, given.double, given.reset_every, seed=given.seed)
    return int(not conclude(f"lossy lab, seed {given.seed}", figures, LIMITS, as_json=given.json))


if __name__ == "__main__":
    sys.exit(main())
