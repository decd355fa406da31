"""What was counted: a map from file to result that only grows, so merging it is a union."""

from collections import Counter
from collections.abc import Iterator
from hashlib import blake2b

from partisan_cli.demo.messages import Part

PART_BYTES = 256 * 1024
"""A larger result travels in parts. Chosen: far below the limit of a message, 16 MiB."""

MOST_PARTS = 65_536
"""A part that claims to be one of more is no part of ours."""


class Results:
    """The results that one node knows, by number of the file."""

    def __init__(self, files: int) -> None:
        self._data: list[bytes | None] = [None] * files
        self._by: list[str] = [""] * files
        self._partial: dict[tuple[int, str, int], dict[int, bytes]] = {}
        self.known = 0
        """One bit per file."""
        self.shares: Counter[str] = Counter()
        """How many of the known results each node has counted."""

    def __contains__(self, file: int) -> bool:
        return bool(self.known >> file & 1)

    def __len__(self) -> int:
        return self.shares.total()

    @property
    def files(self) -> int:
        """How many there are to count."""
        return len(self._data)

    @property
    def is_complete(self) -> bool:
        """True when every file has its result."""
        return len(self) == len(self._data)

    @property
    def lacking(self) -> int:
        """One bit per file without a result."""
        return ~self.known & ((1 << len(self._data)) - 1)

    @property
    def data(self) -> dict[int, bytes]:
        """The known results."""
        return {file: data for file, data in enumerate(self._data) if data is not None}

    def add(self, file: int, by: str, data: bytes) -> bool:
        """Take a result; False when the file has one already."""
        if file in self:
            return False
        self._data[file], self._by[file] = data, by
        self.known |= 1 << file
        self.shares[by] += 1
        for key in [key for key in self._partial if key[0] == file]:
            del self._partial[key]
        return True

    def take_part(self, part: Part) -> bool:
        """Take a part; True when it was the one that made a result complete.

        Parts of two counts of one file are never mixed: the file may have changed between them.
        """
        if part.file >= self.files or not part.index < part.count <= MOST_PARTS or part.file in self:
            return False
        pieces = self._partial.setdefault((part.file, part.by, part.count), {})
        pieces[part.index] = part.data
        if len(pieces) < part.count:
            return False
        return self.add(part.file, part.by, b"".join(pieces[index] for index in range(part.count)))

    def parts(self, file: int) -> Iterator[Part]:
        """The result of a file as it travels; nothing when it is not known."""
        data = self._data[file] if file < self.files else None
        if data is None:
            return
        count = max(1, -(-len(data) // PART_BYTES))
        for index in range(count):
            piece = data[index * PART_BYTES : (index + 1) * PART_BYTES]
            yield Part(file, self._by[file], index, count, piece)

    def fingerprints(self) -> list[str]:
        """A short hash per file, empty where there is no result: two nodes compare what they hold."""
        return ["" if data is None else blake2b(data, digest_size=8).hexdigest() for data in self._data]
