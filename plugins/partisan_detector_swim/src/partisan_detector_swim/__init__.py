"""SWIM with Lifeguard: others are asked before anybody is suspected, and who objects is believed."""

from partisan_detector_swim._protocol import SwimDetector as SwimDetector
from partisan_detector_swim.config import SwimConfig as SwimConfig
