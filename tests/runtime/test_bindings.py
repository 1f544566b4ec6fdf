"""What a loss or metric asks for, and how it is given."""

from __future__ import annotations

from types import SimpleNamespace

import keras
import numpy as np
import pytest
from keras import ops

from zoo.runtime.bindings import (
    BoundLoss,
    BoundMetric,
    Needs,
    UnboundNeed,
    asks_for_gradients,
    bind_loss,
    bind_metric,
    needs_of,
    step_in_progress,
)

KG_RAW = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], dtype="float32")
LOC_F = np.array([[0.5, 1.0], [2.0, 0.25], [1.0, 1.0]], dtype="float32")
KG_TRUE = np.array([[1.0, 1.0], [1.0, 1.0], [1.0, 1.0]], dtype="float32")
PER_SAMPLE = np.mean((KG_TRUE - KG_RAW.astype("float64") * LOC_F) ** 2, axis=-1)


def model_with_inputs(*names: str) -> SimpleNamespace:
    return SimpleNamespace(inputs=[keras.Input((2,), name=name) for name in names])


class LocLoss(keras.losses.Loss):
    """The source's loss, with the model input as an argument."""

    def call(self, kg_true, loc_f, kg_raw):
        return ops.mean(ops.square(kg_true - kg_raw * loc_f), axis=-1)


class GradientNorm(keras.metrics.Metric):
    """The source's metric, with the source's signature."""

    def __init__(self, name="gradient_norm", **kwargs):
        super().__init__(name=name, **kwargs)
        self.norm = self.add_weight(name="norm", initializer="zeros")

    def update_state(self, y, gradients, sample_weight=None):
        self.norm.assign(ops.sqrt(sum(ops.sum(ops.square(g)) for g in gradients)))

    def result(self):
        return self.norm


def metric_class(update_state):
    return type("Custom", (keras.metrics.Metric,), {"update_state": update_state})()


def loss_class(call):
    return type("Custom", (keras.losses.Loss,), {"call": call})()


def localized_error(y_true, y_pred, kg_raw):
    return ops.mean(ops.square(y_true - kg_raw * y_pred), axis=-1)


def test_keras_s_own_losses_and_metrics_need_nothing_and_stay_as_they_are():
    for loss in (keras.losses.MeanSquaredError(), keras.losses.huber, "mse", None):
        assert needs_of(loss, ["delta"]) == Needs()
        assert bind_loss(loss, input_names=["delta"]) is loss
    for metric in (keras.metrics.Mean(), keras.metrics.mean_absolute_error, "mae"):
        assert needs_of(metric, ["values"]) == Needs()
        assert bind_metric(metric, input_names=["values"]) is metric


def test_a_custom_loss_or_metric_that_needs_nothing_stays_as_it_is():
    loss = loss_class(lambda self, target, output: target - output)
    metric = metric_class(lambda self, y, y_hat, sample_weight=None: None)
    assert bind_loss(loss, input_names=["kg_raw"]) is loss
    assert bind_metric(metric, input_names=["kg_raw"]) is metric


def test_the_first_two_positions_are_targets_and_predictions_whatever_their_names():
    assert needs_of(LocLoss()) == Needs(required=("kg_raw",))
    bound = bind_loss(LocLoss(), input_names=["kg_raw"])
    assert bound.arguments == {"kg_true": "y_true", "loc_f": "y_pred", "kg_raw": "kg_raw"}


def test_a_loss_keeps_its_prediction_where_an_input_shares_its_parameter_s_name():
    bound = bind_loss(LocLoss(), input_names=["kg_raw", "loc_f"])
    assert bound.arguments == {"kg_true": "y_true", "loc_f": "y_pred", "kg_raw": "kg_raw"}


def test_a_loss_may_leave_the_targets_out():
    loss = loss_class(lambda self, inputs, y_pred: y_pred - inputs["kg_raw"])
    assert needs_of(loss) == Needs(required=("inputs",))
    assert bind_loss(loss).arguments == {"inputs": "inputs", "y_pred": "y_pred"}


@pytest.mark.parametrize(
    ("update_state", "arguments"),
    [
        (
            lambda self, y, gradients, sample_weight=None: None,
            {"y": "y_true", "gradients": "gradients", "sample_weight": "sample_weight"},
        ),
        (lambda self, gradients: None, {"gradients": "gradients"}),
        (lambda self, gradients, momentum=0.9: None, {"gradients": "gradients"}),
        (lambda self, gradients, y: None, {"gradients": "gradients", "y": "y_true"}),
        (
            lambda self, truth, guess, trainable_variables: None,
            {"truth": "y_true", "guess": "y_pred", "trainable_variables": "trainable_variables"},
        ),
        (lambda self, y_pred, y_true: None, {"y_pred": "y_pred", "y_true": "y_true"}),
        (
            lambda self, y_true, y_pred, y: None,
            {"y_true": "y_true", "y_pred": "y_pred", "y": "y"},
        ),
    ],
    ids=[
        "all that it may ask for",
        "gradients alone",
        "an argument of its own",
        "gradients first",
        "other words for targets",
        "predictions first",
        "an input called y",
    ],
)
def test_a_metric_s_parameters_are_bound_by_name(update_state, arguments):
    bound = bind_metric(
        metric_class(update_state), input_names=["y"] if "y_true" in arguments else []
    )
    assert bound.arguments == arguments


def test_only_metrics_bound_to_gradients_ask_for_them():
    assert asks_for_gradients(bind_metric(GradientNorm()))
    assert not asks_for_gradients(bind_metric(metric_class(lambda self, trainable_variables: None)))
    assert not asks_for_gradients(keras.metrics.MeanSquaredError())


def test_an_optional_need_is_bound_where_the_model_has_it_and_else_left_at_its_default():
    loss = loss_class(lambda self, y_true, y_pred, kg_raw=None: y_true)
    assert needs_of(loss) == Needs(optional=("kg_raw",))
    assert bind_loss(loss, input_names=["other"]) is loss
    assert bind_loss(loss, input_names=["kg_raw"]).arguments["kg_raw"] == "kg_raw"


def test_a_rebinding_gives_a_parameter_another_source():
    loss = loss_class(lambda self, y_true, y_pred, kg: ops.mean(y_pred * kg, axis=-1))
    bound = bind_loss(loss, needs={"kg": "kg_raw"}, input_names=["kg_raw"])
    with step_in_progress(model_with_inputs("kg_raw"), KG_RAW):
        value = bound(KG_TRUE, LOC_F)
    assert float(value) == pytest.approx(float(np.mean(LOC_F * KG_RAW)), rel=1e-6)


def test_an_unbound_need_says_what_there_is_and_what_was_meant():
    with pytest.raises(UnboundNeed) as caught:
        bind_loss(LocLoss(), input_names=["kg_rew", "other"])
    assert str(caught.value) == (
        '"LocLoss" asks for "kg_raw", which cannot be bound; there is: '
        'y_true, y_pred, sample_weight, inputs, kg_rew, other; did you mean "kg_rew"?'
    )
    assert caught.value.component == "LocLoss"
    assert caught.value.need == "kg_raw"
    assert caught.value.available[-2:] == ("kg_rew", "other")
    assert caught.value.suggestion == "kg_rew"


def test_a_metric_s_unbound_need_lists_the_gradients_too():
    metric = metric_class(lambda self, y_true, y_pred, gradient: None)
    with pytest.raises(
        UnboundNeed, match=r'gradients, trainable_variables, kg; did you .*"gradients"'
    ):
        bind_metric(metric, input_names=["kg"], label="my_metric")


@pytest.mark.parametrize(
    "call",
    [lambda self, y_true, gradients: 0, lambda self, y_true, y_pred, gradients: 0],
    ids=["for the prediction", "besides both"],
)
def test_a_loss_that_asks_for_gradients_is_refused(call):
    loss = loss_class(call)
    with pytest.raises(UnboundNeed, match=r'"gradients".*only a metric can ask for gradients'):
        bind_loss(loss, input_names=["kg_raw"])


def test_a_rebinding_of_a_parameter_that_is_not_there_is_refused():
    with pytest.raises(UnboundNeed, match=r'"kg_row".*no such parameter.*did you mean "kg_raw"'):
        bind_loss(LocLoss(), needs={"kg_row": "kg_raw"}, input_names=["kg_raw"])


def test_a_rebinding_to_a_source_that_is_not_there_is_refused():
    with pytest.raises(UnboundNeed, match=r'"LocLoss" asks for "kg_row".*did you mean "kg_raw"'):
        bind_loss(LocLoss(), needs={"kg_raw": "kg_row"}, input_names=["kg_raw"])


def test_a_component_bound_for_another_model_is_refused():
    bound = bind_loss(LocLoss(), input_names=["kg_raw"])
    with pytest.raises(
        UnboundNeed, match=r'"LocLoss" asks for "kg_raw".*there is: .*inputs, state'
    ):
        bind_loss(bound, input_names=["state"])


def test_a_bound_loss_keeps_name_reduction_and_dtype():
    bound = bind_loss(LocLoss(name="loc", reduction="sum", dtype="float64"), None, ["kg_raw"])
    assert (bound.name, bound.reduction, bound.dtype) == ("loc", "sum", "float64")
    with step_in_progress(model_with_inputs("kg_raw"), KG_RAW):
        value = bound(KG_TRUE, LOC_F)
    assert keras.backend.standardize_dtype(value.dtype) == "float64"
    assert float(value) == pytest.approx(PER_SAMPLE.sum(), rel=1e-12)


@pytest.mark.parametrize("loss", [LocLoss(), localized_error], ids=["a class", "a function"])
def test_sample_weights_weigh_a_bound_loss(loss):
    weights = np.array([1.0, 0.0, 3.0])
    bound = bind_loss(loss, input_names=["kg_raw"])
    with step_in_progress(model_with_inputs("kg_raw"), KG_RAW):
        value = bound(KG_TRUE, LOC_F, sample_weight=weights)
    assert float(value) == pytest.approx(np.mean(PER_SAMPLE * weights), rel=1e-6)


def test_a_loss_that_requires_sample_weight_is_left_to_weigh_itself():
    def weighted(y_true, y_pred, kg_raw, sample_weight):
        return localized_error(y_true, y_pred, kg_raw) * sample_weight / ops.sum(sample_weight)

    weights = np.array([1.0, 0.0, 3.0], dtype="float32")
    bound = bind_loss(weighted, input_names=["kg_raw"])
    with step_in_progress(model_with_inputs("kg_raw"), KG_RAW):
        value = bound(KG_TRUE, LOC_F, sample_weight=weights)
    assert float(value) == pytest.approx(np.sum(PER_SAMPLE * weights) / 4.0 / 3.0, rel=1e-6)


def test_an_optional_sample_weight_of_a_loss_is_left_to_keras():
    def weighted(y_true, y_pred, kg_raw, sample_weight=None):
        assert sample_weight is None
        return localized_error(y_true, y_pred, kg_raw)

    weights = np.array([1.0, 0.0, 3.0])
    bound = bind_loss(weighted, input_names=["kg_raw"])
    with step_in_progress(model_with_inputs("kg_raw"), KG_RAW):
        value = bound(KG_TRUE, LOC_F, sample_weight=weights)
    assert float(value) == pytest.approx(np.mean(PER_SAMPLE * weights), rel=1e-6)


def test_a_function_loss_does_not_broadcast_a_target_that_lacks_the_last_axis():
    def squared(y_true, y_pred, kg_raw):
        return ops.square(y_true - y_pred)

    target, prediction = np.array([1.0, 2.0, 4.0]), np.array([[1.0], [1.0], [1.0]])
    bound = bind_loss(squared, input_names=["kg_raw"])
    with step_in_progress(model_with_inputs("kg_raw"), KG_RAW):
        value = bound(target, prediction)
    assert float(value) == pytest.approx((0.0 + 1.0 + 9.0) / 3.0, rel=1e-6)


@pytest.mark.parametrize("weights", [None, [1.0, 0.0, 3.0]], ids=["alike", "weighed"])
def test_a_function_metric_is_averaged_over_the_samples_of_all_batches(weights):
    bound = bind_metric(localized_error, input_names=["kg_raw"])
    assert bound.name == "localized_error"
    for part in (slice(0, 2), slice(2, 3)):
        with step_in_progress(model_with_inputs("kg_raw"), KG_RAW[part]):
            weight = None if weights is None else np.array(weights[part])
            bound.update_state(KG_TRUE[part], LOC_F[part], sample_weight=weight)
    assert float(bound.result()) == pytest.approx(np.average(PER_SAMPLE, weights=weights), rel=1e-6)
    bound.reset_state()
    assert float(bound.result()) == 0.0


def test_inputs_are_a_dict_in_the_model_s_own_dtype_and_rank():
    seen = {}

    def spy(y_true, y_pred, inputs):
        seen.update(inputs)
        return y_true

    model = SimpleNamespace(
        inputs=[keras.Input((1,), name="a"), keras.Input((2,), name="b", dtype="int32")]
    )
    x = [np.zeros(3, dtype="float64"), np.ones((3, 2), dtype="int64")]
    with step_in_progress(model, x):
        bind_loss(spy)(KG_TRUE, LOC_F)
    assert {name: tuple(value.shape) for name, value in seen.items()} == {"a": (3, 1), "b": (3, 2)}
    assert [keras.backend.standardize_dtype(v.dtype) for v in seen.values()] == ["float32", "int32"]


@pytest.mark.parametrize("form", ["list", "dict in another order", "dict with more keys"])
def test_inputs_are_found_by_name_in_whatever_form_the_data_come(form):
    a, b = np.full((3, 2), 1.0), np.full((3, 2), 2.0)
    forms = {
        "list": [b, a],
        "dict in another order": {"a": a, "b": b},
        "dict with more keys": {"0": KG_RAW, "a": a, "b": b},
    }
    with step_in_progress(model_with_inputs("b", "a"), forms[form]) as values:
        assert {name: float(ops.mean(v)) for name, v in values.inputs.items()} == {"a": 1, "b": 2}


def test_a_bound_loss_outside_a_step_says_where_it_belongs():
    bound = bind_loss(LocLoss(name="loc"), input_names=["kg_raw"])
    with pytest.raises(
        RuntimeError, match=r'"loc" asks for "kg_raw".*compile it into .*BoundModel'
    ):
        bound(KG_TRUE, LOC_F)


@pytest.mark.parametrize("wrapper", [BoundLoss, BoundMetric])
def test_a_configuration_makes_an_equal_wrapper(wrapper):
    bind = bind_loss if wrapper is BoundLoss else bind_metric
    component = LocLoss(name="loc", reduction="sum") if wrapper is BoundLoss else localized_error
    bound = bind(component, input_names=["kg_raw"])
    custom = {"LocLoss": LocLoss, "localized_error": localized_error}
    with keras.saving.custom_object_scope(custom):
        again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(bound))
    assert type(again) is wrapper
    assert again.get_config() == bound.get_config()
