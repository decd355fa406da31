"""Monotonic channels for Partisan: of the states that wait to be sent, the superseded are not."""

from partisan_policy_monotonic._queue import Rule as Rule
from partisan_policy_monotonic._queue import StateQueue as StateQueue
from partisan_policy_monotonic.config import MonotonicConfig as MonotonicConfig
from partisan_policy_monotonic.policy import Monotonic as Monotonic
