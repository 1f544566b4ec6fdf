"""The conformance kit: one call puts a component of a plugin through its paces.

    from zoo.testing import check_component

    def test_my_loss():
        check_component(MyLoss, {"scale": 2.0}, y_pred=(4,))

It needs Keras; `import zoo` does not import it.
"""

from collections.abc import Callable, Collection, Mapping
from typing import Any

from zoo.testing import callbacks, datasets, evaluators, layers, loops, losses, metrics, optimizers
from zoo.testing.rules import Rule, hold
from zoo.testing.samples import Samples, arrays_of
from zoo.testing.subject import Arguments, Subject, subject_of
from zoo.testing.tiny import TrainingBench, tiny_data, tiny_model

__all__ = ["check_component"]

TAKEN = {
    "layers": {"inputs"},
    "losses": {"y_true", "y_pred", "needs"},
    "metrics": {"y_true", "y_pred", "needs"},
    "optimizers": {"model", "data"},
    "callbacks": {"model", "data"},
    "datasets": set(),
    "loops": {"model", "data"},
    "evaluators": {"model", "data"},
}
"""What each kind is tried on."""


def check_component(
    component: str | Callable[..., Any],
    arguments: Arguments = None,
    *,
    kind: str | None = None,
    inputs: Samples = None,
    y_pred: Samples = None,
    y_true: Samples = None,
    needs: Mapping[str, Samples] | None = None,
    model: Callable[[], Any] | None = None,
    data: Mapping[str, Any] | None = None,
    skip: Collection[str] = (),
    seed: int = 0,
) -> list[str]:
    """Checks that a component keeps every rule of its kind.

    Samples are an array, or a shape without the batch axis, which is filled with random numbers.

    Args:
        component: A class or function, or the name that it is registered under.
        arguments: Its arguments; a function that makes them where they hold layers.
        kind: `"losses"`, `"metrics"`, ...: for a function that is not installed, or a name that
            two kinds have.
        inputs: For a layer, the samples, a list for one call with a list, a dict for keywords.
        y_pred: For a loss or metric, the predictions: by default three numbers a sample, between
            0 and 1.
        y_true: The targets; by default numbers of the same shape.
        needs: What it asks for beside them, by parameter.
        model: Makes, as `zoo.build` does, the model that a loop, callback, ... works on.
        data: The data for it, as a dataset returns it; by default both are small.
        skip: The rules to leave out, by name.
        seed: Seeds everything that is random.

    Returns:
        The names of the rules that were checked.

    Raises:
        AssertionError: If the component breaks rules; it has every one, what was seen, and the
            remedy.
        ValueError: If the call itself is wrong.
    """
    __tracebackhide__ = True
    subject = subject_of(component, arguments, kind, seed)
    given = {
        "inputs": inputs,
        "y_pred": y_pred,
        "y_true": y_true,
        "needs": needs,
        "model": model,
        "data": data,
    }
    for name, value in given.items():
        if value is not None and name not in TAKEN[subject.kind]:
            taken = ", ".join(sorted(TAKEN[subject.kind])) or "nothing"
            raise ValueError(
                f"{subject.label} is one of the {subject.kind}, which take no `{name}`; they take "
                f"{taken}"
            )
    rules, bench = _rules_and_bench(subject, given)
    return hold(rules, bench, subject.label, skip)


def _rules_and_bench(subject: Subject, given: dict[str, Any]) -> tuple[tuple[Rule, ...], Any]:
    if subject.kind == "layers":
        if given["inputs"] is None:
            raise ValueError(
                f"say what {subject.label} is called with: inputs=(8, 3) for samples of that shape"
            )
        return layers.RULES, layers.LayerBench(subject, arrays_of(given["inputs"], subject.seed))
    if subject.kind == "datasets":
        return datasets.RULES, datasets.DatasetBench(subject)
    if subject.kind in ("losses", "metrics"):
        return _of_targets(subject, given)
    rules, bench = {
        "optimizers": (optimizers.RULES, TrainingBench),
        "callbacks": (callbacks.RULES, callbacks.CallbackBench),
        "loops": (loops.RULES, loops.LoopBench),
        "evaluators": (evaluators.RULES, TrainingBench),
    }[subject.kind]
    data = given["data"] or tiny_data(subject.seed)
    return rules, bench(subject, given["model"] or tiny_model, data)


def _of_targets(subject: Subject, given: dict[str, Any]) -> tuple[tuple[Rule, ...], Any]:
    y_pred = arrays_of(
        (3,) if given["y_pred"] is None else given["y_pred"], subject.seed, 0.05, 0.95
    )
    shape = tuple(y_pred.shape[1:])
    y_true = shape if given["y_true"] is None else given["y_true"]
    samples = (
        arrays_of(y_true, subject.seed + 1, 0.05, 0.95),
        y_pred,
        arrays_of(dict(given["needs"] or {}), subject.seed + 2, 0.05, 0.95),
    )
    if subject.kind == "losses":
        return losses.RULES, losses.LossBench(subject, *samples)
    bench = metrics.MetricBench(subject, *samples)
    return metrics.rules_for(bench), bench
