from random import Random

import pytest
from msgspec import ValidationError
from msgspec.msgpack import decode, encode

from partisan_core.identity import NodeSpec
from partisan_core.membership import MAX_ENTRIES, Entry
from partisan_core.plugins import Plugins
from partisan_fullmesh import FullMesh, FullMeshConfig
from partisan_fullmesh.messages import Digest, News, Summary, Update

ALPHA = NodeSpec("alpha", 1, 1)
MESSAGES = [
    Digest(2**64 - 1),
    Summary({"alpha": (1, 2)}),
    Update((Entry(ALPHA),), ("beta",)),
    News((Entry(ALPHA),)),
]


def test_the_overlay_is_found_by_its_name() -> None:
    plugin = Plugins().overlay("fullmesh")
    assert plugin.config is FullMeshConfig
    assert isinstance(plugin.make(ALPHA, FullMeshConfig(), Random(0)), FullMesh)


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: type(message).__name__)
def test_every_message_survives_the_wire(message: Digest | Summary | Update | News) -> None:
    assert decode(encode(message), type=Digest | Summary | Update | News) == message
    assert type(message) in FullMesh.messages


def test_fields_that_a_later_version_adds_are_ignored() -> None:
    assert decode(encode(["d", 7, "later"]), type=Digest) == Digest(7)


def test_a_message_with_more_names_than_a_set_may_hold_is_refused() -> None:
    names = [f"node-{number}" for number in range(MAX_ENTRIES + 1)]
    with pytest.raises(ValidationError, match="length"):
        decode(encode(["u", [], names]), type=Update)
    with pytest.raises(ValidationError, match="length"):
        decode(encode(["s", dict.fromkeys(names, (1, 1))]), type=Summary)


def test_the_plugin_declares_what_the_strategy_can() -> None:
    assert Plugins().overlay("fullmesh").capabilities == FullMesh.capabilities == {"full_view", "evict", "reconcile"}
