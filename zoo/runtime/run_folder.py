"""Which folder a training writes its run to: a new one, or that of the run it goes on with."""

import contextlib
import tomllib
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from zoo.errors import ConfigError, StorageError
from zoo.files import file_error, make_folder
from zoo.registry.tensors import TensorFile
from zoo.resolve import ResolvedModel, resolved_toml
from zoo.runs import RUN_FILE, Run, new_folder, open_run
from zoo.runtime.workers import Worker, private_folder


def folder_of(
    model: ResolvedModel, home: Path, folder: str | Path | None, resume: bool, worker: Worker
) -> tuple[Run, TensorFile | None]:
    """Gives the run of a training, and its checkpoint where it goes on from one.

    Args:
        model: The resolved model.
        home: The folder that has `runs/NAME/`.
        folder: The folder that the user named, if any.
        resume: Whether to go on with the run in that folder, or else with the newest one.
        worker: Which of several processes this one is; one that does not lead writes elsewhere.

    Raises:
        ConfigError: If the config is not the one that the run began with.
        StorageError: If there is no run to resume.
    """
    if not resume:
        if not worker.leads:
            return Run(private_folder()), None
        return Run(new_folder(model.name, home, folder)), None
    run = _run_to_resume(model.name, home, folder)
    differing = _differing_tables(run, model)
    if differing:
        raise ConfigError(
            f"the config is not the one that {run.folder} began with: "
            f"{', '.join(differing)} changed",
            suggestion=f"resume with the run's own: zoo train {run.config_path} --resume "
            f"--run {run.folder}; or train anew without --resume",
        )
    if not worker.leads:
        run = Run(private_folder(run.folder))
    return run, run.checkpoint() if run.checkpoint_path.exists() else None


def _run_to_resume(name: str, home: Path, folder: str | Path | None) -> Run:
    if folder is not None:
        if not (Path(folder) / RUN_FILE).is_file():
            raise StorageError(
                f"there is no run in {folder} to resume",
                suggestion="if it was stopped before its first epoch, while its data were "
                "made, train again without --resume",
            )
        return open_run(folder)
    runs = sorted(path.parent for path in (home / "runs" / name).glob(f"*/{RUN_FILE}"))
    if not runs:
        raise StorageError(
            f"there is no run of {name} to resume in {home / 'runs' / name}",
            suggestion="name its folder with --run DIR, or train without --resume",
        )
    return open_run(runs[-1])


def _differing_tables(run: Run, model: ResolvedModel) -> list[str]:
    """Names what changed since the run began, but for what may change."""
    before, now = run.config_path.read_text(encoding="utf-8"), resolved_toml(model)
    if before == now:
        return []
    old, new = tomllib.loads(before), tomllib.loads(now)
    for table in (old, new):
        for key in ("epochs", "log"):
            table.get("train", {}).pop(key, None)
        for key in ("description", "evaluate"):
            table.pop(key, None)
    return [key for key in {**old, **new} if old.get(key) != new.get(key)]


@contextlib.contextmanager
def locked(run: Run) -> Iterator[None]:
    """Keeps other trainings out of a run's folder, which is made where it is not there.

    Raises:
        StorageError: If one is at work there, or the folder cannot be written to.
    """
    lock = FileLock(run.folder / ".lock", timeout=0)
    try:
        make_folder(run.folder)
        lock.acquire()
    except Timeout as error:
        raise StorageError(
            f"another training is at work in {run.folder}",
            suggestion="name another folder with --run DIR",
        ) from error
    except OSError as error:
        raise file_error("write to", run.folder, error) from error
    try:
        yield
    finally:
        lock.release()
