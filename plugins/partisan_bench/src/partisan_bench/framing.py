"""Records with their length before them, as the stream baselines send them. Pure."""

from struct import Struct
from typing import Final

import msgspec

from partisan_bench.work import Record

PREFIX: Final = Struct("<I")
"""The length of the record behind it, in bytes."""

_encode = msgspec.msgpack.Encoder().encode_into


def framed(record: Record) -> bytearray:
    """Encode a record behind its length, without a copy."""
    frame = bytearray()
    _encode(record, frame, PREFIX.size)
    PREFIX.pack_into(frame, 0, len(frame) - PREFIX.size)
    return frame


class Unframer:
    """Cuts what comes over one stream into records."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._decode = msgspec.msgpack.Decoder(Record).decode

    def feed(self, data: bytes | memoryview) -> list[Record]:
        """Return the records that are complete with `data`; what is left waits for more."""
        self._buffer += data
        complete, start, size = list[Record](), 0, len(self._buffer)
        with memoryview(self._buffer) as view:
            while (begin := start + PREFIX.size) <= size:
                end = begin + PREFIX.unpack_from(view, start)[0]
                if end > size:
                    break
                complete.append(self._decode(view[begin:end]))
                start = end
        del self._buffer[:start]
        return complete
