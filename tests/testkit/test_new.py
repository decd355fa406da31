"""`partisan new overlay`: what it writes, and what it refuses to write."""

import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from partisan_cli.group import partisan
from partisan_core.plugins import API_VERSION
from tests.workspace import code_lines, distributions


def new_overlay(*words: str) -> Result:
    return CliRunner().invoke(partisan, ["new", "overlay", *words])


@pytest.fixture
def written(tmp_path: Path) -> Path:
    folder = tmp_path / "there" / "it"
    done = new_overlay("word_of_mouth", "--dir", str(folder))
    assert done.exit_code == 0, done.output
    assert f"pip install -e {folder}" in done.output
    return folder


def test_an_overlay_is_written_in_the_shape_of_every_other(written: Path) -> None:
    package = "src/partisan_overlay_word_of_mouth"
    assert {path.relative_to(written).as_posix() for path in written.rglob("*") if path.is_file()} == {
        "README.md",
        "pyproject.toml",
        "tests/test_conformance.py",
        *(f"{package}/{name}.py" for name in ("__init__", "plugin", "config", "messages", "_protocol")),
        f"{package}/py.typed",
    }
    assert [path for path in written.rglob("*") if path.is_file() and "$" in path.read_text().replace("$ ", "")] == []


def test_its_entry_point_and_its_ranges_are_those_of_this_core(written: Path) -> None:
    project = tomllib.loads((written / "pyproject.toml").read_text())["project"]
    assert project["name"] == "partisan-overlay-word-of-mouth"
    assert project["entry-points"]["partisan.overlays"] == {"word_of_mouth": "partisan_overlay_word_of_mouth.plugin"}
    assert {need for one in distributions() for need in one.project["dependencies"]} >= set(project["dependencies"])
    plugin = (written / "src" / "partisan_overlay_word_of_mouth" / "plugin.py").read_text()
    assert f'PARTISAN_API = "{API_VERSION[0]}.{API_VERSION[1]}"' in plugin
    assert "class WordOfMouth:" in (written / "src" / "partisan_overlay_word_of_mouth" / "_protocol.py").read_text()


def test_its_protocol_is_small_enough_to_begin_with(written: Path) -> None:
    source = (written / "src" / "partisan_overlay_word_of_mouth" / "_protocol.py").read_text()
    assert code_lines(source) <= 100


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("My-Overlay", "for example 'my_overlay'"),
        ("WordOfMouth", "for example 'word_of_mouth'"),
        ("2fast", "for example 'fast'"),
        ("../../etc", "for example 'etc'"),
        ("x" * 41, "at most 40"),
        ("", "a letter first"),
        ("é", "a letter first"),
        ("class", "a word of Python's own"),
        ("fullmesh", "the name of an overlay of partisan-fullmesh"),
    ],
)
def test_a_name_that_cannot_be_used_is_refused_with_one_that_can(
    name: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = new_overlay("--", name)
    assert done.exit_code == 1
    assert said in done.output
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_written_over_what_is_there(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "README.md").write_text("mine")
    for occupied in (folder, folder / "README.md"):
        done = new_overlay("tattle", "--dir", str(occupied))
        assert done.exit_code == 1
        assert "nothing was written" in done.output
    assert [path.name for path in folder.iterdir()] == ["README.md"]
    assert (folder / "README.md").read_text() == "mine"


def test_an_empty_folder_is_taken(tmp_path: Path) -> None:
    assert new_overlay("tattle", "--dir", str(tmp_path)).exit_code == 0
    assert (tmp_path / "pyproject.toml").is_file()


def test_a_folder_that_cannot_be_made_is_told_without_a_traceback(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = new_overlay("tattle", "--dir", str(tmp_path / "file" / "below"))
    assert done.exit_code == 1
    assert done.output.startswith("Error: ")
