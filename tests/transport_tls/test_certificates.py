"""The files of a node: what cannot be used at the start, and what is kept while they are replaced."""

import logging
import os
import re
from collections.abc import Callable

import pytest

from partisan_core.errors import ConfigError, StartError
from partisan_transport_tls.certificates import CertificateError, Certificates
from tests.integration.nodes import opened
from tests.transport_tls.authorities import Authority, Files

LOGGER = "partisan.transport.tls"


def read(files: Files) -> Certificates:
    return Certificates(files.certificate, files.key, files.ca)


def mix_up(authority: Authority) -> Files:
    files = authority.issue("alpha")
    files.key.write_bytes(authority.issue("beta").key.read_bytes())
    return files


def truncate(authority: Authority, which: str) -> Files:
    files = authority.issue("alpha")
    path = getattr(files, which)
    path.write_bytes(path.read_bytes()[:-40])
    return files


def truncate_second(authority: Authority) -> Files:
    second = Authority(authority.folder, "second").ca.read_bytes()
    authority.ca.write_bytes(authority.ca.read_bytes() + second[:-40])
    return authority.issue("alpha")


def lose(authority: Authority) -> Files:
    files = authority.issue("alpha")
    files.key.unlink()
    return files


def replace_by_a_pipe(authority: Authority) -> Files:
    files = lose(authority)
    os.mkfifo(files.key)
    return files


FAULTS: dict[str, tuple[Callable[[Authority], Files], str]] = {
    "of two nodes": (mix_up, "alpha.pem and the key .*alpha.key cannot be used together: key values mismatch"),
    "half a certificate": (lambda authority: truncate(authority, "certificate"), "alpha.pem .*cannot be used"),
    "half a key": (lambda authority: truncate(authority, "key"), "alpha.key cannot be used"),
    "half an authority": (lambda authority: truncate(authority, "ca"), "CA file .*authority.pem holds no certificates"),
    "half a second authority": (truncate_second, "CA file .*authority.pem holds no certificates"),
    "no key": (lose, "alpha.key is no file"),
    "a pipe": (replace_by_a_pipe, "alpha.key is no file"),
    "a password": (lambda authority: authority.issue("alpha", password=b"secret"), "has a password"),
}


@pytest.mark.parametrize(("spoil", "said"), FAULTS.values(), ids=FAULTS)
def test_files_that_cannot_be_used_stop_the_start_by_name(
    authority: Authority, spoil: Callable[[Authority], Files], said: str
) -> None:
    with pytest.raises(CertificateError, match=said):
        read(spoil(authority))


@pytest.mark.parametrize(("spoil", "said"), FAULTS.values(), ids=FAULTS)
def test_files_that_cannot_be_used_any_more_leave_what_they_held_in_use_and_it_is_said_once(
    authority: Authority, caplog: pytest.LogCaptureFixture, spoil: Callable[[Authority], Files], said: str
) -> None:
    certificates = read(authority.issue("alpha"))
    before = certificates.contexts()
    spoil(authority)
    with caplog.at_level(logging.WARNING, LOGGER):
        assert certificates.contexts() is before
        assert certificates.contexts() is before
    assert len(caplog.records) == 1
    assert re.search(said, caplog.text)
    assert "stay in use" in caplog.text


def test_files_that_have_not_changed_are_loaded_once(authority: Authority) -> None:
    certificates = read(authority.issue("alpha"))
    assert certificates.contexts() is certificates.contexts()


async def test_a_node_whose_files_are_missing_does_not_start(authority: Authority) -> None:
    with pytest.raises(StartError, match=r"alpha\.key is no file"):
        async with opened("alpha", transport=lose(authority).table):
            """Not reached."""


async def test_a_node_that_is_told_of_no_files_does_not_start() -> None:
    with pytest.raises(ConfigError, match=r"transport\.certificate"):
        async with opened("alpha", transport={"use": "tls"}):
            """Not reached."""
