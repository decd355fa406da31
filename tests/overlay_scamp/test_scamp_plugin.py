from random import Random

import pytest
from msgspec import Struct
from msgspec.msgpack import decode, encode

from partisan_core.config.readings import Misfit
from partisan_core.identity import NodeSpec
from partisan_core.plugins import Plugins
from partisan_overlay_scamp import Scamp, ScampConfig, ScampV2Config
from partisan_overlay_scamp.messages import Forward, Heartbeat, Probe, Subscribe, Unsubscribe, Walk, Welcome

ALPHA = NodeSpec("alpha", 1, 1)


@pytest.mark.parametrize(("name", "config"), [("scamp_v1", ScampConfig), ("scamp_v2", ScampV2Config)])
def test_each_version_is_found_by_its_name_and_promises_no_full_view(name: str, config: type[ScampConfig]) -> None:
    plugin = Plugins().overlay(name)
    assert plugin.config is config
    assert isinstance(plugin.make(ALPHA, config(), Random(0)), Scamp)
    assert plugin.capabilities == Scamp.capabilities == frozenset()


def test_both_versions_are_found_side_by_side() -> None:
    plugins = Plugins()
    assert plugins.overlay("scamp_v1") != plugins.overlay("scamp_v2")


def test_by_default_both_versions_make_as_many_copies() -> None:
    assert ScampConfig().extra_copies == ScampV2Config().extra_copies == 4


@pytest.mark.parametrize(
    "message",
    [
        *(Subscribe(1, 7), Walk(ALPHA, 1, 7, 20, 3), Forward(ALPHA, 1, 100), Heartbeat(), Welcome()),
        *(Unsubscribe(), Unsubscribe(ALPHA), Probe()),
    ],
    ids=lambda message: type(message).__name__,
)
def test_every_message_survives_the_wire(message: Struct) -> None:
    assert decode(encode(message), type=type(message)) == message
    assert type(message) in Scamp.messages


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        ({"heartbeat_interval": 20.0}, "isolation_timeout"),
        ({"lease": 60.0}, "lease"),
        ({"c": -1}, "c"),
    ],
)
def test_times_that_contradict_each_other_are_refused_by_name(options: dict[str, float], fault: str) -> None:
    with pytest.raises(Misfit) as caught:
        ScampConfig(**options)  # type: ignore[arg-type]
    assert caught.value.key == (fault,)
