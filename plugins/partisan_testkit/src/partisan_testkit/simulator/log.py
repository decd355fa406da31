"""What happened, line by line: its fingerprint, its end, and on demand all of it in a file."""

from collections import deque
from hashlib import blake2b
from typing import BinaryIO

from msgspec.json import Encoder as JsonEncoder
from msgspec.msgpack import Encoder

KEPT_LINES = 50
"""How much of the log is kept to be shown with a failure. Chosen: about one screen."""

_encode = Encoder().encode
_encode_json = JsonEncoder().encode


class Log:
    """Takes lines of words: texts, numbers, bytes, or what msgspec can encode.

    Args:
        trace: where each line is written, too, as a JSON array.
    """

    def __init__(self, trace: BinaryIO | None = None) -> None:
        self._hash = blake2b(digest_size=16)
        self._lines: deque[tuple[object, ...]] = deque(maxlen=KEPT_LINES)
        self._trace = trace
        self.lines = 0
        """How many there are."""

    def add(self, line: tuple[object, ...]) -> None:
        """Add a line; its first word is the time."""
        self.lines += 1
        self._lines.append(line)
        self._hash.update(_encode(line))
        if self._trace is not None:
            self._trace.write(_encode_json(line) + b"\n")

    @property
    def hash(self) -> str:
        """A fingerprint of the whole log: equal for equal logs, in every process."""
        return self._hash.hexdigest()

    def last_lines(self) -> list[str]:
        """Return the end of the log, for people."""
        return [" ".join(map(str, line)) for line in self._lines]
