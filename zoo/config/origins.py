"""What each value of a composed config came from: a line of a file, `--set`, or a default."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zoo.config.compose import FindModel, Source, config_files
from zoo.config.locate import VARIABLE, by_name
from zoo.config.overrides import SET, Document
from zoo.config.texts import ConfigText, key_parts

DEFAULT = "default"
"""Where a value comes from that nothing says."""


@dataclass(frozen=True, slots=True)
class Origins:
    """Tells where values come from.

    Attributes:
        composed: The composed document.
        files: The config and what it extends, the nearest first.
        given: The keys that `--set` gave.
        root: The folder that files are named below.
    """

    composed: ConfigText
    files: list[ConfigText]
    given: list[str]
    root: Path

    def of(self, key: str) -> str:
        """Words where the value of a key comes from.

        Args:
            key: The dotted key, with items of arrays by name.
        """
        if not key.startswith("vars.") and not self.composed.says(key):
            return DEFAULT
        if any(f"{key}.".startswith(f"{given}.") for given in self.given):
            return f"{SET} {key}"
        changed = [f"{SET} {given}" for given in self.given if given.startswith(f"{key}.")]
        for file in self.files:
            depth, place = file.find(key)
            if place is None or depth < len(key_parts(key)):
                continue
            used = VARIABLE.findall(file.text[place.value.start : place.value.end])
            via = [f"{name}: {self.of(f'vars.{name}')}" for name in dict.fromkeys(used)]
            where = self._line(file, place.value.start)
            return f"{where} ({', '.join([*via, *changed])})" if via or changed else where
        return ", ".join(changed) or DEFAULT

    def _line(self, file: ConfigText, offset: int) -> str:
        path = file.path.absolute()
        inside = path.is_relative_to(self.root)
        shown = path.relative_to(self.root) if inside else Path(path.name)
        return f"{shown.as_posix()}:{file.line_of(offset)}"


def read_origins(
    document: Document, source: Source, overrides: Mapping[str, Any], find_model: FindModel
) -> Origins:
    """Reads the files that a config is composed of.

    Args:
        document: The composed document.
        source: The config.
        overrides: What `--set` gave, by dotted key.
        find_model: Finds the config of a model that `extends` names.

    Raises:
        ZooError: If a file cannot be read any more.
    """
    documents = config_files(source, find_model)
    texts = [ConfigText(path, each) for path, each in documents.items()]
    composed = ConfigText(source.path, document, "")
    given = by_name(overrides, source, find_model)
    return Origins(composed, texts, given, source.root.absolute())
