"""How each overlay is set up: its options, and nothing else that a trial could tell one from another by."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from partisan_cli.demo.plan import beside


@dataclass(frozen=True)
class Setting:
    """One column of the matrix."""

    overlay: str
    options: Mapping[str, object] = field(default_factory=dict)
    """Views so small that eight nodes do not all know each other, where the overlay has partial views."""
    by_configuration: bool = False
    """Links are named by the configuration, as a ring with one chord; otherwise everybody joins the first node."""

    def table(self, name: str, ring: Mapping[str, str]) -> dict[str, object]:
        """The table `[overlay]` of one node; `ring` has the addresses of all by name."""
        table = {"use": self.overlay, **self.options}
        if self.by_configuration and name in ring:
            table["peers"] = [f"{peer}={ring[peer]}" for peer in beside(name, list(ring))]
        return table


SETTINGS = (
    Setting("fullmesh"),
    Setting("clientserver", {"servers": 1}),
    Setting("hyparview", {"active_max": 4, "passive_max": 2}),
    Setting("scamp_v1", {"c": 1}),
    Setting("scamp_v2", {"c": 1}),
    Setting("static", by_configuration=True),
)
