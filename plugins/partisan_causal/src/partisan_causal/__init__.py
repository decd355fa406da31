"""Causal order for Partisan: between the nodes that use a label, nothing is delivered before what led to it."""

from partisan_causal.order import CausalOrder, Delivery, Overtaken, TooMuch
from partisan_causal.stamps import CausalityError, Life, Stamp, Triple, read_stamp, write_stamp

__all__ = [
    "CausalOrder",
    "CausalityError",
    "Delivery",
    "Life",
    "Overtaken",
    "Stamp",
    "TooMuch",
    "Triple",
    "read_stamp",
    "write_stamp",
]
