"""The rules for failure detectors: what the kernel, overlays and operators may rely on, whatever is inside."""

from partisan_core.detection import Suspect
from partisan_core.events import Received, TimerFired
from partisan_testkit.company import Company, Opinion
from partisan_testkit.conformance.forging import Forger
from partisan_testkit.conformance.rules import Broken, Catalogue
from partisan_testkit.conformance.subjects import DetectorSubject
from partisan_testkit.simulator import seeded

RULES: Catalogue[DetectorSubject] = Catalogue("detector")

_SIZE = 5
_LONG = 120.0
"""Seconds in which a detector has to come to its opinion (chosen: whatever the size of its intervals)."""
_TIMERS = 4
"""For each peer, and for itself (chosen)."""


@RULES.rule()
def quiet(detector: DetectorSubject, seed: int) -> None:
    """Nobody is suspected whose connection works and who answers in time."""
    company = _company(detector, seed)
    company.run(_LONG)
    if company.opinions:
        raise Broken(f"all was well, and {_words(company.opinions[0])}")


@RULES.rule()
def silence(detector: DetectorSubject, seed: int) -> None:
    """Who does not answer, and whose connection breaks, is suspected by all others, and nobody else is."""
    company = _company(detector, seed)
    company.run(10.0)
    company.isolate("n0")
    company.run(_LONG)
    for name in ("n1", "n2", "n3", "n4"):
        if company.suspected_by(name) != {"n0"}:
            raise Broken(f"n0 was silent for {_LONG:g} s, and {name} suspects {company.suspected_by(name) or 'nobody'}")


@RULES.rule()
def trust(detector: DetectorSubject, seed: int) -> None:
    """Who answers again in the same life is trusted again by all."""
    company = _company(detector, seed)
    company.isolate("n0")
    company.run(_LONG)
    company.come_back("n0")
    company.run(_LONG)
    suspected = {name: company.suspected_by(name) for name in company.specs if company.suspected_by(name)}
    if suspected:
        raise Broken(f"n0 has been back for {_LONG:g} s, and there are suspicions: {suspected}")


@RULES.rule()
def down(detector: DetectorSubject, seed: int) -> None:
    """Of a peer that is down nothing more is said, and its timers end."""
    company = _company(detector, seed)
    company.isolate("n0")
    company.run(seeded(seed, "when").uniform(0, 20))
    company.bury("n0")
    late = [one for one in company.run(_LONG) if one.about == "n0"]
    if late:
        raise Broken(f"n0 was down, and {_words(late[0])}")
    _check_timers(company, 4)


@RULES.rule()
def new_life(detector: DetectorSubject, seed: int) -> None:
    """A newer life is not suspected for what an older one did."""
    company = _company(detector, seed)
    company.isolate("n0")
    company.run(_LONG)
    company.bury("n0")
    before = len(company.opinions)
    company.restart("n0")
    company.run(_LONG)
    wrong = [one for one in company.opinions[before:] if isinstance(one.effect, Suspect)]
    if wrong:
        raise Broken(f"a newer life of n0 was well, and {_words(wrong[0])}")


@RULES.rule()
def consistency(detector: DetectorSubject, seed: int) -> None:
    """Nobody is suspected who is so already, or trusted who was not suspected, whatever happens."""
    company, rng = _company(detector, seed), seeded(seed, "history")
    away: set[str] = set()
    said: dict[tuple[str, str], Opinion] = {}
    heard = 0
    for _ in range(30):
        name = rng.choice([*company.specs])
        match rng.randrange(3):
            case 0 if name not in away:
                company.isolate(name)
                away.add(name)
            case 1 if name in away:
                company.come_back(name)
                away.discard(name)
            case 2:
                company.bury(name)
                company.restart(name)
                away.discard(name)
                said = {key: one for key, one in said.items() if name not in key}
        company.run(rng.expovariate(0.1))
        for opinion in company.opinions[heard:]:
            before = said.get((opinion.by, opinion.about))
            is_suspected = before is not None and isinstance(before.effect, Suspect)
            if is_suspected == isinstance(opinion.effect, Suspect):
                raise Broken(f"{_words(opinion)}, which was so already")
            said[opinion.by, opinion.about] = opinion
        heard = len(company.opinions)
    _check_timers(company, _SIZE)


@RULES.rule()
def determinism(detector: DetectorSubject, seed: int) -> None:
    """The same events at the same times with the same seed lead to the same effects."""
    histories = []
    for _ in range(2):
        company = _company(detector, seed, loss=0.05)
        company.isolate("n0")
        company.run(_LONG)
        histories.append((company.opinions, company.messages, company.rng.random()))
    if histories[0] != histories[1]:
        raise Broken(f"two runs differ: {histories[0][1:]} and {histories[1][1:]}, {len(histories[0][0])} opinions")


@RULES.rule()
def garbage(detector: DetectorSubject, seed: int) -> None:
    """Messages that no honest node sends, and timers of nobody, raise nothing and start no storm."""
    company, rng = _company(detector, seed), seeded(seed, "garbage")
    forger = Forger(rng, [*company.specs.values()])
    kinds = getattr(company.detectors["n0"], "messages", ())
    company.run(5.0)
    before = company.messages
    for _ in range(300):
        message = forger.message(kinds) if kinds else None
        if message is not None:
            company.tell("n0", Received(company.specs[rng.choice(["n1", "n2"])], message))
        company.tell("n0", TimerFired(rng.choice(["", "x", " ", "1 n1", "period 1", "doubt 1 n1"])))
    if company.messages - before > 5 * 300:
        raise Broken(f"300 messages made it send {company.messages - before}")
    company.run(10.0)
    _check_timers(company, _SIZE)


def _company(detector: DetectorSubject, seed: int, loss: float = 0.0) -> Company:
    return Company(detector.make, _SIZE, seed, loss)


def _check_timers(company: Company, living: int) -> None:
    if company.timers > _TIMERS * living * living:
        raise Broken(f"{living} members have {company.timers} timers")


def _words(opinion: Opinion) -> str:
    verb = "suspected" if isinstance(opinion.effect, Suspect) else "trusted"
    return f"{opinion.by} {verb} {opinion.about} at {opinion.at:.3f} s"
