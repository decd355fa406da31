"""What a wrong configuration is answered with: file, key, value, what was expected, the nearest key."""

from pathlib import Path

import pytest

from partisan_core.config import load_config
from partisan_core.errors import ConfigError


def refusal(text: str, folder: Path, **environ: str) -> str:
    """What loading a file of this text is answered with, the file called FILE."""
    path = folder / "alpha.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_config(path, environ=environ)
    return str(caught.value).replace(str(path), "FILE")


WRONG = {
    "a misspelt key is answered with the nearest one": (
        '[node]\nnam = "alpha"',
        "node.nam = \"alpha\": unknown key (did you mean 'name'?)",
    ),
    "a misspelt section is answered with the nearest one": (
        "[chanels.bulk]\nparallelism = 4",
        "chanels: unknown key (did you mean 'channels'?)",
    ),
    "a key like no other is answered with all that exist": (
        "[mailboxes]\nxyzzy = 4",
        "mailboxes.xyzzy = 4: unknown key; known here: messages",
    ),
    "an empty unknown section is found": (
        "[zzz]",
        (
            "zzz: unknown key; known here: node, overlay, serializer, failure_detector, transport, channels, "
            "links, downing, routing, mailboxes, limits, security, logging, extensions, faults"
        ),
    ),
    "a number is no text": (
        "[node]\ncluster = 7",
        'node.cluster = 7: expected text in quotes, for example "alpha"',
    ),
    "text is no number": (
        '[channels.bulk]\nparallelism = "4"',
        'channels.bulk.parallelism = "4": expected a whole number from 1 to 64',
    ),
    "a truth value is no number": (
        "[mailboxes]\nmessages = true",
        "mailboxes.messages = true: expected a whole number from 1 to 100000000",
    ),
    "a number out of bounds is answered with them": (
        "[channels.bulk]\nparallelism = 65",
        "channels.bulk.parallelism = 65: expected a whole number from 1 to 64",
    ),
    "a duration without a unit is answered with two guesses": (
        "[links]\ndial_timeout = 500",
        'links.dial_timeout = 500: expected a duration with its unit: "500ms" or "500s"',
    ),
    "a duration with another unit is answered with examples": (
        '[links]\ndial_timeout = "5 parsecs"',
        'links.dial_timeout = "5 parsecs": expected a duration, for example "500ms", "2s", "1.5m" or "1h"',
    ),
    "a size without a unit is answered with two guesses": (
        "[limits]\nbatch = 64",
        'limits.batch = 64: expected a size with its unit: "64B" or "64KiB"',
    ),
    "a size out of bounds is answered with them": (
        '[limits]\nbatch = "1GiB"',
        'limits.batch = "1GiB": expected a size from 1KiB to 16MiB',
    ),
    "text in place of a list is answered with the list to write": (
        '[node]\nlisten = "127.0.0.1:1"',
        'node.listen = "127.0.0.1:1": expected a list: write ["127.0.0.1:1"]',
    ),
    "a wrong address in a list is answered with its place": (
        '[node]\nlisten = ["127.0.0.1:1", "here"]',
        ("node.listen[1] = \"here\": 'here' is no address: write host:port, for example 127.0.0.1:9090 or [::1]:9090"),
    ),
    "a number is no address": (
        "[node]\nlisten = [9090]",
        'node.listen[0] = 9090: expected an address in quotes, for example "127.0.0.1:9090"',
    ),
    "a number is no path": (
        "[node]\ndata_dir = 1",
        'node.data_dir = 1: expected a path in quotes, for example "var/alpha"',
    ),
    "a value is no section": ("node = 1", "node = 1: expected a table"),
    "a value is no channel": ("[channels]\nbulk = 1", "channels.bulk = 1: expected a table"),
    "a value is no selection": (
        'overlay = "ring"',
        'overlay = "ring": expected a table: write { use = "ring" }',
    ),
    "a number names no plugin": (
        "[overlay]\nuse = 1",
        'overlay.use = 1: expected the name of a plugin in quotes, for example "tcp"',
    ),
    "a name with a blank is no name": (
        '[node]\nname = "a b"',
        'node.name = "a b": expected a name: 1 to 128 of the characters A-Z a-z 0-9 . _ @ : -',
    ),
    "a channel with a blank is no name": (
        '[channels."a b"]',
        'channels."a b": expected a name: 1 to 128 of the characters A-Z a-z 0-9 . _ @ : -',
    ),
    "a label that is no text is answered with the text to write": (
        "[node.labels]\nzone = 1",
        'node.labels: expected a table of texts: write zone = "1"',
    ),
    "labels that fill a handshake are answered with their bound": (
        f'[node.labels]\nzone = "{"x" * 1021}"',
        (
            "node.labels: expected at most 64 entries of together 1024 bytes, as they travel in each "
            "handshake; these are 1 of 1025 bytes"
        ),
    ),
    "the channel of the core cannot be configured": (
        "[channels.membership]\nparallelism = 2",
        "channels.membership.parallelism = 2: expected nothing: the core keeps this channel for itself",
    ),
    "the channel of the core cannot have a policy": (
        '[channels.membership]\npolicy = "disconnect"',
        'channels.membership.policy = "disconnect": expected nothing: the core keeps this channel for itself',
    ),
    "a channel without lanes is answered with the bounds": (
        "[channels.bulk]\nparallelism = 0",
        "channels.bulk.parallelism = 0: expected a whole number from 1 to 64",
    ),
    "two listeners on one port are answered with the second": (
        '[node]\nlisten = ["127.0.0.1:9090", "[::1]:9090", "127.0.0.1:9090"]',
        (
            'node.listen = ["127.0.0.1:9090", "[::1]:9090", "127.0.0.1:9090"]: expected each address once: '
            "127.0.0.1:9090 is taken by another one of the list"
        ),
    ),
    "a wildcard takes the port of every host": (
        '[node]\nlisten = ["127.0.0.1:9090", "0.0.0.0:9090"]\nadvertise = ["here.example:9090"]',
        (
            'node.listen = ["127.0.0.1:9090", "0.0.0.0:9090"]: expected each address once: 0.0.0.0:9090 '
            "is taken by another one of the list"
        ),
    ),
    "a wildcard that nobody can dial is answered with the line to add": (
        '[node]\nlisten = ["0.0.0.0:9090"]',
        (
            'node.listen = ["0.0.0.0:9090"]: expected an address that others can dial, or beside it the line '
            'advertise = ["this-machine.example:9090"]'
        ),
    ),
    "a first pause above the limit is answered with the limit": (
        '[links]\nredial_first = "1m"',
        'links.redial_first = "1m": expected at most redial_limit, which is 10s',
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_each_mistake_is_answered_with_file_key_value_and_what_was_expected(case: str, tmp_path: Path) -> None:
    text, answer = WRONG[case]
    assert refusal(text, tmp_path) == f"FILE: {answer}"


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    mistakes = '[lnks]\n[node]\nnam = "a"\nlisten = ["x", 1]\n[links]\nlinger = 1\n[channels.x]\nparallelism = 0'
    lines = refusal(mistakes, tmp_path).splitlines()
    assert lines[0] == "the configuration has 6 errors:"
    assert [line.split(":")[1].split("=")[0].strip() for line in lines[1:]] == [
        "node.listen[0]",
        "node.listen[1]",
        "node.nam",
        "channels.x.parallelism",
        "links.linger",
        "lnks",
    ]


def test_a_mistake_in_the_environment_is_answered_with_the_variable(tmp_path: Path) -> None:
    assert refusal("", tmp_path, PARTISAN__LINKS__LINGR="1s") == (
        "environment variable PARTISAN__LINKS__LINGR: links.lingr = \"1s\": unknown key (did you mean 'linger'?)"
    )


def test_a_mistake_in_a_keyword_is_answered_with_the_key() -> None:
    with pytest.raises(ConfigError, match=r"^keyword: links.linger = 5: expected a duration with its unit"):
        load_config(environ={}, overrides={"links": {"linger": 5}})


def test_mistakes_in_several_sources_are_told_together(tmp_path: Path) -> None:
    answer = refusal("[node]\nname = 1", tmp_path, PARTISAN__NODE__STRICT="2")
    assert "FILE: node.name = 1: expected text" in answer
    assert "environment variable PARTISAN__NODE__STRICT: node.strict = 2: expected true or false" in answer


def test_a_long_value_is_cut(tmp_path: Path) -> None:
    answer = refusal(f'[links]\nlinger = "{"x" * 5000}"', tmp_path)
    assert len(answer) < 200
    assert "x…: expected a duration" in answer
