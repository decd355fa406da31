"""How much the loggers of the process tell, as `[logging]` says."""

import logging
from collections.abc import Mapping


def set_levels(before: Mapping[str, str], after: Mapping[str, str]) -> None:
    """Set the levels of `after`; who is only in `before` tells again what the logger above it tells."""
    for name in before.keys() - after.keys():
        logging.getLogger(name).setLevel(logging.NOTSET)
    for name, level in after.items():
        logging.getLogger(name).setLevel(level.upper())
