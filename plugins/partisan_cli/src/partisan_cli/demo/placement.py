"""Whose file is it? Rendezvous hashing: each living name draws a number for the file, the highest has it.

When a name goes, only its files move, and to many; when it comes back, they come back. Nobody has to agree on more
than on who lives. Source: D. Thaler, C. Ravishankar, "Using name-based mappings to increase hit rates" (1998).
"""

from collections.abc import Iterable, Sequence
from hashlib import blake2b


class Placement:
    """The numbers drawn for a fixed list of files; those of a name are drawn when it is met for the first time."""

    def __init__(self, files: Sequence[bytes]) -> None:
        self._files = files
        self._draws: dict[str, list[bytes]] = {}

    def __len__(self) -> int:
        return len(self._files)

    def owners(self, names: Iterable[str]) -> list[str]:
        """For each file the one of `names`, at least one, that it belongs to."""
        candidates = [(name, self._drawn_by(name)) for name in sorted(names)]
        return [max(candidates, key=lambda candidate: candidate[1][file])[0] for file in range(len(self._files))]

    def _drawn_by(self, name: str) -> list[bytes]:
        if name not in self._draws:
            key = blake2b(name.encode()).digest()
            self._draws[name] = [blake2b(file, digest_size=8, key=key).digest() for file in self._files]
        return self._draws[name]
