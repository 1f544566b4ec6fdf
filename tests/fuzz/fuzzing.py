"""Mutates the sample configs and checks the mutants, in a process of its own.

Usage: python fuzzing.py FOLDER SEED FIRST COUNT [BUILD]

Checks the mutants FIRST to FIRST + COUNT of a seed in FOLDER, which becomes a zoo, and prints what
came of it as JSON. The first BUILD of those that pass are built with Keras too.
"""

import copy
import json
import random
import re
import shutil
import sys
import time
import tomllib
import traceback
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import tomlkit

from zoo.cli.command import findings_document, printable
from zoo.errors import ZooError
from zoo.workspace import Workspace

ROOT = Path(__file__).resolve().parents[2]
GOOD = [
    *sorted((ROOT / "tests" / "samples" / "good").glob("*.toml")),
    *sorted((ROOT / "models").glob("*.toml")),
    *sorted((ROOT / "plugins").glob("*/src/*/models/*.toml")),
]
BAD = sorted((ROOT / "tests" / "samples" / "bad").glob("*.toml"))
SAMPLES = [*GOOD, *BAD]
ODD_VALUES: list[Any] = [
    *(0, 1, -1, 2, 3, 7, 1000, 2**31, 10**12, 2**63 - 1, -(2**63)),
    *(0.0, 0.5, -1.5, 1e308, float("nan"), float("inf")),
    *("", "a", "../x", "~", "\u202e", "\x1b[31m", "é" * 300, "${vars.n}", "${vars.}", "zoo:x@1"),
    *(True, False, [], {}, [[]], [1, 2], [1, [2, 3]], {"type": "Dense"}, {"type": 3}, ["x"]),
    *({"class_name": "Lambda", "config": {}}, {"type": "L2", "l2": 0.1}),
]
ODD_KEYS = ["", "a", "type", "name", "inputs", "args", "units", "seed", "é", "__class__", "dtype"]
LAYERS = [
    *("Dense", "Conv1D", "Conv2D", "Flatten", "Reshape", "LSTM", "Add", "Concatenate", "Dropout"),
    *("BatchNormalization", "Embedding", "MaxPooling1D", "GlobalAveragePooling1D", "Permute"),
    *("RepeatVector", "LayerNormalization", "Dot", "Attention", "UpSampling1D", "ZeroPadding2D"),
    *("Loc_by_1D", "LocalizationVector", "PeriodicPadding1D", "Bidirectional", "EinsumDense"),
]
_BY_A_PLUGIN = re.compile(r'"[^"]+" \(zoo-[a-z-]+\) refuses this')
ODD_TEXT = ['"', "'", "[", "]", "{", "}", "=", ".", "#", "\n", "\x00", "\ud7ff", "[[", "]]", '"""']


def mutants(seed: int, first: int, count: int) -> Iterator[bytes]:
    """Gives some mutants of a seed; each is the same whichever others are asked for."""
    texts = [path.read_text(encoding="utf-8") for path in SAMPLES]
    documents = [_parsed(text) for text in texts]
    for number in range(first, first + count):
        draw = random.Random(f"{seed}-{number}")
        index = draw.randrange(len(GOOD) if draw.random() < 0.8 else len(texts))
        document = documents[index]
        if not document or draw.random() < 0.25:
            yield _scrambled(texts[index], draw)
        else:
            yield _changed(document, draw)


def _parsed(text: str) -> dict[str, Any] | None:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return None


def _scrambled(text: str, draw: random.Random) -> bytes:
    """Changes a text regardless of what it says."""
    for _ in range(draw.randint(1, 4)):
        lines = text.splitlines(keepends=True) or [""]
        at, other = draw.randrange(len(lines)), draw.randrange(len(lines))
        place = draw.randrange(len(text) + 1)
        kind = draw.randrange(6)
        if kind == 0:
            lines[at], lines[other] = lines[other], lines[at]
        elif kind == 1:
            lines.insert(other, lines[at] * draw.choice([1, 2, 50]))
        elif kind == 2:
            del lines[at : at + draw.randint(1, 3)]
        text = "".join(lines)
        if kind == 3:
            text = text[:place] + draw.choice(ODD_TEXT) * draw.choice([1, 1, 100]) + text[place:]
        elif kind == 4:
            text = text[:place] + text[place + draw.randint(1, 5) :]
        elif kind == 5:
            text = text[:place]
    data = text.encode("utf-8", "surrogatepass")
    if draw.random() < 0.05:
        data = data[: len(data) // 2] + bytes([draw.randrange(256)]) + data[len(data) // 2 :]
    return data


def _most_megabytes() -> float:
    """Gives this process's own peak; that of `getrusage` begins at the parent's."""
    status = Path("/proc/self/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) / 1024


def _changed(document: dict[str, Any], draw: random.Random) -> bytes:
    """Changes what a document says, and writes it as TOML again."""
    changed = copy.deepcopy(document)
    for _ in range(draw.choice([1, 1, 1, 2, 3])):
        _change(changed, draw)
    try:
        return tomlkit.dumps(changed).encode("utf-8", "surrogatepass")
    except Exception:  # what cannot be written is no mutant
        return tomlkit.dumps(document).encode()


def _change(document: dict[str, Any], draw: random.Random) -> None:
    holder, key = draw.choice([*_places(document), (document, "zoo")])
    if isinstance(holder, dict):
        holder.setdefault(key, 1)
    listed = document.get("layers")
    layers = [i for i in listed if isinstance(i, dict)] if isinstance(listed, list) else []
    kind = draw.randrange(8)
    if kind == 0:
        holder[key] = copy.deepcopy(draw.choice(ODD_VALUES))
    elif kind == 1:
        del holder[key]
    elif kind == 2 and isinstance(holder, dict):
        holder[_misspelt(str(key), draw)] = holder.pop(key)
    elif kind == 3 and isinstance(holder[key], str):
        holder[key] = _misspelt(holder[key], draw)
    elif kind == 4 and isinstance(holder, dict):
        holder[draw.choice(ODD_KEYS)] = copy.deepcopy(draw.choice(ODD_VALUES))
    elif kind == 5 and isinstance(holder[key], int | float):
        holder[key] = holder[key] + draw.choice([-2, -1, 1, 2, 40])
    elif kind == 6 and layers:
        draw.choice(layers)["type"] = draw.choice(LAYERS)
    elif layers:
        names = [str(item.get("name", "x")) for item in layers]
        inputs: Any = draw.choice([draw.choice(names), draw.sample(names, min(2, len(names)))])
        draw.choice(layers)["inputs"] = inputs


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    pairs = value.items() if isinstance(value, dict) else enumerate(value)
    for key, item in pairs:
        yield value, key
        if isinstance(item, dict | list):
            yield from _places(item)


def _misspelt(word: str, draw: random.Random) -> str:
    at = draw.randrange(len(word) + 1)
    return draw.choice([word[:at] + word[at + 1 :], word[:at] + "x" + word[at:], word.swapcase()])


def main(folder: Path, seed: int, first: int, count: int, build: int = 0) -> dict[str, Any]:
    """Checks mutants, and says what came of it."""
    for sample in SAMPLES:
        shutil.copy(sample, folder)
    (folder / "registry.toml").write_text("format = 1\n")
    file = folder / "mutant.toml"
    workspace = Workspace(folder)
    codes: Counter[str] = Counter()
    failed: list[str] = []
    passing: list[bytes] = []
    slowest = 0.0
    for number, text in enumerate(mutants(seed, first, count), start=first):
        file.write_bytes(text)
        started = time.process_time()
        try:
            findings = workspace.check(file).findings
            json.dumps(findings_document(findings))
            for finding in findings:
                printable(str(finding)).encode()
        except Exception:
            failed.append(f"mutant {number} of seed {seed}:\n{traceback.format_exc()}")
            continue
        slowest = max(slowest, time.process_time() - started)
        wrong = {finding.code for finding in findings if finding.severity == "error"}
        codes.update(wrong or {"none"})
        if not wrong:
            passing.append(text)
    summary = {
        "codes": codes,
        "failed": failed,
        "slowest": slowest,
        "megabytes": _most_megabytes(),
        "heavy": sorted({"keras", "tensorflow"} & set(sys.modules)),
        "refused": [],
        "refused by a plugin": [],
        "built": 0,
    }
    for text in passing[:build]:
        file.write_bytes(text)
        reason = _refused(file, workspace)
        summary["built"] += reason == ""
        known_to_it_alone = _BY_A_PLUGIN.search(reason) is not None
        kind = "refused by a plugin" if known_to_it_alone else "refused"
        summary[kind] += [f"{reason}\n{text.decode()}"] if reason else []
    return summary


def _refused(file: Path, workspace: Workspace) -> str:
    import keras

    from zoo.runtime.weights import Shelf

    model = workspace.check(file).usable
    keras.backend.clear_session()
    try:
        Shelf(workspace.registry, workspace.catalog).build(model)
    except ZooError as error:
        return str(error)
    except Exception:
        return traceback.format_exc()
    return ""


if __name__ == "__main__":
    where, *numbers = sys.argv[1:]
    print(json.dumps(main(Path(where), *map(int, numbers))))
