"""What several modules of this folder share."""

from collections.abc import Iterator

import msgspec
import pytest

from tests.integration.six import Six


@pytest.fixture(scope="module")
def _clusters() -> Iterator[list[Six]]:
    """The clusters that a module's tests have used up, and the one in use."""
    made: list[Six] = []
    yield made
    for cluster in made:
        cluster.kill()


@pytest.fixture
def six(_clusters: list[Six]) -> Six:
    """Six processes, fully connected: those of the test before, unless it has left them otherwise."""
    if not _clusters or not _is_usable(_clusters[-1]):
        for cluster in _clusters:
            cluster.kill()
        _clusters.append(Six())
        _clusters[-1].form()
    _clusters[-1].hear()
    return _clusters[-1]


def _is_usable(cluster: Six) -> bool:
    """A test that failed may have left dead processes, or answers that nobody took."""
    try:
        return cluster.is_whole()
    except (AssertionError, OSError, msgspec.ValidationError):
        return False
