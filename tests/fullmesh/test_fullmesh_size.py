"""What full mesh costs: lines of protocol, bytes on the wire."""

import inspect
from pathlib import Path

import pytest

from partisan_core.gossip import GossipMember
from partisan_fullmesh import FullMesh
from tests.fullmesh.clusters import Cluster
from tests.fullmesh.code_lines import count_code_lines

ROUNDS = 20


def test_the_protocol_has_at_most_150_code_lines_with_the_gossip_that_it_builds_on(tmp_path: Path) -> None:
    source = tmp_path / "both.py"
    source.write_text("\n".join(inspect.getsource(part) for part in (GossipMember, FullMesh)))
    assert 100 <= count_code_lines(source) <= 150


def test_blank_lines_comments_and_docstrings_are_no_code(tmp_path: Path) -> None:
    source = tmp_path / "example.py"
    source.write_text('"""Two\n\nlines."""\n\n# a comment\nvalue = (\n    1,  # one\n)\n"""Not a docstring."""\n')
    assert count_code_lines(source) == 4


def test_a_quiet_cluster_of_64_exchanges_at_most_500_bytes_per_node_and_round(
    capsys: pytest.CaptureFixture[str],
) -> None:
    cluster = Cluster(64)
    cluster.simulation.run(2.0)
    before = sum(node.sent_bytes + node.received_bytes for node in cluster.nodes)
    cluster.simulation.run(ROUNDS)
    after = sum(node.sent_bytes + node.received_bytes for node in cluster.nodes)
    per_round = (after - before) / 64 / ROUNDS
    with capsys.disabled():
        print(f"\nquiet full mesh of 64: {per_round:.0f} bytes per node and round, sent and received")
    assert 0 < per_round <= 500
