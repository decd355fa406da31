"""What the nodes of a star say to each other. The tags are short because they travel with every message."""

from typing import Annotated

from msgspec import Meta, Struct

from partisan_core.membership import MAX_ENTRIES, Entry, Versions

Entries = Annotated[tuple[Entry, ...], Meta(max_length=MAX_ENTRIES)]
Names = Annotated[tuple[str, ...], Meta(max_length=MAX_ENTRIES)]


class Digest(Struct, frozen=True, array_like=True, tag="d"):
    """Between servers, each round and on every new link: one number for all that the sender knows."""

    value: int


class Summary(Struct, frozen=True, array_like=True, tag="s"):
    """The answer to a different digest, and the first word to a contact: what the sender has, in short.

    From a client, each round and on every new link, it also says that the client wants this link.
    """

    versions: Versions


class Update(Struct, frozen=True, array_like=True, tag="u"):
    """The answer to a summary: what its sender lacks, and the names that its sender knows better."""

    entries: Entries
    wanted: Names = ()


class News(Struct, frozen=True, array_like=True, tag="n"):
    """What the sender has just learnt; a server that did not know it passes it on once."""

    entries: Entries


class Rejected(Struct, frozen=True, array_like=True, tag="r"):
    """The answer to whoever the sender may not be linked to: why, and where the servers are. Never answered."""

    reason: Annotated[str, Meta(max_length=512)]
    servers: Entries = ()
