"""The state file: whatever became of it, a node starts clean or refuses by name, and never lives a life twice."""

import logging
import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from time import time_ns

import msgspec
import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct
from msgspec.structs import asdict

from partisan_core import Address
from partisan_core.errors import DataDirUnusable
from partisan_core.kernel import state
from partisan_core.kernel.state import State, StateFile

PEERS = {"beta": (Address("beta.example", 9090), Address("::1", 1)), "gamma": (Address("127.0.0.1", 2),)}


async def live(directory: Path, peers: dict[str, tuple[Address, ...]] = PEERS, snapshot: bytes = b"") -> int:
    """One life of alpha; its incarnation."""
    file = StateFile(directory, "alpha", "shop", "fullmesh")
    incarnation = await file.begin_life()
    await file.save(peers, snapshot)
    return incarnation


def path_of(directory: Path) -> Path:
    return directory / "state.msgpack"


def names_in(directory: Path) -> list[str]:
    return [path.name for path in directory.iterdir()]


def opened(directory: Path) -> StateFile:
    return StateFile(directory, "alpha", "shop", "fullmesh")


def sealed(content: Struct | dict[str, object]) -> bytes:
    body = msgspec.msgpack.encode(content)
    return body + state._seal(body)


def far_from_now() -> int:
    """An incarnation that no clock of today gives."""
    return time_ns() // 1_000_000 + 10**9


async def test_what_was_saved_is_there_at_the_next_start(tmp_path: Path) -> None:
    incarnation = await live(tmp_path, snapshot=b"members")
    content = opened(tmp_path).content
    assert (content.incarnation, content.peers, content.snapshot) == (incarnation, PEERS, b"members")
    assert list(content.peers) == list(PEERS)
    assert names_in(tmp_path) == ["state.msgpack"]


async def test_a_clock_that_went_back_does_not_make_an_older_life(tmp_path: Path) -> None:
    ahead = far_from_now()
    path_of(tmp_path).write_bytes(sealed(State(2, "alpha", ahead)))
    assert [await opened(tmp_path).begin_life() for _ in range(3)] == [ahead + 1, ahead + 2, ahead + 3]


async def test_without_a_data_dir_a_later_life_is_newer_all_the_same() -> None:
    file = StateFile(None, "alpha", "shop", "fullmesh")
    lives = [await file.begin_life() for _ in range(3)]
    assert lives == sorted(set(lives))


async def test_a_file_of_format_1_is_read(tmp_path: Path) -> None:
    ahead = far_from_now()
    path_of(tmp_path).write_bytes(msgspec.msgpack.encode({"format": 1, "name": "alpha", "incarnation": ahead}))
    assert await live(tmp_path) == ahead + 1
    assert opened(tmp_path).content.cluster == "shop"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"format": 3, "places": []}, "has format 3, of a later partisan-core; this one reads up to 2"),
        (asdict(State(2, "beta", 1, "shop")), "belongs to node 'beta', not 'alpha'.*Set node.name to 'beta'"),
        (asdict(State(2, "alpha", 1, "garden")), "belongs to a node of cluster 'garden', not 'shop'"),
    ],
)
def test_a_file_of_somebody_else_is_refused_and_left_alone(
    tmp_path: Path, content: dict[str, object], message: str
) -> None:
    data = sealed(content)
    path_of(tmp_path).write_bytes(data)
    with pytest.raises(DataDirUnusable, match=message):
        opened(tmp_path)
    assert path_of(tmp_path).read_bytes() == data


async def test_the_snapshot_of_another_overlay_is_not_handed_over(tmp_path: Path) -> None:
    await live(tmp_path, snapshot=b"members")
    content = StateFile(tmp_path, "alpha", "shop", "ring").content
    assert (content.snapshot, content.peers) == (b"", PEERS)


@pytest.mark.parametrize("age", [2 * state.SNAPSHOT_LIFE, -60.0])
async def test_a_snapshot_that_is_too_old_or_of_the_future_is_not_handed_over(tmp_path: Path, age: float) -> None:
    saved = time_ns() // 1_000_000 - int(age * 1000)
    old = State(2, "alpha", 1, "shop", "fullmesh", PEERS, b"members", saved)
    path_of(tmp_path).write_bytes(sealed(old))
    content = opened(tmp_path).content
    assert (content.snapshot, content.peers) == (b"", PEERS)


async def test_a_snapshot_beyond_its_bound_is_not_kept(tmp_path: Path) -> None:
    await live(tmp_path, snapshot=bytes(state.SNAPSHOT_BYTES + 1))
    assert opened(tmp_path).content.snapshot == b""


# -- damage -----------------------------------------------------------------------------------------------------


def whole() -> bytes:
    return sealed(State(2, "alpha", 1234, "shop", "fullmesh", PEERS, b"members", 5))


def starts_clean(data: bytes) -> None:
    with TemporaryDirectory() as name:
        directory = Path(name)
        path_of(directory).write_bytes(data)
        file = opened(directory)
        assert file.damaged == directory / "state.corrupt-1"
        assert file.damaged.read_bytes() == data
        assert (file.content.incarnation, file.content.peers, file.content.snapshot) == (0, {}, b"")
        assert trio.run(file.begin_life) >= time_ns() // 1_000_000 - 60_000


@pytest.mark.parametrize("length", range(len(whole())))
def test_a_file_cut_at_any_byte_is_a_clean_start(length: int) -> None:
    starts_clean(whole()[:length])


@given(st.integers(0, len(whole()) * 8 - 1))
def test_a_file_with_any_bit_flipped_is_a_clean_start(bit: int) -> None:
    data = bytearray(whole())
    data[bit // 8] ^= 1 << bit % 8
    starts_clean(bytes(data))


@given(st.binary(max_size=200) | st.binary(max_size=200).map(lambda body: body + state._seal(body)))
def test_any_other_bytes_are_a_clean_start(data: bytes) -> None:
    starts_clean(data)


def test_deep_nesting_is_a_clean_start() -> None:
    nested = b"\x82\xa6format\x01\xa1x" + b"\x91" * 100_000 + b"\xc0"
    starts_clean(nested)
    starts_clean(nested + state._seal(nested))


@given(st.data())
def test_a_damaged_file_of_format_1_never_gives_a_life_below_the_clock(data: st.DataObject) -> None:
    """It has no checksum: a flipped bit may be believed, or name somebody else."""
    damaged = bytearray(msgspec.msgpack.encode({"format": 1, "name": "alpha", "incarnation": 1234}))
    damaged[data.draw(st.integers(0, len(damaged) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with TemporaryDirectory() as name:
        path_of(Path(name)).write_bytes(damaged)
        with suppress(DataDirUnusable):
            file = opened(Path(name))
            assert trio.run(file.begin_life) > max(1234, time_ns() // 1_000_000 - 60_000)


def test_each_damaged_file_is_kept_and_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    for number in (1, 2):
        path_of(tmp_path).write_bytes(b"garbage")
        assert opened(tmp_path).damaged == tmp_path / f"state.corrupt-{number}"
    assert len(caplog.records) == 2
    assert "state.corrupt-2" in caplog.text
    assert {record.levelno for record in caplog.records} == {logging.WARNING}


# -- the disk ---------------------------------------------------------------------------------------------------


async def test_what_a_crash_left_half_written_changes_nothing(tmp_path: Path) -> None:
    incarnation = await live(tmp_path)
    (tmp_path / "state.new").write_bytes(whole()[:20])
    assert opened(tmp_path).content.incarnation == incarnation
    assert await live(tmp_path) > incarnation
    assert names_in(tmp_path) == ["state.msgpack"]


async def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    path_of(tmp_path).mkdir()
    with pytest.raises(DataDirUnusable, match="cannot be read: Is a directory; nothing was started"):
        opened(tmp_path)


async def test_a_file_that_cannot_be_written_is_refused_and_the_old_one_stays(tmp_path: Path) -> None:
    incarnation = await live(tmp_path)
    (tmp_path / "state.new").mkdir()
    with pytest.raises(DataDirUnusable, match=r"cannot be written: Is a directory; it is as it was\. Make room"):
        await opened(tmp_path).begin_life()
    assert opened(tmp_path).content.incarnation == incarnation


@contextmanager
def full_disk() -> Iterator[None]:
    """No file of this process grows beyond 64 bytes: as on a disk that has no more room."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (64, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, before)


async def test_a_full_disk_costs_nothing_that_was_saved(tmp_path: Path) -> None:
    incarnation = await live(tmp_path)
    file = opened(tmp_path)
    with full_disk(), pytest.raises(DataDirUnusable, match="cannot be written: File too large"):
        await file.begin_life()
    assert opened(tmp_path).content.incarnation == incarnation
    assert names_in(tmp_path) == ["state.msgpack"]


async def test_writes_at_the_same_time_lose_no_life(tmp_path: Path) -> None:
    file = opened(tmp_path)
    async with trio.open_nursery() as nursery:
        for number in range(10):
            nursery.start_soon(file.begin_life)
            nursery.start_soon(file.save, {f"peer-{number}": (Address("127.0.0.1", 1),)}, b"")
    assert opened(tmp_path).content == file.content
