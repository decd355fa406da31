"""The figures of a graph agree with small graphs drawn by hand, with brute force, and with published ones."""

from collections.abc import Mapping
from itertools import combinations
from random import Random
from statistics import fmean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from partisan_testkit.simulator.graph import Flood, Graph

LINE = {"a": ["b"], "b": ["a", "c"], "c": ["b"]}
TRIANGLE_WITH_A_TAIL = {"a": ["b", "c"], "b": ["a", "c"], "c": ["a", "b", "d"], "d": ["c"]}

Neighbours = Mapping[str, list[str]]


def graphs() -> st.SearchStrategy[Neighbours]:
    """Directed graphs of up to eight nodes; some links name a node that is none."""
    names = list("abcdefgh")
    links = st.lists(st.sampled_from([*names, "stranger"]), max_size=5)
    return st.dictionaries(st.sampled_from(names), links, min_size=1)


def brute_links(neighbours: Neighbours) -> set[tuple[str, str]]:
    return {
        (one, other) for one, named in neighbours.items() for other in named if other in neighbours and one != other
    }


def brute_distances(nodes: list[str], links: set[tuple[str, str]]) -> dict[tuple[str, str], float]:
    """Floyd and Warshall: nothing in common with a search."""
    distances = {(one, other): 0.0 if one == other else float("inf") for one in nodes for other in nodes}
    distances.update(dict.fromkeys(links, 1.0))
    for via in nodes:
        for one in nodes:
            for other in nodes:
                distances[one, other] = min(distances[one, other], distances[one, via] + distances[via, other])
    return distances


def test_a_line_by_hand() -> None:
    line = Graph(LINE)
    assert line.component_sizes() == [3]
    assert line.degrees() == line.in_degrees() == [1, 2, 1]
    assert line.asymmetric() == 0
    assert line.clustering() == 0
    assert line.average_shortest_path(3, Random(1)) == pytest.approx(8 / 6)
    assert line.flood("a") == Flood(reached=3, hops=2, payloads=2)
    assert line.flood("b") == Flood(reached=3, hops=1, payloads=2)
    assert line.flood("a").redundancy == 0


def test_a_triangle_with_a_tail_by_hand() -> None:
    graph = Graph(TRIANGLE_WITH_A_TAIL)
    assert graph.clustering() == pytest.approx((1 + 1 + 1 / 3 + 0) / 4)
    assert graph.average_shortest_path(9, Random(1)) == pytest.approx(16 / 12)
    assert graph.flood("a") == Flood(reached=4, hops=2, payloads=2 + 1 + 2)
    assert graph.flood("a").redundancy == pytest.approx(2 / 3)
    assert graph.cross_share({"d": 1}) == pytest.approx(2 / 8)


def test_one_sided_links_lead_one_way_and_count_once() -> None:
    graph = Graph({"a": ["b"], "b": [], "c": ["a", "b"]})
    assert graph.asymmetric() == 3
    assert graph.component_sizes() == [3]
    assert graph.degrees() == [1, 0, 2]
    assert graph.in_degrees() == [1, 2, 0]
    assert graph.flood("a") == Flood(reached=2, hops=1, payloads=1)
    assert graph.average_shortest_path(3, Random(1)) == 1


def test_who_is_named_but_is_no_node_does_not_count() -> None:
    graph = Graph({"a": ["dead", "a", "b", "b"], "b": ["a"]})
    assert graph.degrees() == [1, 1]
    assert graph.flood("a") == Flood(reached=2, hops=1, payloads=1)


def test_islands_are_listed_the_largest_first() -> None:
    assert Graph({"a": [], "b": ["c"], "c": ["b"]}).component_sizes() == [2, 1]


@pytest.mark.parametrize("neighbours", [{}, {"a": []}])
def test_nobody_and_a_single_node_have_figures_too(neighbours: Neighbours) -> None:
    graph = Graph(neighbours)
    assert graph.component_sizes() == [1] * len(neighbours)
    assert graph.clustering() == graph.average_shortest_path(5, Random(1)) == graph.cross_share({"a": 1}) == 0
    assert [graph.flood(name) for name in neighbours] == [Flood(1, 0, 0)] * len(neighbours)


@given(graphs())
def test_paths_floods_and_one_sided_links_agree_with_brute_force(neighbours: Neighbours) -> None:
    graph, nodes, links = Graph(neighbours), list(neighbours), brute_links(neighbours)
    distances = brute_distances(nodes, links)
    reachable = [hops for hops in distances.values() if 0 < hops < float("inf")]
    assert graph.average_shortest_path(len(nodes), Random(1)) == pytest.approx(fmean(reachable) if reachable else 0)
    assert graph.asymmetric() == sum((other, one) not in links for one, other in links)
    for source in nodes:
        flood = graph.flood(source)
        reached = [node for node in nodes if distances[source, node] < float("inf")]
        assert flood.reached == len(reached)
        assert flood.hops == max(distances[source, node] for node in reached)


@given(graphs())
def test_components_and_clustering_agree_with_brute_force(neighbours: Neighbours) -> None:
    nodes, links = list(neighbours), brute_links(neighbours)
    both = links | {(other, one) for one, other in links}
    distances = brute_distances(nodes, both)
    groups = {frozenset(other for other in nodes if distances[node, other] < float("inf")) for node in nodes}
    graph = Graph(neighbours)
    assert graph.component_sizes() == sorted(map(len, groups), reverse=True)
    shares = []
    for node in nodes:
        pairs = list(combinations([other for other in nodes if (node, other) in both], 2))
        shares.append(sum(pair in both for pair in pairs) / len(pairs) if pairs else 0)
    assert graph.clustering() == pytest.approx(fmean(shares))


@given(graphs(), st.randoms())
def test_the_payloads_of_a_flood_are_those_of_telling_one_by_one(neighbours: Neighbours, rng: Random) -> None:
    """In a symmetric graph the number does not depend on who is told by whom."""
    links = brute_links(neighbours)
    both = {node: [other for other in neighbours if {(node, other), (other, node)} & links] for node in neighbours}
    source = rng.choice(list(neighbours))
    told, payloads, open_ends = {source}, 0, [(source, other) for other in both[source]]
    while open_ends:
        teller, node = open_ends.pop(rng.randrange(len(open_ends)))
        payloads += 1
        if node not in told:
            told.add(node)
            open_ends += [(node, other) for other in both[node] if other != teller]
    assert Graph(both).flood(source).payloads == payloads


def random_regular_graph(size: int, degree: int, rng: Random) -> Neighbours:
    """Pair up ends at random; the few loops and doubles are left out."""
    ends = [node for node in range(size) for _ in range(degree)]
    rng.shuffle(ends)
    pairs = sorted({(min(pair), max(pair)) for pair in zip(ends[::2], ends[1::2], strict=True) if pair[0] != pair[1]})
    neighbours: dict[str, list[str]] = {str(node): [] for node in range(size)}
    for one, other in pairs:
        neighbours[str(one)].append(str(other))
        neighbours[str(other)].append(str(one))
    return neighbours


def test_a_random_regular_graph_has_the_figures_that_were_computed_for_one() -> None:
    """For 10,000 nodes: path 6.356, clustering .0002, 8 or 9 hops, redundancy 2.999. Each fourfold adds a hop."""
    rng = Random(5)
    graph = Graph(random_regular_graph(2500, 5, rng))
    assert graph.component_sizes() == [2500]
    assert graph.average_shortest_path(30, rng) == pytest.approx(6.356 - 1, abs=0.03)
    assert graph.clustering() == pytest.approx(4 * 0.0002, abs=0.0005)
    flood = graph.flood("0")
    assert flood.hops in {7, 8}
    assert flood.redundancy == pytest.approx(2.999, abs=0.01)
