"""`partisan plugins`: what is installed, what of it is used, and what is wrong with it."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from partisan_core.version import VERSION
from tests.cli.nodes import Machine
from tests.core.plugins.site import SERIALIZER, Site

DISABLE = "PARTISAN_DISABLE_PLUGINS"
COMMAND = """
    import click

    @click.command()
    def greet():
        click.echo("hello")
"""


def row(machine: Machine, name: str, *arguments: str) -> dict[str, Any]:
    [found] = [one for one in machine.ask("plugins", *arguments) if one["name"] == name]
    assert isinstance(found, dict)
    return found


def checked(machine: Machine) -> dict[str, Any]:
    result = machine.call("plugins", "check", "--json")
    said: dict[str, Any] = json.loads(result.stdout)
    assert result.exit_code == (0 if said["ok"] else 1)
    return said


def problem_of(machine: Machine, name: str) -> str:
    [found] = [one["problem"] for one in checked(machine)["plugins"] if one["name"] == name]
    return str(found)


# The listing.


def test_a_plugin_is_listed_with_everything_that_its_metadata_tells(machine: Machine, site: Site) -> None:
    site.install("acme-mine", "1.2", {"serializers:mine": "acme_mine"}, ("partisan-core<2,>=1",), acme_mine="1 / 0")
    assert row(machine, "mine") == {
        "kind": "serializer",
        "name": "mine",
        "distribution": "acme-mine",
        "version": "1.2",
        "value": "acme_mine",
        "api_range": "partisan-core<2,>=1",
        "disabled": False,
        "active": False,
    }
    assert f"partisan-core=={VERSION}" in machine.call("plugins").stdout


def test_a_listing_in_a_process_of_its_own_runs_no_line_of_a_plugin(tmp_path: Path) -> None:
    site = Site(tmp_path)
    loud = "print('imported')\nraise SystemExit(3)"
    points = {"overlays:loud": "acme_loud", "extensions:loud": "acme_loud", "commands:loud": "acme_loud:run"}
    site.install("acme-loud", "1", points, acme_loud=loud)
    enabled = {
        "PYTHONPATH": str(tmp_path),
        "PARTISAN__EXTENSIONS__ENABLE": '["loud"]',
        "PARTISAN__OVERLAY__USE": "loud",
    }
    command = [sys.executable, "-m", "partisan_cli", "plugins", "--json"]
    done = subprocess.run(command, env=enabled, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "imported" not in done.stdout
    found = [(one["kind"], one["active"]) for one in json.loads(done.stdout) if one["name"] == "loud"]
    assert found == [("overlay", True), ("extension", True), ("command", True)]


def test_the_control_channel_is_active_without_a_word(machine: Machine) -> None:
    assert row(machine, "control")["distribution"] == "partisan-control"
    assert row(machine, "control")["active"]


def test_what_a_configuration_selects_is_active(machine: Machine, site: Site, tmp_path: Path) -> None:
    site.install("acme-mine", "1", {"serializers:mine": "acme_mine", "extensions:book": "acme_mine"})
    file = tmp_path / "node.toml"
    file.write_text(
        '[extensions]\nenable = ["book"]\n[channels.a]\nserializer = "mine"\ncompression = "zstd"\n'
        '[channels.b]\npolicy = "drop_oldest"\n'
    )
    for name in ("mine", "book", "drop_oldest", "zstd"):
        assert not row(machine, name)["active"]
        assert row(machine, name, "--config", str(file))["active"]
    for name in ("fullmesh", "block", "msgpack", "bench"):
        assert row(machine, name)["active"]


def test_a_disabled_plugin_is_listed_as_disabled_and_not_as_active(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(DISABLE, "overlay:fullmesh,bench")
    for name in ("fullmesh", "bench"):
        found = row(machine, name)
        assert (found["active"], found["disabled"]) == (False, True)
    states = [line.split()[-1] for line in machine.call("plugins").stdout.splitlines() if "fullmesh" in line]
    assert states == ["disabled"]


def test_an_option_of_the_listing_before_a_command_is_a_usage_error(machine: Machine) -> None:
    result = machine.call("plugins", "--json", "check")
    assert result.exit_code == 2
    assert "partisan plugins check --json" in result.stderr


# Commands of others.


def test_a_disabled_command_is_not_there_and_the_error_says_why(
    machine: Machine, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.install("acme-greet", "1.2", {"commands:greet": "acme_greet:greet"}, acme_greet=COMMAND)
    assert machine.call("greet").stdout == "hello\n"
    monkeypatch.setenv(DISABLE, "command:greet")
    assert "greet" not in machine.call("--help").stdout
    said = machine.fail("greet")
    assert said == (
        "Error: the command 'greet' of acme-greet 1.2 (acme_greet:greet) is disabled by PARTISAN_DISABLE_PLUGINS\n"
    )


def test_a_command_that_ends_the_program_at_import_hurts_no_other(machine: Machine, site: Site) -> None:
    points = {"commands:broken": "acme_bad:greet", "commands:greet": "acme_greet:greet"}
    site.install("acme-both", "1.2", points, acme_bad="raise SystemExit(0)", acme_greet=COMMAND)
    assert "SystemExit: 0" in machine.fail("broken")
    assert machine.call("greet").stdout == "hello\n"
    assert "broken" in machine.call("--help").stdout


# The check.


def test_a_check_finds_what_is_installed_here_in_order(machine: Machine) -> None:
    said = checked(machine)
    assert said["ok"], said
    assert said["warnings"] == []
    assert {one["api"] for one in said["plugins"] if one["kind"] != "command"} == {"1.0", "1.1", "1.2", "1.3"}
    assert " ok" in machine.call("plugins", "check").stdout


WRONG = {
    "at import": ("import no_such_module_anywhere", "No module named 'no_such_module_anywhere'"),
    "ends the program": ("raise SystemExit(7)", "SystemExit: 7"),
    "a misspelt hook": (SERIALIZER.replace("partisan_serializer", "partisan_serialiser"), "'partisan_serializer'?"),
    "a core too old": (SERIALIZER.replace("1.0", "1.4"), "was written for API 1.4, this core has API 1.3"),
    "too old itself": (SERIALIZER.replace("1.0", "0.9"), "was written for API 0.9, this core has API 1.3"),
    "a strange config": (SERIALIZER.replace("config: None", "config: None, config=dict"), "is no dataclass"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_check_says_what_is_wrong_with_a_plugin_and_goes_on(case: str, machine: Machine, site: Site) -> None:
    source, answer = WRONG[case]
    site.install_serializer(source)
    said = checked(machine)
    assert not said["ok"]
    problems = {one["name"]: one["problem"] for one in said["plugins"]}
    assert problems["mine"].startswith("the serializer 'mine' of acme-mine 1.2")
    assert answer in problems["mine"]
    assert [name for name, problem in problems.items() if problem is not None] == ["mine"]
    assert answer in machine.fail("plugins", "check")


def test_a_check_names_both_distributions_that_claim_a_name(machine: Machine, site: Site) -> None:
    site.install("acme-one", "1", {"serializers:mine": "one", "commands:go": "one:go"})
    site.install("acme-two", "2", {"serializers:mine": "two", "commands:go": "two:go"})
    assert machine.fail("plugins", "check").splitlines() == [
        "Error: the serializer 'mine' is claimed by acme-one 1 (one) and acme-two 2 (two); uninstall one of them",
        "Error: the command 'go' is claimed by acme-one 1 (one:go) and acme-two 2 (two:go); uninstall one of them",
    ]


def test_a_check_finds_a_command_that_cannot_be_loaded_or_is_never_reached(machine: Machine, site: Site) -> None:
    points = {"commands:broken": "acme_broken:command", "commands:run": "acme_broken:command"}
    site.install("acme-broken", "1", points, acme_broken="command = 3")
    assert "is a int, no click command" in problem_of(machine, "broken")
    assert problem_of(machine, "run") == ("the command 'run' of acme-broken is never called: partisan has one itself")


def test_what_an_import_prints_is_no_part_of_the_answer(machine: Machine, site: Site) -> None:
    site.install(
        "acme-chatty", "1", {"serializers:chatty": "acme_chatty"}, acme_chatty=f"{SERIALIZER}\n    print('hi')"
    )
    assert problem_of(machine, "chatty") == "None"


def test_a_check_neither_imports_nor_judges_what_is_disabled(
    machine: Machine, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.install("acme-off", "1", {"serializers:off": "acme_off", "commands:off": "acme_off:x"}, acme_off="1 / 0")
    monkeypatch.setenv(DISABLE, "off")
    assert checked(machine)["ok"]
    assert "acme_off" not in sys.modules


def test_a_check_warns_of_disabled_names_that_nothing_has(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(DISABLE, "command:bench,fulmesh")
    warning = f"{DISABLE} names 'fulmesh', and no plugin is called so (did you mean 'fullmesh'?)"
    assert checked(machine)["warnings"] == [warning]
    result = machine.call("plugins", "check")
    assert (result.exit_code, result.stderr) == (0, f"Warning: {warning}\n")
