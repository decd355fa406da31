"""The phi accrual failure detector: suspicion that grows with silence, by what was usual before."""

from partisan_detector_phi._protocol import Arrivals as Arrivals
from partisan_detector_phi._protocol import PhiDetector as PhiDetector
from partisan_detector_phi.config import PhiConfig as PhiConfig
