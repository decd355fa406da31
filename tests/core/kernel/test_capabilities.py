"""What an overlay cannot do, asked of a running node; and what a strategy tells of itself."""

import re
from collections import Counter
from collections.abc import Collection
from typing import ClassVar

import pytest

from partisan_core.effects import Effect
from partisan_core.errors import CapabilityError
from partisan_core.events import Event, Reserve
from partisan_core.kinds import OverlayPlugin
from tests.core.kernel.nodes import opened
from tests.core.kernel.parts import Acquaintances
from tests.core.kernel.test_requirements import install
from tests.core.plugins.conftest import site as site
from tests.core.plugins.site import Site


class Able(Acquaintances):
    """Keeps places, and counts what it does not believe."""

    capabilities: ClassVar[Collection[str]] = frozenset({"reserved_slots"})
    asked: ClassVar[list[Event]] = []
    ignored: ClassVar[Counter[str]] = Counter({"stale": 3})

    def handle(self, event: Event, now: float) -> list[Effect]:
        self.asked.append(event)
        return super().handle(event, now)


able = OverlayPlugin(make=Able, capabilities=Able.capabilities)
ABLE = {"use": f"{__name__}:able"}


async def test_what_an_overlay_cannot_is_refused_with_those_that_can(site: Site) -> None:
    install(site, "star", "evict")
    install(site, "moon", "reserved_slots", "reconcile")
    async with opened("alpha", overlay={"use": "star"}) as alpha:
        with pytest.raises(CapabilityError) as refused:
            alpha.reserve("role", "server")
        lack, having, rest = re.split(r"(?<=have it: )(.*)(?=\. It)", str(refused.value))
        assert lack == "overlay 'star' lacks 'reserved_slots'; installed overlays that have it: "
        assert "moon" in having.split(", ")
        assert rest.startswith(". It has evict. Nothing was changed")
        with pytest.raises(CapabilityError, match=r"'star' lacks 'reconcile'; .*have it: .*moon"):
            await alpha.reconcile([])
    async with opened("alpha", overlay=ABLE) as alpha:
        with pytest.raises(CapabilityError, match=r":able' lacks 'evict'; .*have it: .*star"):
            alpha.evict("beta")


async def test_a_reservation_reaches_the_overlay_and_a_negative_one_does_not() -> None:
    async with opened("alpha", overlay=ABLE) as alpha:
        alpha.reserve("role", "server", 2)
        alpha.reserve("role", "server", slots=0)
        with pytest.raises(ValueError, match="-1 places cannot be kept"):
            alpha.reserve("role", "server", -1)
    assert Able.asked[-2:] == [Reserve("role", "server", 2), Reserve("role", "server", 0)]


async def test_the_status_shows_what_the_overlay_ignored() -> None:
    async with opened("alpha", overlay=ABLE) as alpha, opened("beta") as beta:
        assert alpha.status().ignored == {"stale": 3}
        assert beta.status().ignored == {}
