"""What a node remembers of its peers, of its own ping, and of the pings that it sent for others."""

from collections.abc import Collection
from typing import NamedTuple

from partisan_core.identity import NodeSpec
from partisan_detector_swim._suspicion import Doubt


class Member:
    """One peer with this detector."""

    def __init__(self, spec: NodeSpec) -> None:
        self.spec = spec
        self.incarnation = 0
        self.doubt: Doubt | None = None
        self.is_suspected = False


class Probe:
    """The ping of this period."""

    def __init__(self, number: int, target: str) -> None:
        self.number, self.target = number, target
        self.is_answered = False
        self.helpers: Collection[str] = ()
        """The others that were asked to ping the target."""
        self.silent: set[str] = set()
        """Those of them that have said nothing yet."""


class Errand(NamedTuple):
    """A ping for somebody else."""

    asker: NodeSpec
    number: int
    """The asker's."""
    target: str
