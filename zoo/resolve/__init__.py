"""A model config and the catalog to a resolved model: every name stands for something."""

from typing import TYPE_CHECKING, Any

from zoo.catalog.catalog import Catalog
from zoo.components import did_you_mean, listed
from zoo.config.compose import Source
from zoo.config.schema import ModelConfig
from zoo.config.validation import BY_OUTPUT, TOP_LEVEL_KEYS, stands_above
from zoo.errors import Finding
from zoo.resolve.document import resolved_toml
from zoo.resolve.missing import MissingPlugins
from zoo.resolve.model import Node, Part, ResolvedModel, referenced, split_output
from zoo.resolve.needs import UnboundNeed, call_of
from zoo.resolve.nodes import NodeResolver
from zoo.resolve.parts import Findings, PartResolver
from zoo.resolve.shapes import Inferred, infer
from zoo.shapes.rules import ShapeRules

if TYPE_CHECKING:  # reading one is seldom needed, and takes time to import
    from zoo.registry.document import OpenRegistry

__all__ = [
    "Node",
    "Part",
    "ResolvedModel",
    "referenced",
    "resolve",
    "resolved_toml",
    "split_output",
]


def resolve(
    config: ModelConfig,
    document: dict[str, Any],
    source: Source,
    catalog: Catalog,
    registry: "OpenRegistry",
) -> tuple[ResolvedModel | None, list[Finding]]:
    """Resolves every name of a config.

    Args:
        config: The config, its form checked.
        document: The composed document it came from.
        source: Where it stands.
        catalog: The installed components.
        registry: Gives the zoo's registry, where there is one.

    Returns:
        The resolved model, or None if a finding is an error; and every finding.
    """
    findings = Findings(str(source.path))
    parts = PartResolver(catalog, findings, MissingPlugins(registry))
    graph = NodeResolver(config, parts, registry, findings)
    nodes = graph.nodes()
    outputs = graph.outputs(nodes)
    broken = {"unknown-node", "duplicate-name", "missing-key"}
    whole = not any(finding.code in broken for finding in findings.found)
    values: dict[str, Any] = {
        "nodes": graph.ordered(nodes, outputs) if whole else (),
        "losses": _losses(config, outputs, parts, findings),
        "metrics": _metrics(config, outputs, parts, findings),
        "optimizer": parts.part("optimizers", config.optimizer, "optimizer"),
        "data": parts.part("datasets", config.data, "data") if config.data else None,
        "loop": parts.part("loops", config.train.loop, "train.loop"),
        "callbacks": parts.parts("callbacks", config.train.callbacks, "train.callbacks"),
        "evaluators": parts.parts("evaluators", config.evaluate, "evaluate"),
    }
    shapes = _inferred(config, nodes, values["nodes"], outputs if whole else (), catalog, findings)
    findings.add(shapes.findings)
    if shapes.lists_missing:
        findings.forget("unreachable-node")  # what is to be listed is not reached yet
    names = [table.name for table in config.inputs]
    asking = [*values["losses"].values(), *values["metrics"]]
    for part in {part.key: part for part in asking if part is not None}.values():
        _bind(part, names, findings)
    if findings.wrong:
        return None, findings.found
    model = ResolvedModel(
        name=config.name,
        description=config.description,
        inputs=tuple(config.inputs),
        outputs=outputs,
        loss_weights=dict(config.loss_weights),
        train=config.train,
        document=document,
        source=source,
        **values,
    )
    return model, findings.found


def _inferred(
    config: ModelConfig,
    nodes: list[Node],
    ordered: tuple[Node, ...],
    outputs: tuple[str, ...],
    catalog: Catalog,
    findings: Findings,
) -> Inferred:
    tables = zip(config.layers, nodes, strict=True)
    implied = {node.name for table, node in tables if table.inputs is None}
    wrong = findings.keys_and_those_above()
    return infer(config.inputs, ordered, outputs, ShapeRules(catalog), wrong, implied)


def _bind(part: Part, input_names: list[str], findings: Findings) -> None:
    component = part.component
    call = call_of(part.card, component.kind, component.name, part.arguments, input_names)
    if call is None:
        return
    try:
        call.bound(part.needs)
    except UnboundNeed as error:
        otherwise = 'add an input of that name, or say `needs = { parameter = "input" }`'
        hint = f'did you mean "{error.suggestion}"?' if error.suggestion else otherwise
        findings.say("unbound-need", error.message, f"{part.key}.needs", hint)


def _losses(
    config: ModelConfig, outputs: tuple[str, ...], parts: PartResolver, findings: Findings
) -> dict[str, Part | None]:
    for place in BY_OUTPUT:
        for name in getattr(config, place):
            if name not in outputs:
                message = f"{place}: the model has no output {name!r}"
                hint = did_you_mean(name, outputs, f"there is: {listed(outputs)}")
                hint = stands_above(name) if name in TOP_LEVEL_KEYS else hint
                findings.say("unknown-node", message, f"{place}.{name}", hint)
    if config.loss is None:
        return {
            name: parts.part("losses", config.losses[name], f"losses.{name}")
            for name in outputs
            if name in config.losses
        }
    # As in Keras, one loss is every output's.
    part = parts.part("losses", config.loss, "loss")
    return dict.fromkeys(outputs, part)


def _metrics(
    config: ModelConfig, outputs: tuple[str, ...], parts: PartResolver, findings: Findings
) -> tuple[Part | None, ...]:
    metrics = parts.parts("metrics", config.metrics, "metrics")
    for part in metrics:
        if part is not None and part.output is not None and part.output not in outputs:
            message = f"the model has no output {part.output!r}"
            hint = did_you_mean(part.output, outputs, f"there is: {listed(outputs)}")
            findings.say("unknown-node", message, f"{part.key}.output", hint)
    return metrics
