"""The demo on real processes: small folders, quick pace; whatever happens, nothing is left behind."""

import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from partisan_cli.demo.command import demo
from tests.workspace import ROOT

DEADLINE = 60
"""Seconds after which a test has failed; machines may be busy."""

KEYS = [
    "nodes", "overlay", "files", "words", "expected_words", "match", "formation_s", "killed", "detected_s",
    "rejoined_s", "messages", "dropped",
]  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Thirty files of a few words."""
    made = tmp_path / "texts"
    made.mkdir()
    for number in range(30):
        (made / f"{number:02}.txt").write_text(f"file {number} holds " + "some words " * number)
    return made


@pytest.fixture
def temporary(tmp_path: Path) -> Path:
    """Where the demo finds its temporary directory."""
    made = tmp_path / "temporary"
    made.mkdir()
    return made


def environment(temporary: Path) -> dict[str, str]:
    return os.environ | {"TMPDIR": str(temporary), "PYTHONPATH": str(ROOT)}


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "partisan_cli.demo", *map(str, arguments)]


def run(temporary: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*arguments),
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        env=environment(temporary),
        check=False,
    )


def report_of(finished: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    assert finished.returncode == 0, finished.stderr
    report: dict[str, Any] = json.loads(finished.stdout)
    return report


def test_the_answer_survives_a_kill_and_an_unreadable_file(folder: Path, temporary: Path) -> None:
    (folder / "dangling").symlink_to(folder / "nothing")
    finished = run(temporary, folder, "--nodes", 3, "--pace", 1, "--json")
    report = report_of(finished)
    assert list(report) == KEYS
    expected = sum(len(file.read_bytes().split()) for file in folder.glob("*.txt"))
    assert (report["files"], report["words"], report["expected_words"]) == (30, expected, expected)
    assert report["match"] is True
    assert len(report["killed"]) == 1
    assert report["detected_s"] < 1
    assert report["rejoined_s"] > 0
    assert f"left out on both sides: {folder / 'dangling'}: No such file or directory" in finished.stderr
    assert list(temporary.iterdir()) == []


def test_on_a_ring_with_views_of_two_even_neighbours_may_die_together(folder: Path, temporary: Path) -> None:
    overlay = "tests.ring_overlay.src.partisan_ring:Ring"
    finished = run(temporary, folder, "--nodes", 4, "--kill", 2, "--overlay", overlay, "--pace", 1, "--json")
    report = report_of(finished)
    assert report["match"] is True
    assert len(report["killed"]) == 2


@pytest.mark.parametrize("overlay", ["static", "hyparview", "scamp_v2"])
def test_the_answer_is_the_same_on_other_overlays(folder: Path, temporary: Path, overlay: str) -> None:
    report = report_of(run(temporary, folder, "--nodes", 5, "--overlay", overlay, "--pace", 1, "--json"))
    assert report["overlay"] == overlay
    assert report["match"] is True
    assert report["words"] == sum(len(file.read_bytes().split()) for file in folder.glob("*.txt"))
    assert len(report["killed"]) == 1
    assert report["killed"][0] not in {"alpha", "beta"}, "the first two are servers"
    assert report["detected_s"] < 1


def test_for_people_the_report_says_how_it_went_and_nobody_has_to_die(folder: Path, temporary: Path) -> None:
    finished = run(temporary, folder, "--nodes", 2, "--kill", 0, "--pace", 0.5)
    assert finished.returncode == 0
    assert "the counts match, word for word" in finished.stdout
    assert "killed       nobody" in finished.stdout
    assert "everybody knows everybody" in finished.stderr


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="looks for processes in /proc")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL], ids=["ctrl-c", "killed"])
def test_a_run_that_is_stopped_in_the_middle_leaves_nothing_behind(
    folder: Path, temporary: Path, number: signal.Signals
) -> None:
    with started(temporary, folder, "--nodes", 3, "--pace", 60) as process:
        assert process.stderr is not None
        assert any(line.startswith("killed") for line in process.stderr)
        with workers(temporary) as running:
            assert len(running) >= 2  # the victim may not have ended yet
            process.send_signal(number)
            process.wait(DEADLINE)
            for worker in running:
                assert select.select([worker], [], [], DEADLINE)[0], "a worker lives on"
        if number == signal.SIGINT:
            assert "nothing is left behind" in process.stderr.read()
            assert process.returncode == 128 + signal.SIGINT
            assert list(temporary.iterdir()) == []


@contextmanager
def started(temporary: Path, *arguments: object) -> Iterator[subprocess.Popen[str]]:
    """A demo under way; killed at the end of the block, if it still runs."""
    pipe = subprocess.PIPE
    with subprocess.Popen(command(*arguments), stderr=pipe, text=True, env=environment(temporary)) as process:
        try:
            yield process
        finally:
            process.kill()


@contextmanager
def workers(temporary: Path) -> Iterator[list[int]]:
    """Descriptors, readable at the end of their process, of all workers with that temporary directory."""
    mark = f"TMPDIR={temporary}".encode()
    descriptors = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if mark in (process / "environ").read_bytes() and b"demo.worker" in (process / "cmdline").read_bytes():
                descriptors.append(os.pidfd_open(int(process.name)))
        except (OSError, PermissionError):
            continue
    try:
        yield descriptors
    finally:
        for descriptor in descriptors:
            os.close(descriptor)


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["nowhere"], "'nowhere' does not exist"),
        (["--overlay", "fulmesh"], "did you mean 'fullmesh'"),
        (["--nodes", "3", "--kill", "3"], "kill at most 2"),
        (["--nodes", "0"], "0"),
        (["--pace", "0"], "0"),
        (["{empty}"], "nothing to count"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_what_cannot_be_run_is_refused_with_a_word(temporary: Path, arguments: list[str], word: str) -> None:
    result = CliRunner().invoke(demo, [argument.format(empty=temporary) for argument in arguments])
    assert result.exit_code == 2
    assert word in result.stderr
