"""The twin experiments that `assimilation` knows, and what to try in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Literal, get_args

from zoo_localization.checks import check_count, is_number
from zoo_localization.lorenz05_twin import WANG_2023
from zoo_localization.model_localization import gain_shape
from zoo_localization.twin import Lorenz96Twin, Twin

System = Literal["lorenz96", "lorenz05"]


@dataclass(frozen=True)
class Setting:
    """A twin experiment, and the grid that filters are tuned on.

    Args:
        twin: The model, and how its truths are observed.
        members: Members of an ensemble.
        inflations: Factors on the posterior spread.
        cutoffs: Gaspari-Cohn cutoffs, in grid points.
    """

    twin: Twin
    members: int
    inflations: tuple[float, ...]
    cutoffs: tuple[float, ...]

    def with_grid(
        self, inflations: Sequence[float] | None, cutoffs: Sequence[float] | None
    ) -> Setting:
        """Return the same with other values to try, where they are given.

        Raises:
            ValueError: If there is none to try, or one is not a positive number.
        """
        return replace(
            self,
            inflations=_grid("inflations", inflations, self.inflations),
            cutoffs=_grid("cutoffs", cutoffs, self.cutoffs),
        )


_SETTINGS = {
    "lorenz96": Setting(
        Lorenz96Twin(),
        members=10,
        inflations=(1.0, 1.02, 1.04, 1.06, 1.08, 1.1, 1.15, 1.2),
        cutoffs=(4.0, 6.0, 8.0, 10.0, 12.0, 15.0, 20.0, 30.0),
    ),
    "lorenz05": Setting(
        replace(WANG_2023.twin, single_precision=True),
        members=WANG_2023.members,
        inflations=(1.0, 1.01, 1.02, 1.03, 1.05, 1.08),
        cutoffs=(80.0, 120.0, 160.0, 240.0, 320.0, 400.0, 480.0, 640.0),
    ),
}


def system_of(system: System, changes: dict[str, Any], members: int | None, model: Any) -> Setting:
    """Return a twin experiment.

    Args:
        system: Its name.
        changes: What is different in its twin.
        members: Members of an ensemble; `None` for as many as it has.
        model: The model that is to be tried in it. Unless `changes` say so, the twin has as many
            states and observations as its gains.

    Returns:
        The setting.

    Raises:
        ValueError: If there is no such system, a change is none of its arguments, or the model
            takes gains of another shape.
    """
    if system not in get_args(System):
        raise ValueError(f'system must be "lorenz96" or "lorenz05", got {system!r}.')
    setting = _SETTINGS[system]
    shape = None if model is None else gain_shape(model)
    if shape is not None and "model_size" not in changes:
        changes = {"model_size": shape[0], "obs_dens": shape[0] // shape[1], **changes}
    twin = _changed(setting.twin, changes, system)
    found = (twin.operator.model_size, twin.operator.nobs)
    if shape is not None and found != shape:
        raise ValueError(
            f"the model takes gains {shape}, and the twin experiment has (model_size, nobs) = "
            f"{found}. Change model_size and obs_dens of twin, or use another model."
        )
    count = setting.members if members is None else members
    check_count("members", count, 2)
    return replace(setting, twin=twin, members=count)


def _grid(name: str, asked: Sequence[float] | None, usual: tuple[float, ...]) -> tuple[float, ...]:
    if asked is None:
        return usual
    if isinstance(asked, str) or not asked or not all(is_number(v) and v > 0 for v in asked):
        raise ValueError(f"{name} must be a list of positive numbers, got {asked!r}.")
    return tuple(asked)


def _changed(twin: Any, changes: dict[str, Any], system: str) -> Twin:
    """Return a twin with other settings; those of its model are named beside its own."""
    inner = getattr(twin, "model", None)
    of_model = {entry.name for entry in fields(inner)} if inner is not None else set()
    own = {entry.name for entry in fields(twin)} - {"model"}
    unknown = sorted({*changes} - own - of_model)
    if unknown:
        raise ValueError(
            f"twin has no setting {unknown[0]!r}; those of {system} are "
            f"{', '.join(sorted(own | of_model))}."
        )
    if inner is not None:
        inner = replace(inner, **{key: changes[key] for key in changes if key in of_model})
        twin = replace(twin, model=inner)
    changed: Twin = replace(twin, **{key: changes[key] for key in changes if key in own})
    return changed
