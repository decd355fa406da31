"""The wheels hold what they should, and three of the distributions make a node in an empty environment."""

import json
from hashlib import sha256
from pathlib import Path
from zipfile import ZipFile

import pytest

from tests.environments import Environment, build_wheel
from tests.workspace import ROOT, code_lines

NODE = ("partisan_core", "partisan_fullmesh", "plugins/partisan_codec_msgpack")
"""The distributions of the README's line `pip install ./partisan_core ...`: the smallest working node."""
COMMAND = ("plugins/partisan_control", "plugins/partisan_cli")

RING = ROOT / "tests" / "ring_overlay"
NOTEBOOK = ROOT / "tests" / "stranger_extension"
API_1_0 = ROOT / "tests" / "api_1_0"
API_1_0_CHECKSUM = "c4f05228b5b78a1dc68eb11566e08bcd4b5978dbd44958f75aa480b312fd113f"
"""Of the files that a build takes, in order. It changes with the core's major number, and never otherwise."""

Listing = dict[str, list[dict[str, str]]]


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Folder name -> wheel, built from the repository."""
    built: dict[str, Path] = {}
    for folder in (*(ROOT / one for one in NODE), RING, NOTEBOOK, API_1_0):
        built[folder.name] = build_wheel(folder, tmp_path_factory.mktemp(folder.name))
    return built


def plugins(environment: Environment) -> Listing:
    said: Listing = json.loads(environment.run_script("list_plugins"))
    return said


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """An environment with the smallest working node, installed from the folders of the repository."""
    made = Environment(tmp_path_factory.mktemp("environment"))
    made.install(*(f"./{folder}" for folder in NODE))
    return made


@pytest.fixture(scope="module")
def environment_with_ring(environment: Environment, wheels: dict[str, Path]) -> Environment:
    """The same environment after a stranger's overlay was installed from its wheel."""
    environment.install(wheels["ring_overlay"])
    return environment


@pytest.fixture(scope="module")
def environment_with_strangers(environment: Environment, wheels: dict[str, Path]) -> Environment:
    """The same environment with the command, a stranger's extension and command, and plugins for API 1.0."""
    environment.install(*(f"./{folder}" for folder in COMMAND), wheels["stranger_extension"], wheels["api_1_0"])
    return environment


@pytest.mark.parametrize("folder", NODE)
def test_a_wheel_holds_the_package_and_its_metadata_and_nothing_else(folder: str, wheels: dict[str, Path]) -> None:
    name = Path(folder).name
    inside = ZipFile(wheels[name]).namelist()
    tops = {member.partition("/")[0] for member in inside}
    assert {top for top in tops if not top.endswith(".dist-info")} == {name}
    sources = {path.relative_to(ROOT / folder / "src").as_posix() for path in (ROOT / folder / "src").rglob("*.py")}
    assert {member for member in inside if member.endswith(".py")} == sources
    assert f"{name}/py.typed" in inside
    assert any(member.endswith(".dist-info/licenses/LICENSE") for member in inside)


def test_three_distributions_make_a_working_node_in_an_empty_environment(environment: Environment) -> None:
    assert environment.run_script("two_nodes").splitlines() == ["{'from': 'alpha'}", "{'from': 'beta'}"]


def test_plugins_are_listed_from_metadata_without_importing_any(environment: Environment) -> None:
    said = plugins(environment)
    found = {(one["kind"], one["name"], one["distribution"]) for one in said["listing"]}
    assert ("overlay", "fullmesh", "partisan-fullmesh") in found
    assert ("serializer", "msgpack", "partisan-codec-msgpack") in found
    assert ("transport", "tcp", "partisan-core") in found
    assert {one["distribution"] for one in said["listing"]} >= {Path(folder).name.replace("_", "-") for folder in NODE}
    assert said["imported"] == []


def test_a_whole_overlay_takes_at_most_40_lines_of_code() -> None:
    assert sum(code_lines(path.read_text()) for path in (RING / "src").rglob("*.py")) <= 40


def test_a_strangers_overlay_is_found_through_its_entry_point(environment_with_ring: Environment) -> None:
    said = plugins(environment_with_ring)
    assert [one["distribution"] for one in said["listing"] if one["name"] == "ring"] == ["partisan-ring"]
    assert said["imported"] == []


def test_a_ring_links_every_node_to_the_one_before_and_the_one_after(
    environment_with_ring: Environment,
) -> None:
    assert environment_with_ring.run_script("ring_of_four").splitlines() == [
        "alpha beta delta",
        "beta alpha gamma",
        "gamma beta delta",
        "delta alpha gamma",
    ]


def test_a_strangers_observer_hears_of_a_neighbour(environment_with_strangers: Environment) -> None:
    assert environment_with_strangers.run_script("observed_node").splitlines() == [
        "NeighbourUp beta",
        "NeighbourDown beta",
    ]


def test_a_strangers_command_is_a_command_of_partisan(environment_with_strangers: Environment) -> None:
    assert environment_with_strangers.command("hello") == "hello world\n"
    assert "From partisan-notebook." in environment_with_strangers.command("--help")


def test_the_command_lists_and_checks_what_strangers_published(environment_with_strangers: Environment) -> None:
    rows = json.loads(environment_with_strangers.command("plugins", "--json"))
    found = {(row["kind"], row["name"]): row for row in rows if row["distribution"] == "partisan-notebook"}
    assert set(found) == {("extension", "notebook"), ("command", "hello")}
    assert {row["api_range"] for row in found.values()} == {"partisan-core<0.2,>=0.1"}
    said = json.loads(environment_with_strangers.command("plugins", "check", "--json"))
    assert said["ok"]
    apis = {row["name"]: row["api"] for row in said["plugins"]}
    assert (apis["notebook"], apis["pairs"]) == ("1.1", "1.0")


def test_plugins_that_were_published_for_api_1_0_make_a_working_node(environment_with_strangers: Environment) -> None:
    assert environment_with_strangers.run_script("two_nodes_of_1_0").splitlines() == [
        "{'from': 'beta'}",
        "{'from': 'alpha'}",
    ]


def test_what_was_published_for_api_1_0_is_not_changed_afterwards() -> None:
    frozen = [API_1_0 / "pyproject.toml", *sorted((API_1_0 / "src").rglob("*.py"))]
    assert sha256(b"".join(path.read_bytes() for path in frozen)).hexdigest() == API_1_0_CHECKSUM
