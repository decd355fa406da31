"""An option that an overlay marks can change while it runs: nothing in the overlay keeps the old one."""

from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from random import Random
from typing import Any, cast, get_type_hints

import pytest

from partisan_core.config.readings import Count, is_reloadable, reading_of
from partisan_core.identity import NodeSpec
from partisan_core.plugins import Plugins
from partisan_core.strategy import MembershipStrategy
from partisan_hyparview.config import HyParViewConfig, XbotConfig
from partisan_testkit.simulator import SimulatedNode, Simulation

SEED = 5
NODES = 14
OPTIONS: dict[str, Any] = {
    "hyparview": HyParViewConfig(active_max=3, shuffle_active=1, urgent_probes=50, xbot=XbotConfig(period=2.0))
}
"""Where the defaults would let some keys be without any consequence in this run."""


def options_of(overlay: str) -> Any:
    return OPTIONS.get(overlay) or Plugins().overlay(overlay).config()


def marked(options: Any, *path: str) -> Iterator[tuple[str, ...]]:
    """The marked keys of an overlay's table, and of the tables in it."""
    hints = get_type_hints(type(options), include_extras=True)
    for key in fields(options):
        value = getattr(options, key.name)
        if is_dataclass(value):
            yield from marked(value, *path, key.name)
        elif is_reloadable(hints[key.name]):
            yield (*path, key.name)


def overlays() -> Iterator[str]:
    plugins = Plugins()
    for name in plugins.names("overlay"):
        hints = get_type_hints(plugins.overlay(name).config, include_extras=True)
        if any(is_reloadable(hint) for hint in hints.values()):
            yield name


CASES = [(overlay, path) for overlay in overlays() for path in marked(options_of(overlay))]


def changed(options: Any, path: tuple[str, ...]) -> Any:
    """The options with another value of one key."""
    name, *rest = path
    value = getattr(options, name)
    if rest:
        return replace(options, **{name: changed(value, tuple(rest))})
    hint = get_type_hints(type(options), include_extras=True)[name]
    if not isinstance(reading := reading_of(hint), Count):
        return replace(options, **{name: value * 1.5})
    return replace(options, **{name: 90 if reading.most <= 100 and value >= 10 else value + 1})


def run(overlay: str, made_with: Any, reloaded: Any = None) -> str:
    """The hash of all that a cluster does, through joins and a crash; options may change before it begins."""
    make = Plugins().overlay(overlay).make

    def begin(me: NodeSpec, rng: Random) -> MembershipStrategy:
        strategy: Any = make(me, made_with, rng)
        if reloaded is not None:
            strategy.reload(reloaded)
        return cast("MembershipStrategy", strategy)

    simulation = Simulation(begin, SEED)
    nodes: list[SimulatedNode] = []
    for number in range(NODES):
        nodes.append(simulation.start(f"node-{number}", labels={"role": "server"}))
        if number:
            simulation.join(nodes[-1], lambda: nodes[0])
        simulation.run(0.5)
    simulation.run(20)
    simulation.crash(nodes[3])
    simulation.run(40)
    return simulation.timeline.log_hash


@pytest.mark.parametrize(("overlay", "path"), CASES, ids=lambda part: part if isinstance(part, str) else ".".join(part))
def test_a_marked_option_that_changes_is_taken_over_everywhere(overlay: str, path: tuple[str, ...]) -> None:
    before = options_of(overlay)
    after = changed(before, path)
    as_made = run(overlay, after)
    assert as_made != run(overlay, before), "the run has to show the difference"
    assert as_made == run(overlay, before, after)


def test_the_overlays_whose_pace_an_operator_may_change_say_so() -> None:
    assert {overlay for overlay, _ in CASES} >= {"fullmesh", "hyparview", "clientserver"}
