"""Tasks that Ray's processes do, several at a time: needs the extra `ray`."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator

from zoo_localization.extras import imported

_RETRIES = 3
# A process has a core; with more threads than that the processes hinder each other.
_ONE_THREAD = ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def on_ray(task: Callable[[str], None], names: Iterable[str], workers: int) -> Iterator[None]:
    """Do a task for each name, on this machine or on the cluster that `RAY_ADDRESS` names.

    Args:
        task: What to do; done twice, it has to leave what it leaves when it is done once, because
            it begins anew where its process was killed.
        names: What to do it for.
        workers: How many processes at a time on this machine; a cluster has its own number.

    Yields:
        Once for each task that is done.

    Raises:
        ImportError: If the extra `ray` is not installed.
        RuntimeError: If the process of one task was killed four times.
    """
    # Ray reports usage to its makers unless it is told not to, before it is imported.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    need = "workers are processes of Ray, which is not installed"
    ray = imported("ray", "ray", need, "leave workers out")
    is_new = not ray.is_initialized()
    if is_new:
        here = {} if "RAY_ADDRESS" in os.environ else {"num_cpus": workers}
        quiet = {"include_dashboard": False} if here else {}
        ray.init(**here, **quiet, log_to_driver=False, logging_level="ERROR")
    try:
        environment = {**dict.fromkeys(_ONE_THREAD, "1"), "ZOO_QUIET": "1"}
        # Of all that can be called, Ray takes functions alone.
        remote = ray.remote(num_cpus=1, max_retries=_RETRIES)(lambda name: task(name))
        remote = remote.options(runtime_env={"env_vars": environment})
        running = [remote.remote(name) for name in names]
        while running:
            (done,), running = ray.wait(running, num_returns=1)
            try:
                ray.get(done)
            except ray.exceptions.RayTaskError as error:
                raise error.cause from None
            except ray.exceptions.WorkerCrashedError as error:
                raise RuntimeError(f"a process was killed {_RETRIES + 1} times: {error}") from None
            yield
    finally:
        if is_new:
            ray.shutdown()
