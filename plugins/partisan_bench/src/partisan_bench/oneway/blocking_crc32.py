"""Blocking sockets, each record with a CRC-32 that the receiver verifies, as a frame of Partisan has."""

from functools import partial
from zlib import crc32

from partisan_bench.oneway import blocking

serve = partial(blocking.serve, checksum=crc32)
drive = partial(blocking.drive, checksum=crc32)
