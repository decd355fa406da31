"""Every overlay, serializer and failure detector of this repository keeps the rules."""

from typing import Any

import pytest

from partisan_core.plugins import Plugins
from partisan_testkit.conformance import detector_rules, overlay_rules, serializer_rules
from partisan_testkit.conformance.rules import Check

SEEDS = range(2)
"""Fewer than the command looks at, as the whole suite has to be quick."""

RING = "tests.ring_overlay.src.partisan_ring:Ring"
OVERLAYS = [*Plugins().names("overlay"), RING]
DETECTORS = Plugins().names("failure_detector")
SERIALIZERS = [*Plugins().names("serializer"), "tests.codec_msgpack.shop:TYPED"]

CHECKS: list[Check[Any]] = [
    *(check for use in OVERLAYS for check in overlay_rules(use, seeds=SEEDS)),
    *(check for use in SERIALIZERS for check in serializer_rules(use, seeds=SEEDS)),
    *(check for use in DETECTORS for check in detector_rules(use, seeds=SEEDS)),
]


@pytest.mark.parametrize("rule", CHECKS, ids=lambda check: f"{check.subject.use.rpartition(':')[2]}-{check}")
def test_it_keeps_the_rule(rule: Check[Any]) -> None:
    rule()


def test_all_of_them_are_looked_at() -> None:
    looked_at = {check.subject.use for check in CHECKS}
    assert {"fullmesh", "hyparview", "clientserver", "static", RING, "cattrs", "json", "msgpack"} <= looked_at
    assert {"tcp", "phi", "swim"} <= looked_at
