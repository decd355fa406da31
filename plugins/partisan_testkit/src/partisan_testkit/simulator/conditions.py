"""What the simulated network is like: its faults, and the times of its connections."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """What happens to messages. TCP loses none, but a session may when it resumes: overlays must bear it.

    One language for strategies, which are given messages, and for whole nodes, which are given streams of bytes.
    """

    loss: float = 0.0
    """The share of messages that never arrive."""
    duplication: float = 0.0
    """The share of messages that arrive twice."""
    reordering: float = 0.0
    """The share of messages that are held back, and overtaken by later ones."""
    holding: int = 300
    """For up to how many milliseconds they are held back."""
    dial_failures: float = 0.0
    """The share of dials that nobody answers: each fails after `dial_timeout`."""
    resets: float = 0.0
    """Of whole nodes: the share of segments at which the connection breaks, for both ends."""
    flips: float = 0.0
    """Of whole nodes: the share of segments that arrive with one bit changed, and no checksum of TCP's that tells."""
    latency: tuple[int, int] = (1, 20)
    """The range of one-way latencies in milliseconds. Chosen: from a local network to a continent."""


CALM = Faults()
"""Every message arrives once, in order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkTimes:
    """The connection layer's times in milliseconds: the defaults of the configuration's `[links]`."""

    dial_timeout: int = 1000
    reconnect_grace: int = 3000
    redial_first: int = 50
    redial_limit: int = 10_000
    linger: int = 1000
    silent_crashes: bool = False
    """A crash is noticed only by a neighbour that sends something over the link, when the reset comes back. Without
    it the end of the process closes its connections, and every neighbour knows after one latency."""
