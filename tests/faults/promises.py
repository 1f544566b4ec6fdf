"""All promises, in the order of the table."""

from tests.faults import (
    architectures,
    damage,
    disk,
    kills,
    not_finite,
    order,
    plugins,
    resuming,
    sandbox,
    signals,
    trainings,
    writers,
)
from tests.faults.promise import Promise

PROMISES: list[Promise] = [
    *kills.PROMISES,
    *order.PROMISES,
    *damage.PROMISES,
    *architectures.PROMISES,
    *writers.PROMISES,
    *disk.PROMISES,
    *trainings.PROMISES,
    *resuming.PROMISES,
    *not_finite.PROMISES,
    *signals.PROMISES,
    *sandbox.PROMISES,
    *plugins.PROMISES,
]
