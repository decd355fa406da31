"""Files and their words: what is counted, what is left out, and the comparison."""

import os
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from partisan_cli.demo import tally
from partisan_cli.demo.reference import CHANGED, Reference
from partisan_cli.demo.sources import find_sources
from partisan_cli.demo.tally import Tally, count_words, read_tally


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("words") / "file"


@given(content=st.text("ab \n\t", max_size=60).map(str.encode), chunk=st.integers(1, 8))
def test_words_are_those_of_bytes_split_wherever_the_file_is_cut(scratch: Path, content: bytes, chunk: int) -> None:
    scratch.write_bytes(content)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tally, "_CHUNK", chunk)
        assert count_words(scratch) == Counter(content.split())


def test_a_tally_travels_as_bytes(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"to be or not to \xff")
    words = {b"to": 2, b"be": 1, b"or": 1, b"not": 1, b"\xff": 1}
    assert read_tally(tally.tally(file)) == Tally(words)


def test_what_is_no_regular_file_is_named_and_never_waited_for(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    assert read_tally(tally.tally(pipe)) == Tally(error="not a regular file")
    assert read_tally(tally.tally(Path(os.devnull))) == Tally(error="not a regular file")
    assert read_tally(tally.tally(tmp_path)) == Tally(error="Is a directory")
    assert read_tally(tally.tally(tmp_path / "missing")) == Tally(error="No such file or directory")


def test_files_are_sorted_and_counted_once(tmp_path: Path) -> None:
    below = tmp_path / "folder" / "below"
    below.mkdir(parents=True)
    for name in ("b.txt", "a.bin", "folder/c", "folder/below/d"):
        (tmp_path / name).write_text("word")
    sources = find_sources([tmp_path / "b.txt", tmp_path, tmp_path / "folder"])
    assert [file.name for file in sources.files] == ["a.bin", "b.txt", "d", "c"]
    assert sources.unlisted == {}


def test_by_default_the_standard_library_is_counted_without_what_was_installed() -> None:
    files = find_sources([]).files
    assert list(files) == sorted(files)
    assert {"argparse.py", "zipfile.py"} <= {file.name for file in files}
    assert all(file.suffix == ".py" and "site-packages" not in file.parts for file in files)


def results_of(files: list[Path]) -> dict[int, bytes]:
    return {number: tally.tally(file) for number, file in enumerate(files)}


async def test_a_file_that_one_side_cannot_read_is_left_out_on_both(tmp_path: Path) -> None:
    files = [tmp_path / name for name in ("counted", "late", "vanishing")]
    for file in files:
        file.write_text("a word")
    reference = Reference(files)
    results = results_of(files) | {1: tally.tally(tmp_path / "nothing")}
    files[2].unlink()
    comparison = await reference.compare(results)
    assert comparison.left_out == {
        files[1]: "No such file or directory",
        files[2]: "No such file or directory",
    }
    assert comparison.answer == comparison.expected == Counter([b"a", b"word"])


async def test_a_file_that_changed_during_the_run_is_left_out_on_both_sides(tmp_path: Path) -> None:
    file = tmp_path / "log"
    file.write_text("one line")
    reference = Reference([file])
    results = results_of([file])
    file.write_text("one line and another")
    comparison = await reference.compare(results)
    assert comparison.left_out == {file: CHANGED}
    assert not comparison.answer
    assert not comparison.expected


async def test_a_miscount_is_seen_even_when_the_sum_is_right(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("a b")
    wrong = tmp_path / "wrong"
    wrong.write_text("a a")
    comparison = await Reference([file]).compare({0: tally.tally(wrong)})
    assert comparison.answer.total() == comparison.expected.total()
    assert comparison.answer != comparison.expected
