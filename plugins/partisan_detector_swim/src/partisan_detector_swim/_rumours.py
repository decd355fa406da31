"""What is passed on with every message: each rumour a few times, those first that were passed on least often."""

import math
from heapq import nsmallest

from partisan_detector_swim.messages import ROOM, Rumour


class Gossip:
    """The rumours that are still news."""

    def __init__(self, retransmissions: int) -> None:
        self._retransmissions = retransmissions
        self._told: dict[tuple[str, str], tuple[int, Rumour]] = {}
        """How often each was told, by whom it is about and who accuses."""

    def add(self, rumour: Rumour) -> None:
        """There is news; word that a member is alive makes an end of what was said against it."""
        if not rumour.accuser:
            self.forget(rumour.name)
        self._told[rumour.name, rumour.accuser] = 0, rumour

    def forget(self, name: str) -> None:
        """Nothing more is said about that member."""
        for key in [key for key in self._told if key[0] == name]:
            del self._told[key]

    def pick(self, members: int, room: int = ROOM) -> tuple[Rumour, ...]:
        """What goes with the next message, when there are so many members."""
        limit = self._retransmissions * math.ceil(math.log10(members + 1))
        keys = nsmallest(room, self._told, key=lambda key: self._told[key][0])
        picked = [self._told[key][1] for key in keys]
        for key in keys:
            times, rumour = self._told.pop(key)
            if times + 1 < limit:
                self._told[key] = times + 1, rumour
        return tuple(picked)
