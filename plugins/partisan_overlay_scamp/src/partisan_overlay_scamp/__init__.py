"""SCAMP: views that grow with the logarithm of a size that nobody knows, in its versions of 2001 and 2003."""

from partisan_overlay_scamp._protocol import Scamp as Scamp
from partisan_overlay_scamp.config import ScampConfig as ScampConfig
from partisan_overlay_scamp.config import ScampV2Config as ScampV2Config
