"""The rest of the table `[overlay]` when it says `use = "fullmesh"`."""

from dataclasses import dataclass
from typing import Annotated

from partisan_core.config.readings import RELOADABLE, Count
from partisan_core.config.units import PositiveSeconds


@dataclass(frozen=True, slots=True, kw_only=True)
class FullMeshConfig:
    """How often and how widely a full mesh gossips."""

    gossip_interval: Annotated[PositiveSeconds, RELOADABLE] = 1.0
    """Between two rounds of digests. Chosen: a tenth of Partisan's; affordable, as a digest has 12 bytes."""
    fanout: Annotated[int, Count(1, 1000), RELOADABLE] = 3
    """To how many a digest or a piece of news goes. Chosen: reaches 64 nodes in about four steps."""
    tombstone_ttl: PositiveSeconds = 3600.0
    """How long the end of a membership is remembered. Chosen: longer than a partition stays unattended."""
