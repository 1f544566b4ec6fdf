"""Orders, cycles and ancestors of small graphs whose answers can be read off."""

import random

import pytest

from zoo.graph import CycleFound, ancestors, topological_order


def test_a_graph_that_is_in_order_comes_back_unchanged() -> None:
    graph = {"x": [], "z": ["x"], "a": ["x"], "m": ["z", "a"]}
    assert topological_order(graph) == ["x", "z", "a", "m"]


def test_each_name_stands_after_its_parents_and_otherwise_as_given() -> None:
    graph = {"late": ["x"], "x": [], "other": ["x"]}
    assert topological_order(graph) == ["x", "late", "other"]


def test_a_parent_named_twice_counts_once() -> None:
    assert topological_order({"sum": ["x", "x"], "x": []}) == ["x", "sum"]


def test_an_empty_graph_has_an_empty_order() -> None:
    assert topological_order({}) == []


def test_random_graphs_come_out_with_every_parent_first() -> None:
    generator = random.Random(0)
    for _ in range(50):
        names = [f"n{index}" for index in range(30)]
        graph = {n: generator.sample(names[:i], min(i, 3)) for i, n in enumerate(names)}
        shuffled = dict(generator.sample(list(graph.items()), len(graph)))
        order = topological_order(shuffled)
        assert sorted(order) == sorted(names)
        assert all(order.index(p) < order.index(n) for n in names for p in graph[n])


@pytest.mark.parametrize(
    ("graph", "path"),
    [
        ({"a": ["a"]}, "a -> a"),
        ({"a": ["b"], "b": ["a"]}, "a -> b -> a"),
        ({"x": [], "tail": ["a"], "a": ["x", "b"], "b": ["c"], "c": ["a"]}, "a -> b -> c -> a"),
    ],
    ids=str,
)
def test_a_cycle_is_named_from_end_to_end(graph: dict[str, list[str]], path: str) -> None:
    with pytest.raises(CycleFound) as info:
        topological_order(graph)
    assert str(info.value) == path
    assert info.value.path == path.split(" -> ")


def test_a_long_chain_needs_no_recursion() -> None:
    chain = {f"n{i}": [f"n{i - 1}"] if i else [] for i in range(20_000)}
    assert topological_order(chain) == list(chain)
    assert len(ancestors(chain, ["n19999"])) == 20_000


def test_ancestors_are_the_names_and_all_they_depend_on() -> None:
    graph = {"x": [], "a": ["x"], "b": ["x"], "c": ["a", "x"]}
    assert ancestors(graph, ["c"]) == {"c", "a", "x"}
    assert ancestors(graph, []) == set()
