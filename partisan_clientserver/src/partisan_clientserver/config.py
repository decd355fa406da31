"""The rest of the table `[overlay]` when it says `use = "clientserver"`."""

from dataclasses import dataclass
from typing import Annotated

from partisan_core.config.readings import RELOADABLE, Count
from partisan_core.config.units import PositiveSeconds


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientServerConfig:
    """How many servers a client holds on to, and how the servers gossip."""

    servers: Annotated[int, Count(1, 1000)] = 16
    """To how many servers a client wants a link. Chosen: to all of a usual star, as Partisan's clients, so that each
    server can relay to each client; bounded, as each link costs both ends connections."""
    gossip_interval: Annotated[PositiveSeconds, RELOADABLE] = 1.0
    """Between two rounds: digests among servers; a client's summary to its servers, in every fifth once it is calm.
    Chosen: as in a full mesh."""
    fanout: Annotated[int, Count(1, 1000), RELOADABLE] = 3
    """To how many servers a digest or a piece of news goes. Chosen: as in a full mesh."""
    tombstone_ttl: PositiveSeconds = 3600.0
    """How long the end of a membership is remembered. Chosen: longer than a partition stays unattended."""
