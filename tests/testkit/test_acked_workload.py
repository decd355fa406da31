"""That the checker of acknowledged sends sees: defects are planted in a copy of what the core does."""

from collections.abc import Callable
from typing import Any

import pytest

from partisan_core import NodeSpec
from partisan_core.kernel.postoffice import PostOffice
from partisan_core.kernel.receipts import Progress
from partisan_testkit.schedules import settings_of
from partisan_testkit.schedules.violation import Violation
from partisan_testkit.wholenodes.run import make_whole_schedule, run_whole
from partisan_testkit.wholenodes.workloads.acked import Acked

DELIVER = PostOffice.deliver


def deliver_most(office: PostOffice, peer: NodeSpec, batch: list[tuple[str, Any]], *more: object) -> object:
    """Every third message of a stream is lost behind the acknowledgement."""
    return DELIVER(office, peer, [one for one in batch if one[1]["number"] % 3], *more)  # type: ignore[arg-type]


def deliver_twice(office: PostOffice, peer: NodeSpec, batch: list[tuple[str, Any]], *more: object) -> object:
    return DELIVER(office, peer, [one for one in batch for _ in range(2)], *more)  # type: ignore[arg-type]


def confirm_never(progress: Progress, *words: object) -> None:
    """Receipts do not come."""


PLANTED = {
    "lost": (PostOffice, "deliver", deliver_most, r"there is a receipt of .*, which was not delivered"),
    "delivered twice": (PostOffice, "deliver", deliver_twice, r"received message \d+ of .* after \d+"),
    "no receipts": (Progress, "confirm", confirm_never, r"there is no receipt of acknowledged message"),
}


@pytest.mark.parametrize(("where", "name", "defect", "words"), PLANTED.values(), ids=PLANTED.keys())
def test_a_planted_defect_of_acknowledged_sends_is_seen(
    monkeypatch: pytest.MonkeyPatch, where: type, name: str, defect: Callable[..., object], words: str
) -> None:
    monkeypatch.setattr(where, name, defect)
    cluster = settings_of("fullmesh", 3)
    reports = (run_whole(make_whole_schedule(seed, cluster, 10.0), cluster, workloads=[Acked]) for seed in range(4))
    violation = next((report.violation for report in reports if report.violation), None)
    assert violation is not None
    with pytest.raises(Violation, match=words):
        raise violation
