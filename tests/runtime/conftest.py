"""Trainings here are looked at for what they train, not for their reports."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

MakeReport = Callable[..., Any]


@pytest.fixture(autouse=True, scope="module")
def make_run_report() -> Iterator[MakeReport]:
    """Leaves out reports, of what a module trains for all its tests too; gives what makes one."""
    from zoo.runtime import training

    really = training.try_run_report
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "try_run_report", lambda *_, **__: None)
        yield really


@pytest.fixture(autouse=True)
def _run_report_where_it_is_asked_for(
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    make_run_report: MakeReport,
) -> None:
    if "run_report" in request.keywords:
        monkeypatch.setattr("zoo.runtime.training.try_run_report", make_run_report)
