"""What is wrong with a command line or a configuration, and how it is told."""

from pathlib import Path

import pytest

from partisan_core.errors import ConfigError
from tests.cli.nodes import Machine, files_below

WRONG = """\
[node]
nmae = "alpha"
listen = ["127.0.0.1"]
[overlay]
use = "fulmesh"
[failure_detector]
atempts = 3
[links]
dial_timeout = 5
[channels.bulk]
policy = "blok"
"""


def wrong_file(machine: Machine) -> Path:
    path = machine.folder / "wrong.toml"
    path.write_text(WRONG)
    return path


def test_a_check_prints_every_problem_of_the_file_its_plugins_and_their_tables(machine: Machine) -> None:
    path = wrong_file(machine)
    lines = machine.fail("config", "check", str(path)).splitlines()
    assert all(line.startswith(f"Error: {path}: ") for line in lines)
    for key, hint in {
        "node.nmae": "did you mean 'name'?",
        "node.listen[0]": "127.0.0.1:9090",
        "overlay.use": "did you mean 'fullmesh'?",
        "failure_detector.atempts": "unknown key",
        "links.dial_timeout": '"5s"',
        "channels.bulk.policy": "did you mean 'block'?",
    }.items():
        assert [line for line in lines if f" {key}" in line and hint in line], (key, lines)
    assert len(lines) == 6


def test_a_check_tells_a_program_the_same(machine: Machine) -> None:
    result = machine.call("config", "check", str(wrong_file(machine)), "--json")
    assert result.exit_code == 1
    assert '"ok": false' in result.stdout
    assert result.stdout.count("wrong.toml: ") == 6


def test_a_configuration_without_a_fault_is_fine(machine: Machine) -> None:
    path = machine.folder / "right.toml"
    path.write_text('[node]\nname = "alpha"\n[overlay]\nuse = "fullmesh"\ngossip_interval = "2s"\n')
    assert machine.ask("config", "check", str(path)) == {"ok": True, "problems": []}
    assert "is fine" in machine.call("config", "check", str(path)).stdout


def test_a_check_looks_at_single_values_too(machine: Machine) -> None:
    said = machine.fail("config", "check", "--set", "overlay.gossip_interval=1", "--set", "transport.use=tpc")
    assert "overlay.gossip_interval = 1" in said
    assert "did you mean 'tcp'?" in said


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, "no such file"),
        ("[node", "not TOML"),
        ('node = "alpha"', "expected a table"),
        ("channels = 3", "channels"),
        ("overlay = 3", "overlay"),
    ],
)
def test_a_file_that_is_no_configuration_is_named(machine: Machine, text: str | None, expected: str) -> None:
    path = machine.folder / "odd.toml"
    if text is not None:
        path.write_text(text)
    for command in (("config", "check"), ("run",), ("status", "--config")):
        said = machine.fail(*command, str(path))
        assert str(path) in said
        assert expected in said
    assert files_below(machine.runtime) == []


def test_a_node_does_not_start_with_an_unknown_plugin_and_the_error_says_what_is_installed(machine: Machine) -> None:
    said = machine.fail("run", "--set", "overlay.use=fulmesh")
    before, _, installed = said.partition("installed: ")
    assert "the overlay 'fulmesh' is not installed (did you mean 'fullmesh'?); " in before
    assert "fullmesh" in installed.strip().split(", ")
    assert files_below(machine.runtime) == []


def test_a_node_does_not_start_with_a_misspelt_key(machine: Machine) -> None:
    assert "unknown key (did you mean 'name'?)" in machine.fail("run", str(wrong_file(machine)))
    assert files_below(machine.runtime) == []


def test_a_contact_that_is_no_address_is_refused_before_anything_starts(machine: Machine) -> None:
    assert "write host:port" in machine.fail("run", "--join", "alpha")
    assert files_below(machine.runtime) == []


def test_a_name_that_cannot_be_one_is_refused(machine: Machine) -> None:
    assert "node.name" in machine.fail("run", "--name", "a/b")


@pytest.mark.parametrize("line", [("--debug", "run", "no.toml"), ("run", "no.toml", "--debug")])
def test_a_traceback_is_shown_to_those_who_ask_for_it(machine: Machine, line: tuple[str, ...]) -> None:
    assert isinstance(machine.call(*line).exception, ConfigError)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (("membres",), "no command 'membres' (did you mean 'members'?)"),
        (("run", "--nam", "x"), "--name"),
        (("run", "--set", "name"), "write section.key=value"),
        (("run", "--log-level", "loud"), "'debug', 'info'"),
        (("join",), "Missing argument"),
        (("status", "--config", "x", "--data-dir", "y"), "give one of them"),
    ],
)
def test_a_wrong_command_line_is_a_usage_error(machine: Machine, line: tuple[str, ...], expected: str) -> None:
    result = machine.call(*line)
    assert result.exit_code == 2
    assert expected in result.stderr


def test_without_a_running_node_the_error_says_how_to_start_one(machine: Machine) -> None:
    said = machine.fail("members")
    assert f"no running node is found in {machine.runtime / 'partisan'}" in said
    assert "partisan run" in said
    said = machine.fail("members", "--data-dir", str(machine.folder))
    assert f"no running node can be reached in {machine.folder}" in said


def test_a_configuration_that_does_not_say_where_its_node_is_cannot_find_it(machine: Machine) -> None:
    path = machine.folder / "nameless.toml"
    path.write_text("")
    assert "say where it is with --data-dir" in machine.fail("status", "--config", str(path))
