"""What full-mesh nodes say to each other: the core's gossip, and nothing of their own."""

from partisan_core.gossip import Digest as Digest
from partisan_core.gossip import News as News
from partisan_core.gossip import Summary as Summary
from partisan_core.gossip import Update as Update
