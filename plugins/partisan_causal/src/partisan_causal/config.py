"""The options of the extension `causal`: the table `[extensions.causal]`."""

from dataclasses import dataclass
from typing import Annotated

from partisan_core.config.readings import Name, Table
from partisan_core.config.units import PositiveSeconds, Seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class CausalConfig(Table):
    """What a node keeps in causal order."""

    labels: tuple[Annotated[str, Name()], ...] = ("default",)
    """What `causal=` may say; the same on every node."""
    probe_every: PositiveSeconds = 1.0
    """How often destinations are asked for what others have sent them, and nobody told to be there (chosen: each asking
    is a message)."""
    patience: Seconds = 10.0
    """How long messages wait for one of a node that is not connected, and how long without an answer until it is asked
    again (chosen: three times `links.reconnect_grace`)."""
