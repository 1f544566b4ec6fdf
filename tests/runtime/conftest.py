"""Trainings here are looked at for what they train, not for their reports."""

import pytest


@pytest.fixture(autouse=True)
def _no_run_report(request: pytest.FixtureRequest) -> None:
    if "run_report" not in request.keywords:
        request.getfixturevalue("no_run_report")
