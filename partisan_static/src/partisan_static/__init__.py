"""Static: exactly the links that were configured or joined, and no other."""

from partisan_static._protocol import Static as Static
from partisan_static.config import StaticConfig as StaticConfig
