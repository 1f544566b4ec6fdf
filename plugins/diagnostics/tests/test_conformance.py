"""Every component keeps the rules of `zoo.testing`."""

import pytest

from zoo.testing import check_component


# The rules take a second each; with its defaults a metric keeps them as with any arguments.
@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        pytest.param("GradientNorm", {}, marks=pytest.mark.slow),
        ("GradientNorm", {"per_element": True}),
        pytest.param("PSNR", {}, marks=pytest.mark.slow),
        ("PSNR", {"maxi": 2.0}),
    ],
)
def test_a_metric_keeps_every_rule(name, arguments):
    check_component(f"zoo-diagnostics/{name}", arguments)
