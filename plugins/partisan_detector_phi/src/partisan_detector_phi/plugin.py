"""What this distribution hands to Partisan: the failure detector `phi`."""

from partisan_core.kinds import FailureDetectorPlugin
from partisan_core.plugins import hookimpl
from partisan_detector_phi._protocol import PhiDetector
from partisan_detector_phi.config import PhiConfig

PARTISAN_API = "1.0"


@hookimpl
def partisan_failure_detector() -> FailureDetectorPlugin:
    """Hand over the detector."""
    return FailureDetectorPlugin(make=PhiDetector, config=PhiConfig)
