"""What a link to a peer costs. Pure: round trips are measured by the clock of the events.

A cost is any function of a peer: lower is better, None is not known yet. Costs of links that one node compares must
have one scale; nothing is ever compared between nodes.
"""

from collections.abc import Callable
from random import Random

from msgspec import Struct

from partisan_core.identity import NodeSpec
from partisan_hyparview.messages import Echo, Probe

Cost = Callable[[NodeSpec], float | None]

MAX_MEASURED = 256
"""Peers whose round trips are remembered. Chosen: some passive views."""
GAIN = 1 / 8
"""The weight of a new round trip in the smoothed one. RFC 6298, section 2."""


def label_cost(me: NodeSpec, label: str) -> Cost:
    """0 for who has the same value of a label, or lacks it too, else 1."""
    mine = me.labels.get(label)
    return lambda peer: float(peer.labels.get(label) != mine)


class _Measurement(Struct):
    """What is known of one life of a peer, and the probe that is on its way."""

    life: tuple[int, int]
    smoothed: float | None = None
    number: int = 0
    sent: float = 0.0
    is_first: bool = True
    is_awaited: bool = False


class RoundTrips:
    """Smoothed round-trip times in seconds, from echoes of probes.

    Probes come in pairs. The first opens the way, which to a stranger takes a dial; the second is measured.
    """

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self._measured: dict[str, _Measurement] = {}
        """By name, the latest probed last."""

    def __call__(self, peer: NodeSpec) -> float | None:
        """The cost of a link to `peer`."""
        held = self._measured.get(peer.name)
        return held.smoothed if held is not None and held.life == peer.life else None

    def probe(self, peer: NodeSpec, now: float) -> Probe:
        """Begin a pair; a pair that has not ended is given up."""
        held = self._measured.pop(peer.name, None)
        if held is None or held.life != peer.life:
            held = _Measurement(peer.life)
        self._measured[peer.name] = held
        if len(self._measured) > MAX_MEASURED:
            del self._measured[next(iter(self._measured))]
        return self._send(held, now, is_first=True)

    def expects(self, peer: NodeSpec, echo: Echo) -> bool:
        """Say whether it is the echo of a probe that is on its way."""
        held = self._measured.get(peer.name)
        return held is not None and held.life == peer.life and held.is_awaited and held.number == echo.number

    def take(self, peer: NodeSpec, now: float) -> Probe | None:
        """Take an echo that is expected; return the second probe of the pair when it was that of the first."""
        held = self._measured[peer.name]
        if held.is_first:
            return self._send(held, now, is_first=False)
        taken, held.is_awaited = now - held.sent, False
        held.smoothed = taken if held.smoothed is None else held.smoothed + GAIN * (taken - held.smoothed)
        return None

    def _send(self, held: _Measurement, now: float, *, is_first: bool) -> Probe:
        """The number is random, so that nobody can echo what it has not received."""
        held.number, held.sent, held.is_first, held.is_awaited = self._rng.getrandbits(32), now, is_first, True
        return Probe(held.number)
