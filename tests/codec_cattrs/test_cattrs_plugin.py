"""The plugin: what a node finds behind `[serializer] use = "cattrs"`, and the classes that its table names."""

import sys
from pathlib import Path

import pytest

from partisan_codec_cattrs import CattrsSerializer
from partisan_codec_cattrs.config import CattrsConfig
from partisan_core.errors import ConfigError
from partisan_core.plugins import Plugins
from tests.codec_cattrs.shop import Card, Cash

SHOP = "tests.codec_cattrs.shop"


def made(*types: str) -> CattrsSerializer:
    plugin = Plugins().serializer("cattrs")
    assert plugin.config is CattrsConfig
    serializer = plugin.make(CattrsConfig(types=types))
    assert isinstance(serializer, CattrsSerializer)
    return serializer


def test_the_classes_of_the_table_travel_under_their_names_or_the_stated_tags() -> None:
    codec = made(f"{SHOP}:Card", f"money={SHOP}:Cash")
    pieces = [codec.encode(("m", message)) for message in (Card("1"), Cash("2"))]
    assert b"\xa4Card" in pieces[0]
    assert b"\xa5money" in pieces[1]
    assert codec.decode_batch(memoryview(codec.join(pieces))) == [("m", Card("1")), ("m", Cash("2"))]


@pytest.mark.parametrize(
    ("reference", "said"),
    [
        ("Order", "expected 'package.module:Class'"),
        ("no_such_module_anywhere:Order", "cannot be imported: ModuleNotFoundError: No module named"),
        (f"{SHOP}:Ordr", rf"{SHOP} has no class 'Ordr' \(did you mean 'Order'\?\)"),
        (f"{SHOP}:field", f"{SHOP} has no class 'field'"),
        (f"={SHOP}:Order", "the tag '' is empty or taken"),
        (f"Card={SHOP}:Cash", "the tag 'Card' is empty or taken; write another one"),
    ],
)
def test_a_wrong_entry_is_refused_at_the_start_with_what_it_says(reference: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said) as raised:
        made(f"{SHOP}:Card", reference)
    assert str(raised.value).startswith(f"[serializer] types: {reference!r}: ")


def test_all_wrong_entries_are_told_at_once() -> None:
    with pytest.raises(ConfigError) as raised:
        made("one", "two")
    assert len(raised.value.problems) == 2


def test_a_module_that_cannot_be_imported_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "broken_shop.py").write_text("1 / 0")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ConfigError, match="'broken_shop:Order': cannot be imported: ZeroDivisionError"):
        made("broken_shop:Order")


def test_a_tag_from_the_wire_imports_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "named_by_a_peer.py").write_text("class Order: ...")
    monkeypatch.syspath_prepend(tmp_path)
    codec = made(f"{SHOP}:Card", f"named_by_a_peer:Order={SHOP}:Cash")
    body = codec.join([codec.encode(("m", Cash("1")))])
    with pytest.raises(ValueError, match="no class is registered here for the tag 'named_by_a_peer:Order'"):
        made(f"{SHOP}:Card").decode_batch(memoryview(body))
    assert "named_by_a_peer" not in sys.modules
