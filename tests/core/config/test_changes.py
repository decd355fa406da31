"""What differs between two configurations."""

from dataclasses import replace

import pytest

from partisan_core import Address, Config
from partisan_core.config import ChannelConfig, LinkConfig, NodeConfig, Selection
from partisan_core.config.changes import Difference, compare
from partisan_core.config.model import ExtensionConfig

BEFORE = Config(
    node=NodeConfig(name="alpha", labels={"zone": "a"}),
    overlay=Selection(use="fullmesh", options={"fanout": 3}),
    channels={"jobs": ChannelConfig()},
)


def test_a_configuration_differs_in_nothing_from_itself_whoever_said_it() -> None:
    other = replace(BEFORE, overlay=replace(BEFORE.overlay, origins={"overlay.use": "file"}), origins={"a": "b"})
    assert list(compare(BEFORE, other)) == []


@pytest.mark.parametrize(
    ("after", "difference"),
    [
        (replace(BEFORE, links=LinkConfig(linger=2.0)), (("links", "linger"), 1.0, 2.0, True)),
        (replace(BEFORE, links=LinkConfig(redial_limit=2.0)), (("links", "redial_limit"), 10.0, 2.0, False)),
        (
            replace(BEFORE, node=replace(BEFORE.node, labels={})),
            (("node", "labels", "zone"), "a", None, False),
        ),
        (
            replace(BEFORE, node=replace(BEFORE.node, listen=(Address("::1", 1),))),
            (("node", "listen"), BEFORE.node.listen, (Address("::1", 1),), False),
        ),
        (
            replace(BEFORE, channels={"jobs": ChannelConfig(queue_bytes=4096)}),
            (("channels", "jobs", "queue_bytes"), 8 * 1024**2, 4096, True),
        ),
        (
            replace(BEFORE, channels={"jobs": ChannelConfig(), "more": ChannelConfig()}),
            (("channels", "more"), None, ChannelConfig(), False),
        ),
        (replace(BEFORE, channels={}), (("channels", "jobs"), ChannelConfig(), None, False)),
        (
            replace(BEFORE, overlay=Selection(use="fullmesh", options={"fanout": 4})),
            (("overlay", "fanout"), 3, 4, False),
        ),
        (
            replace(BEFORE, extensions=ExtensionConfig(enable=("watch",))),
            (("extensions", "enable"), (), ("watch",), False),
        ),
    ],
    ids=lambda value: ".".join(value[0]) if isinstance(value, tuple) else "",
)
def test_each_difference_has_its_key_both_values_and_whether_a_node_can_take_it_over(
    after: Config, difference: tuple[tuple[str, ...], object, object, bool]
) -> None:
    assert list(compare(BEFORE, after)) == [Difference(*difference)]
