"""What this distribution hands to Partisan: the checksum `xxh3`."""

from xxhash import xxh3_64

from partisan_core.kinds import ChecksumPlugin
from partisan_core.plugins import hookimpl

PARTISAN_API = "1.3"


@hookimpl
def partisan_checksum() -> ChecksumPlugin:
    """Hand over the 64-bit XXH3 without a seed; its digest is big endian, so its low 32 bits travel."""
    return ChecksumPlugin(new=xxh3_64)
