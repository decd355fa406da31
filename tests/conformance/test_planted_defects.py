"""The kit can fail: each planted fault is found by its rule, with the seed and the command that repeats it."""

import pytest

from partisan_testkit.conformance import Broken, detector_rules, overlay_rules, serializer_rules
from partisan_testkit.conformance.detectors import RULES as DETECTOR_RULES
from partisan_testkit.conformance.finding import find_overlay
from partisan_testkit.conformance.overlays import RULES as OVERLAY_RULES
from partisan_testkit.conformance.rules import Check
from partisan_testkit.conformance.serializers import RULES as SERIALIZER_RULES
from tests.conformance import planted_detectors, planted_overlays, planted_serializers

OVERLAYS = "tests.conformance.planted_overlays"
SERIALIZERS = "tests.conformance.planted_serializers"
DETECTORS = "tests.conformance.planted_detectors"


def test_every_rule_has_a_planted_fault() -> None:
    assert set(planted_overlays.BREAKS.values()) == {rule.name for rule in OVERLAY_RULES}
    assert set(planted_serializers.BREAKS.values()) == {rule.name for rule in SERIALIZER_RULES}
    assert set(planted_detectors.BREAKS.values()) == {rule.name for rule in DETECTOR_RULES}


@pytest.mark.parametrize(("planted", "rule"), planted_overlays.BREAKS.items())
def test_a_planted_fault_of_an_overlay_is_found_by_its_rule(planted: str, rule: str) -> None:
    overlay = find_overlay(f"{OVERLAYS}:{planted}")
    [check] = [Check(one, overlay, range(6)) for one in OVERLAY_RULES if one.name == rule]
    assert check.applies
    finding = check.find()
    assert finding is not None
    assert str(finding).startswith(f"{OVERLAYS}:{planted} breaks {rule} (seed {finding.seed}): ")
    assert finding.repeat == f"partisan conformance {OVERLAYS}:{planted} --rule {rule} --seed {finding.seed}"


@pytest.mark.parametrize(("planted", "rule"), planted_serializers.BREAKS.items())
def test_a_planted_fault_of_a_serializer_is_found_by_its_rule(planted: str, rule: str) -> None:
    [check] = [one for one in serializer_rules(f"{SERIALIZERS}:{planted}Plugin") if str(one) == rule]
    with pytest.raises(Broken, match=rf"breaks {rule} \(seed 0\)"):
        check()


@pytest.mark.parametrize("rule", overlay_rules(f"{OVERLAYS}:Hinting", seeds=range(2)), ids=str)
def test_what_the_planted_overlays_are_made_of_has_no_fault(rule: Check) -> None:  # type: ignore[type-arg]
    rule()


@pytest.mark.parametrize("rule", serializer_rules(f"{SERIALIZERS}:JsonPlugin", seeds=range(2)), ids=str)
def test_what_the_planted_serializers_are_made_of_has_no_fault(rule: Check) -> None:  # type: ignore[type-arg]
    rule()


@pytest.mark.parametrize(("planted", "rule"), planted_detectors.BREAKS.items())
def test_a_planted_fault_of_a_detector_is_found_by_its_rule(planted: str, rule: str) -> None:
    [check] = [one for one in detector_rules(f"{DETECTORS}:{planted}") if str(one) == rule]
    with pytest.raises(Broken, match=rf"breaks {rule} \(seed \d\)"):
        check()
