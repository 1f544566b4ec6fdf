"""A resolved model to a compiled Keras model."""

import contextlib
import math
import random
import sys
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import keras
from keras.src.backend.common import global_state

from zoo.config.schema import TrainTable
from zoo.errors import ConfigError, ZooError, error_of, in_one_line
from zoo.resolve import Node, Part, ResolvedModel, split_output
from zoo.resolve.shapes import place_of_size
from zoo.runtime.bindings import UnboundNeed, asks_for_gradients, bind_loss, bind_metric
from zoo.runtime.instantiate import Instantiator
from zoo.runtime.model import BoundModel
from zoo.runtime.nested import call_layer
from zoo.shapes.limits import max_parameters, too_many


class Builder:
    """Builds one resolved model.

    Args:
        model: The resolved model.
        zoo_model: Loads a model of the zoo by `name@version`, as a layer or for its weights.
    """

    def __init__(self, model: ResolvedModel, zoo_model: Any = None) -> None:
        self.model = model
        self.instantiator = Instantiator(model.source.path, model.source.folder, model.source.root)
        self._zoo_model = zoo_model
        self._layers: dict[str, Any] = {}
        self._tensors: dict[str, Any] = {}
        self._parameters = 0

    def build(self) -> BoundModel:
        """Builds and compiles the model.

        Raises:
            ConfigError: With the node or part that Keras or a plugin refuses.
            PluginError: If a component cannot be imported.
        """
        config, train = self.model, self.model.train
        layers = [node.part for node in config.nodes if node.part is not None]
        # All at once, before the first layer is made: every wrong argument is said in one pass.
        self.instantiator.check(*layers, *config.losses.values(), *config.metrics, config.optimizer)
        with _seeded(train.seed), _precision(train.precision), _fresh_names():
            model = self._graph()
            self._compile(model)
        for node in self.model.nodes:
            if node.weights is not None:
                _start_from(self._layers[node.name], self._zoo_model(node.weights), node)
        return model

    def shapes(self) -> dict[str, Any]:
        """Gives the shape of what each node returned, once the model is built."""
        return {
            node.name: keras.tree.map_structure(lambda t: tuple(t.shape), self._tensors[node.name])
            for node in self.model.nodes
        }

    def parameters(self) -> dict[str, int]:
        """Gives the parameters of each node's own layer, once the model is built."""
        return {
            name: sum(math.prod(weight.shape) for weight in layer.weights)
            for name, layer in self._layers.items()
        }

    def _graph(self) -> BoundModel:
        for table in self.model.inputs:
            try:
                tensor = keras.Input(tuple(table.shape), dtype=table.dtype, name=table.name)
            except (ValueError, TypeError, OverflowError) as error:
                message = f"the input {table.name}: {in_one_line(error)}"
                raise self._wrong("bad-value", message, f"inputs.{table.name}") from error
            self._tensors[table.name] = tensor
        for node in self.model.nodes:
            self._tensors[node.name] = self._call(node)
        inputs = {table.name: self._tensors[table.name] for table in self.model.inputs}
        outputs = {
            name: self._tensor(name, f"outputs.{index}")
            for index, name in enumerate(self.model.outputs)
        }
        with _depth_for(len(self.model.nodes)):
            return BoundModel(
                inputs=inputs if len(inputs) > 1 else next(iter(inputs.values())),
                outputs=outputs if len(outputs) > 1 else next(iter(outputs.values())),
                name=self.model.name,
            )

    def _call(self, node: Node) -> Any:
        inputs = self._inputs(node.inputs, f"{node.key}.inputs")
        try:
            layer = self._layer(node, inputs)
            result = call_layer(layer, inputs)
        except ZooError:
            raise
        except Exception as error:  # Keras and plugins raise anything here
            raise self._refused(node, error) from error
        if node.layer == node.name:
            self._count(layer, node)
        return result

    def _layer(self, node: Node, inputs: Any) -> Any:
        if node.layer == node.name:
            self._layers[node.name] = self._new_layer(node, inputs)
        return self._layers[node.layer]

    def _new_layer(self, node: Node, inputs: Any) -> Any:
        if node.part is None:
            layer = self._zoo_model(node.model)
            # Its variables are called after the node, so that two models do not collide; not
            # before now, since its weights and fingerprint were checked by its own paths.
            for variable in layer.variables:
                variable._path = f"{node.name}/{variable.path}"
        else:
            self._refuse_huge(node.part, inputs, node)
            layer = self.instantiator.make(node.part, name=node.name)
        layer.name = node.name
        if not node.trainable:
            # Never set to True: that would free what is frozen inside, or by `args`.
            layer.trainable = False
        return layer

    def _inputs(self, references: Any, key: str) -> Any:
        if isinstance(references, dict):
            return {name: self._inputs(item, f"{key}.{name}") for name, item in references.items()}
        if isinstance(references, list):
            return [self._tensor(item, f"{key}.{index}") for index, item in enumerate(references)]
        return self._tensor(references, key)

    def _tensor(self, reference: str, key: str) -> Any:
        name, index = split_output(reference)
        tensor = self._tensors[name]
        if index is None:
            return tensor
        several = len(tensor) if isinstance(tensor, list | tuple) else 0
        if index >= several:
            message = f"{reference!r}: {name} returns {several or 1} tensor{'s' * (several > 1)}"
            hint = f"{name}[0] to {name}[{several - 1}]" if several else f'write "{name}"'
            raise self._wrong("unknown-node", message, key, hint)
        return tensor[index]

    def _refuse_huge(self, part: Part, inputs: Any, node: Node) -> None:
        # Most layers cannot be huge: their numbers are small. The others are built without
        # memory first, and counted.
        tensors = keras.tree.flatten(inputs)
        size = max(math.prod(s or 1 for s in tensor.shape) for tensor in tensors)
        if size * _product_of_integers(part.arguments) <= max_parameters():
            return
        with keras.StatelessScope(initialize_variables=False):
            probe = self.instantiator.make(part, name=node.name)
            with contextlib.suppress(TypeError, ValueError, NotImplementedError):
                probe(**inputs) if isinstance(inputs, dict) else probe(inputs)
            self._count(probe, node, keep=False)

    def _count(self, layer: Any, node: Node, *, keep: bool = True) -> None:
        total = self._parameters + sum(math.prod(weight.shape) for weight in layer.weights)
        finding = too_many(node.name, total, place_of_size(node))
        if finding is not None:
            raise error_of([finding.at(file=str(self.model.source.path))])
        if keep:
            self._parameters = total

    def _compile(self, model: BoundModel) -> None:
        config = self.model
        names = [table.name for table in config.inputs]
        losses = {
            output: self._bound(part, self.instantiator.make(part, name=part.name), names, "loss")
            for output, part in config.losses.items()
        }
        metrics, of_the_step = self._metrics(names)
        loss: Any = losses or None
        given = config.loss_weights
        # Keras wants a weight for every loss, or none at all.
        weights: Any = {output: given.get(output, 1.0) for output in losses} if given else None
        if len(config.outputs) == 1:
            loss = losses.get(config.outputs[0])
            weights = list(given.values()) or None
        optimizer = self.instantiator.make(config.optimizer, name=config.optimizer.name)
        try:
            model.compile(
                optimizer=optimizer,
                loss=loss,
                loss_weights=weights,
                metrics=metrics,
                step_metrics=of_the_step,
                jit_compile=_jit_compile(config.train),
                steps_per_execution=config.train.steps_per_execution,
            )
        except (ValueError, TypeError) as error:
            message = f"the model cannot be compiled: {in_one_line(error)}"
            raise self._wrong("bad-value", message, "loss") from error

    def _metrics(self, names: list[str]) -> tuple[Any, list[Any]]:
        by_output: dict[str, list[Any]] = {output: [] for output in self.model.outputs}
        of_the_step = []
        for part in self.model.metrics:
            metric = self._metric(part, names)
            if asks_for_gradients(metric):
                self._require_tensorflow(part)
                of_the_step.append(metric)
                continue
            first, *others = [part.output] if part.output else self.model.outputs
            by_output[first].append(metric)
            for output in others:
                by_output[output].append(self._metric(part, names))
        metrics = by_output if len(by_output) > 1 else next(iter(by_output.values()))
        return metrics, of_the_step

    def _require_tensorflow(self, part: Part) -> None:
        if (backend := keras.backend.backend()) != "tensorflow":
            message = f'"{part.component.name}" asks for gradients; on {backend!r} there are none'
            hint = "set KERAS_BACKEND=tensorflow, or leave the metric out"
            raise self._wrong("unbound-need", message, part.key, hint)

    def _metric(self, part: Part, names: list[str]) -> Any:
        name = part.name or part.component.name
        metric = self._bound(part, self.instantiator.make(part, name=part.name), names, "metric")
        if isinstance(metric, keras.metrics.Metric):
            return metric
        return keras.metrics.MeanMetricWrapper(metric, name=name)

    def _bound(self, part: Part, made: Any, names: list[str], kind: str) -> Any:
        bind = bind_loss if kind == "loss" else bind_metric
        try:
            return bind(made, part.needs, names, label=part.component.name)
        except UnboundNeed as error:
            hint = f'did you mean "{error.suggestion}"?' if error.suggestion else None
            raise self._wrong("unbound-need", error.message, f"{part.key}.needs", hint) from error

    def _refused(self, node: Node, error: Exception) -> ZooError:
        tensors = keras.tree.flatten(self._inputs(node.inputs, node.key))
        shapes = ", ".join(f"({', '.join(['batch', *map(str, t.shape[1:])])})" for t in tensors)
        doing = f"node {node.name}, called with shape {shapes}: "
        if node.part is not None:
            return self.instantiator.refused(error, "shape-mismatch", node.part, doing)
        return self._wrong("shape-mismatch", f"{doing}{in_one_line(error)}", node.key)

    def _wrong(
        self, code: str, message: str, key: str, suggestion: str | None = None
    ) -> ConfigError:
        file = str(self.model.source.path)
        return ConfigError(message, code, file=file, key=key, suggestion=suggestion)


def _start_from(layer: Any, donor: Any, node: Node) -> None:
    donors = {variable.path: variable for variable in donor.weights}
    for variable in layer.weights:
        source = donors.get(variable.path)
        if source is None or source.shape != variable.shape:
            there = ", ".join(
                f"{path} {tuple(donors[path].shape)}"
                for path in donors
                if path.startswith(f"{node.name}/")
            )
            raise ConfigError(
                f"{node.weights} has no {variable.path} of shape {tuple(variable.shape)}",
                "shape-mismatch",
                key=f"{node.key}.weights",
                suggestion=f"of that node it has: {there or 'nothing'}",
            )
        variable.assign(source.value)


def _product_of_integers(value: Any) -> int:
    if isinstance(value, Part):
        return _product_of_integers(value.arguments)
    if isinstance(value, dict):
        return math.prod(_product_of_integers(item) for item in value.values())
    if isinstance(value, list):
        return math.prod(_product_of_integers(item) for item in value)
    return max(abs(value), 1) if isinstance(value, int) else 1


def _jit_compile(train: TrainTable) -> bool | str:
    # What is to be measured is measured where there are data.
    auto = train.jit_compile in ("auto", "measure")
    return (train.strategy is None and "auto") if auto else train.jit_compile


@contextlib.contextmanager
def _depth_for(nodes: int) -> Iterator[None]:
    # Keras walks from the outputs to the inputs by recursion, a call for each layer of a chain.
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(before + 2 * nodes)
    try:
        yield
    finally:
        sys.setrecursionlimit(before)


@contextlib.contextmanager
def _seeded(seed: int) -> Iterator[None]:
    # Keras draws the seeds of its initializers from Python's generator.
    state = random.getstate()
    random.seed(seed)
    try:
        yield
    finally:
        random.setstate(state)


@contextlib.contextmanager
def _precision(policy: str) -> Iterator[None]:
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


@contextlib.contextmanager
def _fresh_names() -> Iterator[None]:
    # Layers inside layers are named by counters that belong to the process. The paths of a
    # model's variables must not depend on what else was built before it.
    before = global_state.get_global_attribute("object_name_uids")
    global_state.set_global_attribute("object_name_uids", defaultdict(int))
    try:
        yield
    finally:
        global_state.set_global_attribute("object_name_uids", before)


def forget_models() -> None:
    """Lets go of what Keras keeps of models that are no longer used, between many trainings."""
    keras.utils.clear_session()
