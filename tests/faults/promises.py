"""All promises, in the order of the table."""

from tests.faults.promise import Promise

PROMISES: list[Promise] = []
