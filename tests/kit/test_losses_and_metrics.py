"""The kit's rules for losses and metrics."""

import keras
import numpy as np
import pytest
from keras import ops

from zoo.testing import check_component

register = keras.saving.register_keras_serializable(package="kit_targets")


@register
class GoodLoss(keras.losses.Loss):
    """A loss as it should be, with an argument, and one that it asks for by name."""

    def __init__(self, power=2.0, name="good_loss", **kwargs):
        super().__init__(name=name, **kwargs)
        self.power = power

    def call(self, y_true, y_pred, trust):
        return ops.mean(trust * ops.abs(y_true - y_pred) ** self.power, axis=-1)

    def get_config(self):
        return {**super().get_config(), "power": self.power}


def test_a_good_loss_keeps_every_rule():
    assert check_component(GoodLoss, {"power": 3.0}, y_pred=(4,), needs={"trust": (4,)}) == [
        "made",
        "config",
        "serialization",
        "card",
        "samples",
        "batch",
        "weights",
        "jit",
        "precision",
        "gradient",
        "saved",
    ]


@register
def good_function(y_true, y_pred, power=2.0):
    return ops.mean(ops.abs(y_true - y_pred) ** power, axis=-1)


@pytest.mark.parametrize("kind", ["losses", "metrics"])
def test_a_good_function_keeps_every_rule(kind):
    check_component(good_function, {"power": 3.0}, kind=kind)


def loss_of(values):
    """Makes a registered loss of a function of targets and predictions."""

    @keras.saving.register_keras_serializable(package="kit_targets", name=values.__name__)
    class Loss(keras.losses.Loss):
        def call(self, y_true, y_pred):
            return values(y_true, y_pred)

    return Loss


def test_a_loss_that_is_a_scalar_is_found(broken):
    def scalar(y_true, y_pred):
        return ops.mean(ops.square(y_true - y_pred))

    said = broken("samples", "losses", loss_of(scalar))
    assert "it returns a scalar" in said
    assert "with a scalar, Keras ignores sample_weight in silence" in said
    said = broken("weights", "losses", loss_of(scalar))
    assert "the prediction of a sample of weight 0 changes the loss" in said


def test_a_loss_of_the_wrong_axis_is_found(broken):
    def columns(y_true, y_pred):
        return ops.mean(ops.square(y_true - y_pred), axis=0)

    said = broken("samples", "losses", loss_of(columns), y_pred=(4,))
    assert "for 5 samples it returns shape (4,)" in said


def test_a_loss_that_normalizes_over_the_batch_is_found(broken):
    def normalized(y_true, y_pred):
        return ops.mean(ops.square(y_true - y_pred), axis=-1) / ops.max(ops.abs(y_pred))

    assert "samples one by one differ" in broken("batch", "losses", loss_of(normalized))


@register
class HalfWeighted(keras.losses.Loss):
    def call(self, y_true, y_pred, sample_weight):
        values = ops.mean(ops.square(y_true - y_pred), axis=-1)
        return values if sample_weight is None else values * (sample_weight + 1.0)


def test_a_loss_that_does_not_leave_out_a_sample_of_weight_zero_is_found(broken):
    said = broken("weights", "losses", HalfWeighted)
    assert "the prediction of a sample of weight 0 changes the loss" in said


def test_a_loss_that_only_works_eagerly_is_found(broken):
    def eager(y_true, y_pred):
        return ops.mean(y_pred * float(np.asarray(y_true).sum()), axis=-1)

    assert "it raises" in broken("jit", "losses", loss_of(eager))


def test_a_loss_that_overflows_in_half_precision_is_found(broken):
    def overflowing(y_true, y_pred):
        tiny = ops.cast(ops.cast(1.0 + 1e-4 * y_pred, "bfloat16"), "float32") - 1.0
        return ops.mean(tiny * 1e4, axis=-1)

    @keras.saving.register_keras_serializable(package="kit_targets", name="OfPolicy")
    class OfPolicy(keras.losses.Loss):
        def call(self, y_true, y_pred):
            low = keras.config.dtype_policy().compute_dtype == "bfloat16"
            return overflowing(y_true, y_pred) if low else ops.mean(y_pred, axis=-1)

    assert "it is far from the float32 loss" in broken("precision", "losses", OfPolicy)


def test_a_loss_with_a_wrong_gradient_is_found(broken):
    def stopped(y_true, y_pred):
        return ops.mean(ops.square(ops.stop_gradient(y_true - y_pred)), axis=-1)

    said = broken("gradient", "losses", loss_of(stopped))
    assert "by the predictions, there is no gradient where differences give" in said


def test_a_loss_that_forgets_an_argument_is_another_when_it_is_loaded(broken):
    @register
    class Forgets(keras.losses.Loss):
        def __init__(self, scale=1.0, name="forgets", **kwargs):
            super().__init__(name=name, **kwargs)
            self.scale = scale

        def call(self, y_true, y_pred):
            return self.scale * ops.mean(ops.square(y_true - y_pred), axis=-1)

    said = broken("saved", "losses", Forgets, {"scale": 7.0})
    assert "the loaded model reports another loss" in said
    assert "get_config leaves out scale" in broken("config", "losses", Forgets, {"scale": 7.0})


@register
class GoodMetric(keras.metrics.Metric):
    """A metric as it should be: the root of the mean square, weighted."""

    def __init__(self, name="good_metric", **kwargs):
        super().__init__(name=name, **kwargs)
        self.total = self.add_variable(shape=(), initializer="zeros", name="total")
        self.count = self.add_variable(shape=(), initializer="zeros", name="count")

    def update_state(self, y_true, y_pred, sample_weight=None):
        y_true, y_pred = ops.cast(y_true, self.dtype), ops.cast(y_pred, self.dtype)
        squares = ops.mean(ops.square(y_true - y_pred), axis=-1)
        weights = ops.ones_like(squares)
        if sample_weight is not None:
            weights = ops.cast(sample_weight, self.dtype)
        self.total.assign_add(ops.sum(weights * squares))
        self.count.assign_add(ops.sum(weights))

    def result(self):
        return ops.sqrt(ops.divide_no_nan(self.total, self.count))


def test_a_good_metric_keeps_every_rule():
    assert check_component(GoodMetric) == [
        "made",
        "config",
        "serialization",
        "card",
        "samples",
        "accumulation",
        "reset",
        "weights",
        "jit",
        "precision",
        "saved",
    ]


def metric_of(name, update, **methods):
    """Makes a metric that is like the good one but for some methods."""
    body = {"update_state": update, **methods} if update is not None else methods
    return register(type(name, (GoodMetric,), body))


def test_a_metric_that_keeps_the_last_batch_only_is_found(broken):
    def update(self, y_true, y_pred, sample_weight=None):
        self.total.assign(ops.mean(ops.square(y_true - y_pred)))
        self.count.assign(1.0)

    said = broken("accumulation", "metrics", metric_of("LastBatch", update))
    assert "several batches differ from all samples at once" in said


def test_a_metric_that_is_not_reset_is_found(broken):
    def nothing(self):
        pass

    said = broken("reset", "metrics", metric_of("NotReset", None, reset_state=nothing))
    assert "after a reset it still knows more" in said


def test_a_metric_that_ignores_weights_is_found(broken):
    def update(self, y_true, y_pred, sample_weight=None):
        GoodMetric.update_state(self, y_true, y_pred)

    said = broken("weights", "metrics", metric_of("Unweighted", update))
    assert "weights 2 and 0 differ from a sample twice and one left out" in said


def test_a_metric_with_its_sum_in_an_attribute_is_found(broken):
    def update(self, y_true, y_pred, sample_weight=None):
        self.sum = getattr(self, "sum", 0.0) + float(ops.sum(y_pred))

    def result(self):
        return ops.convert_to_tensor(self.sum)

    said = broken("jit", "metrics", metric_of("InPython", update, result=result))
    assert "it raises" in said


def test_a_metric_that_sums_in_half_precision_is_found(broken):
    def update(self, y_true, y_pred, sample_weight=None):
        for _ in range(40):
            sums = ops.sum(y_pred) + ops.cast(4096.0, y_pred.dtype)
            self.total.assign_add(ops.cast(sums, "float32") - 4096.0)
        self.count.assign_add(1.0)

    said = broken("precision", "metrics", metric_of("HalfSums", update), y_pred=(1,))
    assert "it is far from the float32 result" in said


def test_a_metric_without_a_name_is_found(broken):
    @register
    class Nameless(keras.metrics.Metric):
        def __init__(self):
            super().__init__(name="mine")

        def update_state(self, y_true, y_pred, sample_weight=None):
            pass

        def result(self):
            return ops.zeros(())

    said = broken("made", "metrics", Nameless)
    assert "made with name='probe' it is called 'mine'" in said


def test_a_function_as_a_metric_that_gives_a_scalar_is_found(broken):
    @register
    def scalar_metric(y_true, y_pred):
        return ops.mean(y_pred)

    said = broken("samples", "metrics", scalar_metric)
    assert "for 5 samples it returns shape ()" in said


@register
class LargestGradient(keras.metrics.Metric):
    """A metric of the training step, as it should be."""

    def __init__(self, name="largest_gradient", **kwargs):
        super().__init__(name=name, **kwargs)
        self.value = self.add_variable(shape=(), initializer="zeros", name="value")

    def update_state(self, y_true, y_pred, sample_weight=None, *, gradients):
        largest = [ops.max(ops.abs(gradient)) for gradient in gradients]
        self.value.assign(ops.maximum(self.value, ops.max(ops.stack(largest))))

    def result(self):
        return self.value + 0.0


def test_a_metric_that_asks_for_gradients_is_tried_in_a_training():
    rules = check_component(LargestGradient)
    assert rules == ["config", "serialization", "card", "training"]


def test_a_metric_of_gradients_that_never_forgets_is_found():
    class Growing(LargestGradient):
        def update_state(self, y_true, y_pred, sample_weight=None, *, gradients):
            self.value.assign_add(ops.sum(ops.abs(gradients[0])))

        def reset_state(self):
            pass

    with pytest.raises(AssertionError) as caught:
        check_component(Growing, skip=["config", "serialization", "card"])
    assert "the second epoch differs from the first" in str(caught.value)
