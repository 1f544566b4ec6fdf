"""What `[train] log` writes of a training besides its history."""

import importlib.util
import sys
from collections.abc import Sequence

from zoo.errors import ConfigError, StorageError, in_one_line
from zoo.resolve import ResolvedModel
from zoo.runs import History, Run
from zoo.runtime.batch_log import BatchLog, Log


def check_logs(names: Sequence[str], file: str) -> None:
    """Refuses a log whose package is missing, before anything is trained.

    Args:
        names: What `[train] log` says.
        file: The config, for the error.

    Raises:
        ConfigError: If a package is missing.
    """
    if "tensorboard" in names and importlib.util.find_spec("tensorboard") is None:
        raise ConfigError(
            'log = "tensorboard" needs the extra `tensorboard`',
            suggestion="pip install 'zoo[tensorboard]'",
            file=file,
            key="train.log",
        )


def open_logs(run: Run, model: ResolvedModel, history: History, done: int) -> list[Log]:
    """Gives the logs that a config asks for; what a killed training left too much is taken out.

    Args:
        run: The run.
        model: The resolved model.
        history: What the epochs before have reached.
        done: How many epochs those are.

    Raises:
        StorageError: If they cannot be written.
    """
    names = model.train.log
    logs: list[Log] = []
    if "csv" in names:
        logs.append(BatchLog(run, done))
    if "tensorboard" in names:
        from zoo.runtime.tensorboard_log import TensorBoardLog  # its package is an extra

        logs.append(TensorBoardLog(run, model, history, done))
    return logs


def close_logs(logs: Sequence[Log], history: History) -> None:
    """Closes logs; one that cannot be written is no reason to lose what was trained."""
    for log in logs:
        try:
            log.close(history)
        except StorageError as error:
            print(f"a log is not complete: {in_one_line(error)}", file=sys.stderr)
