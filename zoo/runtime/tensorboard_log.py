"""A training as TensorBoard shows it: curves, graph, weights, and the charts of the report.

The events are written by the `tensorboard` package alone. A file is only added to, and begun anew
when a training goes on: what belongs to an epoch that is trained again is left out.
"""

import io
import struct
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from tensorboard.backend.event_processing.event_file_loader import RawEventFileLoader
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.graph_pb2 import GraphDef
from tensorboard.compat.proto.summary_pb2 import HistogramProto, Summary
from tensorboard.summary.writer.record_writer import RecordWriter

from zoo.files import file_error, read_bytes, write_atomically
from zoo.resolve import Node, ResolvedModel, referenced
from zoo.runs import History, Run
from zoo.runtime.batch_log import Log

FOLDER = "tensorboard"
_BUCKETS = 30
_RGBA = 4


class TensorBoardLog(Log):
    """Writes `tensorboard/train` and `tensorboard/validation` after each epoch.

    A step is an epoch, counted from 1; scalars are called as Keras's own callback calls them.

    Args:
        run: The run.
        model: The resolved model, for its graph.
        history: What the epochs before have reached.
        done: How many epochs those are.
    """

    def __init__(self, run: Run, model: ResolvedModel, history: History, done: int) -> None:
        super().__init__()
        self._run = run
        folder = run.folder / FOLDER
        self._files = {name: EventFile(folder / name, done) for name in ("train", "validation")}
        if not self._files["train"].has(0, ""):
            graph = graph_of(model).SerializeToString()
            self._files["train"].write(Event(step=0, graph_def=graph))
        self._write_missing(history)

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        for name, value in (logs or {}).items():
            self._write_scalar(epoch + 1, name, float(value))
        if (rate := _learning_rate(self.model)) is not None:
            self._write_scalar(epoch + 1, "learning_rate", rate)
        for variable in self.model.trainable_weights:
            value = Summary.Value(tag=variable.path, histo=histogram(variable.numpy()))
            self._files["train"].add(epoch + 1, value)
        for file in self._files.values():
            file.flush()

    def close(self, history: History) -> None:
        self._write_missing(history)  # those of a loop that calls no callbacks
        step = max((len(values) for values in history.values()), default=0)
        for path in sorted(self._run.report_folder.rglob("*.png")):
            tag = path.relative_to(self._run.report_folder).with_suffix("").as_posix()
            self._files["train"].add(step, Summary.Value(tag=tag, image=image(path)))
        for file in self._files.values():
            file.close()

    def _write_missing(self, history: History) -> None:
        for name, values in history.items():
            for epoch, value in enumerate(values):
                if value is not None:
                    self._write_scalar(epoch + 1, name, value)

    def _write_scalar(self, step: int, name: str, number: float) -> None:
        bare = name.removeprefix("val_")
        file = self._files["train" if bare == name else "validation"]
        file.add(step, Summary.Value(tag=f"epoch_{bare}", simple_value=number))


class EventFile:
    """The one file of events in a folder; each step has a tag at most once.

    Args:
        folder: The folder.
        last: The last step that is kept of what the folder has.
    """

    def __init__(self, folder: Path, last: int) -> None:
        earlier = sorted(folder.glob("events.*.zoo"))
        kept = dict(pair for path in earlier for pair in _events(path) if pair[0][0] <= last)
        self._written = set(kept)
        # A reader that is at work keeps a file open by its old name, so there is a new one.
        self._path = folder / f"events.out.tfevents.{time.time_ns()}.zoo"
        begin = Event(wall_time=time.time(), file_version="brain.Event:2")
        buffer = io.BytesIO()
        for data in (begin.SerializeToString(), *kept.values()):
            RecordWriter(buffer).write(data)
        write_atomically(self._path, buffer.getvalue())
        try:
            for path in earlier:
                path.unlink()
            self._file = self._path.open("ab")
        except OSError as error:
            raise file_error("write", self._path, error) from error

    def has(self, step: int, tag: str) -> bool:
        """Tells whether a step has a tag; a graph's is empty."""
        return (step, tag) in self._written

    def add(self, step: int, value: Summary.Value) -> None:
        """Adds a value, unless the step has it."""
        if not self.has(step, value.tag):
            self.write(Event(step=step, summary=Summary(value=[value])))

    def write(self, event: Event) -> None:
        """Writes an event.

        Raises:
            StorageError: If it cannot be written.
        """
        event.wall_time = time.time()
        self._written.add(_key(event))
        try:
            RecordWriter(self._file).write(event.SerializeToString())
        except OSError as error:
            raise file_error("write", self._path, error) from error

    def flush(self) -> None:
        """Lets readers see what was written.

        Raises:
            StorageError: If it cannot be written.
        """
        try:
            self._file.flush()
        except OSError as error:
            raise file_error("write", self._path, error) from error

    def close(self) -> None:
        """Ends the file."""
        self.flush()
        self._file.close()


def _key(event: Event) -> tuple[int, str]:
    return event.step, "".join(value.tag for value in event.summary.value)


def _events(path: Path) -> Iterator[tuple[tuple[int, str], bytes]]:
    """Gives the events of a file up to where a kill cut it off."""
    for data in RawEventFileLoader(str(path)).Load():
        event = Event.FromString(data)
        if event.WhichOneof("what") in ("summary", "graph_def"):
            yield _key(event), data


def graph_of(model: ResolvedModel) -> GraphDef:
    """Gives the nodes of a model as TensorBoard draws them."""
    graph = GraphDef()
    for table in model.inputs:
        graph.node.add(name=table.name, op="Input")
    for node in model.nodes:
        graph.node.add(name=node.name, op=_type_of(node), input=referenced(node.inputs))
    return graph


def _type_of(node: Node) -> str:
    if node.part is not None:
        return str(node.part.component.name)
    return f"zoo:{node.model}" if node.model is not None else f"shared with {node.layer}"


def histogram(values: np.ndarray[Any, Any]) -> HistogramProto:
    """Counts the finite values of an array in classes of one width."""
    flat = np.asarray(values, "float64").ravel()
    flat = flat[np.isfinite(flat)]
    counts, edges = np.histogram(flat, _BUCKETS)
    return HistogramProto(
        min=float(flat.min(initial=edges[-1])),
        max=float(flat.max(initial=edges[0])),
        num=flat.size,
        sum=float(flat.sum()),
        sum_squares=float(np.square(flat).sum()),
        bucket_limit=edges[1:].tolist(),
        bucket=counts.tolist(),
    )


def image(path: Path) -> Summary.Image:
    """Reads a PNG; its size stands at the beginning."""
    data = read_bytes(path)
    width, height = struct.unpack(">II", data[16:24])
    return Summary.Image(width=width, height=height, colorspace=_RGBA, encoded_image_string=data)


def _learning_rate(model: Any) -> float | None:
    rate = getattr(getattr(model, "optimizer", None), "learning_rate", None)
    return None if rate is None else float(rate.numpy())
