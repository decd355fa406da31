"""The plugin: what a node finds behind `[serializer] use = "msgpack"`, and the types that its table names."""

import re

import pytest

from partisan_codec_msgpack import MsgpackSerializer
from partisan_codec_msgpack.config import MsgpackConfig
from partisan_core.errors import ConfigError
from partisan_core.plugins import Plugins
from tests.codec_msgpack.shop import Line, Order

SHOP = "tests.codec_msgpack.shop"


def made(*types: str) -> MsgpackSerializer:
    plugin = Plugins().serializer("msgpack")
    assert plugin.config is MsgpackConfig
    serializer = plugin.make(MsgpackConfig(types=types))
    assert isinstance(serializer, MsgpackSerializer)
    return serializer


def test_without_types_a_struct_is_a_dict() -> None:
    codec = made()
    assert codec.decode_batch(memoryview(codec.join([codec.encode(("m", Line("tea")))]))) == [
        ("m", {"sku": "tea", "count": 1})
    ]


def test_the_types_of_the_table_travel_under_their_names_or_the_stated_tags() -> None:
    codec = made(f"{SHOP}:Line", f"bill={SHOP}:Order")
    pieces = [codec.encode(("m", message)) for message in (Line("tea"), Order(1))]
    assert pieces[0].startswith(b"\x93\xabLine#")
    assert pieces[1].startswith(b"\x93\xabbill#")
    assert codec.decode_batch(memoryview(codec.join(pieces))) == [("m", Line("tea")), ("m", Order(1))]


@pytest.mark.parametrize(
    ("reference", "said"),
    [
        ("Order", "[serializer] types: 'Order': expected 'package.module:Class'"),
        (f"{SHOP}:Ordr", f"[serializer] types: '{SHOP}:Ordr': {SHOP} has no class 'Ordr' (did you mean 'Order'?)"),
        (f"Line={SHOP}:Order", "the tag 'Line' is empty or taken"),
        (f"{SHOP}:Crate", "Crate is no msgspec.Struct: register Structs, or use the serializer 'cattrs'"),
    ],
)
def test_a_wrong_entry_is_refused_at_the_start_with_what_it_says(reference: str, said: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(said)):
        made(f"{SHOP}:Line", reference)
