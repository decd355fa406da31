"""The secret on disk: made once, shared by the nodes of a user, refused when others could know it."""

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from partisan_core.errors import SecretError, StartError
from partisan_core.kernel.secret_files import automatic_secret, read_secret

SECRET = bytes(range(32))


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A state directory that does not exist yet."""
    state = tmp_path / "state"
    monkeypatch.setenv("XDG_STATE_HOME", str(state))
    return state


def written(path: Path, content: bytes, mode: int = 0o600) -> Path:
    path.write_bytes(content)
    path.chmod(mode)
    return path


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def refusal(path: Path) -> str:
    with pytest.raises(SecretError) as raised:
        read_secret(path)
    assert str(path) in str(raised.value)
    assert "nothing was started" in str(raised.value)
    return str(raised.value)


@pytest.mark.parametrize(
    ("content", "secret"),
    [
        (SECRET, SECRET),
        (SECRET.hex().encode(), SECRET.hex().encode()),
        (SECRET + b"\n", SECRET),
        (SECRET + b"\n\n", SECRET + b"\n"),
    ],
    ids=["raw", "hexadecimal", "with a newline", "with two newlines"],
)
def test_a_secret_is_what_the_file_holds_without_one_newline_at_its_end(
    tmp_path: Path, content: bytes, secret: bytes
) -> None:
    assert read_secret(written(tmp_path / "secret", content)) == secret


@pytest.mark.parametrize("wrong", [0o640, 0o604, 0o660, 0o602, 0o644, 0o777])
def test_a_file_that_others_can_read_or_write_is_refused_with_the_command_that_mends_it(
    tmp_path: Path, wrong: int
) -> None:
    path = written(tmp_path / "secret", SECRET, wrong)
    said = refusal(path)
    assert f"mode {wrong:04o}" in said
    assert said.endswith(f"Run: chmod 600 {path}")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_file_of_another_user_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path / "secret", SECRET)
    os.chown(path, 1, -1)
    assert "belongs to another user (1)" in refusal(path)


@pytest.mark.parametrize("content", [b"", SECRET[:31], SECRET[:31] + b"\n", bytes(4097)])
def test_a_secret_that_is_too_short_or_too_long_is_refused(tmp_path: Path, content: bytes) -> None:
    assert "does not hold 32 to 4096 bytes" in refusal(written(tmp_path / "secret", content))


def test_a_repeated_byte_is_no_secret(tmp_path: Path) -> None:
    assert "repeats one byte" in refusal(written(tmp_path / "secret", b"x" * 64))


def test_what_is_no_file_is_refused_and_never_waited_for(tmp_path: Path) -> None:
    assert "cannot be read: No such file" in refusal(tmp_path / "missing")
    assert "cannot be read: Is a directory" in refusal(tmp_path)
    os.mkfifo(tmp_path / "pipe", 0o600)
    assert "is no regular file" in refusal(tmp_path / "pipe")


def test_a_refusal_never_shows_the_secret(tmp_path: Path) -> None:
    said = refusal(written(tmp_path / "secret", b"a well known word" * 2, 0o644))
    assert "well known" not in said


def test_the_automatic_secret_has_256_bits_in_a_file_for_this_user_alone(home: Path) -> None:
    secret = automatic_secret("shop")
    path = home / "partisan" / "shop.secret"
    assert len(bytes.fromhex(secret.decode())) == 32
    assert path.read_bytes() == secret + b"\n"
    assert (mode(path), mode(path.parent)) == (0o600, 0o700)


def test_the_automatic_secret_is_one_per_cluster_and_stays(home: Path) -> None:
    shop, bank = automatic_secret("shop"), automatic_secret("bank")
    assert shop != bank
    assert (automatic_secret("shop"), automatic_secret("bank")) == (shop, bank)
    assert sorted(path.name for path in (home / "partisan").iterdir()) == ["bank.secret", "shop.secret"]


def test_nodes_that_start_at_once_agree_on_one_secret(home: Path) -> None:
    with ThreadPoolExecutor(8) as threads:
        for cluster in map(str, range(20)):
            assert len(set(threads.map(automatic_secret, [cluster] * 8))) == 1
    assert len(list((home / "partisan").iterdir())) == 20, "no drafts are left"


def test_the_one_who_loses_the_race_takes_the_winners_secret(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other node makes the file when this one has looked and found none."""
    winner = automatic_secret("shop")
    monkeypatch.setattr(Path, "exists", lambda self: False)
    assert automatic_secret("shop") == winner


def test_a_state_directory_that_cannot_be_used_is_refused_with_the_settings_that_mend_it(home: Path) -> None:
    home.write_text("in the way")
    with pytest.raises(SecretError, match=r"cannot be made.*set XDG_STATE_HOME .*or set security\.secret_files"):
        automatic_secret("shop")


def test_a_state_directory_that_cannot_even_be_asked_is_refused_the_same_way(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As one below a directory of another user's, of mode 0700: the check for the file itself fails."""
    monkeypatch.setenv("XDG_STATE_HOME", f"/tmp/{'x' * 300}")
    with pytest.raises(SecretError, match=r"cannot be made.*XDG_STATE_HOME"):
        automatic_secret("default")


def test_an_automatic_secret_that_others_can_read_is_refused(home: Path) -> None:
    automatic_secret("shop")
    (home / "partisan" / "shop.secret").chmod(0o644)
    with pytest.raises(StartError, match="Run: chmod 600"):
        automatic_secret("shop")


@pytest.mark.parametrize("stated", [None, "", "relative/path"])
def test_without_a_usable_variable_the_secret_is_below_the_home_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stated: str | None
) -> None:
    monkeypatch.delenv("XDG_STATE_HOME")
    if stated is not None:
        monkeypatch.setenv("XDG_STATE_HOME", stated)
    monkeypatch.setenv("HOME", str(tmp_path))
    automatic_secret("shop")
    assert (tmp_path / ".local" / "state" / "partisan" / "shop.secret").is_file()


def test_a_user_without_a_home_is_told_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_STATE_HOME")
    monkeypatch.setenv("HOME", "")
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)
    with pytest.raises(SecretError, match=r"Set XDG_STATE_HOME or security\.secret_files"):
        automatic_secret("shop")
