"""What a stream of bytes never does: frames of messages are lost, doubled and overtaken between two living ends."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

import trio

from partisan_core.config.model import MEMBERSHIP_CHANNEL
from partisan_core.notices import Notice
from partisan_faults import Faults, Rule
from partisan_testkit.simulator import CALM
from partisan_testkit.simulator import Faults as Weather
from partisan_testkit.wholenodes.process import Process

_LOOK = 0.5
"""Seconds until a node goes along with the weather. Chosen: soon enough that all is well again before it has to be."""

_RULES = {
    "loss": Rule(action="drop"),
    "duplication": Rule(action="duplicate"),
    "reordering": Rule(action="reorder", time=_LOOK),
}


class Meddling:
    """It promises nothing, and makes it harder to keep the promises of the others.

    The overlay's own messages are spared: a link that loses none of them while it lasts is what it may count on.
    """

    sections: Mapping[str, Mapping[str, object]] = {"faults": {"enabled": True}}

    def __init__(self, seed: int) -> None:
        """Chance is that of the nodes."""

    async def live(self, process: Process) -> None:
        """Do to frames what the network of the time says."""
        channels = tuple(row.channel for row in process.node.channels() if row.channel != MEMBERSHIP_CHANNEL)
        weather = CALM
        while True:
            if weather is not process.endpoint.network.faults:
                weather = process.endpoint.network.faults
                _go_along(process.node.faults, weather, channels)
            await trio.sleep(_LOOK)

    def on_notice(self, process: Process, notice: Notice) -> None:
        """Nothing that is told matters."""

    async def conclude(self, living: list[Process]) -> Iterator[str]:
        """Nothing was promised."""
        return iter(())


def _go_along(rules: Faults, weather: Weather, channels: tuple[str, ...]) -> None:
    for name in rules.names():
        rules.remove(name)
    for rate, rule in _RULES.items():
        if share := getattr(weather, rate):
            rules.add(rate, replace(rule, channels=channels, probability=share))
