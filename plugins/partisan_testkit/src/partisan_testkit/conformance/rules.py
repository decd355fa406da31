"""Rules: a name, a sentence, and a function that looks whether a subject keeps it."""

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar


class Broken(AssertionError):
    """A rule is broken; says by what."""


class Subject(Protocol):
    """What is judged."""

    @property
    def title(self) -> str:
        """What a command line calls it, with the options that set it up."""

    @property
    def capabilities(self) -> Collection[str]:
        """What it claims to be able to."""


S = TypeVar("S", bound=Subject)
_Judge = Callable[[S, int], None]


@dataclass(frozen=True, slots=True)
class Rule(Generic[S]):
    """One thing that every subject does, or every one with a certain capability."""

    name: str
    sentence: str
    judge: _Judge[S]
    """Called with the subject and a seed; raises `Broken` when the subject does not keep the rule."""
    needs: str | None = None
    """The capability without which the rule says nothing."""

    def __str__(self) -> str:
        return self.name


class Catalogue(Generic[S]):
    """The rules of one kind, in their order. A function becomes a rule; its docstring is the sentence."""

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self._rules: list[Rule[S]] = []

    def rule(self, *, needs: str | None = None) -> Callable[[_Judge[S]], _Judge[S]]:
        """Put a function into the catalogue: `full_view` becomes the rule `overlay.full-view`."""

        def add(judge: _Judge[S]) -> _Judge[S]:
            name = f"{self._kind}.{judge.__name__.replace('_', '-')}"
            self._rules.append(Rule(name, " ".join((judge.__doc__ or "").split()), judge, needs))
            return judge

        return add

    def __iter__(self) -> Iterator[Rule[S]]:
        return iter(self._rules)


@dataclass(frozen=True, slots=True)
class Finding:
    """How a rule is broken."""

    title: str
    """The subject's."""
    rule: str
    sentence: str
    seed: int
    what: str
    """What was seen."""
    error: Exception
    """With the traceback."""

    @property
    def repeat(self) -> str:
        """The command that looks at this rule with this seed again."""
        return f"partisan conformance {self.title} --rule {self.rule} --seed {self.seed}"

    def __str__(self) -> str:
        return (
            f"{self.title} breaks {self.rule} (seed {self.seed}): {self.what}\n"
            f"  the rule: {self.sentence}\n"
            f"  repeat it with: {self.repeat}"
        )


@dataclass(frozen=True, slots=True)
class Check(Generic[S]):
    """A rule, a subject, and the seeds with which to look. Calling it is the test."""

    rule: Rule[S]
    subject: S
    seeds: Iterable[int]

    @property
    def applies(self) -> bool:
        """Whether the subject claims what the rule is about."""
        return self.rule.needs is None or self.rule.needs in self.subject.capabilities

    def __call__(self) -> None:
        """Look with each seed.

        Raises:
            Broken: names the rule, what broke it, the seed, and the command that repeats it.
        """
        finding = self.find()
        if finding is not None:
            raise Broken(str(finding)) from finding.error

    def find(self) -> Finding | None:
        """Look with each seed; return what was found first, if anything."""
        for seed in self.seeds:
            try:
                self.rule.judge(self.subject, seed)
            except Exception as error:  # noqa: BLE001 - whatever the subject raises is its fault
                what = str(error) if isinstance(error, Broken) else f"it raised {type(error).__name__}: {error}"
                return Finding(self.subject.title, self.rule.name, self.rule.sentence, seed, what, error)
        return None

    def __str__(self) -> str:
        return self.rule.name
