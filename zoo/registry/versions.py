"""Version numbers of weights, and references such as `my-model@1`."""

import re
from dataclasses import dataclass

from zoo.errors import RegistryError

_VERSION = re.compile(r"(0|[1-9]\d{0,8})\.(0|[1-9]\d{0,8})\.(0|[1-9]\d{0,8})")
_PREFIX = re.compile(r"\d{1,9}(?:\.\d{1,9}){0,2}")


@dataclass(frozen=True, order=True, slots=True)
class Version:
    """A `MAJOR.MINOR.PATCH` version."""

    major: int
    minor: int
    patch: int

    @classmethod
    def parse(cls, text: str) -> "Version":
        """Reads a version; anything but three plain numbers is a `ValueError`."""
        match = _VERSION.fullmatch(text)
        if match is None:
            raise ValueError(f"{text!r} is not a version of the form MAJOR.MINOR.PATCH")
        return cls(*map(int, match.groups()))

    def next_major(self) -> "Version":
        """Gives the version after a change of the graph."""
        return Version(self.major + 1, 0, 0)

    def next_minor(self) -> "Version":
        """Gives the version after a training of the same graph."""
        return Version(self.major, self.minor + 1, 0)

    def matches(self, prefix: str | None) -> bool:
        """Tells whether `1`, `1.2` or `1.2.3` covers this version; None covers all."""
        return prefix is None or f"{self}.".startswith(f"{prefix}.")

    def __str__(self) -> str:
        """Writes the version as `1.2.3`."""
        return f"{self.major}.{self.minor}.{self.patch}"


def split_reference(reference: str) -> tuple[str, str | None]:
    """Splits `name@1.2` into the name and the version's prefix.

    Raises:
        RegistryError: `unknown-version`, if what stands behind the `@` is no version.
    """
    name, at, prefix = reference.partition("@")
    if not at:
        return name, None
    if not _PREFIX.fullmatch(prefix):
        raise RegistryError(
            f"{prefix!r} in {reference!r} is not a version",
            "unknown-version",
            suggestion=f"write {name}@1, {name}@1.2 or {name}@1.2.3",
        )
    return name, prefix
