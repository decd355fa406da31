"""Extensions that serve: how long they run, and what becomes of a node whose extension cannot."""

import logging
from pathlib import Path

import pytest
import trio

from partisan_core.config.model import DEFAULT_EXTENSIONS
from partisan_core.errors import PluginError, StartError
from partisan_core.kinds import ExtensionPlugin, NoOptions
from partisan_core.node import Node
from tests.core.kernel.nodes import Memory, until
from tests.core.plugins.site import Site

HERE = "tests.core.plugins.test_serving_extensions"

told: list[str] = []


@pytest.fixture(autouse=True)
def _forget() -> None:
    told.clear()


async def _live(options: NoOptions, node: Node, *, task_status: trio.TaskStatus[None]) -> None:
    told.append("called")
    await trio.lowlevel.checkpoint()
    told.append(f"beside {node.name} {node.status().state}")
    task_status.started()
    try:
        await trio.sleep_forever()
    finally:
        told.append(f"ended {node.status().state}")


async def _return(options: NoOptions, node: Node, *, task_status: trio.TaskStatus[None]) -> None:
    told.append("returned")


async def _cannot_begin(options: NoOptions, node: Node, *, task_status: trio.TaskStatus[None]) -> None:
    async with trio.open_nursery() as nursery:
        nursery.start_soon(trio.sleep_forever)
        raise StartError("no socket")


async def _stumble_at_once(options: NoOptions, node: Node, *, task_status: trio.TaskStatus[None]) -> None:
    raise ZeroDivisionError("a bug in the extension")


async def _stumble_later(options: NoOptions, node: Node, *, task_status: trio.TaskStatus[None]) -> None:
    task_status.started()
    await node.wait_end_asked()
    raise StartError("too late to stop the start")


async def _stumble_at_the_end(options: NoOptions, node: Node, *, task_status: trio.TaskStatus[None]) -> None:
    async def tidy_up_badly() -> None:
        try:
            await trio.sleep_forever()
        finally:
            raise ZeroDivisionError("a bug in the extension")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(trio.sleep_forever)
        nursery.start_soon(tidy_up_badly)
        task_status.started()


living = ExtensionPlugin(serve=_live)
returning = ExtensionPlugin(serve=_return)
unable = ExtensionPlugin(serve=_cannot_begin)
stumbling_at_once = ExtensionPlugin(serve=_stumble_at_once)
stumbling_later = ExtensionPlugin(serve=_stumble_later)
stumbling_at_the_end = ExtensionPlugin(serve=_stumble_at_the_end)


def enabled(*names: str) -> dict[str, object]:
    return {"enable": [f"{HERE}:{name}" for name in names]}


async def test_a_server_has_begun_when_the_node_is_handed_out_and_ends_when_that_has_stopped() -> None:
    async with Memory().opened("alpha", extensions=enabled("living")):
        assert told == ["called", "beside alpha up"]
    assert [line.split()[0] for line in told] == ["called", "beside", "ended"]


async def test_a_server_that_has_nothing_to_do_may_return_and_holds_up_nobody() -> None:
    with trio.fail_after(5):
        async with Memory().opened("alpha", extensions=enabled("returning", "living")) as alpha:
            assert told == ["returned", "called", "beside alpha up"]
            assert alpha.counters["extension_errors"] == 0


@pytest.mark.parametrize("strict", [True, False])
async def test_a_server_that_cannot_begin_stops_the_start_bare_and_everything_before_it(strict: bool) -> None:
    memory = Memory()
    with pytest.raises(StartError, match="no socket"):
        async with memory.opened("alpha", node={"strict": strict}, extensions=enabled("living", "unable", "returning")):
            raise AssertionError("it started")
    assert [line.split()[0] for line in told] == ["called", "beside", "ended"]
    async with memory.opened("alpha"):
        """What it had opened is closed."""


async def test_a_server_that_fails_otherwise_is_logged_and_counted_and_the_node_goes_on(
    caplog: pytest.LogCaptureFixture,
) -> None:
    broken = enabled("stumbling_at_once", "stumbling_later", "living")
    with caplog.at_level(logging.ERROR, "partisan.extension"):
        async with Memory().opened("alpha", node={"strict": False}, extensions=broken) as alpha:
            assert alpha.counters["extension_errors"] == 1
            alpha.ask_end()
            await until(lambda: alpha.counters["extension_errors"] == 2)
            assert told == ["called", "beside alpha up"]
    assert f"the extension '{HERE}:stumbling_at_once' raised and serves no longer; the node goes on" in caplog.text
    assert "ZeroDivisionError: a bug in the extension" in caplog.text
    assert "StartError: too late to stop the start" in caplog.text


async def test_a_server_that_fails_while_it_is_cancelled_does_not_spoil_the_end_of_the_node() -> None:
    async with Memory().opened("alpha", node={"strict": False}, extensions=enabled("stumbling_at_the_end")) as alpha:
        pass
    assert alpha.counters["extension_errors"] == 1


async def test_in_strict_mode_a_server_that_fails_stops_the_node_bare() -> None:
    async def live() -> None:
        async with Memory().opened("alpha", extensions=enabled("stumbling_later")) as alpha:
            alpha.ask_end()
            await trio.sleep_forever()

    with pytest.raises(StartError, match="too late"), trio.fail_after(5):
        await live()


@pytest.mark.parametrize("name", ["stumbling_at_once", "stumbling_at_the_end"])
async def test_in_strict_mode_a_server_that_fails_at_the_start_or_at_the_end_is_as_loud(name: str) -> None:
    with pytest.raises(ZeroDivisionError):
        async with Memory().opened("alpha", extensions=enabled(name)):
            """Its own end is in order."""


def test_an_extension_that_does_neither_is_none() -> None:
    with pytest.raises(TypeError, match="has to observe or to serve"):
        ExtensionPlugin()


# Those that need no word.

LOUD = "raise ImportError('imported')"


def install_default(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """An extension that cannot be imported, so that a node which uses it tells."""
    site.install("acme-loud", "1", {"extensions:loud": "acme_loud"}, acme_loud=LOUD)
    monkeypatch.setattr("partisan_core.kernel.extensions.DEFAULT_EXTENSIONS", ("loud",))


async def test_a_default_extension_is_used_by_a_node_with_a_data_dir(
    site: Site, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    install_default(site, monkeypatch)
    with pytest.raises(PluginError, match=r"default: extensions\.loud: the extension 'loud' of acme-loud 1 cannot be"):
        async with Memory().opened("alpha", node={"data_dir": str(tmp_path / "data")}):
            raise AssertionError("it started")
    assert not (tmp_path / "data").exists()


async def test_a_default_extension_is_no_concern_of_a_node_without_data_dir(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    install_default(site, monkeypatch)
    async with Memory().opened("alpha"):
        """It was not imported."""


async def test_a_default_extension_that_is_disabled_or_not_installed_is_not_missed(
    site: Site, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    install_default(site, monkeypatch)
    monkeypatch.setenv("PARTISAN_DISABLE_PLUGINS", "loud")
    async with Memory().opened("alpha", node={"data_dir": str(tmp_path / "data")}):
        """It was not imported."""
    monkeypatch.setattr("partisan_core.kernel.extensions.DEFAULT_EXTENSIONS", ("nobody-has-it",))
    async with Memory().opened("alpha", node={"data_dir": str(tmp_path / "data")}):
        """It was not looked for."""


async def test_a_default_extension_that_is_enabled_as_well_runs_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("partisan_core.kernel.extensions.DEFAULT_EXTENSIONS", (f"{HERE}:living",))
    monkeypatch.setattr(
        "partisan_core.plugins.Plugins.names", lambda plugins, kind: [f"{HERE}:living"] * (kind == "extension")
    )
    for extensions in ({}, enabled("living")):
        told.clear()
        async with Memory().opened("alpha", node={"data_dir": str(tmp_path / "data")}, extensions=extensions):
            assert told == ["called", "beside alpha up"]


def test_the_control_channel_is_the_only_default() -> None:
    assert DEFAULT_EXTENSIONS == ("control",)
