"""Causal order between the nodes of a label: nothing is delivered before what led to it.

After Raynal, Schiper, Toueg (The causal ordering abstraction and a simple way to implement it, 1991), but sparse and
by lives. A message carries what its sender knows to have been sent before, to whomever, and not to be *settled*: a
triple (origin, destination, number) each. The destination delivers it when all that is named to itself is settled.

What is settled has been delivered, or never will be: a message for which nobody waits any more is refused. So the order
holds whatever is lost, and whoever is taken for lost too soon. What is settled remains so, and then its triple can be
forgotten by anybody who knows. He knows

- when the destination confirms one of his own messages which carried the triple;
- when the origin itself, in a later message, does not name it any more;
- when the destination is dead.

Who has a triple, but nothing to send there, sends a *probe*, a message for nobody, and forgets it at the confirmation.
Probes lead to nothing, so they name what is sent to their destination only, and nobody waits for them: without new
messages there is an end to them.
"""

from collections.abc import Collection
from heapq import heappop, heappush
from itertools import count
from typing import Generic, NamedTuple, TypeVar

from partisan_causal.stamps import LAST_NUMBER, MOST_TRIPLES, CausalityError, Life, Stamp, Triple, check_stamp

MOST_UNCONFIRMED = 1000
"""Messages to one destination that nobody has confirmed: then the sender waits (chosen)."""

MOST_HELD = 2 * MOST_UNCONFIRMED
"""Messages of one origin that wait for others (chosen: more than an honest one has there, whose probes wait, too)."""

MOST_KNOWN = 4 * MOST_TRIPLES
"""Triples that we keep of what others tell, and lives for which we stopped waiting (chosen: more than honest members
need whose stamps are full)."""

T = TypeVar("T")


class Overtaken(CausalityError):
    """Nobody waited for it any more when it came; its sender should be told."""


class TooMuch(CausalityError):
    """There is no room for it; its sender should be told, so that nobody waits for it."""


class Delivery(NamedTuple, Generic[T]):
    """A message whose turn it is."""

    origin: Life
    number: int
    """To be confirmed to the origin, also that of a probe."""
    message: T | None
    """None: it was a probe."""


class _Held(NamedTuple, Generic[T]):
    """A message that has arrived and waits."""

    origin: Life
    stamp: Stamp
    message: T | None


class _Unsettled(NamedTuple):
    """A triple that may not be forgotten yet."""

    number: int
    carried: int
    """Our own message that took it to the destination first; 0: none has."""


class CausalOrder(Generic[T]):
    """One node's end of a label. A node that sends to itself needs none."""

    def __init__(self, me: Life) -> None:
        self._me = me
        self._sent = 0
        self._unsettled: dict[Life, dict[Life, _Unsettled]] = {}
        """By destination and origin."""
        self._given_up: dict[Life, int] = {}
        """By destination: up to here, nobody shall wait there for what has not come of us."""
        self._delivered: dict[Life, int] = {}
        """By origin, the last of its messages that was delivered here."""
        self._lost: dict[Life, int] = {}
        """By origin: up to here nothing more is let in."""
        self._dead: dict[str, int] = {}
        """By name, the last life from which nothing more will come."""
        self._held: dict[Life, set[int]] = {}
        """By origin, the messages that wait."""
        self._waiting: dict[Life, list[tuple[int, int, _Held[T]]]] = {}
        """The same by an origin for whose message they wait, that number first."""
        self._arrivals = count()

    # -- sending ------------------------------------------------------------------------------------------------

    def stamp(self, destination: Life) -> Stamp:
        """The stamp of a message that is sent now, to another node."""
        before = self._before(*self._unsettled)
        self._carry(destination)
        self._unsettled.setdefault(destination, {})[self._me] = _Unsettled(self._sent, self._sent)
        return Stamp(self._sent, self._given_up.get(destination, 0), before)

    def probe(self, destination: Life) -> Stamp:
        """The stamp of a probe that is sent now."""
        before = self._before(destination)
        self._carry(destination)
        return Stamp(self._sent, self._given_up.get(destination, 0), before, is_probe=True)

    def withdraw(self, destination: Life, stamp: Stamp) -> None:
        """What was stamped last was not sent."""
        toward = self._unsettled.get(destination, {})
        if self._me not in toward:
            return  # it was forgotten meanwhile
        before = [one.number for one in stamp.before if one[:2] == (self._me, destination)]
        for origin, (number, carried) in list(toward.items()):
            if carried == stamp.number:
                toward[origin] = _Unsettled(number, 0)
        if before:
            toward[self._me] = _Unsettled(before[0], 0)
        else:
            del toward[self._me]
        if not toward:
            del self._unsettled[destination]

    def confirm(self, destination: Life, number: int) -> None:
        """The destination has delivered our message `number`.

        Raises:
            CausalityError: we have sent nothing of that number.
        """
        self._check_sent(destination, number)
        toward = self._unsettled.pop(destination, {})
        kept = {origin: entry for origin, entry in toward.items() if not 1 <= entry.carried <= number}
        if kept:
            self._unsettled[destination] = kept
        if number > self._given_up.get(destination, LAST_NUMBER):
            del self._given_up[destination]

    def ask_again(self, destination: Life) -> None:
        """No answer has come for long: what our messages carried is owed again, for the answer may be lost."""
        self._take_back(destination, self._sent)

    def give_up(self, destination: Life, number: int) -> None:
        """What we have sent there up to that one may be lost, or was refused: nobody there shall wait for it.

        Raises:
            CausalityError: we have sent nothing of that number.
        """
        self._check_sent(destination, number)
        if self._me in self._unsettled.get(destination, {}):
            self._given_up[destination] = max(number, self._given_up.get(destination, 0))
        self.ask_again(destination)

    def drop(self, destination: Life) -> None:
        """Nobody knows it any more: nothing will be sent there that could come too soon."""
        self._unsettled.pop(destination, None)
        self._given_up.pop(destination, None)

    @property
    def destinations(self) -> list[Life]:
        """Of all triples."""
        return list(self._unsettled)

    @property
    def owed(self) -> list[Life]:
        """Where to send probes: destinations of triples that no message of ours has carried there."""
        unsettled = self._unsettled.items()
        return [life for life, toward in unsettled if not all(entry.carried for entry in toward.values())]

    @property
    def unsettled(self) -> int:
        """How many triples the next stamp carries."""
        return sum(map(len, self._unsettled.values()))

    # -- receiving ----------------------------------------------------------------------------------------------

    def arrive(self, origin: Life, stamp: Stamp, message: T | None) -> list[Delivery[T]]:
        """A message has come: returns what is to be delivered now, in this order. One that was here before is ignored.

        Raises:
            CausalityError: the stamp cannot be; the message was discarded.
            TooMuch: of that origin, or of all, too much waits already; the message was discarded.
            Overtaken: nobody waits for it any more; the message was discarded.
        """
        check_stamp(stamp, origin, self._me, self._sent)
        held = self._held.get(origin, set())
        if stamp.number <= self._end(origin):
            raise Overtaken(f"message {stamp.number} of {origin} came when nobody waited for it any more")
        if stamp.number <= self._delivered.get(origin, 0) or stamp.number in held:
            return []
        if self._is_too_much(stamp, held):
            raise TooMuch(f"message {stamp.number} of {origin} is too much to be kept; it was discarded")
        self._held.setdefault(origin, held).add(stamp.number)
        return self._close(origin, stamp.given_up) + self._advance([_Held(origin, stamp, message)])

    def abandon(self, origin: Life) -> list[Delivery[T]]:
        """Wait no longer for what it has sent; it may live on, and send more. Returns what is to be delivered now."""
        return self._close(origin, max([0, *(number for number, _, _ in self._waiting.get(origin, []))]))

    def forget(self, life: Life) -> list[Delivery[T]]:
        """It is dead, as are those before it: nothing more of them comes. Returns what is to be delivered now."""
        self._dead[life.name] = max(life.incarnation, self._dead.get(life.name, 0))
        for table in (self._unsettled, self._given_up, self._lost):
            for dead in filter(self._is_dead, list(table)):
                del table[dead]
        for dead in [one for one in self._delivered if self._is_dead(one) and one not in self._held]:
            del self._delivered[dead]
        woken = [self._woken(origin) for origin in list(self._waiting) if self._is_dead(origin)]
        return self._advance([held for some in woken for held in some])

    @property
    def awaited(self) -> list[Life]:
        """Origins for whose messages others wait here."""
        return list(self._waiting)

    @property
    def held(self) -> int:
        """How many messages wait here."""
        return sum(map(len, self._held.values()))

    # -- inside -------------------------------------------------------------------------------------------------

    def _before(self, *destinations: Life) -> tuple[Triple, ...]:
        return tuple(
            Triple(origin, destination, entry.number)
            for destination in destinations
            for origin, entry in self._unsettled.get(destination, {}).items()
        )

    def _carry(self, destination: Life) -> None:
        """Our next message takes all triples of its destination there."""
        self._sent += 1
        toward = self._unsettled.get(destination, {})
        for origin, (number, carried) in toward.items():
            toward[origin] = _Unsettled(number, carried or self._sent)

    def _take_back(self, destination: Life, number: int) -> None:
        """What our messages up to that one carried has to be carried again."""
        toward = self._unsettled.get(destination, {})
        for origin, entry in toward.items():
            if entry.carried <= number:
                toward[origin] = _Unsettled(entry.number, 0)

    def _check_sent(self, destination: Life, number: int) -> None:
        if not 1 <= number <= self._sent:
            raise CausalityError(f"{destination} answers to message {number} of {self._sent} that were sent")

    def _is_dead(self, life: Life) -> bool:
        return life.incarnation <= self._dead.get(life.name, -1)

    def _end(self, origin: Life) -> int:
        """The last message of it for which nobody waits unless it is here."""
        return LAST_NUMBER if self._is_dead(origin) else self._lost.get(origin, 0)

    def _is_settled(self, origin: Life, number: int) -> bool:
        if number <= self._delivered.get(origin, 0):
            return True
        return number <= self._end(origin) and not any(held <= number for held in self._held.get(origin, ()))

    def _close(self, origin: Life, number: int) -> list[Delivery[T]]:
        """Up to that one, let nothing more of the origin in, and wait only for what is here."""
        if number <= self._lost.get(origin, 0):
            return []
        self._lost[origin] = number
        if len(self._lost) > MOST_KNOWN:  # invented, most of them
            del self._lost[next((life for life in self._lost if life not in self._delivered), origin)]
        return self._advance(self._woken(origin))

    def _advance(self, ready: list[_Held[T]]) -> list[Delivery[T]]:
        """Deliver what can be, of `ready` from its end and of what waits for that."""
        deliveries: list[Delivery[T]] = []
        while ready:
            held = ready.pop()
            origin, (number, _, before, is_probe), message = held
            missing = self._missing(before)
            if missing is not None:
                entry = missing.number, next(self._arrivals), held
                heappush(self._waiting.setdefault(missing.origin, []), entry)
                continue
            if number > self._delivered.get(origin, 0):
                deliveries.append(Delivery(origin, number, message))
                self._delivered[origin] = number
                if not is_probe:
                    self._learn(origin, number, before)
            self._let_go(origin, number)
            ready += self._woken(origin)
        return deliveries

    def _is_too_much(self, stamp: Stamp, held: Collection[int]) -> bool:
        """What need not wait itself may be what others wait for, and of a probe nothing is learnt."""
        if len(held) >= MOST_HELD and self._missing(stamp.before) is not None:
            return True
        return not stamp.is_probe and self.unsettled + len(stamp.before) > MOST_KNOWN

    def _missing(self, before: tuple[Triple, ...]) -> Triple | None:
        for triple in before:
            if triple.destination == self._me and not self._is_settled(triple.origin, triple.number):
                return triple
        return None

    def _learn(self, origin: Life, number: int, before: tuple[Triple, ...]) -> None:
        """What happened before a message has happened before all that we send from now on."""
        named = {triple.destination for triple in before if triple.origin == origin}
        for destination in [life for life in self._unsettled if life not in named]:
            self._drop_settled(destination, origin, number)
        for known, destination, last in before:
            if self._me not in (known, destination) and not self._is_dead(destination):
                toward = self._unsettled.setdefault(destination, {})
                if known not in toward or toward[known].number < last:
                    toward[known] = _Unsettled(last, 0)

    def _drop_settled(self, destination: Life, origin: Life, number: int) -> None:
        """Message `number` of the origin names nothing that it has sent there."""
        toward = self._unsettled[destination]
        if origin in toward and toward[origin].number < number:
            del toward[origin]
        if not toward:
            del self._unsettled[destination]

    def _let_go(self, origin: Life, number: int) -> None:
        held = self._held[origin]
        held.remove(number)
        if not held:
            del self._held[origin]
            if self._is_dead(origin):
                self._delivered.pop(origin, None)

    def _woken(self, origin: Life) -> list[_Held[T]]:
        """Take out those that wait for a message of the origin which may be settled now; the first is the last."""
        waiting, woken = self._waiting.get(origin, []), []
        last = max(self._delivered.get(origin, 0), self._end(origin))
        while waiting and waiting[0][0] <= last:
            woken.append(heappop(waiting)[2])
        if not waiting:
            self._waiting.pop(origin, None)
        return woken[::-1]
