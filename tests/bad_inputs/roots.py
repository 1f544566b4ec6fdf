"""Makes the zoo root that each bad input describes."""

import json
import os
import random
import shutil
import struct
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import tomlkit

SHARED = Path(__file__).resolve().parents[3] / "shared" / "bad_inputs"
CASES = json.loads((SHARED / "cases.json").read_text())["cases"] if SHARED.is_dir() else []

PICKLE = b"cos\nsystem\n(S'touch unpickled'\ntR."


@dataclass
class Root:
    """A fresh zoo root, and what the steps of a case do to it."""

    path: Path
    outside: Path
    published: Path
    env: dict[str, str] = field(default_factory=dict)

    def fill(self, case: dict[str, Any]) -> None:
        self.path.mkdir(parents=True)
        (self.path / "registry.toml").write_text("format = 1\n")
        generator = np.random.default_rng(0)
        self.save_data(
            {
                "x": generator.normal(size=(16, 8)).astype("float32"),
                "y": generator.normal(size=(16, 1)).astype("float32"),
            }
        )
        if case["file"]:
            shutil.copy(SHARED / case["file"], self.path / "case.toml")
        for step in case["setup"]:
            getattr(self, f"do_{step['do']}")(step)

    def save_data(self, arrays: dict[str, Any], file: str = "data/train.npz") -> None:
        (self.path / file).parent.mkdir(exist_ok=True)
        np.savez(self.path / file, **arrays)

    def do_outside(self, step: dict[str, Any]) -> None:
        self.outside.mkdir()
        shutil.copy(self.path / "data/train.npz", self.outside / "train.npz")
        shutil.copy(SHARED / "toml/_base_valid.toml", self.outside / "base.toml")

    def do_link(self, step: dict[str, Any]) -> None:
        link = self.path / step["file"]
        if link.is_dir() and not link.is_symlink():
            shutil.rmtree(link)
        link.unlink(missing_ok=True)
        link.symlink_to(step["to"].replace("OUTSIDE", str(self.outside)))

    def do_mkdir(self, step: dict[str, Any]) -> None:
        (self.path / step["file"]).mkdir()

    def do_text(self, step: dict[str, Any]) -> None:
        (self.path / step["file"]).write_text(step["text"])

    def do_chain(self, step: dict[str, Any]) -> None:
        base = (SHARED / "toml/_base_valid.toml").read_text()
        layers = "".join(
            f'\n[[layers]]\nname = "c{n}"\ntype = "Dense"\nunits = 1\n'
            for n in range(step["layers"])
        )
        (self.path / step["file"]).write_text(base + layers)

    def do_data(self, step: dict[str, Any]) -> None:
        arrays: dict[str, Any] = {}
        for name in ("x", "y"):
            dtype = step.get("descr", {}).get(name, "float32")
            arrays[name] = np.zeros(step[name], dtype)
            if arrays[name].dtype.kind == "f":
                arrays[name][:] = np.random.default_rng(1).normal(size=step[name])
            for place, value in [step.get("put", {}).get(name, (None, None))]:
                if place == "all":
                    arrays[name][:] = float(value)
                elif place is not None:
                    arrays[name].flat[place] = float(value)
        self.save_data(arrays)
        for name, shape in step.get("declare", {}).items():
            self._declare(name, tuple(shape))

    def _declare(self, name: str, shape: tuple[int, ...]) -> None:
        path = self.path / "data/train.npz"
        with zipfile.ZipFile(path) as archive:
            members = {item: archive.read(item) for item in archive.namelist()}
        header = repr({"descr": "<f4", "fortran_order": False, "shape": shape}).encode()
        header += b" " * (118 - len(header) - 1) + b"\n"
        members[f"{name}.npy"] = b"\x93NUMPY\x01\x00" + struct.pack("<H", 118) + header + b"\0" * 64
        with zipfile.ZipFile(path, "w") as archive:
            for item, data in members.items():
                archive.writestr(item, data)

    def do_object_npz(self, step: dict[str, Any]) -> None:
        header = b"{'descr': '|O', 'fortran_order': False, 'shape': (16,), }"
        header += b" " * (118 - len(header) - 1) + b"\n"
        data = b"\x93NUMPY\x01\x00" + struct.pack("<H", 118) + header + PICKLE
        (self.path / step["file"]).parent.mkdir(exist_ok=True)
        with zipfile.ZipFile(self.path / step["file"], "w") as archive:
            archive.writestr("x.npy", data)
            archive.writestr("y.npy", data)

    def do_cut_file(self, step: dict[str, Any]) -> None:
        path = self.path / step["file"]
        path.write_bytes(path.read_bytes()[: step["bytes"]])

    def do_npy(self, step: dict[str, Any]) -> None:
        np.save(self.path / step["file"], np.zeros(step["shape"], "float32"))

    def do_env(self, step: dict[str, Any]) -> None:
        self.env |= {key: value for key, value in step.items() if key != "do"}

    def do_dist(self, step: dict[str, Any]) -> None:
        site = self.path / ".site"
        folder = site / f"{step['name'].replace('-', '_')}-1.0.dist-info"
        folder.mkdir(parents=True)
        if step.get("metadata") is None:
            (folder / "METADATA").write_text(
                f"Metadata-Version: 2.1\nName: {step['name']}\nVersion: 1.0\n"
            )
        if "entry_points_hex" in step:
            (folder / "entry_points.txt").write_bytes(bytes.fromhex(step["entry_points_hex"]))
        else:
            text = "".join(
                f"[{group}]\n" + "".join(f"{name} = {target}\n" for name, target in rows.items())
                for group, rows in step["groups"].items()
            )
            (folder / "entry_points.txt").write_text(text)
        for name, source in step["modules"].items():
            (site / name).write_text(source)
        self.env["PYTHONPATH"] = str(site)

    def do_many(self, step: dict[str, Any]) -> None:
        rows = {f"C{n}": f"many_mod:C{n}" for n in range(step["count"])}
        modules = {"many_mod.py": "raise RuntimeError('imported')\n"}
        self.do_dist({"name": "zoo-many", "groups": {"zoo.layers": rows}, "modules": modules})

    def do_published(self, step: dict[str, Any]) -> None:
        data = self.path / "data"
        shutil.rmtree(data)
        case = self.path / "case.toml"
        kept = case.read_bytes() if case.exists() else None
        shutil.copytree(self.published, self.path, dirs_exist_ok=True)
        if kept is not None:
            case.write_bytes(kept)

    def _file(self, what: str) -> Path:
        suffix = "safetensors" if what == "weights" else "toml"
        return self.path / f"weights/tiny/1.0.0.{suffix}"

    def _change(self, step: dict[str, Any], change: Callable[[bytearray], bytes]) -> None:
        path = self._file(step.get("what", "weights"))
        path.write_bytes(change(bytearray(path.read_bytes())))

    def do_noise(self, step: dict[str, Any]) -> None:
        self._change(step, lambda data: random.Random(0).randbytes(len(data)))

    def do_pickle(self, step: dict[str, Any]) -> None:
        self._change(step, lambda data: PICKLE)

    def do_cut(self, step: dict[str, Any]) -> None:
        self._change(step, lambda data: b"" if step["bytes"] < 0 else data[: -step["bytes"]])

    def do_append(self, step: dict[str, Any]) -> None:
        extra = step.get("text", "").encode() or b"\0" * step["bytes"]
        self._change(step, lambda data: bytes(data) + extra)

    def do_flip(self, step: dict[str, Any]) -> None:
        def flip(data: bytearray) -> bytes:
            data[int(len(data) * step["at"])] ^= 1
            return bytes(data)

        self._change(step, flip)

    def do_header_bomb(self, step: dict[str, Any]) -> None:
        self._change(step, lambda data: struct.pack("<Q", 2**62) + bytes(data[8:]))

    def do_widen(self, step: dict[str, Any]) -> None:
        from zoo.registry.tensors import decode, encode

        def widen(data: bytearray) -> bytes:
            content = decode(bytes(data), "it")
            wide = {name: array.astype("float64") for name, array in content.tensors.items()}
            return encode(wide, content.metadata)

        self._change(step, widen)

    def do_dir_instead(self, step: dict[str, Any]) -> None:
        self._file(step["what"]).unlink()
        self._file(step["what"]).mkdir()

    def do_remove(self, step: dict[str, Any]) -> None:
        self._file(step["what"]).unlink()

    def do_relist(self, step: dict[str, Any]) -> None:
        from zoo.digest import sha256

        data = self._file("weights").read_bytes()
        self.do_registry({"key": "sha256", "value": sha256(data)})
        self.do_registry({"key": "size", "value": len(data)})

    def do_registry(self, step: dict[str, Any]) -> None:
        path = self.path / "registry.toml"
        document = tomlkit.parse(path.read_text())
        document["weights"][0][step["key"]] = step["value"]
        path.write_text(tomlkit.dumps(document) + step.get("add", ""))

    def do_append_registry(self, step: dict[str, Any]) -> None:
        path = self.path / "registry.toml"
        path.write_text(path.read_text() + step["text"])

    def do_cut_registry(self, step: dict[str, Any]) -> None:
        path = self.path / "registry.toml"
        text = path.read_text()
        path.write_text("" if step["where"] == "all" else text[: text.index("fingerprint = ") + 20])


def publish_base(path: Path) -> Path:
    """Makes a zoo root where `tiny@1.0.0` was trained for an epoch and published."""
    import zoo

    root = Root(path, Path(), Path())
    root.fill({"file": "toml/_base_valid.toml", "setup": []})
    run = zoo.train(
        path / "case.toml", {"train.epochs": 1}, zoo=path, folder=path / "runs/made", quiet=True
    )
    run.publish(zoo=path)
    shutil.rmtree(path / "runs")
    np.save(path / "one.npy", np.ones(8, "float32"))
    return path


def environment(root: Root) -> dict[str, str]:
    """The environment that a case's commands run in."""
    kept = {
        key: value
        for key, value in os.environ.items()
        if key == "ZOO_CACHE_DIR" or not key.startswith("ZOO_")
    }
    return {**kept, **root.env}
