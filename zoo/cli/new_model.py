"""`zoo new model`: asks what the model is to be, where somebody can answer; writes its config."""

import sys
from collections.abc import Callable, Iterable
from typing import Annotated, NamedTuple, Protocol, TypeVar

import typer

from zoo.cli.command import Answer, command
from zoo.cli.made import made
from zoo.cli.options import DebugOption, JsonOption, ZooOption
from zoo.components import did_you_mean
from zoo.errors import ConfigError, ZooError
from zoo.scaffold.model import check_name, new_model
from zoo.scaffold.model_plan import (
    DATA,
    NETWORKS,
    TASKS,
    ModelPlan,
    check_data,
    check_network,
    check_outputs,
    default_network,
    parse_inputs,
)
from zoo.workspace import Workspace

T = TypeVar("T")


class _Said(NamedTuple):
    """What options say; None is for what nobody said."""

    name: str | None
    inputs: list[str] | None
    task: str | None
    outputs: int | None
    network: str | None
    loss: str | None
    data: str | None


class _Getter(Protocol):
    """Gets a value: what was said, or else an answer or the default, once it passes the check."""

    def __call__(
        self, label: str, said: str | None, default: str | None, check: Callable[[str], T]
    ) -> T: ...


@command
def new_model_command(
    name: Annotated[
        str | None, typer.Argument(help="The name of the model, such as my-model.")
    ] = None,
    inputs: Annotated[
        list[str] | None,
        typer.Option(
            "--input",
            metavar="NAME=SHAPE",
            help="An input and its shape without the batch axis, such as image=28,28,1; repeats.",
        ),
    ] = None,
    task: Annotated[str | None, typer.Option("--task", help=f"{', '.join(TASKS)}.")] = None,
    outputs: Annotated[
        int | None, typer.Option("--outputs", metavar="N", help="How many numbers or classes.")
    ] = None,
    network: Annotated[
        str | None, typer.Option("--network", help=f"{', '.join(NETWORKS)}.")
    ] = None,
    loss: Annotated[
        str | None, typer.Option("--loss", help="A loss; by default the usual one of the task.")
    ] = None,
    data: Annotated[str | None, typer.Option("--data", help=f"{', '.join(DATA)}.")] = None,
    zoo: ZooOption = None,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> Answer:
    """Write a small model config that trains at once, and add it to the registry.

    On a terminal it asks for what no option says, with a default for everything but the name.

    Example: zoo new model my-model --input image=28,28,1 --task classification --outputs 10
    """
    workspace = Workspace(zoo)
    # Questions go to stderr, where everything goes that is not the answer.
    asking = sys.stdin.isatty() and sys.stderr.isatty() and not as_json
    said = _Said(name, inputs, task, outputs, network, loss, data)
    try:
        plan = _plan(said, workspace, _asked if asking else _by_default)
    except typer.Abort:  # Ctrl-C or Ctrl-D at a question; nothing is written yet
        raise KeyboardInterrupt from None
    config = new_model(plan, workspace)
    steps = [
        f"edit {config}",
        f"zoo check {plan.name}",
        f"zoo train {plan.name} --publish",
        "zoo schema --write   (completion and errors in your editor)",
    ]
    about = {"name": plan.name, "config": str(config)}
    return made(f"{plan.name} is a model of this zoo", [str(config)], steps, about)


def _plan(said: _Said, workspace: Workspace, get: _Getter) -> ModelPlan:
    name = get("name", said.name, None, lambda text: check_name(text, workspace))
    joined = " ".join(said.inputs) if said.inputs else None
    label = "inputs, such as left=8 image=28,28,1"
    inputs = get(label, joined, "x=8", lambda text: parse_inputs(text.split()))
    task = get(_choices("task", TASKS), said.task, "regression", _one_of("task", TASKS))
    number = None if said.outputs is None else str(said.outputs)
    if task == "binary":
        number = number or "1"
    what, usual = ("classes", "10") if task == "classification" else ("numbers it gives", "2")
    outputs = get(f"how many {what}", number, usual, lambda text: _outputs(text, task))
    network = get(
        _choices("network", NETWORKS),
        said.network,
        default_network(inputs),
        lambda text: check_network(_one_of("network", NETWORKS)(text), inputs),
    )
    loss = get("loss", said.loss, TASKS[task].loss, lambda text: _loss(text, workspace))
    data = get(
        _choices("data", DATA),
        said.data,
        "synthetic",
        lambda text: check_data(_one_of("data", DATA)(text), inputs),
    )
    return ModelPlan(name, inputs, task, outputs, network, loss, data)


def _by_default(label: str, said: str | None, default: str | None, check: Callable[[str], T]) -> T:
    value = default if said is None else said
    if value is None:
        raise ConfigError(
            f"the {label} of the model is not given", suggestion="zoo new model my-model"
        )
    return check(value)


def _asked(label: str, said: str | None, default: str | None, check: Callable[[str], T]) -> T:
    if said is not None:
        return check(said)
    while True:
        answer = str(typer.prompt(label, default=default, err=True))
        try:
            return check(answer)
        except ZooError as error:
            first = error.findings[0]
            typer.echo(f"  {first.message}; {first.suggestion}", err=True)


def _choices(what: str, choices: Iterable[str]) -> str:
    return f"{what} ({', '.join(choices)})"


def _one_of(what: str, choices: Iterable[str]) -> Callable[[str], str]:
    def check(text: str) -> str:
        if text not in choices:
            raise ConfigError(
                f"there is no {what} {text!r}",
                suggestion=did_you_mean(text, choices, f"one of {', '.join(choices)}"),
            )
        return text

    return check


def _outputs(text: str, task: str) -> int:
    if not text.isdecimal():
        raise ConfigError(f"{text!r} is not a number", suggestion="write one such as 2")
    return check_outputs(int(text), task)


def _loss(text: str, workspace: Workspace) -> str:
    workspace.catalog.find("losses", text)
    return text
