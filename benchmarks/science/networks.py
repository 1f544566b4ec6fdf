"""The networks that are compared: published ones, and those of this zoo."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import zoo
from benchmarks.science.book import Book, LeftOut

CLF, CELF = "published CLF", "published CELF"
PUBLISHED = {CLF: "clf_f15_sob.npz", CELF: "celf_f15_sob.npz"}
LORENZ05 = ("clf-lorenz05", "clf-lorenz05-mean", "clf-lorenz05-cycling")
LORENZ96 = ("clf-lorenz96-cycling", "clf-lorenz96-cycling-mean")
NAME_MAP = 'layout = "torch"\n[names]\n' + "".join(
    f'"conv{i}/{ours}" = "blk.conv{i}.{theirs}"\n'
    for i in (1, 2, 3)
    for ours, theirs in (("kernel", "weight"), ("bias", "bias"))
)


def there(path: Path) -> Path:
    if not path.exists():
        raise LeftOut(f"{path} is not there; --published DIR says where published files are.")
    return path


def imported(weights: Path) -> Any:
    """Load published weights, by way of a zoo that they are imported into."""
    with tempfile.TemporaryDirectory() as folder:
        name_map = Path(folder, "names.toml")
        name_map.write_text(NAME_MAP)
        Path(folder, "registry.toml").write_text("format = 1\n")
        options = ["--model", "clf-srcnn-lorenz05", "--map", name_map, "--zoo", folder, "--json"]
        done = subprocess.run(
            [sys.executable, "-m", "zoo", "import", there(weights), *options],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise LeftOut(f"zoo import says: {done.stderr}")
        return zoo.load(json.loads(done.stdout)["version"], zoo=folder)


def load_models(published: Path, root: Path, book: Book) -> dict[str, Any]:
    """Load the published networks, and ours that have published weights."""
    models = {}
    for name, file in PUBLISHED.items():
        with book.piece(name):
            models[name] = imported(published / file)
    for name in (*LORENZ05, *LORENZ96):
        with book.piece(name):
            models[name] = zoo.load(name, zoo=root)
    return models


def some(models: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    return {name: models[name] for name in names if name in models}
