"""Ray: its processes on this machine or on a cluster, for whatever trains in several of them."""

import contextlib
import os
import socket
from collections.abc import Iterator
from importlib import import_module
from typing import Any

from zoo.errors import ConfigError, in_one_line
from zoo.runtime.signals import interruptible, stop_on_signals

RETRIES = 3
"""How often is begun anew what a killed process was at."""

ADDRESS = "RAY_ADDRESS"

# A process has a core; with more threads than that the processes hinder each other.
_ONE_THREAD = {
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "TF_NUM_INTRAOP_THREADS": "1",
    "TF_NUM_INTEROP_THREADS": "1",
    "OMP_NUM_THREADS": "1",
}
_PATIENCE = 10.0


@contextlib.contextmanager
def connected(workers: int, address: str | None) -> Iterator[Any]:
    """Gives Ray's package, connected to a cluster for as long as this is open.

    Args:
        workers: How many processes there are at a time, if they are on this machine.
        address: Of a cluster; by default the one that `RAY_ADDRESS` names, and without it
            one is started on this machine.

    Raises:
        ConfigError: If Ray is not installed, or nothing answers at the address.
        Interrupted: If a signal came; a second one ends the process at once.
    """
    ray = _imported()
    address = address or os.environ.get(ADDRESS) or "local"
    here = {"num_cpus": workers, "include_dashboard": False} if address == "local" else {}
    with interruptible():
        try:
            _knock(address)
            ray.init(address=address, log_to_driver=False, logging_level="ERROR", **here)
        except (OSError, RuntimeError, ValueError) as error:
            raise ConfigError(
                f"Ray cannot be reached at {address!r}: {in_one_line(error)}",
                suggestion="start it with `ray start --head` and give the address it names, or "
                "leave --address out; where it asks for a token, set RAY_AUTH_MODE=token here too",
            ) from error
        try:
            with stop_on_signals() as request:  # Ray has just taken SIGTERM for itself
                yield ray
        except KeyboardInterrupt:  # Ray does not say by which signal
            request.raise_if_received()
            raise
        finally:
            ray.shutdown()


def environment() -> dict[str, Any]:
    """Gives the `runtime_env` of a process that trains: a thread, and what `ZOO_...` say here."""
    ours = {name: value for name, value in os.environ.items() if name.startswith("ZOO_")}
    return {"env_vars": {**_ONE_THREAD, **ours}}


def _imported() -> Any:
    # Ray reports usage to its makers unless it is told not to, before it is imported.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        return import_module("ray")
    except ImportError as error:
        raise ConfigError(
            "--workers and --address need Ray, which is not installed",
            "plugin-missing",
            suggestion="pip install 'zoo[ray]'",
        ) from error


def _knock(address: str) -> None:
    """Looks whether somebody listens there: Ray itself would try for a quarter of an hour."""
    host, _, port = address.rpartition("://")[2].rpartition(":")
    if host and port.isdecimal():
        socket.create_connection((host, int(port)), _PATIENCE).close()
