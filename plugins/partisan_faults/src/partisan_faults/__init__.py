"""Fault injection: named rules that drop, delay, double, disorder, damage or cut what a node sends and receives."""

from partisan_faults.faults import Faults
from partisan_faults.messages import Delay, Passing
from partisan_faults.rules import Rule

__all__ = ["Delay", "Faults", "Passing", "Rule"]
