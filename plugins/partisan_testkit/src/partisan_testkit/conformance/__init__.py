"""The conformance kit: whether an overlay, a serializer or a failure detector does what everybody may rely on.

In a test, one line makes a parameter of each rule that applies:

    @pytest.mark.parametrize("rule", overlay_rules("ring"), ids=str)
    def test_the_ring_keeps_the_rule(rule):
        rule()
"""

from collections.abc import Iterable

from partisan_testkit.conformance import detectors, serializers
from partisan_testkit.conformance.finding import find_detector, find_overlay, find_serializer
from partisan_testkit.conformance.overlays import RULES as OVERLAY_RULES
from partisan_testkit.conformance.rules import Broken as Broken
from partisan_testkit.conformance.rules import Check
from partisan_testkit.conformance.subjects import PLAIN, DetectorSubject, OverlaySubject, SerializerSubject
from partisan_testkit.conformance.subjects import Setting as Setting

OverlayCheck = Check[OverlaySubject]
SerializerCheck = Check[SerializerSubject]
DetectorCheck = Check[DetectorSubject]

SEEDS = range(6)
"""Which seeds are looked at when nothing else is said. Chosen: each variant of each rule at least once."""


def overlay_rules(use: str, setting: Setting | None = None, seeds: Iterable[int] = SEEDS) -> list[OverlayCheck]:
    """The rules that apply to an overlay, each to be called; it then raises `Broken`, or nothing.

    Args:
        use: as in a configuration: an installed name, or `package.module:Thing`.
        setting: options and labels that its nodes cannot do without.
        seeds: with which of them each rule is looked at.

    Raises:
        PluginError: the overlay cannot be loaded.
    """
    overlay = find_overlay(use, setting)
    return [check for check in (Check(rule, overlay, seeds) for rule in OVERLAY_RULES) if check.applies]


def serializer_rules(use: str, setting: Setting = PLAIN, seeds: Iterable[int] = SEEDS) -> list[SerializerCheck]:
    """The rules for a serializer; see `overlay_rules`."""
    serializer = find_serializer(use, setting)
    return [Check(rule, serializer, seeds) for rule in serializers.RULES]


def detector_rules(use: str, setting: Setting = PLAIN, seeds: Iterable[int] = SEEDS) -> list[DetectorCheck]:
    """The rules for a failure detector; see `overlay_rules`."""
    detector = find_detector(use, setting)
    return [Check(rule, detector, seeds) for rule in detectors.RULES]
