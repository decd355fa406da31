"""The rest of the table `[overlay]` when it says `use = "hyparview"`.

"Paper" is Leitão, Pereira, Rodrigues: HyParView, DSN 2007, whose numbers are for 10,000 nodes; for X-BOT it is
Leitão, Marques, Pereira, Rodrigues: X-BOT, SRDS 2009.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated

from partisan_core.config.readings import RELOADABLE, Count, Expected, Reading, Table
from partisan_core.config.units import PositiveSeconds

LABEL = "label:"
"""How a cost begins that compares labels."""


@dataclass(frozen=True, slots=True)
class Metric(Reading[str]):
    """What links are compared by: `rtt`, or `label:` and a label."""

    def parse(self, value: object) -> str:
        """Accept text."""
        if not isinstance(value, str):
            raise Expected('"rtt" or "label:NAME", for example "label:zone"')
        return str(value)

    def check(self, value: str) -> None:
        """There are two kinds."""
        if value != "rtt" and not (value.startswith(LABEL) and value.removeprefix(LABEL)):
            raise Expected('"rtt" or "label:NAME", for example "label:zone"')


@dataclass(frozen=True, slots=True)
class Places(Reading[Mapping[str, int]]):
    """For how many neighbours with a label places are kept."""

    def parse(self, value: object) -> Mapping[str, int]:
        """Accept a table of whole numbers."""
        if not isinstance(value, Mapping) or any(type(count) is not int for count in value.values()):
            raise Expected('a table of whole numbers, for example { "role=server" = 1 }')
        return {str(key): int(count) for key, count in value.items()}

    def check(self, value: Mapping[str, int]) -> None:
        """See that each key names a label and its value."""
        for key, count in value.items():
            label, _, text = key.partition("=")
            if not (label and text and count >= 1):
                raise Expected('a label and its value, and at least one place: { "role=server" = 1 }')


@dataclass(frozen=True, slots=True, kw_only=True)
class XbotConfig(Table):
    """`[overlay.xbot]`: exchanges expensive links for cheap ones. Without the table nothing is exchanged."""

    cost: Annotated[str, Metric()] = "rtt"
    """What a link costs: `rtt`, its smoothed round-trip time; `label:zone`, 0 to who has the same `zone`, else 1. The
    default is chosen: it needs no labels, and what it saves everybody wants."""
    period: Annotated[PositiveSeconds, RELOADABLE] = 10.0
    """Between two tries. Chosen: as the `shuffle_interval`, one in each cycle. The paper's is recalled as every second
    cycle, Partisan's is 5 to 65 s, drawn once."""
    candidates: Annotated[int, Count(1, 30), RELOADABLE] = 2
    """Others that a try compares with the neighbours (PSL, passive scan length). Paper, as recalled."""
    unbiased: Annotated[int, Count(0, 99)] = 1
    """So many of a node's most expensive links it does not offer: they hold the overlay together (UN). Paper, as
    recalled; simulated in decision 0019."""
    hysteresis: Annotated[int, Count(0, 90), RELOADABLE] = 10
    """By how many percent a link must be cheaper than the one it replaces. Chosen: measured times waver, and links of
    much the same cost would be exchanged to and fro. The paper has none."""

    def conflicts(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """Without unbiased links the overlay falls into islands of near nodes when some fail."""
        if self.unbiased == 0:
            yield ("unbiased",), "at least 1: without a costly link, near nodes become islands"


@dataclass(frozen=True, slots=True, kw_only=True)
class HyParViewConfig(Table):
    """How many a node knows, how far news of a joiner walks, how often nodes exchange whom they know."""

    active_max: Annotated[int, Count(1, 100)] = 5
    """The most neighbours, itself not counted. Paper. (Partisan's 6 count the node itself.)"""
    passive_max: Annotated[int, Count(1, 1000)] = 30
    """The most nodes that are known beside the neighbours. Paper."""
    arwl: Annotated[int, Count(1, 16)] = 6
    """Active random walk length: the hops from the contact to a joiner's further neighbours. Paper."""
    prwl: Annotated[int, Count(0, 16)] = 3
    """Passive random walk length: with so many hops left, a joiner becomes known. Paper; Partisan's is 6."""
    shuffle_active: Annotated[int, Count(0, 30), RELOADABLE] = 3
    """Neighbours that a shuffle names (ka). Paper."""
    shuffle_passive: Annotated[int, Count(0, 30), RELOADABLE] = 4
    """Others that a shuffle names (kp). Paper."""
    shuffle_interval: Annotated[PositiveSeconds, RELOADABLE] = 10.0
    """Between two shuffles. Partisan's; the paper counts in cycles without a length."""
    neighbour_timeout: PositiveSeconds = 6.0
    """How long an answer to a request is waited for. Chosen: a failed dial is told at once, this is for lost words, and
    twice what a dial may take that succeeds, 1 s and a handshake of 2 s. With 3 s, 64 simulated nodes whose messages
    take 0.3 to 1 s never came to rest: who had just answered was forgotten (decision 0018)."""
    repair_interval: Annotated[PositiveSeconds, RELOADABLE] = 5.0
    """Between two tries to fill a view that is not full. Partisan's random promotion."""
    rejoin_interval: PositiveSeconds = 1.0
    """The same for a node with less than two neighbours, the first pause before it asks a contact again, too. Measured,
    decision 0018: with `repair_interval` a mass join took 6 s to become one component."""
    backoff_first: PositiveSeconds = 5.0
    """How long who refused is not asked again, doubled each time. The paper has none, and then never rests."""
    backoff_max: PositiveSeconds = 60.0
    """The longest such pause. Chosen; at a simulated 10,000 nodes it lets the overlay rest."""
    reserved: Annotated[Mapping[str, int], Places()] = field(default_factory=dict)
    """`"label=value"` to the number of places that only neighbours with this label may have. Partisan's reserved
    slots; fewer than `active_max` together, so that everybody else finds one. None by default, as there."""
    urgent_probes: Annotated[int, Count(0, 100), RELOADABLE] = 5
    """Of a hundred probes of a lost neighbour, how many cannot be refused. The paper has none, and its partitions
    never heal. Simulated: 2 to 5 mend a halved overlay in seconds, with 3 the share of links across is at its limit
    after 24 cycles; all of them would be a storm."""
    xbot: XbotConfig | None = None
    """Optimise the links by their cost; off without this table. Paper."""

    def conflicts(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """One place at least is anybody's, and X-BOT needs a link that it may exchange."""
        if sum(self.reserved.values()) >= self.active_max:
            yield ("reserved",), f"fewer places together than active_max = {self.active_max}"
        if self.xbot is not None and self.xbot.unbiased >= self.active_max:
            yield ("xbot", "unbiased"), f"less than active_max, which is {self.active_max}"
