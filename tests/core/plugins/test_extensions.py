"""Extensions: what somebody else's observer hears, and that a bad one hurts nobody."""

import logging
from dataclasses import dataclass
from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

from partisan_core.config.loader import load_config
from partisan_core.errors import ConfigError, PluginError
from partisan_core.events import Reason
from partisan_core.kernel.extensions import Extension, attach
from partisan_core.kernel.journal import Journal
from partisan_core.kinds import ExtensionPlugin, NoOptions
from partisan_core.node import Node
from partisan_core.notices import MemberJoined, NeighbourUp, Notice, Retired, Snapshot
from partisan_core.opening import open_node
from tests.core.kernel.nodes import Memory, link
from tests.core.plugins.site import Site

HERE = "tests.core.plugins.test_extensions"

heard: list[Notice] = []
made: list[str] = []


@pytest.fixture(autouse=True)
def _forget() -> None:
    heard.clear()
    made.clear()


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    label: str = "none"


def _listen(options: Options) -> object:
    made.append(options.label)
    return heard.append


def _stumble(notice: Notice) -> None:
    raise ZeroDivisionError("a bug in the extension")


def _stumble_once(notice: Notice) -> None:
    heard.append(notice)
    if len(heard) == 1:
        _stumble(notice)


def _refuse(options: NoOptions) -> object:
    raise SystemExit("no disk")


listening = ExtensionPlugin(observe=_listen, config=Options)  # type: ignore[arg-type]
stumbling = ExtensionPlugin(observe=lambda options: _stumble)
stumbling_once = ExtensionPlugin(observe=lambda options: _stumble_once)
refusing = ExtensionPlugin(observe=_refuse)  # type: ignore[arg-type]
silent = ExtensionPlugin(observe=lambda options: None)  # type: ignore[arg-type,return-value]

EXTENSION = f"""
    from partisan_core.plugins import hookimpl
    from {HERE} import listening

    PARTISAN_API = "1.1"

    @hookimpl
    def partisan_extension():
        return listening
"""


def install_notebook(site: Site) -> None:
    site.install("acme-notebook", "1.2", {"extensions:notebook": "acme_notebook"}, acme_notebook=EXTENSION)


def enabled(*names: str, **tables: object) -> dict[str, object]:
    return {"enable": [f"{HERE}:{name}" if name != "notebook" else name for name in names], **tables}


async def alpha_hears_of_beta(**sections: object) -> Node:
    """Alpha with these sections meets beta, which has the defaults."""
    memory = Memory()
    async with memory.opened("alpha", **sections) as alpha, memory.opened("beta") as beta:
        await link(beta, alpha)
    return alpha


async def test_an_enabled_extension_hears_every_notice_in_order(site: Site) -> None:
    install_notebook(site)
    await alpha_hears_of_beta(extensions=enabled("notebook", notebook={"label": "first"}))
    assert made == ["first"]
    kinds = [type(notice) for notice in heard]
    assert kinds.index(MemberJoined) < kinds.index(NeighbourUp)
    assert [notice.peer.name for notice in heard if isinstance(notice, NeighbourUp)] == ["beta"]


async def test_an_extension_that_is_only_installed_is_not_imported(site: Site) -> None:
    site.install("acme-loud", "1", {"extensions:loud": "acme_loud"}, acme_loud="1 / 0")
    await alpha_hears_of_beta()
    assert heard == []


async def test_an_extension_without_a_table_has_its_defaults() -> None:
    await alpha_hears_of_beta(extensions=enabled("listening"))
    assert made == ["none"]


async def test_an_observer_that_raises_is_logged_and_counted_and_hurts_neither_node_nor_the_next_observer(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.ERROR, "partisan.extension"):
        alpha = await alpha_hears_of_beta(node={"strict": False}, extensions=enabled("stumbling", "listening"))
    assert NeighbourUp in [type(notice) for notice in heard]
    assert alpha.counters["extension_errors"] == len(heard)
    assert f"the extension '{HERE}:stumbling' raised at a MemberJoined; the node goes on" in caplog.text
    assert "ZeroDivisionError: a bug in the extension" in caplog.text


async def test_an_observer_that_always_raises_is_counted_each_time_and_fills_no_log(
    caplog: pytest.LogCaptureFixture, autojump_clock: MockClock
) -> None:
    journal = Journal("alpha", lambda: Snapshot((), ()))
    attach([Extension("bad", _stumble), Extension("good", heard.append)], journal, strict=False)
    with caplog.at_level(logging.ERROR, "partisan.extension"):
        for _ in range(8):
            journal.report(Retired(Reason.LEFT))
        await trio.sleep(1)
        journal.report(Retired(Reason.LEFT))
    assert len(heard) == journal.counters["extension_errors"] == 9
    assert len(caplog.messages) == 6
    assert caplog.messages[-1].endswith("raised at a Retired; the node goes on (and 3 more of its kind)")


async def test_in_strict_mode_an_observer_that_raises_stops_the_node() -> None:
    with pytest.raises(ZeroDivisionError):
        await alpha_hears_of_beta(extensions=enabled("stumbling_once"))


@pytest.mark.parametrize(
    ("extensions", "answer"),
    [
        ({"enable": ["notebok"]}, "extensions.enable: the extension 'notebok' is not installed (did you mean"),
        (enabled("refusing"), f"the extension '{HERE}:refusing': its factory raised SystemExit: no disk"),
        (enabled("silent"), f"the extension '{HERE}:silent' made None, which cannot be called with a notice"),
    ],
)
async def test_an_extension_that_cannot_be_used_stops_the_start_before_anything_is_opened(
    extensions: dict[str, object], answer: str, site: Site, tmp_path: Path
) -> None:
    install_notebook(site)
    data_dir = tmp_path / "data"
    with pytest.raises(PluginError) as caught:
        async with open_node(node={"data_dir": str(data_dir)}, extensions=extensions):
            pass
    assert answer in str(caught.value)
    assert str(caught.value).startswith("keyword: extensions.enable: ")
    assert not data_dir.exists()


TABLE = "expected the table of an enabled extension"
WRONG = {
    'enable = ["a", "b", "a"]': 'extensions.enable = ["a", "b", "a"]: expected each extension once',
    'enable = "notebook"': 'extensions.enable = "notebook": expected a list: write ["notebook"]',
    "enable = [3]": "extensions.enable[0] = 3: expected text in quotes",
    'enabel = ["a"]': f"extensions.enabel = [\"a\"]: {TABLE} (did you mean 'enable'?)",
    'enable = ["notebook"]\n[extensions.notebok]': f"extensions.notebok: {TABLE} (did you mean 'notebook'?)",
    'enable = ["notebook"]\nnotebook = 3': "extensions.notebook = 3: expected a table",
}


@pytest.mark.parametrize("text", WRONG)
def test_a_wrong_table_of_extensions_is_told_with_file_and_key(text: str, tmp_path: Path) -> None:
    file = tmp_path / "node.toml"
    file.write_text(f"[extensions]\n{text}\n")
    with pytest.raises(ConfigError) as caught:
        load_config(file, environ={})
    assert str(caught.value).startswith(f"{file}: extensions")
    assert WRONG[text] in str(caught.value)


async def test_a_wrong_key_of_an_extension_stops_the_start_with_its_place(site: Site) -> None:
    install_notebook(site)
    with pytest.raises(ConfigError, match=r"keyword: extensions\.notebook\.label = 3: expected text"):
        async with open_node(extensions=enabled("notebook", notebook={"label": 3})):
            pass


def test_the_environment_may_enable_an_extension() -> None:
    environ = {"PARTISAN__EXTENSIONS__ENABLE": '["notebook"]', "PARTISAN__EXTENSIONS__NOTEBOOK__LABEL": "x"}
    extensions = load_config(environ=environ).extensions
    assert extensions.enable == ("notebook",)
    assert extensions.options == {"notebook": {"label": "x"}}
