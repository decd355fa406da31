"""The rest of the table `[overlay]` when it says `use = "hyparview"`.

"Paper" is Leitão, Pereira, Rodrigues: HyParView, DSN 2007, whose numbers are for 10,000 nodes.
"""

from dataclasses import dataclass
from typing import Annotated

from partisan_core.config.readings import Count
from partisan_core.config.units import PositiveSeconds


@dataclass(frozen=True, slots=True, kw_only=True)
class HyParViewConfig:
    """How many a node knows, how far news of a joiner walks, how often nodes exchange whom they know."""

    active_max: Annotated[int, Count(1, 100)] = 5
    """The most neighbours, itself not counted. Paper. (Partisan's 6 count the node itself.)"""
    passive_max: Annotated[int, Count(1, 1000)] = 30
    """The most nodes that are known beside the neighbours. Paper."""
    arwl: Annotated[int, Count(1, 16)] = 6
    """Active random walk length: the hops from the contact to a joiner's further neighbours. Paper."""
    prwl: Annotated[int, Count(0, 16)] = 3
    """Passive random walk length: with so many hops left, a joiner becomes known. Paper; Partisan's is 6."""
    shuffle_active: Annotated[int, Count(0, 30)] = 3
    """Neighbours that a shuffle names (ka). Paper."""
    shuffle_passive: Annotated[int, Count(0, 30)] = 4
    """Others that a shuffle names (kp). Paper."""
    shuffle_interval: PositiveSeconds = 10.0
    """Between two shuffles. Partisan's; the paper counts in cycles without a length."""
    neighbour_timeout: PositiveSeconds = 3.0
    """How long an answer to a request is waited for. Chosen: a failed dial is told at once, this is for lost words."""
    repair_interval: PositiveSeconds = 5.0
    """Between two tries to fill a view that is not full. Partisan's random promotion."""
    rejoin_interval: PositiveSeconds = 1.0
    """The same for a node without neighbours. Chosen: nothing else can bring it back."""
    backoff_first: PositiveSeconds = 5.0
    """How long who refused is not asked again, doubled each time. The paper has none, and then never rests."""
    backoff_max: PositiveSeconds = 60.0
    """The longest such pause. Chosen; at a simulated 10,000 nodes it lets the overlay rest."""
    urgent_probes: Annotated[int, Count(0, 100)] = 3
    """Of a hundred probes of a lost neighbour, how many cannot be refused. The paper has none, and its partitions
    never heal. Simulated: 2 to 5 mend a halved overlay in seconds; all of them would be a storm."""
