"""What this distribution hands to Partisan: the failure detector `swim`."""

from partisan_core.kinds import FailureDetectorPlugin
from partisan_core.plugins import hookimpl
from partisan_detector_swim._protocol import SwimDetector
from partisan_detector_swim.config import SwimConfig

PARTISAN_API = "1.3"


@hookimpl
def partisan_failure_detector() -> FailureDetectorPlugin:
    """Hand over the detector."""
    return FailureDetectorPlugin(make=SwimDetector, config=SwimConfig)
