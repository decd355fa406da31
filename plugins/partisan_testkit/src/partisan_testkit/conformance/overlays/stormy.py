"""What one machine does, whatever happens to it: see `storm`."""

import math
from random import Random

from msgspec.msgpack import encode

from partisan_core.effects import Decline, Effect, Note, Retire, Send, StartTimer
from partisan_core.events import DialFailed, LinkDown, Reason, Started, Suspected, TimerFired, Trusted
from partisan_core.identity import NodeSpec
from partisan_testkit.conformance.rules import Broken, Catalogue
from partisan_testkit.conformance.storm import STEPS, Machine, Shown, Step, Storm
from partisan_testkit.conformance.subjects import OverlaySubject, name_of
from partisan_testkit.simulator import seeded

RULES: Catalogue[OverlaySubject] = Catalogue("overlay")

MOST_EFFECTS, MOST_PER_PEER = 256, 8
"""So many effects may follow from one event, and so many more for each peer that it knows. Chosen: none comes near."""
MOST_TIMERS = 64
"""So many timers may be pending. Chosen: a timer for each request that waits for an answer, and some."""
CALM_SECONDS, MOST_FIRED = 60.0, 6000
"""In a calm of so many seconds no more timers than this fire: a hundred per second. Chosen: none comes near."""


@RULES.rule()
def never_raises(overlay: OverlaySubject, seed: int) -> None:
    """No event makes `handle` raise: forged, repeated, late messages, and failures of strangers, are ignored."""
    for step in Storm(overlay, seed):
        if step.error is not None:
            error = step.error
            raise Broken(f"{_short(step.event)} made it raise {type(error).__name__}: {error}") from error


@RULES.rule()
def stale_timers(overlay: OverlaySubject, seed: int) -> None:
    """A timer whose token means nothing any more, or never did, is ignored."""
    strategy = overlay.make(overlay.spec(0), seeded(seed, "machine"))
    started = strategy.handle(Started(), 0.0)
    tokens = [effect.token for effect in started if isinstance(effect, StartTimer)]
    for token in [*tokens, *tokens, "", "no such timer", "999"]:
        strategy.handle(TimerFired(token), 1.0)


@RULES.rule()
def pure(overlay: OverlaySubject, seed: int) -> None:
    """The same events and the same random numbers lead to the same effects, members and links."""
    for one, other in zip(Storm(overlay, seed), Storm(overlay, seed), strict=False):
        if one.event != other.event:
            raise Broken(f"two equal machines went different ways before {_short(one.event)}")
        for what, mine, theirs in (
            ("effects", one.effects, other.effects),
            ("members()", list(one.after.members_copy.items()), list(other.after.members_copy.items())),
            ("links()", list(one.after.links_copy.items()), list(other.after.links_copy.items())),
        ):
            if mine != theirs:
                raise Broken(f"after {_short(one.event)} the {what} of two equal machines differ")


@RULES.rule()
def same_object(overlay: OverlaySubject, seed: int) -> None:
    """`members()` and `links()` are the same object while nothing changed, and a new one when something did."""
    for step in Storm(overlay, seed):
        before, after = step.before, step.after
        if after.members is before.members and after.members_copy != before.members_copy:
            raise Broken(f"members() was changed in place by {_short(step.event)}")
        if after.links is before.links and after.links_copy != before.links_copy:
            raise Broken(f"links() was changed in place by {_short(step.event)}")
        if not after.still_holds(step.machine.strategy):
            raise Broken("two calls without an event in between return two objects")
        if step.is_member and step.error is None:
            _look_at_nothing(step)


def _look_at_nothing(step: Step) -> None:
    """An opinion about somebody nobody has heard of changes nothing."""
    stranger, machine = NodeSpec("nobody-knows-me", 1, 1), step.machine
    for event in (Suspected(stranger), Trusted(stranger)):
        machine.strategy.handle(event, machine.now)
    if not step.after.still_holds(machine.strategy):
        raise Broken("the suspicion of a stranger changed nothing, and yet made a new object")


@RULES.rule()
def contains_itself(overlay: OverlaySubject, seed: int) -> None:
    """`members()` contains the node itself from the start until it leaves or retires."""
    for step in Storm(overlay, seed):
        if step.is_member and step.after.members_copy.get(step.machine.me.name) != step.machine.me:
            raise Broken(f"after {_short(step.event)} members() has no {step.machine.me}")


@RULES.rule()
def never_itself(overlay: OverlaySubject, seed: int) -> None:
    """`links()` never contains the node itself, and nothing is sent to it, whoever names it in a message."""
    for step in Storm(overlay, seed):
        if step.machine.me.name in step.after.links_copy:
            raise Broken(f"after {_short(step.event)} it wants a link to itself")
        if any(isinstance(one, Send) and one.peer == step.machine.me for one in step.effects):
            raise Broken(f"{_short(step.event)} made it send something to itself")


@RULES.rule()
def keyed_by_name(overlay: OverlaySubject, seed: int) -> None:
    """`members()` and `links()` are keyed by the names of the nodes in them."""
    for step in Storm(overlay, seed):
        for name, peer in [*step.after.members_copy.items(), *step.after.links_copy.items()]:
            if name != peer.name:
                raise Broken(f"{peer.name} stands under the name {name!r} after {_short(step.event)}")


@RULES.rule()
def effects(overlay: OverlaySubject, seed: int) -> None:
    """What comes out are effects of the seam; what is sent is one of `messages`, and can be encoded."""
    for step in Storm(overlay, seed):
        for effect in step.effects:
            _check_effect(effect, step)


def _check_effect(effect: Effect, step: Step) -> None:
    match effect:
        case Send(_, message):
            if type(message) not in step.machine.strategy.messages:
                raise Broken(f"it sends a {type(message).__name__}, which is not in its messages")
            encode(message)
        case StartTimer(after, token):
            if not (isinstance(token, str) and 0 <= after < math.inf):
                raise Broken(f"{_short(step.event)} made it start a timer of {after} seconds with the token {token!r}")
        case Note() | Retire() | Decline():
            pass
        case _:
            raise Broken(f"{_short(step.event)} led to {effect!r}, which is no effect")


@RULES.rule()
def bounded_effects(overlay: OverlaySubject, seed: int) -> None:
    """The number of effects of one event is bounded by the number of those it knows."""
    for step in Storm(overlay, seed):
        known = len(step.before.members_copy) + len(step.after.members_copy)
        most = MOST_EFFECTS + MOST_PER_PEER * known
        if len(step.effects) > most:
            raise Broken(f"{_short(step.event)} led to {len(step.effects)} effects; {most} would be many")


@RULES.rule()
def bounded_timers(overlay: OverlaySubject, seed: int) -> None:
    """Timers do not pile up: in a storm few are pending, and in the calm after it few fire."""
    for step in Storm(overlay, seed, steps=2 * STEPS, leaving=False):
        if len(step.machine.timers) > MOST_TIMERS:
            raise Broken(
                f"{len(step.machine.timers)} timers are pending after {_short(step.event)}; {MOST_TIMERS} would be many"
            )
        machine = step.machine
    _stay_calm(machine)


def _stay_calm(machine: Machine) -> None:
    end = machine.now + CALM_SECONDS
    for _ in range(MOST_FIRED):
        due = machine.due
        if due is None or due > end or machine.failed:
            return
        machine.fire()
    raise Broken(f"more than {MOST_FIRED} timers fire in {CALM_SECONDS:.0f} seconds in which nothing happens")


@RULES.rule()
def next_hop(overlay: OverlaySubject, seed: int) -> None:
    """`next_hop` of a member answers None or the name of a link, whatever the name."""
    for step in Storm(overlay, seed):
        for name in () if not step.is_member else (*map(name_of, range(4)), "", "nobody-knows-me"):
            hop = step.machine.strategy.next_hop(name)
            if hop is not None and hop not in step.after.links_copy:
                raise Broken(f"after {_short(step.event)} the way to {name!r} leads through {hop!r}, who is no link")


@RULES.rule()
def strangers_fail(overlay: OverlaySubject, seed: int) -> None:
    """That a link to a stranger is down, or a dial of one failed, changes no membership."""
    strategy = overlay.make(overlay.spec(0), seeded(seed, "machine"))
    strategy.handle(Started(), 0.0)
    before = Shown(strategy.members(), strategy.links())
    stranger = NodeSpec("nobody-knows-me", 1, 1, overlay.spec(1).addresses)
    for event in (LinkDown(stranger, Reason.GONE), DialFailed(stranger, Reason.UNREACHABLE)):
        strategy.handle(event, 1.0)
        if dict(strategy.members()) != before.members_copy or dict(strategy.links()) != before.links_copy:
            raise Broken(f"{_short(event)} changed whom it knows or wants")


@RULES.rule()
def snapshot(overlay: OverlaySubject, seed: int) -> None:
    """`restore` takes what `snapshot` gave, and ignores what it cannot read."""
    rng, data = seeded(seed, "garbage"), b""
    for step in Storm(overlay, seed):
        data = step.machine.strategy.snapshot() or data
        if not isinstance(data, bytes):
            raise Broken(f"snapshot() returned {type(data).__name__}, not bytes")
    cut = data[: rng.randrange(len(data))] if data else b""
    for what, garbage in {
        "its own snapshot": data,
        "a part of its snapshot": cut,
        "random bytes": rng.randbytes(50),
        "a number": encode(7),
        "a table": encode({"a": [1, {}]}),
        "a list of lists": encode([[]] * 3),
        "nested lists": b"\x91" * 50 + b"\xc0",
    }.items():
        _restore(overlay, what, garbage, rng)


def _restore(overlay: OverlaySubject, what: str, data: bytes, rng: Random) -> None:
    me = overlay.spec(0, 99)
    strategy = overlay.make(me, rng)
    try:
        strategy.restore(data)
        strategy.handle(Started(), 0.0)
    except Exception as error:
        raise Broken(f"restoring {what} raised {type(error).__name__}: {error}") from error
    if strategy.members().get(me.name) != me or me.name in strategy.links():
        raise Broken(f"after restoring {what} it is no member, or wants a link to itself")


def _short(event: object) -> str:
    text = str(event)
    return text if len(text) <= 300 else f"{text[:300]}..."
