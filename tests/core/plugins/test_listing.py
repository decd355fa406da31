import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from partisan_core.installed import PluginInfo
from partisan_core.kinds import SerializerPlugin, TransportPlugin
from partisan_core.plugins import GROUPS, PUBLISHED, Plugins
from partisan_core.version import VERSION
from tests.core.plugins.site import SERIALIZER, Site

ROOT = Path(__file__).parents[3]


def test_a_plugin_is_listed_with_kind_name_distribution_version_and_module(site: Site) -> None:
    site.install_serializer()
    assert PluginInfo("serializer", "mine", "acme-mine", "1.2", None, "acme_mine", False) in Plugins().listing()


@pytest.mark.parametrize(
    ("requires", "api_range"),
    [
        ((), None),
        (("trio>=0.31", "partisan-core<2,>=1.1"), "partisan-core<2,>=1.1"),
        (("Partisan_Core >=1,<2 ; python_version > '3'",), "Partisan_Core >=1,<2"),
        (("partisan-core",), "partisan-core"),
        (("partisan-core-extras>=1",), None),
        (("not-partisan-core>=1",), None),
    ],
)
def test_the_range_of_the_core_that_a_plugin_asks_for_is_read_from_its_metadata(
    requires: tuple[str, ...], api_range: str | None, site: Site
) -> None:
    site.install("acme-mine", "1.2", {"serializers:mine": "acme_mine"}, requires)
    assert [info.api_range for info in Plugins().listing() if info.name == "mine"] == [api_range]


def test_the_parts_of_the_core_fit_the_core_they_come_with() -> None:
    assert {info.api_range for info in Plugins().listing() if info.distribution == "partisan-core"} == {
        f"partisan-core=={VERSION}"
    }


def test_listing_imports_nothing(site: Site) -> None:
    site.install_serializer("raise SystemExit('this module was imported')")
    assert "mine" in [info.name for info in Plugins().listing()]
    assert "acme_mine" not in sys.modules


def test_the_parts_of_the_core_come_through_the_same_door() -> None:
    own = {(info.kind, info.name) for info in Plugins().listing() if info.distribution == "partisan-core"}
    assert {
        ("transport", "tcp"),
        ("transport", "memory"),
        ("channel_policy", "block"),
        ("channel_policy", "drop_newest"),
        ("channel_policy", "drop_oldest"),
        ("failure_detector", "tcp"),
    } <= own


def test_the_listing_is_sorted_by_kind_and_name(site: Site) -> None:
    site.install("b", "1", {"serializers:zz": "x", "overlays:zz": "x", "transports:zz": "x"})
    listing = Plugins().listing()
    places = [(list(GROUPS).index(info.kind), info.name) for info in listing]
    assert places == sorted(places)


def test_a_name_that_two_distributions_claim_is_listed_twice(site: Site) -> None:
    site.install("acme-one", "1", {"serializers:mine": "one"})
    site.install("acme-two", "2", {"serializers:mine": "two"})
    claims = [info.distribution for info in Plugins().listing() if info.name == "mine"]
    assert claims == ["acme-one", "acme-two"]


def test_a_distribution_with_damaged_metadata_is_listed_all_the_same(site: Site, tmp_path: Path) -> None:
    site.install_serializer()
    (tmp_path / "acme_mine-1.2.dist-info" / "METADATA").unlink()
    assert "mine" in [info.name for info in Plugins().listing()]


def test_installed_plugins_are_read_once(site: Site) -> None:
    plugins = Plugins()
    before = plugins.listing()
    site.install_serializer()
    assert plugins.listing() == before


def test_one_name_may_stand_for_several_kinds_in_one_module(site: Site) -> None:
    both = (
        SERIALIZER
        + """
    from partisan_core.kinds import TransportPlugin

    @hookimpl
    def partisan_transport() -> TransportPlugin:
        return TransportPlugin(make=lambda config: None)
    """
    )
    site.install("acme-both", "1", {"serializers:both": "acme_both", "transports:both": "acme_both"}, acme_both=both)
    plugins = Plugins()
    assert isinstance(plugins.serializer("both"), SerializerPlugin)
    assert isinstance(plugins.transport("both"), TransportPlugin)


def test_one_name_may_stand_for_several_kinds_in_several_modules(site: Site) -> None:
    site.install_serializer()
    transport = SERIALIZER.replace("serializer", "transport").replace("Serializer", "Transport")
    site.install("acme-other", "1", {"transports:mine": "acme_other"}, acme_other=transport)
    plugins = Plugins()
    assert isinstance(plugins.serializer("mine"), SerializerPlugin)
    assert isinstance(plugins.transport("mine"), TransportPlugin)


def test_published_distributions_are_the_folders_of_this_repository_with_plugins() -> None:
    kinds = {group: kind for kind, group in GROUPS.items()}
    claimed = {}
    for path in [*ROOT.glob("partisan_*/pyproject.toml"), *ROOT.glob("plugins/partisan_*/pyproject.toml")]:
        project = tomllib.loads(path.read_text())["project"]
        for group, names in project.get("entry-points", {}).items():
            if group in kinds and project["name"] != "partisan-core":
                claimed.update({(kinds[group], name): project["name"] for name in names})
    assert claimed == PUBLISHED


def test_importing_configuration_and_plugins_imports_nothing_that_only_their_use_needs() -> None:
    program = (
        "import sys, partisan_core.plugins, partisan_core.config; "
        "print(sorted({'cattrs', 'difflib', 'importlib_metadata', 'tomllib'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_plugin_that_loads_has_none_of_its_metadata_parsed() -> None:
    """That is for errors and listings: it costs every node 2 MiB and some milliseconds."""
    load = "from partisan_core.plugins import Plugins; Plugins().transport('tcp'); Plugins().overlay('fullmesh')"
    command = [sys.executable, "-c", f"import sys; {load}; sys.exit('email.parser' in sys.modules)"]
    assert subprocess.run(command, check=False).returncode == 0
