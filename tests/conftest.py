"""What holds for all tests."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell without job control lets what runs in its background ignore Ctrl-C, and so would every process that a
    # test starts and interrupts.
    signal.signal(signal.SIGINT, signal.default_int_handler)


_START_PROCESSES = {"bench", "cli", "demo", "integration", "lab", "packaging_scripts", "transport_tls"}
"""Folders whose tests run one after the other: two clusters of processes at once would wait for the processors."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The tests of a file run in one worker, for they share what they set up."""
    for item in items:
        folder = item.path.relative_to(Path(__file__).parent).parts[0]
        group = "processes" if folder in _START_PROCESSES else str(item.path)
        item.add_marker(pytest.mark.xdist_group(group))


@pytest.fixture(scope="session", autouse=True)
def _state_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The secrets that nodes make by themselves go here, and not into the home of who runs the tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        yield
