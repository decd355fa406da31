"""Zstandard compression of channels for Partisan, by the standard library or its backport."""

from partisan_compression_zstd.compression import Zstd as Zstd
from partisan_compression_zstd.compression import ZstdOptions as ZstdOptions
