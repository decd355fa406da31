"""One shape everywhere: the folders, the lists that name them, and what each distribution brings."""

import pytest

from tests.workspace import ROOT, Distribution, distributions, root_pyproject

DISTRIBUTIONS = distributions()

OVERLAY_FILES = {"__init__.py", "plugin.py", "config.py", "messages.py", "_protocol.py", "py.typed"}
OPTIONAL_OVERLAY_FILES = {
    *("_neighbours.py", "_views.py", "_acquaintances.py", "_backoff.py", "_draws.py", "_hearsay.py", "_reserved.py"),
    *("_xbot.py", "costs.py", "_client.py", "_server.py"),
}

LONGEST_SOURCE = 350
"""Taste says 300 lines; at 350 a file has more than one subject."""
LONGEST_TEST = 400


def names() -> set[str]:
    return {one.folder.name for one in DISTRIBUTIONS}


def test_every_folder_of_a_distribution_is_a_member_of_the_workspace() -> None:
    candidates = [*ROOT.glob("*/pyproject.toml"), *ROOT.glob("plugins/*/pyproject.toml")]
    assert {path.parent.name for path in candidates} == names()


def test_the_root_is_purely_virtual() -> None:
    root = root_pyproject()
    assert "project" not in root
    assert "build-system" not in root


def test_mypy_looks_into_every_distribution_and_the_extension_of_the_docs() -> None:
    path = root_pyproject()["tool"]["mypy"]["mypy_path"]
    assert path == sorted(path)
    assert set(path) == {f"{one}/src" for one in DISTRIBUTIONS} | {"docs/_ext"}


def test_every_distribution_comes_from_the_workspace() -> None:
    from_the_workspace = root_pyproject()["tool"]["uv"]["sources"]
    assert set(from_the_workspace) == {name.replace("_", "-") for name in names()}
    assert all(source == {"workspace": True} for source in from_the_workspace.values())


@pytest.mark.parametrize("distribution", DISTRIBUTIONS, ids=str)
def test_a_distribution_has_the_common_shape(distribution: Distribution) -> None:
    package = f"src/{distribution.folder.name}"
    expected = ["README.md", "LICENSE", f"{package}/__init__.py", f"{package}/py.typed"]
    assert [name for name in expected if not (distribution.folder / name).is_file()] == []
    assert [path.name for path in (distribution.folder / "src").iterdir() if path.suffix != ".egg-info"] == [
        distribution.folder.name
    ]


@pytest.mark.parametrize("distribution", DISTRIBUTIONS, ids=str)
def test_a_distribution_has_one_name_in_three_spellings(distribution: Distribution) -> None:
    assert distribution.project["name"] == distribution.folder.name.replace("_", "-")
    assert distribution.pyproject["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"] == [
        f"src/{distribution.folder.name}"
    ]


@pytest.mark.parametrize("distribution", DISTRIBUTIONS, ids=str)
def test_a_distribution_is_built_by_hatchling_for_every_supported_python(distribution: Distribution) -> None:
    assert distribution.pyproject["build-system"]["build-backend"] == "hatchling.build"
    assert distribution.project["requires-python"] == ">=3.11"


@pytest.mark.parametrize("distribution", DISTRIBUTIONS, ids=str)
def test_a_distribution_is_under_apache_2(distribution: Distribution) -> None:
    assert distribution.project["license"] == "Apache-2.0"
    assert (distribution.folder / "LICENSE").read_text() == (ROOT / "LICENSE").read_text()


def test_all_distributions_have_one_version() -> None:
    assert len({one.project["version"] for one in DISTRIBUTIONS}) == 1


@pytest.mark.parametrize("distribution", DISTRIBUTIONS, ids=str)
def test_a_distribution_asks_for_a_range_of_the_core_that_holds_its_own_version(
    distribution: Distribution,
) -> None:
    major, minor, _ = str(distribution.project["version"]).split(".")
    expected = f">={major}.{minor},<{major}.{int(minor) + 1}"
    ours = [need for need in distribution.project["dependencies"] if need.startswith("partisan-")]
    assert [need for need in ours if not need.endswith(expected)] == []


@pytest.mark.parametrize("distribution", DISTRIBUTIONS, ids=str)
def test_a_dependency_has_a_lower_and_an_upper_bound(distribution: Distribution) -> None:
    assert [need for need in distribution.project["dependencies"] if ">=" not in need or ",<" not in need] == []


@pytest.mark.parametrize("overlay", [one for one in DISTRIBUTIONS if one.is_overlay], ids=str)
def test_an_overlay_consists_of_the_same_files_as_every_other(overlay: Distribution) -> None:
    files = {path.name for path in overlay.package.iterdir() if path.name != "__pycache__"}
    assert files - OPTIONAL_OVERLAY_FILES == OVERLAY_FILES


@pytest.mark.parametrize("distribution", DISTRIBUTIONS, ids=str)
def test_a_source_file_has_one_subject_and_so_a_bounded_length(distribution: Distribution) -> None:
    lengths = {distribution.relative(path): len(path.read_text().splitlines()) for path in distribution.sources()}
    assert {path: length for path, length in lengths.items() if length > LONGEST_SOURCE} == {}


def test_a_test_file_has_a_bounded_length() -> None:
    lengths = {Distribution.relative(path): len(path.read_text().splitlines()) for path in ROOT.glob("tests/**/*.py")}
    assert {path: length for path, length in lengths.items() if length > LONGEST_TEST} == {}


def test_every_folder_of_tests_is_a_package() -> None:
    folders = {path.parent for path in ROOT.glob("tests/**/test_*.py")}
    assert [Distribution.relative(folder) for folder in folders if not (folder / "__init__.py").is_file()] == []
