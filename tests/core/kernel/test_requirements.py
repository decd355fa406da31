"""`node.requires`: what the overlay has to be able to, checked before anything is opened."""

from pathlib import Path

import pytest

from partisan_core.config.loader import load_config
from partisan_core.errors import ConfigError, PluginError, RequirementError, StartError
from partisan_core.kinds import NoOptions, OverlayPlugin
from partisan_core.opening import open_node
from partisan_core.plugins import Plugins
from tests.core.kernel.nodes import PARTS, opened
from tests.core.kernel.parts import Acquaintances
from tests.core.plugins.conftest import site as site
from tests.core.plugins.site import Site

OVERLAY = """
from partisan_core.kinds import OverlayPlugin
from partisan_core.plugins import hookimpl
from tests.core.kernel.parts import Acquaintances

PARTISAN_API = "1.0"

@hookimpl
def partisan_overlay():
    return OverlayPlugin(make=Acquaintances, capabilities={capabilities!r})
"""


def install(site: Site, name: str, *capabilities: str) -> None:
    site.write(f"acme_{name}", OVERLAY.format(capabilities=frozenset(capabilities)))
    site.install(f"acme-{name}", "1.0", {f"overlays:{name}": f"acme_{name}"})


async def refusal(*requires: str, use: str = "star", tmp_path: Path) -> str:
    node = {"data_dir": str(tmp_path / "never"), "requires": list(requires)}
    with pytest.raises(RequirementError) as raised:
        async with opened("alpha", node=node, overlay={"use": use}):
            """Not reached."""
    assert isinstance(raised.value, StartError)
    assert not (tmp_path / "never").exists(), "it was opened"
    return str(raised.value)


async def test_an_overlay_that_can_what_is_required_is_accepted(site: Site) -> None:
    install(site, "star", "full_view", "evict")
    for requires in ([], ["evict"], ["evict", "full_view", "evict"]):
        async with opened("alpha", node={"requires": requires}, overlay={"use": "star"}) as alpha:
            assert alpha.status().overlay == "star"


async def test_a_class_named_by_reference_is_asked_itself() -> None:
    async with opened("alpha", node={"requires": ["evict"]}):
        """Acquaintances can evict."""
    with pytest.raises(RequirementError, match=f"overlay '{PARTS}:Acquaintances' lacks 'full_view'"):
        async with opened("alpha", node={"requires": ["full_view"]}):
            """Not reached."""


async def test_what_is_missing_is_told_with_the_installed_overlays_that_have_it(site: Site, tmp_path: Path) -> None:
    install(site, "star", "evict")
    install(site, "moon", "evict", "reserved_slots")
    install(site, "sun", "reserved_slots")
    answer = await refusal("evict", "reserved_slots", "monitors", tmp_path=tmp_path)
    assert "overlay 'star' lacks 'reserved_slots'; installed overlays that have it: hyparview, moon, sun; " in answer
    assert "'monitors'; installed overlays that have it: none" in answer
    assert "It has evict. Nothing was started" in answer


async def test_a_misspelt_capability_is_told_with_the_nearest_known_one(site: Site, tmp_path: Path) -> None:
    install(site, "star", "evict")
    install(site, "moon", "reserved_slots")
    answer = await refusal("reserved_slot", "evct", tmp_path=tmp_path)
    assert "lacks 'reserved_slot' (did you mean 'reserved_slots'?)" in answer
    assert "'evct' (did you mean 'evict'?)" in answer


async def test_an_installed_overlay_that_is_broken_is_left_out(site: Site, tmp_path: Path) -> None:
    install(site, "star", "evict")
    install(site, "moon", "monitors")
    site.write("acme_broken", "raise ImportError('not today')")
    site.install("acme-broken", "1.0", {"overlays:broken": "acme_broken"})
    assert "that have it: moon." in await refusal("monitors", tmp_path=tmp_path)


async def test_the_file_that_requires_is_named(tmp_path: Path) -> None:
    file = tmp_path / "node.toml"
    file.write_text(f'[node]\nrequires = ["causal"]\n[overlay]\nuse = "{PARTS}:Acquaintances"\n')
    with pytest.raises(RequirementError) as raised:
        async with open_node(load_config(file, environ={})):
            """Not reached."""
    assert str(file) in str(raised.value)
    assert "node.requires" in str(raised.value)


async def test_an_overlay_that_cannot_be_loaded_is_a_fault_of_the_plugin() -> None:
    with pytest.raises(PluginError, match=r"overlay\.use.*'nothing-like-it' is not installed"):
        async with opened("alpha", node={"requires": ["evict"]}, overlay={"use": "nothing-like-it"}):
            """Not reached."""


def test_requirements_are_a_list_of_texts() -> None:
    with pytest.raises(ConfigError, match=r"node\.requires.*a list: write \[\"evict\"\]"):
        load_config(environ={}, overrides={"node": {"requires": "evict"}})


def test_an_overlay_of_an_older_version_of_the_interface_declares_nothing_and_keeps_loading() -> None:
    assert not OverlayPlugin(make=Acquaintances, config=NoOptions).capabilities
    assert "evict" in Plugins().overlay(f"{PARTS}:Acquaintances").capabilities
