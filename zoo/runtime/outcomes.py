"""How the workers of a training that Ray placed ended, and what follows from it."""

from dataclasses import dataclass, field

from zoo.errors import ZooError
from zoo.runtime.workers import LostWorker


class Killed(LostWorker):
    """The process of a worker died."""


@dataclass(slots=True)
class Outcomes:
    """How the workers of one attempt ended, as it became known.

    Attributes:
        failures: What was wrong, by the worker's number and in the order of time; None if nothing.
    """

    failures: dict[int, BaseException | None] = field(default_factory=dict)

    @property
    def failed(self) -> bool:
        """Whether any worker failed."""
        return any(self.failures.values())

    def lost(self) -> str:
        """Says that a worker was lost, if that is why the training did not come to its end.

        Returns:
            `""` if it did: then the leading worker is done.

        Raises:
            BaseException: What was wrong, if it was something else.
        """
        errors = [error for error in self.failures.values() if error is not None]
        if not self.failures.get(0):
            return ""
        first = errors[0]
        for error in errors if isinstance(first, LostWorker) else [first]:
            if (error is first and not isinstance(error, LostWorker)) or _is_a_cause(error):
                raise error
        told = next((error for error in errors if isinstance(error, Killed)), first)
        return told.findings[0].message if isinstance(told, ZooError) else str(told)


def _is_a_cause(error: BaseException) -> bool:
    """Tells whether an error cannot come of a worker that was lost before it."""
    if isinstance(error, LostWorker) or not isinstance(error, ZooError):
        return False
    return error.findings[0].code not in ("training", "defect")
