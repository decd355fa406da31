"""The rules for overlays: what is declared, one machine in a storm, a cluster on a simulated network."""

from collections.abc import Sequence

from partisan_testkit.conformance.overlays import capable, clustered, declared, stormy
from partisan_testkit.conformance.rules import Rule
from partisan_testkit.conformance.subjects import OverlaySubject

RULES: Sequence[Rule[OverlaySubject]] = (*declared.RULES, *stormy.RULES, *clustered.RULES, *capable.RULES)
