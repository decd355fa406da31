"""The configuration: what it consists of (`model`), and where it comes from (`loader`)."""

from partisan_core.config.loader import load_config, structure_options
from partisan_core.config.model import (
    DEFAULT_USES,
    ChannelConfig,
    Config,
    LimitConfig,
    LinkConfig,
    MailboxConfig,
    NodeConfig,
    SecurityConfig,
    Selection,
)
from partisan_core.config.units import Bytes, PositiveSeconds, Seconds

__all__ = [
    "DEFAULT_USES",
    "Bytes",
    "ChannelConfig",
    "Config",
    "LimitConfig",
    "LinkConfig",
    "MailboxConfig",
    "NodeConfig",
    "PositiveSeconds",
    "Seconds",
    "SecurityConfig",
    "Selection",
    "load_config",
    "structure_options",
]
