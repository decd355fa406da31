"""The table of commands: what it costs, what it lists, what others add to it."""

import resource
import subprocess
import sys
from pathlib import Path
from statistics import median
from textwrap import dedent

import pytest
from click.testing import CliRunner

from partisan_cli.group import COMMANDS, partisan
from partisan_cli.output import duration, printable
from tests.cli.nodes import Machine

GENEROUS_SECONDS = 0.4
"""The promise is 0.15 s on a machine that has nothing else to do."""


def install(folder: Path, name: str, points: str, **modules: str) -> None:
    """A distribution as an installer leaves it."""
    info = folder / f"{name.replace('-', '_')}-1.2.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.2\n")
    (info / "entry_points.txt").write_text(dedent(points))
    for module, source in modules.items():
        (folder / f"{module}.py").write_text(dedent(source))


def processor_seconds(*command: str) -> float:
    """What a process costs: the median of five, of the processor's time, which other work disturbs least."""
    costs = []
    for _ in range(5):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        costs.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return median(costs)


def test_help_costs_little_beyond_the_interpreter(capsys: pytest.CaptureFixture[str]) -> None:
    bare = processor_seconds(sys.executable, "-c", "pass")
    cost = processor_seconds(sys.executable, "-m", "partisan_cli", "--help") - bare
    with capsys.disabled():
        print(f" [--help: {cost * 1000:.0f} ms beyond the interpreter] ", end="")
    assert cost < GENEROUS_SECONDS


def test_help_imports_click_and_nothing_that_costs() -> None:
    program = """
        import sys
        before = set(sys.modules)
        sys.argv = ["partisan", "--help"]
        from partisan_cli import main
        try:
            main()
        finally:
            costly = {"trio", "rich", "msgspec", "partisan_core", "importlib.metadata", "importlib_metadata", "pathlib"}
            assert not costly & (set(sys.modules) - before)
    """
    done = subprocess.run([sys.executable, "-c", dedent(program)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "bench" in done.stdout


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_of_the_table_exists_and_describes_itself(name: str) -> None:
    result = CliRunner().invoke(partisan, [name, "--help"])
    assert result.exit_code == 0, result.output
    assert f"Usage: partisan {name} " in result.output
    assert "--debug" in result.output


@pytest.mark.parametrize("name", ["status", "members", "connections", "ping", "plugins"])
def test_every_listing_takes_json(name: str) -> None:
    assert "--json" in CliRunner().invoke(partisan, [name, "--help"]).output


def test_the_listing_of_plugins_names_kind_name_distribution_and_version(machine: Machine) -> None:
    rows = machine.ask("plugins")
    found = {(row["kind"], row["name"], row["distribution"]) for row in rows}
    assert {
        ("overlay", "fullmesh", "partisan-fullmesh"),
        ("serializer", "msgpack", "partisan-codec-msgpack"),
        ("transport", "tcp", "partisan-core"),
        ("command", "bench", "partisan-bench"),
    } <= found
    assert all(row["version"] for row in rows)
    table = machine.call("plugins").stdout
    assert [row["name"] for row in rows if row["name"] not in table] == []


def test_listing_plugins_imports_none_of_them(
    machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    points = "[partisan.overlays]\nloud = acme_loud\n[partisan.commands]\nacme = acme_loud:command\n"
    install(tmp_path, "acme-loud", points, acme_loud='raise RuntimeError("imported")')
    monkeypatch.syspath_prepend(tmp_path)
    rows = [row for row in machine.ask("plugins") if row["distribution"] == "acme-loud"]
    assert [(row["kind"], row["name"], row["version"]) for row in rows] == [
        ("overlay", "loud", "1.2"),
        ("command", "acme", "1.2"),
    ]
    assert "acme" in machine.call("--help").stdout
    assert "acme_loud" not in sys.modules


def test_another_distribution_adds_a_command(machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = """
        import click

        @click.command()
        def greet():
            click.echo("hello")
    """
    install(tmp_path, "acme-greet", "[partisan.commands]\ngreet = acme_greet:greet\n", acme_greet=source)
    monkeypatch.syspath_prepend(tmp_path)
    assert machine.call("greet").stdout == "hello\n"
    assert "From acme-greet." in machine.call("--help").stdout


def test_a_command_that_cannot_be_imported_is_its_distributions_fault(
    machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    points = "[partisan.commands]\nbroken = acme_broken:command\n"
    install(tmp_path, "acme-broken", points, acme_broken='raise RuntimeError("no luck")')
    monkeypatch.syspath_prepend(tmp_path)
    said = machine.fail("broken")
    assert "the command 'broken' of acme-broken 1.2 (acme_broken:command) cannot be loaded" in said
    assert "RuntimeError: no luck" in said


def test_a_command_that_two_distributions_claim_is_refused(
    machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path, "acme-one", "[partisan.commands]\ntwice = acme_one:command\n")
    install(tmp_path, "acme-two", "[partisan.commands]\ntwice = acme_two:command\n")
    monkeypatch.syspath_prepend(tmp_path)
    said = machine.fail("twice")
    assert "acme-one 1.2 (acme_one:command) and acme-two 1.2 (acme_two:command)" in said


def test_what_a_terminal_would_obey_is_escaped() -> None:
    assert printable("eu-1 \x1b[31mred\x07\x9b \u202e ü") == r"eu-1 \x1b[31mred\x07\x9b \u202e ü"
    assert printable(None) == "-"


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.2, "0s"), (75, "1m 15s"), (7260, "2h 1m"), (200_000, "2d 7h"), (None, None)]
)
def test_a_long_time_is_told_in_its_two_greatest_units(seconds: float | None, text: str | None) -> None:
    assert duration(seconds) == text
