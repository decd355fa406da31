"""Zstandard (RFC 8878): one whole frame of it, with the size of its content, in each frame of ours."""

import sys
from dataclasses import dataclass
from typing import Annotated

from partisan_core.config.readings import Count
from partisan_core.kinds import CompressionOptions

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

_LEAST_WINDOW = 10
"""The smallest window that can be asked for, in bits of its size (RFC 8878, section 3.1.1.1.2)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ZstdOptions(CompressionOptions):
    """The rest of the table `[channels.NAME.compression]`."""

    level: Annotated[int, Count(1, 19)] = 3
    """From 1, the fastest, to 19, the smallest. Default: the library's own."""


class Zstd:
    """See `partisan_core.compression.Compression`."""

    def __init__(self, options: ZstdOptions) -> None:
        self._level = options.level

    def compress(self, data: bytes | memoryview) -> bytes:
        """One frame."""
        return zstd.compress(data, self._level)

    def decompress(self, data: memoryview, size: int) -> bytes:
        """At most `size` bytes, in a window no larger than that, whatever the frame asks for."""
        window = max(_LEAST_WINDOW, size.bit_length())
        stream = zstd.ZstdDecompressor(options={zstd.DecompressionParameter.window_log_max: window})
        made = stream.decompress(data, size)
        if not stream.eof or stream.unused_data:
            raise ValueError(f"it does not end after {size} bytes")
        return made
