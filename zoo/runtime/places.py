"""Where workers of Ray find room: a core of a node for each, and an address there."""

import contextlib
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from typing import Any

from zoo.errors import ConfigError
from zoo.runtime.cluster import RETRIES, environment
from zoo.runtime.workers import free_port

_SECONDS_IN_SILENCE = 10.0


def room(nodes: Sequence[Mapping[str, Any]]) -> int:
    """Tells how many workers the nodes of a cluster have room for.

    Each takes a core and, where there are any, a GPU of the same node.

    Args:
        nodes: As `ray.nodes()` gives them.
    """
    kinds = ("CPU", *_beside_a_core(nodes))
    there = [node["Resources"] for node in nodes if node["Alive"]]
    return sum(min(int(node.get(kind, 0)) for kind in kinds) for node in there)


def _beside_a_core(nodes: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    gpus = any(node["Alive"] and node["Resources"].get("GPU") for node in nodes)
    return {"GPU": 1} if gpus else {}


@contextlib.contextmanager
def placed(ray: Any, count: int, patience: float = 0.0) -> Iterator[list[dict[str, Any]]]:
    """Keeps a place for each worker, on different nodes as far as there are enough.

    Args:
        ray: The package.
        count: How many workers.
        patience: How many seconds a node that was lost has to come back.

    Yields:
        For each worker the options of a task that runs in its place.

    Raises:
        ConfigError: If the cluster is too small.
    """
    from ray.util.placement_group import placement_group, remove_placement_group
    from ray.util.scheduling_strategies import PlacementGroupSchedulingStrategy

    more = _checked(ray, count, patience)
    group = placement_group([{"CPU": 1, **more}] * count, strategy="SPREAD")
    try:
        if not group.wait(_SECONDS_IN_SILENCE):
            print(f"waiting for {count} cores that are free ...", file=sys.stderr, flush=True)
            ray.get(group.ready())
        yield [
            {
                "num_cpus": 1,
                "num_gpus": more.get("GPU", 0),
                "runtime_env": environment(),
                # What a dataset has done in processes of its own finds room there too.
                "scheduling_strategy": PlacementGroupSchedulingStrategy(group, rank, True),
            }
            for rank in range(count)
        ]
    finally:
        remove_placement_group(group)


def _checked(ray: Any, count: int, patience: float) -> dict[str, int]:
    """Gives what a worker takes beside a core, if the cluster has it."""
    end = time.monotonic() + patience
    while (there := room(nodes := ray.nodes())) < count and time.monotonic() < end:
        time.sleep(1)
    more = _beside_a_core(nodes)
    if there < max(count, 1):
        each = "a core and a GPU" if more else "a core"
        raise ConfigError(
            f"{count} workers want {each} each, and the cluster has room for {there}",
            suggestion=f"give --workers {there} or fewer, or the --address of a larger cluster",
        )
    return more


def addresses(ray: Any, places: Sequence[Mapping[str, Any]]) -> list[str]:
    """Gives an address on the node of each place, none of them twice and none in use."""
    ask = ray.remote(max_retries=RETRIES)(_free_address)
    found: list[str] = []
    while len(set(found)) < len(places):
        found = ray.get([ask.options(**place).remote() for place in places])
    return found


def _free_address() -> str:
    util: Any = import_module("ray.util")
    return f"{util.get_node_ip_address()}:{free_port()}"
