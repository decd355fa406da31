"""Bits that flip below TCP, with its checksum made to fit: nothing damaged may ever be delivered.

    python -m tests.lab.flips [--megabytes 100] [--percent 0.1] [--acked] [--keyed] [--seed 1] [--json]

Two nodes in namespaces of their own. Messages flow from one to the other, and a bit flips in so many of the packets in
both directions, until so much has arrived. Every connection that ends has to have a named reason at one end at least,
and when the sky is clear again messages have to arrive as before. With acknowledged delivery none may be lost. 2 MB at
5 % is the other run worth its time: there hardly a frame of the usual size goes through. Exits with 1 when a limit is
not met.
"""

import argparse
import sys
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any

from tests.integration.agents import eventually
from tests.lab.inhabitant import Sight
from tests.lab.packets import Weather
from tests.lab.site import Resident, opened_lab
from tests.verdicts import Figures, at_least, at_most, conclude

_MB = 10**6
_MESSAGE = 1000
"""Bytes."""
_PATIENCE = 1200.0
"""Seconds for all of it."""
_NAMED = ("CorruptFrame", "FrameError", "HandshakeError", "checksum of a frame", "header check", "refused by")
"""What says by itself that somebody has found something wrong with what arrived."""
_ECHOES = ("the peer closed", "Broken pipe", "Connection reset", "replaced by")
"""What the other end sees of it."""
_HARMLESS = "(simultaneous)"
"""Both ends dialled at once, and one of the two gave way."""
_ENDINGS = {"ChannelDown", "DialRefused", "PeerRefused"}

LIMITS = (
    at_least("of those wanted", 1),
    at_most("damaged messages delivered", 0),
    at_most("messages out of order", 0),
    at_least("packets with a flipped bit", 1),
    at_least("endings with a name", 1),
    at_most("endings of unknown reason", 0),
    at_most("echoes without a name", 0),
    at_most("peers down", 0),
    at_most("seconds to recover", 5),
)
LIMITS_ACKED = (*LIMITS, at_most("messages lost", 0))


class Endings:
    """Why connections ended, at both ends."""

    def __init__(self) -> None:
        self.named, self.echoes, self.downs = 0, 0, 0
        self.unknown: Counter[str] = Counter()

    def take(self, sights: Sequence[Sight]) -> None:
        """Sort what a node has noticed."""
        for sight in sights:
            self.downs += sight.kind == "NeighbourDown"
            if sight.kind not in _ENDINGS or _HARMLESS in sight.why:
                continue
            if any(word in sight.why for word in _NAMED):
                self.named += 1
            elif any(word in sight.why for word in _ECHOES):
                self.echoes += 1
            else:
                self.unknown[f"{sight.kind}: {sight.why}"] += 1


def measure(megabytes: float, percent: float, *, seed: int, keyed: bool = False, **sections: Any) -> Figures:
    """Build the lab, with nodes that are configured so, and let it rain."""
    with opened_lab(2, seed) as lab:
        alpha, beta = (lab.settle(site, name, keyed=keyed, **sections) for site, name in enumerate(("alpha", "beta")))
        addresses = alpha.started().addresses
        beta.started()
        beta.do("join", contacts=addresses)
        begun = time.monotonic()
        alpha.flow("beta", _MESSAGE)
        lab.weather(Weather(corrupt=percent / 100, repair=True))
        endings = Endings()
        wanted = megabytes * _MB / _MESSAGE
        while (arrived := beta.account().received.get("alpha", 0)) < wanted and time.monotonic() < begun + _PATIENCE:
            for one in (alpha, beta):
                endings.take(one.sights())
            time.sleep(0.1)
        took = time.monotonic() - begun
        tally = lab.weather(Weather())
        recovered = _recover(alpha, beta)
        for one in (alpha, beta):
            endings.take(one.sights())
        print("".join(f"not understood, {count} times: {text}\n" for text, count in endings.unknown.items()), end="")
        account = beta.account()
        return {
            "MB that arrived": arrived * _MESSAGE / _MB,
            "of those wanted": arrived / wanted,
            "seconds": took,
            "packets with a flipped bit": tally.corrupted,
            "damaged messages delivered": account.damaged,
            "messages out of order": account.disordered,
            "messages lost": alpha.stem("beta")[0] - account.received["alpha"],
            "endings with a name": endings.named,
            "endings of unknown reason": endings.unknown.total(),
            "echoes without a name": max(0, endings.echoes - endings.named),
            "peers down": endings.downs,
            "seconds to recover": recovered,
        }


def _recover(alpha: Resident, beta: Resident) -> float:
    """Seconds until a message arrives that is sent under a clear sky."""
    begun = time.monotonic()
    sent = alpha.stem("beta")[0]
    alpha.flow("beta", _MESSAGE)
    eventually(lambda: beta.account().last["alpha"] > sent, "a message under a clear sky")
    recovered = time.monotonic() - begun
    sent = alpha.stem("beta")[0]
    eventually(lambda: beta.account().last["alpha"] >= sent, "the last message")
    return recovered


def main(words: Sequence[str] | None = None) -> int:
    """Measure, print, return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.lab.flips", description=__doc__)
    parser.add_argument("--megabytes", type=float, default=100)
    parser.add_argument("--percent", type=float, default=0.1, help="of the packets in which a bit flips")
    parser.add_argument("--acked", action="store_true", help="acknowledged delivery")
    parser.add_argument("--keyed", action="store_true", help="frames that end with a keyed tag instead of a checksum")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="the figures in a line, and no words")
    options = parser.parse_args(words)
    sections = {"channels": {"default": {"ack": True}}} if options.acked else {}
    figures = measure(options.megabytes, options.percent, seed=options.seed, keyed=options.keyed, **sections)
    limits = LIMITS_ACKED if options.acked else LIMITS
    return int(not conclude(f"flipped bits, seed {options.seed}", figures, limits, as_json=options.json))


if __name__ == "__main__":
    sys.exit(main())
