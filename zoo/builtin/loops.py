"""The training loops of the core."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras

from zoo.errors import ConfigError
from zoo.runtime.batches import EpochOrder, batches
from zoo.runtime.workers import Worker, this_worker


class _StartEpoch(keras.callbacks.Callback):  # type: ignore[misc]  # Keras has no types
    """Tells the order of the samples which epoch is next."""

    def __init__(self, order: EpochOrder) -> None:
        super().__init__()
        self._order = order

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self._order.start(epoch)


def fit(
    model: Any, data: Mapping[str, Any], settings: Any, callbacks: Sequence[Any]
) -> keras.callbacks.History:
    """Trains with Keras's own `fit`.

    Args:
        model: The compiled model.
        data: What the dataset returned.
        settings: `epochs`, `initial_epoch`, `batch_size`, `seed` and `shuffle`.
        callbacks: Keras callbacks.

    Returns:
        Keras's history.
    """
    order = EpochOrder(settings["seed"], shuffle=settings["shuffle"])
    return model.fit(
        batches(data["train"], model, settings["batch_size"], order),
        validation_data=_validation(data, model, settings),
        epochs=settings["epochs"],
        initial_epoch=settings["initial_epoch"],
        callbacks=[_StartEpoch(order), *callbacks],
        shuffle=False,  # the order of the samples is the batches' own
        verbose=0,
    )


def gradient_tape(
    model: Any, data: Mapping[str, Any], settings: Any, callbacks: Sequence[Any]
) -> keras.callbacks.History:
    """Trains with an explicit loop over epochs and batches.

    It does what `fit` does, in the open: for each batch, the forward pass under a gradient tape,
    the gradients, the optimizer's step, the metrics. A loop of one's own starts from here.

    Args:
        model: The compiled model.
        data: What the dataset returned.
        settings: `epochs`, `initial_epoch`, `batch_size`, `seed` and `shuffle`.
        callbacks: Keras callbacks.

    Returns:
        Keras's history.

    Raises:
        ConfigError: If Keras runs on another backend than TensorFlow, whose tape this is.
    """
    if (backend := keras.backend.backend()) != "tensorflow":
        raise ConfigError(
            f'the loop "gradient_tape" is of TensorFlow; Keras runs on {backend!r}',
            "bad-value",
            key="train.loop",
            suggestion='set KERAS_BACKEND=tensorflow, or use the loop "fit"',
        )
    from zoo.runtime.steps import make_train_step

    order = EpochOrder(settings["seed"], shuffle=settings["shuffle"])
    train = batches(data["train"], model, settings["batch_size"], order)
    validation = _validation(data, model, settings)
    compiled: Any = make_train_step(model)
    if not model.run_eagerly and hasattr(train, "element_spec"):
        # Traced once for any number of samples, as `fit` does it, not anew for the last batch.
        compiled.get_concrete_function(*keras.utils.unpack_x_y_sample_weight(train.element_spec))

    def step(batch: Any) -> Any:
        return compiled(*keras.utils.unpack_x_y_sample_weight(batch))

    def validate() -> Any:
        return model.evaluate(validation, return_dict=True, verbose=0)

    return _explicit(
        model,
        train,
        step,
        validate if validation is not None else None,
        [_StartEpoch(order), *callbacks],
        settings,
    )


def multi_worker(
    model: Any, data: Mapping[str, Any], settings: Any, callbacks: Sequence[Any]
) -> keras.callbacks.History:
    """Trains as one of several processes, each with its share of every batch.

    Keras's `fit` does not work under `MultiWorkerMirroredStrategy`, so this is the explicit loop.
    The order of the samples is that of one process alone.

    Args:
        model: The compiled model, made in the scope of that strategy.
        data: What the dataset returned, the same in every process.
        settings: `epochs`, `initial_epoch`, `batch_size` (of all together), `seed` and `shuffle`.
        callbacks: Keras callbacks.

    Returns:
        Keras's history, the same in every process.
    """
    from zoo.runtime.strategies import make_worker_steps, noticing_lost_workers

    worker = this_worker()
    order = EpochOrder(settings["seed"], shuffle=settings["shuffle"])
    train = batches(data["train"], model, settings["batch_size"], order, worker)
    validation = _validation(data, model, settings, worker)
    listeners = [_StartEpoch(order), *callbacks]
    with noticing_lost_workers():
        step, evaluate = make_worker_steps(model, train)
        validate = None if validation is None else (lambda: evaluate(validation))
        return _explicit(model, train, step, validate, listeners, settings)


def _explicit(
    model: Any,
    train: Any,
    step: Callable[[Any], Mapping[str, Any]],
    validate: Callable[[], Mapping[str, float]] | None,
    callbacks: Sequence[Any],
    settings: Any,
) -> keras.callbacks.History:
    listeners = keras.callbacks.CallbackList(
        list(callbacks),
        add_history=True,
        model=model,
        epochs=settings["epochs"],
        steps=None,
        verbose=0,
    )
    model.stop_training = False
    listeners.on_train_begin()
    logs: dict[str, Any] = {}
    for epoch in range(settings["initial_epoch"], settings["epochs"]):
        model.reset_metrics()
        listeners.on_epoch_begin(epoch)
        for number, batch in enumerate(train):
            listeners.on_train_batch_begin(number)
            logs = _plain(step(batch))
            listeners.on_train_batch_end(number, logs)
            if model.stop_training:
                break
        logs = _of_the_epoch(model, logs)
        if validate is not None:
            logs = {**logs, **{f"val_{name}": value for name, value in validate().items()}}
        listeners.on_epoch_end(epoch, logs)
        if model.stop_training:
            break
    if model.trainable_variables:
        model.optimizer.finalize_variable_values(model.trainable_variables)
    listeners.on_train_end(logs)
    return model.history


def _validation(
    data: Mapping[str, Any], model: Any, settings: Any, worker: Worker | None = None
) -> Any:
    if "validation" not in data:
        return None
    return batches(data["validation"], model, settings["batch_size"], worker=worker)


def _of_the_epoch(model: Any, logs: dict[str, float]) -> dict[str, float]:
    # A metric of the optimizer's steps has nothing to say in an epoch without one.
    # Of several workers, each one's logs are of its own samples; the results are of all.
    return _plain(model._get_metrics_result_or_logs(logs))


def _plain(logs: Mapping[str, Any]) -> dict[str, float]:
    return {name: float(value) for name, value in logs.items()}
