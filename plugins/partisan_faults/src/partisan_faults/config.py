"""The table `[faults]`, beside `enabled`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated

from partisan_core.config.readings import Count, Name, Table
from partisan_faults.rules import Rule


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultsConfig(Table):
    """The rules that a node starts with, and what their chance is drawn from."""

    seed: Annotated[int, Count(0, 2**63 - 1)] = 0
    """Two nodes with the same seed and rules draw the same. 0, the default: one is drawn, and told at the start."""
    rules: Mapping[Annotated[str, Name()], Rule] = field(default_factory=dict)
    """By name."""
