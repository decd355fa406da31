"""A discrete-event simulator: real strategies on a simulated network, in virtual time, repeatable by seed."""

from partisan_testkit.simulator.conditions import CALM as CALM
from partisan_testkit.simulator.conditions import Faults as Faults
from partisan_testkit.simulator.conditions import LinkTimes as LinkTimes
from partisan_testkit.simulator.node import SimulatedNode as SimulatedNode
from partisan_testkit.simulator.randomness import seeded as seeded
from partisan_testkit.simulator.simulation import Observer as Observer
from partisan_testkit.simulator.simulation import Overlay as Overlay
from partisan_testkit.simulator.simulation import Simulation as Simulation
from partisan_testkit.simulator.simulation import lives as lives
