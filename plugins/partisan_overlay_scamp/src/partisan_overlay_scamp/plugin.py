"""The plugins `scamp_v1` and `scamp_v2`: one machine, two configurations."""

from dataclasses import dataclass

from partisan_core.kinds import OverlayPlugin
from partisan_core.plugins import hookimpl
from partisan_overlay_scamp._protocol import Scamp
from partisan_overlay_scamp.config import ScampConfig, ScampV2Config


@dataclass(frozen=True, slots=True)
class Version:
    """One version of SCAMP, as a plugin of its own."""

    config: type[ScampConfig]
    PARTISAN_API: str = "1.0"

    @hookimpl
    def partisan_overlay(self) -> OverlayPlugin:
        """Hand over SCAMP."""
        return OverlayPlugin(make=Scamp, config=self.config, capabilities=Scamp.capabilities)


scamp_v1 = Version(ScampConfig)
scamp_v2 = Version(ScampV2Config)
