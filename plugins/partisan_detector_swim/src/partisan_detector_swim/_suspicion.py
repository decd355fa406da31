"""How long a member is doubted before it is suspected, and how much a node doubts itself: two parts of Lifeguard."""

import math
from dataclasses import dataclass

from partisan_detector_swim.config import SwimConfig


@dataclass(frozen=True, slots=True)
class Patience:
    """The bounds of a doubt among so many members: in seconds, and how many confirmations are worth waiting for."""

    least: float
    most: float
    expected: int

    @classmethod
    def among(cls, members: int, config: SwimConfig) -> "Patience":
        """Source: memberlist, `suspicionTimeout`. Two of the members cannot confirm: the accuser and the accused."""
        least = config.suspicion * max(1.0, math.log10(max(1, members))) * config.interval
        expected = max(0, config.suspicion - 2)
        if not config.lifeguard or members - 2 < expected:
            return cls(least, least, 0)
        return cls(least, config.suspicion_most * least, expected)

    def after(self, confirmations: int) -> float:
        """The whole length of a doubt that others have confirmed so often (Lifeguard's LHA-suspicion)."""
        if not self.expected:
            return self.least
        share = math.log(confirmations + 1) / math.log(self.expected + 1)
        return max(self.least, self.most - (self.most - self.least) * share)


class Doubt:
    """A member that did not answer somebody. `number` is the doubt's own."""

    def __init__(self, incarnation: int, accuser: str, patience: Patience, number: int, now: float) -> None:
        self.incarnation, self.number, self.began = incarnation, number, now
        self.accusers = [accuser]
        self.due = now + patience.after(0)
        self._patience = patience

    def confirm(self, accuser: str) -> bool:
        """Somebody else doubts it as well; false when that is known, or enough do."""
        if accuser in self.accusers or len(self.accusers) > self._patience.expected:
            return False
        self.accusers.append(accuser)
        self.due = self.began + self._patience.after(len(self.accusers) - 1)
        return True


class LocalHealth:
    """How much a node doubts that it runs in time itself: 0 when all is well (Lifeguard's LHA-probe)."""

    def __init__(self, config: SwimConfig) -> None:
        self.score = 0
        self._worst = config.health_limit - 1 if config.lifeguard else 0

    @property
    def multiplier(self) -> int:
        """By which all waiting grows."""
        return self.score + 1

    def note(self, worse: int) -> None:
        """Something went well (-1), or may have gone wrong because of this node."""
        self.score = min(self._worst, max(0, self.score + worse))
