"""The words of one file: counted, and as bytes that travel."""

import os
import stat
from collections import Counter
from pathlib import Path

from msgspec import Struct
from msgspec.msgpack import Decoder, Encoder

_CHUNK = 1 << 20
"""Bytes read at once: a file may be larger than memory, its words repeat."""


class Tally(Struct, array_like=True):
    """What became of one file."""

    words: dict[bytes, int] = {}
    error: str = ""
    """Why it could not be read; then there are no words."""


_encoder = Encoder()
_decoder = Decoder(Tally)


def count_words(path: Path) -> Counter[bytes]:
    """Count the words of a regular file as `bytes.split()` separates them.

    Raises:
        OSError: it cannot be read, or is no regular file (a pipe or a device may never end).
    """
    words: Counter[bytes] = Counter()
    with open(path, "rb", buffering=0, opener=_open_without_waiting) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError("not a regular file")
        rest = b""
        while chunk := file.read(_CHUNK):
            found = (rest + chunk).split()
            rest = b"" if chunk[-1:].isspace() else found.pop()
            words.update(found)
        words.update([rest] if rest else [])
    return words


def _open_without_waiting(path: str, flags: int) -> int:
    """Opening a pipe would wait for its other end."""
    return os.open(path, flags | os.O_NONBLOCK)


def tally(path: Path) -> bytes:
    """Count a file, or say why that is impossible; equal bytes for equal content."""
    try:
        return _encoder.encode(Tally(count_words(path)))
    except OSError as error:
        return _encoder.encode(Tally(error=explain(error)))


def read_tally(data: bytes) -> Tally:
    """Decode what `tally` made.

    Raises:
        msgspec.DecodeError: `data` is something else.
    """
    return _decoder.decode(data)


def explain(error: OSError) -> str:
    """The reason without the path, which the reader knows."""
    return error.strerror or str(error)
