"""Every component keeps the rules of `zoo.testing`."""

import pytest

from zoo.testing import check_component


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("GradientNorm", {}),
        ("GradientNorm", {"per_element": True}),
        ("PSNR", {}),
        ("PSNR", {"maxi": 2.0}),
    ],
)
def test_a_metric_keeps_every_rule(name, arguments):
    check_component(f"zoo-diagnostics/{name}", arguments)
