"""HyParView: every node has a few neighbours, and knows some more to replace them from."""

from partisan_hyparview._protocol import HyParView as HyParView
from partisan_hyparview.config import HyParViewConfig as HyParViewConfig
from partisan_hyparview.config import XbotConfig as XbotConfig
from partisan_hyparview.costs import Cost as Cost
