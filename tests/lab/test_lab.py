"""Small versions of the commands of this folder; the network needs root."""

import os
import random
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from subprocess import PIPE

import pytest

from tests.integration.agents import eventually
from tests.integration.nodes import PATIENCE
from tests.lab import flips, kills, lossy
from tests.lab.inhabitant import Account, Sight, content
from tests.lab.silence import Silence
from tests.lab.site import opened_lab, why_not
from tests.lab.starved import Starvation
from tests.verdicts import Limit, conclude
from tests.workspace import ROOT

_REASON = why_not()
needs_network = pytest.mark.skipif(bool(_REASON), reason=f"no network lab here: {_REASON}")
SWIFT = {"ping_interval": "200ms", "ping_timeout": "100ms", "ping_attempts": 2, "reconnect_grace": "300ms"}
SWIFT |= {"dial_timeout": "200ms", "redial_limit": "500ms"}

BUSY = "seconds to recover", "echoes without a name"
"""What a busy machine changes: dials and handshakes that are too slow are given up, and the other end sees that."""


def without(limits: Sequence[Limit], *timed: str) -> list[Limit]:
    """What holds on a busy machine, too."""
    return [limit for limit in limits if limit.figure not in timed]


@needs_network
def test_flipped_bits_that_tcp_does_not_find_end_connections_by_name_and_are_never_delivered() -> None:
    figures = flips.measure(0.3, 2, seed=1)
    assert conclude("flips", figures, without(flips.LIMITS, *BUSY), as_json=False)


@needs_network
def test_acknowledged_messages_arrive_once_and_in_order_where_frames_are_lost_and_connections_break() -> None:
    figures = lossy.measure(1_000, 0.3, 0.05, 0.3, seed=1)
    assert conclude("lossy", figures, lossy.LIMITS, as_json=False)


@needs_network
def test_who_disappears_in_silence_is_known_on_both_sides_and_comes_back() -> None:
    with opened_lab(2, seed=1) as lab:
        silence = Silence(lab, nodes=1, sections={"links": SWIFT})
        silence.form()
        for one_way in (False, True):
            silence.run(one_way=one_way)
    assert len(silence.known) == len(silence.down) == 4
    assert max(silence.known) < 5


@needs_network
def test_a_lab_leaves_no_process_behind() -> None:
    with opened_lab(2, seed=1) as lab:
        processes = [*lab.processes, lab.settle(0, "alpha").process.pid]
        assert all(map(_lives, processes))
    assert not any(map(_lives, processes))


@needs_network
def test_a_lab_ends_with_the_process_that_built_it_however_that_ended(tmp_path: Path) -> None:
    script = "from tests.lab.site import *\nwith opened_lab(2, 1) as lab: print(*lab.processes, flush=True); input()"
    command, environment = [sys.executable, "-c", script], {**os.environ, "TMPDIR": str(tmp_path)}
    with subprocess.Popen(command, stdin=PIPE, stdout=PIPE, cwd=ROOT, env=environment) as builder:
        assert builder.stdout is not None
        processes = [*map(int, builder.stdout.readline().split())]
        builder.kill()
    assert len(processes) == 3
    eventually(lambda: not any(map(_lives, processes)), "the processes to end")


def test_the_others_know_of_a_process_that_was_killed() -> None:
    figures = kills.measure(processes=3, victims=1, times=1)
    assert conclude("kills", figures, without(kills.LIMITS, "suspected, longest", "down, p99"), as_json=False)
    assert figures["samples"] == 2


def test_a_starved_process_stops_and_goes_on_and_is_let_go() -> None:
    with subprocess.Popen(["cat"], stdin=PIPE) as victim:
        starvation = Starvation(victim, random.Random(1))
        starvation.start()
        for _ in range(2):
            eventually(lambda: _state(victim.pid) == "T", "it to be stopped")
            eventually(lambda: _state(victim.pid) != "T", "it to go on")
        starvation.end()
        assert victim.stdin is not None
        victim.stdin.close()
        assert victim.wait(PATIENCE) == 0


def test_a_message_that_is_not_what_it_was_is_counted_as_damaged() -> None:
    account = Account()
    body = content("alpha", 5, 100)
    good = ["alpha", 5, 0.0, body]
    for message in (good, ["alpha", 5, 0.0, body[1:]], ["alpha", 6, 0.0, body], ["beta", 5, 0.0, body], "garbage"):
        account.take(message)
    assert (account.received, account.last, account.damaged, account.disordered) == ({"alpha": 1}, {"alpha": 5}, 4, 0)
    account.take(good)
    assert account.disordered == 1


def test_endings_without_a_name_are_seen() -> None:
    endings = flips.Endings()
    for why in ("CorruptFrame: the checksum", "the peer closed it", "the moon was full"):
        endings.take([Sight(0.0, "ChannelDown", "beta", why)])
    endings.take([Sight(0.0, "NeighbourDown", "beta", "gone"), Sight(0.0, "NeighbourUp", "beta", "")])
    assert (endings.named, endings.echoes, endings.unknown.total(), endings.downs) == (1, 1, 1, 1)


def _lives(process: int) -> bool:
    return Path(f"/proc/{process}").exists() and _state(process) != "Z"


def _state(process: int) -> str:
    """As proc(5) has it: T is stopped."""
    return Path(f"/proc/{process}/stat").read_text("ascii").rpartition(")")[2].split()[0]
