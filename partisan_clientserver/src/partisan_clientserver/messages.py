"""What the nodes of a star say to each other: the core's gossip, and why somebody is refused.

A client's `Summary`, on every new link and in its rounds, also says that the client wants this link.
"""

from typing import Annotated

from msgspec import Meta, Struct

from partisan_core.gossip import Digest as Digest
from partisan_core.gossip import Entries
from partisan_core.gossip import News as News
from partisan_core.gossip import Summary as Summary
from partisan_core.gossip import Update as Update


class Rejected(Struct, frozen=True, array_like=True, tag="r"):
    """The answer to whoever the sender may not be linked to: why; to a client, where servers are. Never answered."""

    reason: Annotated[str, Meta(max_length=512)]
    servers: Entries = ()
