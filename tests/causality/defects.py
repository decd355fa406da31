"""Causal orders with a mistake each, Partisan's own among them. The histories must find every one."""

from typing import Any

from partisan_causal import CausalOrder, Delivery, Life, Overtaken, Stamp, Triple
from partisan_causal.order import _Unsettled


class MergeDropped(CausalOrder[int]):
    """Partisan 5.0.3: what came with a message is merged, and the result thrown away."""

    def _learn(self, origin: Life, number: int, before: tuple[Triple, ...]) -> None:
        pass


class OnlyTheDestination(CausalOrder[int]):
    """Partisan 5.0.3: a message carries only what was sent to its own destination."""

    def stamp(self, destination: Life) -> Stamp:
        stamp = super().stamp(destination)
        return stamp._replace(before=tuple(one for one in stamp.before if one.destination == destination))


class NoDuplicateFilter(CausalOrder[int]):
    """Partisan 5.0.3: what comes twice is delivered twice."""

    def arrive(self, origin: Life, stamp: Stamp, message: int | None) -> list[Delivery[int]]:
        if stamp.number <= self._delivered.get(origin, 0):
            return [Delivery(origin, stamp.number, message)]
        return super().arrive(origin, stamp, message)


class NeverWaits(CausalOrder[int]):
    """Everything is delivered when it comes."""

    def _missing(self, before: tuple[Triple, ...]) -> Triple | None:
        return None


class ConfirmedOnArrival(CausalOrder[int]):
    """A message that waits is confirmed already, so that its triple is forgotten too soon."""

    def arrive(self, origin: Life, stamp: Stamp, message: int | None) -> list[Delivery[int]]:
        deliveries = super().arrive(origin, stamp, message)
        waits = stamp.number in self._held.get(origin, ())
        return [*deliveries, Delivery(origin, stamp.number, None)] if waits else deliveries


class OwnTripleReplacesAll(CausalOrder[int]):
    """After a message to a destination only that one is named: what it waited for is lost with it."""

    def stamp(self, destination: Life) -> Stamp:
        stamp = super().stamp(destination)
        toward = self._unsettled[destination]
        self._unsettled[destination] = {self._me: toward[self._me]}
        return stamp


class LateIsLetIn(CausalOrder[int]):
    """What was abandoned is delivered all the same when it comes."""

    def arrive(self, origin: Life, stamp: Stamp, message: int | None) -> list[Delivery[int]]:
        try:
            return super().arrive(origin, stamp, message)
        except Overtaken:
            self._lost.pop(origin, None)
            return super().arrive(origin, stamp, message)


class HeldIsLost(CausalOrder[int]):
    """What the dead and the abandoned sent counts as settled, also while it waits here."""

    def _is_settled(self, origin: Life, number: int) -> bool:
        return number <= max(self._delivered.get(origin, 0), self._end(origin))


class TheDeadAreForgotten(CausalOrder[int]):
    """With a dead node go the triples of what it has sent, also those which are still on their way."""

    def forget(self, life: Life) -> list[Delivery[int]]:
        for toward in self._unsettled.values():
            toward.pop(life, None)
        return super().forget(life)


class GivenUpIsForgotten(CausalOrder[int]):
    """Who gives a message up no longer names it, though it may still come."""

    def give_up(self, destination: Life, number: int) -> None:
        super().give_up(destination, number)
        self._unsettled.pop(destination, None)


class GivenUpIsNotTold(CausalOrder[int]):
    """The destination is not told what was given up, and waits for it."""

    def give_up(self, destination: Life, number: int) -> None:
        super().give_up(destination, number)
        self._given_up.pop(destination, None)


class NotCarriedAgain(CausalOrder[int]):
    """What a lost message carried counts as carried."""

    def _take_back(self, destination: Life, number: int) -> None:
        pass


class AnyConfirmationSettles(CausalOrder[int]):
    """A confirmation takes with it what was learnt since."""

    def confirm(self, destination: Life, number: int) -> None:
        super().confirm(destination, number)
        self._unsettled.pop(destination, None)


class NoProbes(CausalOrder[int]):
    """Who has nothing to send keeps its triples for ever."""

    @property
    def owed(self) -> list[Life]:
        return []


class OlderReplacesNewer(CausalOrder[int]):
    """The last triple heard is kept, not the highest."""

    def _learn(self, origin: Life, number: int, before: tuple[Triple, ...]) -> None:
        for known, destination, last in before:
            if self._me not in (known, destination):
                self._unsettled.setdefault(destination, {})[known] = _Unsettled(last, 0)


class LostWakeUp(CausalOrder[int]):
    """Only one of those who wait for a message is looked at again."""

    def _woken(self, origin: Life) -> list[Any]:
        return super()._woken(origin)[:1]


DEFECTS = [
    MergeDropped,
    OnlyTheDestination,
    NoDuplicateFilter,
    NeverWaits,
    ConfirmedOnArrival,
    OwnTripleReplacesAll,
    LateIsLetIn,
    HeldIsLost,
    TheDeadAreForgotten,
    GivenUpIsForgotten,
    GivenUpIsNotTold,
    NotCarriedAgain,
    AnyConfirmationSettles,
    NoProbes,
    OlderReplacesNewer,
    LostWakeUp,
]
