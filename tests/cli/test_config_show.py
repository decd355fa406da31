"""`partisan config show`: every key, its value, and who said it."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from partisan_cli.shown import Shown, as_toml
from partisan_core import load_config
from partisan_core.config.sources import _parse_toml
from tests.cli.nodes import Machine

FILE = """\
[node]
name = "alpha"
listen = ["127.0.0.1:0", "[::1]:0"]
data_dir = "var/alpha"
labels = { zone = "eu-1", "a.b" = "x" }
[overlay]
fanout = 5
[channels.bulk]
queue_bytes = "32MiB"
policy = "drop_oldest"
[channels.bulk.compression]
use = "zlib"
level = 6
minimum = "4KiB"
[links]
redial_first = "75ms"
"""


@pytest.fixture
def path(machine: Machine) -> Path:
    path = machine.folder / "alpha.toml"
    path.write_text(FILE)
    return path


def said(machine: Machine, path: Path, *options: str) -> list[str]:
    return machine.call("config", "show", str(path), *options).stdout.splitlines()


def test_each_value_is_shown_with_who_said_it(machine: Machine, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PARTISAN__LINKS__REDIAL_FIRST", "60ms")
    monkeypatch.setenv("PARTISAN__NODE__CLUSTER", "42")
    rows = machine.ask("config", "show", str(path), "--set", "overlay.fanout=4")
    shown = {row["key"]: (row["value"], row["origin"]) for row in rows}
    assert shown["node.name"] == ("alpha", str(path))
    assert shown["node.listen"] == (["127.0.0.1:0", "[::1]:0"], str(path))
    assert shown["node.data_dir"] == (str(machine.folder / "var/alpha"), str(path))
    assert shown['node.labels."a.b"'] == ("x", str(path))
    assert shown["node.cluster"] == ("42", "environment variable PARTISAN__NODE__CLUSTER")
    assert shown["links.redial_first"] == ("60ms", "environment variable PARTISAN__LINKS__REDIAL_FIRST")
    assert shown["overlay.fanout"] == (4, "keyword")
    assert shown["overlay.gossip_interval"] == ("1s", "default")
    assert shown["channels.bulk.queue_bytes"] == ("32MiB", str(path))
    assert shown["channels.bulk.serializer"] == (None, "default")
    assert shown["channels.default.compression"] == (None, "default")
    assert shown["channels.bulk.compression.use"] == ("zlib", str(path))
    assert shown["channels.bulk.compression.minimum"] == ("4KiB", str(path))
    assert shown["channels.bulk.compression.level"] == (6, str(path))
    assert len(shown) == len(rows)


def test_the_origin_stands_behind_each_line_when_it_is_asked_for(machine: Machine, path: Path) -> None:
    told = [line.rpartition(" # ") for line in said(machine, path, "--origin")]
    assert [line.rstrip() for line, _, _ in told] == said(machine, path)
    origins = {line.rstrip(): origin for line, _, origin in told}
    assert origins['node.name = "alpha"'] == str(path)
    assert origins['node.cluster = "default"'] == origins["# channels.bulk.serializer is not set"] == "default"


@pytest.mark.parametrize("options", [(), ("--origin",)])
def test_what_is_shown_is_a_configuration_that_says_the_same(
    machine: Machine, path: Path, options: tuple[str, ...]
) -> None:
    again = machine.folder / "again.toml"
    again.write_text(machine.call("config", "show", str(path), *options).stdout)
    first, second = load_config(path, environ={}), load_config(again, environ={})
    assert first.node == second.node
    assert (first.channels, first.links, first.limits) == (second.channels, second.links, second.limits)
    assert second.overlay.options == {"gossip_interval": "1s", "fanout": 5, "tombstone_ttl": "1h"}
    assert said(machine, path) == said(machine, again)


def test_a_configuration_with_faults_is_not_shown_but_its_faults_are(machine: Machine) -> None:
    told = machine.fail("config", "show", "--set", "overlay.use=fulmesh", "--set", "node.nmae=x")
    assert "did you mean 'fullmesh'?" in told
    assert "did you mean 'name'?" in told


@given(st.text())
def test_any_text_is_written_so_that_toml_reads_it_and_no_terminal_obeys_it(text: str) -> None:
    line = as_toml(Shown("key", text, "default"))
    assert line.isprintable()
    assert _parse_toml(line) == {"key": text}


def test_json_is_a_list_of_keys(machine: Machine) -> None:
    rows = json.loads(machine.call("config", "show", "--json").stdout)
    assert rows[0] == {"key": "node.name", "value": "", "origin": "default"}


def test_the_keys_of_enabled_extensions_are_shown(machine: Machine) -> None:
    path = machine.folder / "watched.toml"
    name = "tests.core.plugins.test_extensions:listening"
    path.write_text(f'[extensions]\nenable = ["{name}"]\n')
    rows = machine.ask("config", "show", str(path))
    shown = {row["key"]: row["value"] for row in rows if row["key"].startswith("extensions")}
    assert shown.pop("extensions.enable") == [name]
    assert [key for key in shown if key.startswith(f'extensions."{name}".')] == [*shown] != []
