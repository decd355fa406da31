"""For pytest: the fixture `partisan_cluster`, and the option `--partisan-seed`. Tests are run by pytest-trio."""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any

import pytest

FIXTURE = "partisan_cluster"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Say which seed simulated clusters have."""
    group = parser.getgroup("partisan")
    group.addoption("--partisan-seed", type=int, default=0, help="the seed of simulated clusters (default: 0)")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let tests with a simulated cluster run under trio's virtual clock."""
    for item in items:
        if FIXTURE in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.trio(run=_run_virtually), append=False)


@pytest.fixture
def partisan_cluster(request: pytest.FixtureRequest) -> Callable[..., Any]:
    """What `partisan_testkit.cluster` is, with the seed of the command line."""
    from partisan_testkit.wholenodes.cluster import cluster

    return partial(cluster, seed=request.config.getoption("--partisan-seed"))


def _run_virtually(main: Callable[[], Awaitable[object]], clock: Any = None, instruments: Sequence[Any] = ()) -> object:  # noqa: ANN401
    import trio
    from trio.testing import MockClock

    return trio.run(main, clock=clock or MockClock(autojump_threshold=0), instruments=instruments)
