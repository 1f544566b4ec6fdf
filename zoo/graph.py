"""Directed graphs of names: an order to build in, cycles, and what an output depends on."""

import heapq
from collections.abc import Iterable, Mapping


class CycleFound(Exception):
    """The graph has a cycle.

    Attributes:
        path: The names along the cycle; the first stands at the end again.
    """

    def __init__(self, path: list[str]) -> None:
        self.path = path
        super().__init__(" -> ".join(path))


def topological_order(parents: Mapping[str, Iterable[str]]) -> list[str]:
    """Orders names so that each stands after its parents, otherwise as they were given.

    Args:
        parents: For each name, the names it needs; all of them are keys.

    Returns:
        Every key once. A graph that is in order already comes back unchanged.

    Raises:
        CycleFound: If no such order exists.
    """
    names = list(parents)
    place = {name: index for index, name in enumerate(names)}
    waiting = {name: len(set(parents[name])) for name in names}
    children: dict[str, list[str]] = {name: [] for name in names}
    for name in names:
        for parent in set(parents[name]):
            children[parent].append(name)
    ready = [place[name] for name in names if not waiting[name]]
    order: list[str] = []
    while ready:
        name = names[heapq.heappop(ready)]
        order.append(name)
        for child in children[name]:
            waiting[child] -= 1
            if not waiting[child]:
                heapq.heappush(ready, place[child])
    if len(order) < len(names):
        raise CycleFound(_some_cycle(parents, [name for name in names if waiting[name]]))
    return order


def ancestors(parents: Mapping[str, Iterable[str]], names: Iterable[str]) -> set[str]:
    """Gives the names and everything they depend on."""
    found: set[str] = set()
    stack = list(names)
    while stack:
        name = stack.pop()
        if name not in found:
            found.add(name)
            stack.extend(parents[name])
    return found


def _some_cycle(parents: Mapping[str, Iterable[str]], stuck: list[str]) -> list[str]:
    # Every name that is stuck has a parent that is stuck too, so walking up must meet itself.
    among = set(stuck)
    path = [stuck[0]]
    while True:
        parent = next(name for name in parents[path[-1]] if name in among)
        if parent in path:
            return [*path[path.index(parent) :], parent]
        path.append(parent)
