from random import Random

import pytest
from msgspec import Struct, ValidationError
from msgspec.msgpack import decode, encode

from partisan_core.identity import NodeSpec
from partisan_core.plugins import Plugins
from partisan_hyparview import HyParView, HyParViewConfig
from partisan_hyparview.messages import (
    MAX_PEERS,
    Cause,
    Disconnect,
    DisconnectWait,
    Echo,
    ExchangeReply,
    ForwardJoin,
    Neighbour,
    Optimization,
    Probe,
    Replace,
    Shuffle,
    ShuffleReply,
    Switch,
)

ALPHA = NodeSpec("alpha", 1, 1)


def test_the_overlay_is_found_by_its_name_and_promises_no_full_view() -> None:
    plugin = Plugins().overlay("hyparview")
    assert plugin.config is HyParViewConfig
    assert isinstance(plugin.make(ALPHA, HyParViewConfig(), Random(0)), HyParView)
    assert plugin.capabilities == HyParView.capabilities == {"reserved_slots"}


@pytest.mark.parametrize(
    "message",
    [
        *(ForwardJoin(ALPHA, 6), Neighbour(True), Disconnect(Cause.LEAVING, (ALPHA,)), Shuffle(ALPHA, (ALPHA,), 6)),
        *(Optimization(7, ALPHA), Replace(7, "beta", ALPHA), Switch(7, "beta"), ExchangeReply(7, True)),
        *(DisconnectWait(7), Probe(7), Echo(7)),
    ],
    ids=lambda message: type(message).__name__,
)
def test_every_message_survives_the_wire(message: Struct) -> None:
    assert decode(encode(message), type=type(message)) == message
    assert type(message) in HyParView.messages


def test_a_longer_list_than_any_node_sends_is_refused() -> None:
    with pytest.raises(ValidationError, match="length"):
        decode(encode(["p", [ALPHA] * (MAX_PEERS + 1)]), type=ShuffleReply)


def test_no_two_messages_share_a_tag() -> None:
    tags = [message.__struct_config__.tag for message in HyParView.messages]
    assert len(set(tags)) == len(tags)
