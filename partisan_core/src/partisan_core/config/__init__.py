"""The configuration: what it consists of (`model`), and where it comes from (`loader`)."""

from partisan_core.config.loader import load_config as load_config
from partisan_core.config.loader import structure_options as structure_options
from partisan_core.config.model import DEFAULT_USES as DEFAULT_USES
from partisan_core.config.model import ChannelConfig as ChannelConfig
from partisan_core.config.model import Config as Config
from partisan_core.config.model import LimitConfig as LimitConfig
from partisan_core.config.model import LinkConfig as LinkConfig
from partisan_core.config.model import MailboxConfig as MailboxConfig
from partisan_core.config.model import NodeConfig as NodeConfig
from partisan_core.config.model import SecurityConfig as SecurityConfig
from partisan_core.config.model import Selection as Selection
from partisan_core.config.units import Bytes as Bytes
from partisan_core.config.units import PositiveSeconds as PositiveSeconds
from partisan_core.config.units import Seconds as Seconds
