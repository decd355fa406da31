"""From a file to a scenario that can run: everything that is wrong with it is told before anything does."""

from dataclasses import fields, replace
from pathlib import Path

from partisan_core.config import Selection, structure_options
from partisan_core.config.problems import Problem, key_path, report
from partisan_core.config.sources import KEYWORD, Settings, read_file
from partisan_core.config.structure import structure
from partisan_core.errors import ConfigError, PluginError
from partisan_core.plugins import Plugins
from partisan_testkit.schedules.settings import SERVERS, ClusterSettings, settings_of
from partisan_testkit.simulate.planning import Impossible, Plan, plan
from partisan_testkit.simulate.scenario import Scenario


def read_scenario(path: Path, *, seed: int | None = None) -> Scenario:
    """Read a scenario; a `seed` wins over the one in the file.

    Raises:
        ConfigError: with everything that is wrong in it, as of a configuration: file, key, value, what was expected.
    """
    if not path.exists():
        raise ConfigError(f"{path}: no such file; nothing was run")
    settings = read_file(path)
    if seed is not None:
        settings.put(("seed",), seed, KEYWORD)
    for missing in fields(Scenario):
        settings.origins.setdefault((missing.name,), str(path))
    scenario = structure(settings.values, Scenario, settings)
    origins = {key_path(known): origin for known, origin in settings.origins.items()}
    overlay = replace(scenario.overlay, origins=origins)
    _check_overlay(overlay, settings)
    try:
        plan(scenario)
    except Impossible as error:
        raise report([error.problem], settings) from None
    return replace(scenario, overlay=overlay)


def _check_overlay(overlay: Selection, settings: Settings) -> None:
    """Load it, and read its options with those that it gets from its nodes."""
    try:
        plugin = Plugins().overlay(overlay.use)
    except PluginError as error:
        raise report([Problem(("overlay", "use"), str(error))], settings) from None
    options = {**settings_of(overlay.use, 2).options("node-0"), **overlay.options}
    structure_options(replace(overlay, options=options), plugin.config, "overlay")


def prepare(scenario: Scenario) -> tuple[Plan, ClusterSettings]:
    """Draw who does what, and set up the cluster.

    Raises:
        ConfigError: the scenario, which was not read from a file, contradicts itself.
        PluginError: there is no such overlay, or it is broken.
    """
    try:
        drawn = plan(scenario)
    except Impossible as error:
        raise ConfigError(f"{key_path(error.problem.path)}: {error}") from None
    return drawn, cluster_of(scenario.overlay, len(drawn.names), scenario.servers)


def cluster_of(overlay: Selection, nodes: int, servers: int = SERVERS) -> ClusterSettings:
    """Set up a cluster whose nodes have the options that they need.

    Raises:
        ConfigError: they have not.
        PluginError: there is no such overlay, or it is broken.
    """
    cluster = settings_of(overlay.use, nodes, servers=servers, options=overlay.options)
    cluster.config(cluster.names[0])
    return cluster
