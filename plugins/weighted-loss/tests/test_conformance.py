"""The loss keeps the rules of `zoo.testing`, whichever way the weights come."""

import pytest

from zoo.testing import check_component


@pytest.mark.parametrize(
    ("arguments", "needs"),
    [
        ({}, {}),
        ({}, {"weights": (12, 5)}),
        ({"fixed_weights": [1.0, 2.0, 0.0, 1.0, 3.0]}, {}),
        ({"distance_scale": 5.0, "obs_dens": 2}, {}),
    ],
    ids=["none", "input", "fixed", "distance"],
)
def test_the_loss_keeps_every_rule(arguments, needs):
    check_component("zoo-weighted-loss/weighted_mse", arguments, y_pred=(12, 5), needs=needs)
