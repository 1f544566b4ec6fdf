"""Everything that can go wrong, as one tree.

ZooError                 exit status
├── ConfigError          2   the config or the way a command is used is wrong
├── RegistryError        3   registry.toml or weights: unknown, damaged, incompatible
├── StorageError         4   input/output: missing, not writable, disk full
├── PluginError          5   a plugin is missing, broken or in conflict
├── RunError             6   data or training: NaN, diverged, nothing to train on
└── Stopped              130 / 143   SIGINT / SIGTERM; what was done can be resumed
"""

import json
import os
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, ClassVar, Literal, Self

_LONGEST_VALUE = 80
_LONGEST_TEXT = 2000
_LONGEST_EXCERPT = 240


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong, with its place and what to do about it.

    Attributes:
        code: The stable code, such as `"unknown-component"`.
        message: What is wrong, in one sentence.
        file: The file it stands in.
        line: The line, counted from 1.
        column: The column, counted from 1.
        key: The dotted key, such as `"layers.conv1.filters"`.
        suggestion: What to do about it.
        severity: `"warning"` does not make a config wrong.
        excerpt: The line of text itself.
        width: How many characters of it are meant.
    """

    code: str
    message: str
    file: str | None = None
    line: int | None = None
    column: int | None = None
    key: str | None = None
    suggestion: str | None = None
    severity: Literal["error", "warning"] = "error"
    excerpt: str | None = None
    width: int = 1

    def to_json(self) -> dict[str, Any]:
        """Gives the finding as the command line's JSON has it."""
        texts = {name: getattr(self, name) for name in ("message", "suggestion", "key")}
        short = {name: text and shortened(text) for name, text in texts.items()}
        return {**asdict(self), **short, "excerpt": self._excerpt()}

    def at(self, *, file: str | None = None, key: str | None = None) -> "Finding":
        """Fills in the place where it is not known yet."""
        return replace(self, file=self.file or file, key=self.key or key)

    def __str__(self) -> str:
        """Puts code, message, place and remedy into lines for a person."""
        lines = [f"{self.severity}[{self.code}]: {shortened(self.message)}"]
        place = ":".join(str(part) for part in (self._short_file(), self.line, self.column) if part)
        excerpt = self._excerpt()
        if excerpt is not None and self.line is not None and self.column is not None:
            lines += [f"  --> {place}", *self._pointing(excerpt, self.line, self.column)]
        else:
            if place or self.key:
                where = " ".join(part for part in (place, self.key) if part)
                lines.append(f"  --> {shortened(where)}")
            if self.suggestion:
                lines.append(f"  = {shortened(self.suggestion)}")
        return "\n".join(printable(line) for line in lines)

    def _excerpt(self) -> str | None:
        # A line that fills the screen shows nothing.
        long = self.excerpt is not None and len(self.excerpt) > _LONGEST_EXCERPT
        return None if long else self.excerpt

    def _short_file(self) -> str | None:
        # A file below the current folder is known by its path from there.
        prefix = os.path.join(os.getcwd(), "")
        return self.file.removeprefix(prefix) if self.file else None

    def _pointing(self, excerpt: str, line: int, column: int) -> list[str]:
        margin = " " * len(str(line))
        # Tabs stay tabs, so that the caret stands below what it means.
        before = printable(excerpt[: column - 1])
        meant = printable(excerpt[column - 1 : column - 1 + self.width])
        blank = "".join(c if c == "\t" else " " * _columns(c) for c in before)
        hint = shortened(self.suggestion or "")
        caret = f"{blank}{'^' * max(sum(map(_columns, meant)), 1)} {hint}".rstrip()
        return [f"{line} | {excerpt}", f"{margin} | {caret}"]


def printable(text: str) -> str:
    """Escapes the control characters that a config's text may carry into a message."""
    return "".join(c if c == "\t" or c.isprintable() else repr(c)[1:-1] for c in text)


def _columns(character: str) -> int:
    """Tells how many columns of a terminal a character takes."""
    if character.isascii():
        return 1
    from unicodedata import combining, east_asian_width  # seldom needed

    return 0 if combining(character) else 1 + (east_asian_width(character) in "WF")


def as_written(value: Any) -> str:
    """Words a value as TOML writes it, cut where it is long."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}..."


def shortened(text: str) -> str:
    """Cuts a text that nobody would read to its end."""
    return text if len(text) <= _LONGEST_TEXT else f"{text[:_LONGEST_TEXT]} ..."


class ZooError(Exception):
    """The root of every error that the zoo raises on purpose.

    Args:
        message: What is wrong, in one sentence.
        code: The stable code; each subclass has its own default.
        suggestion: What to do about it.
        file: The file it stands in.
        key: The dotted key of the config it belongs to.
    """

    exit_status: ClassVar[int] = 1
    default_code: ClassVar[str] = "defect"

    def __init__(
        self,
        message: str,
        code: str | None = None,
        *,
        suggestion: str | None = None,
        file: str | None = None,
        key: str | None = None,
    ) -> None:
        finding = Finding(
            code or self.default_code, message, file=file, key=key, suggestion=suggestion
        )
        self.findings: tuple[Finding, ...] = (finding,)
        super().__init__(message)

    @classmethod
    def of(cls, findings: Sequence[Finding]) -> Self:
        """Makes one error of several findings, none of them lost."""
        error = cls(findings[0].message, findings[0].code)
        error.findings = tuple(findings)
        return error

    def located(self, *, file: str | None = None, key: str | None = None) -> Self:
        """Fills in the place of every finding that has none, and returns the error."""
        self.findings = tuple(finding.at(file=file, key=key) for finding in self.findings)
        return self

    def __str__(self) -> str:
        """Puts every finding on its own lines."""
        return "\n".join(str(finding) for finding in self.findings)


class ConfigError(ZooError):
    """The config, or the way a command is used, is wrong."""

    exit_status = 2
    default_code = "bad-value"


class RegistryError(ZooError):
    """The registry or the weights are unknown, damaged or incompatible."""

    exit_status = 3
    default_code = "bad-registry"


class StorageError(ZooError):
    """A file is missing, cannot be read or cannot be written."""

    exit_status = 4
    default_code = "storage"


class PluginError(ZooError):
    """A plugin is missing, broken or in conflict."""

    exit_status = 5
    default_code = "plugin-broken"


class RunError(ZooError):
    """The data or the training went wrong: NaN, diverged, nothing to train on."""

    exit_status = 6
    default_code = "bad-data"


class Stopped(ZooError):
    """A signal stopped the work; the run can be resumed.

    Args:
        message: What was stopped and how to go on.
        signal_number: SIGINT (2) or SIGTERM (15).
    """

    default_code = "stopped"

    def __init__(self, message: str, signal_number: int, *, suggestion: str | None = None) -> None:
        super().__init__(message, suggestion=suggestion)
        self.signal_number = signal_number

    def __reduce__(self) -> tuple[Any, ...]:
        """Says how it is made again in another process."""
        return type(self), (*self.args, self.signal_number), self.__dict__

    @property
    def exit_status(self) -> int:  # type: ignore[override]  # depends on the signal
        """128 plus the signal's number, as shells have it."""
        return 128 + self.signal_number


# How TensorFlow words what a Python function raised that reads data for it.
_RAISED_IN_A_GRAPH = re.compile(
    r"transformation with iterator: \S+: (\w+: .*?)\nTraceback \(most recent call last\):",
    re.DOTALL,
)
# How a line begins that TensorFlow writes on the way to an operation, before the cause.
_ON_THE_WAY = ("Detected at node ", '  File "', "    ", "<stack traces unavailable>")


def in_one_line(error: BaseException, limit: int = 600) -> str:
    """Words an exception that is not ours; of a traced Keras error, only what it ends in."""
    text = str(error)
    if raised := _RAISED_IN_A_GRAPH.search(text):
        text = raised[1]
    if re.search("^Detected at node ", text, re.MULTILINE):
        text = _cause_in_a_graph(text)
    if "in user code:" in text:
        text = text.rpartition(f"{type(error).__name__}: ")[2]
    words = " ".join(text.split())
    return words if len(words) <= limit else words[:limit] + " ..."


def _cause_in_a_graph(text: str) -> str:
    lines = text.splitlines()
    last = max(number for number, line in enumerate(lines) if line.startswith(_ON_THE_WAY))
    cause = "\n".join(lines[last + 1 :]).partition("[[{{node")[0]
    return cause if cause.strip() else text


CLASS_OF_CODE: dict[str, type[ZooError]] = {
    "defect": ZooError,
    "unknown-model": RegistryError,
    "unknown-version": RegistryError,
    "hash-mismatch": RegistryError,
    "fingerprint-mismatch": RegistryError,
    "bad-registry": RegistryError,
    "bad-lock": RegistryError,
    "storage": StorageError,
    "plugin-missing": PluginError,
    "plugin-broken": PluginError,
    "plugin-changed": PluginError,
    "bad-data": RunError,
    "not-finite": RunError,
}


def error_of(findings: Sequence[Finding]) -> ZooError:
    """Picks the class, and so the exit status, that fits the findings.

    A config that is wrong in any way is a config error; otherwise the first finding decides.
    """
    classes = [CLASS_OF_CODE.get(finding.code, ConfigError) for finding in findings]
    chosen = ConfigError if ConfigError in classes else classes[0]
    return chosen.of(findings)
