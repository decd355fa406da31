"""An overlay in half an hour: from the template to a wheel that a configuration names, as the tutorial tells it.

Everything happens in an empty environment, with no overlay in it but those that are made here.
"""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.environments import Environment, build_wheel, run
from tests.pages import Page
from tests.workspace import ROOT, code_lines

INSTALLED = (
    "partisan_core",
    *(f"plugins/partisan_{name}" for name in ("codec_msgpack", "control", "cli", "testkit")),
)
TUTORIAL = Page(ROOT / "docs" / "tutorial" / "your-first-overlay.md")
PROTOCOL = "partisan_overlay_cyclon/src/partisan_overlay_cyclon/_protocol.py"
GUARD = "peer.name == self._me.name or "


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    made = Environment(tmp_path_factory.mktemp("stranger"))
    made.install(*(f"./{folder}" for folder in INSTALLED))
    return made


@pytest.fixture(scope="module")
def beginning(environment: Environment) -> Path:
    """What `partisan new overlay` writes."""
    environment.command("new", "overlay", "tattle")
    return environment.elsewhere / "partisan_overlay_tattle"


@pytest.fixture(scope="module")
def cyclon(environment: Environment) -> Path:
    """What the tutorial makes of it, installed from its wheel."""
    environment.command("new", "overlay", "cyclon")
    for path, text in TUTORIAL.parts().items():
        (environment.elsewhere / path).write_text(text)
    folder = environment.elsewhere / "partisan_overlay_cyclon"
    environment.install(build_wheel(folder, environment.elsewhere / "wheels"))
    return folder


def broken_rules(said: str) -> list[str]:
    return [row["rule"] for row in json.loads(said)["rules"] if row["verdict"] == "FAILED"]


def test_the_beginning_keeps_the_rules_and_gives_the_right_answer_in_the_demo(
    environment: Environment, beginning: Path
) -> None:
    environment.install(build_wheel(beginning, environment.elsewhere / "beginning"))
    said = environment.command("conformance", "tattle", "--seeds", "0-1", "--json")
    assert broken_rules(said) == []
    files = [environment.elsewhere / f"{number}.txt" for number in range(20)]
    for file in files:
        file.write_text("a rose is a rose is a rose\n")
    options = ("--overlay", "tattle", "--nodes", "4", "--kill", "1", "--pace", "1", "--json")
    said = json.loads(environment.command("demo", *map(str, files), *options))
    assert (said["match"], said["expected_words"]) == (True, 160)
    assert len(said["killed"]) == 1


def test_the_overlay_of_the_tutorial_keeps_the_rules(environment: Environment, cyclon: Path) -> None:
    assert broken_rules(environment.command("conformance", "cyclon", "--json")) == []


def test_the_overlay_of_the_tutorial_has_at_most_150_lines_of_protocol(cyclon: Path) -> None:
    assert code_lines((cyclon.parent / PROTOCOL).read_text()) <= 150


def test_a_configuration_selects_the_overlay_of_the_tutorial_and_its_nodes_talk(
    environment: Environment, cyclon: Path
) -> None:
    environment.command("config", "check", "node.toml")
    assert run([environment.python, "three_nodes.py"], environment.elsewhere).splitlines() == [
        "alpha beta gamma",
        "beta alpha gamma",
        "gamma alpha beta",
        "hello",
    ]


def test_the_slip_that_the_tutorial_shows_is_found_by_the_rule_that_it_names(
    environment: Environment, cyclon: Path, tmp_path: Path
) -> None:
    source = (cyclon.parent / PROTOCOL).read_text()
    assert source.count(GUARD) == 1
    shutil.copytree(cyclon / "src" / cyclon.name, tmp_path / cyclon.name)
    (tmp_path / cyclon.name / "_protocol.py").write_text(source.replace(GUARD, ""))
    said = subprocess.run(
        [environment.python, "-m", "partisan_cli", "conformance", "cyclon", "--rule", "overlay.never-itself"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    shown = next(block.text for block in TUTORIAL.blocks() if block.language == "text")
    assert said.returncode == 1, said.stderr
    assert said.stdout.splitlines()[0].startswith(shown.strip().removesuffix("..."))


def test_what_is_written_is_clean_for_linters_and_type_checkers(
    environment: Environment, beginning: Path, cyclon: Path
) -> None:
    """Where they are installed: `.ci/run` has them."""
    tools = Path(sys.executable).parent
    if not (tools / "ruff").exists() or not (tools / "mypy").exists():
        pytest.skip("ruff and mypy are not installed in this environment")
    made = [beginning, cyclon]
    run([tools / "ruff", "check", *made], environment.elsewhere)
    run([tools / "ruff", "format", "--check", *made], environment.elsewhere)
    mypy: list[str | Path] = [tools / "mypy", "--strict", f"--cache-dir={environment.elsewhere / 'types'}"]
    for folder in made:  # one by one, as both have a `test_conformance`
        run([*mypy, folder, "three_nodes.py"], environment.elsewhere)
