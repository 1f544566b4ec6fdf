"""Commands that may take long say so on stderr, after a second and unless --quiet is given."""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from zoo.cli.command import import_keras
from zoo.progress import QUIET, quietly

pytestmark = pytest.mark.usefixtures("no_run_report")

ONCE = ["--set", "train.epochs=1"]
SAYS = {
    "train": "making the data, synthetic ...",
    "publish": "publishing tiny ...",
    "evaluate": "evaluating, metrics ...",
    "predict": "predicting with tiny@1.0.0 ...",
    "verify": "verifying ...",
    "import": "importing weights.npz ...",
}


@pytest.fixture
def commands(published, tiny: Path, zoo_root: Path, monkeypatch) -> dict[str, list[object]]:
    """Each command's arguments, in a zoo with a run and a version."""
    (run,) = (zoo_root / "runs/tiny").iterdir()
    np.save("x.npy", np.zeros((3, 4), "float32"))
    np.savez("weights.npz", **{path.replace("/", "__"): a for path, a in _weights(run).items()})
    Path("names.toml").write_text(
        "[names]\n" + "".join(f'"{p}" = "{p.replace("/", "__")}"\n' for p in _weights(run))
    )
    _say_at_once(monkeypatch)
    return {
        "train": ["train", tiny, *ONCE, "--set", "data.validation_samples=0"],
        "publish": ["publish", run],
        "evaluate": ["evaluate", "tiny@1.0.0"],
        "predict": ["predict", "tiny@1.0.0", "x.npy", "-o", "y.npy"],
        "verify": ["verify"],
        "import": ["import", "weights.npz", "--model", tiny, "--map", "names.toml"],
    }


def _weights(folder: Path) -> dict[str, np.ndarray]:
    from zoo.runs import open_run

    return open_run(folder).weights()


def _say_at_once(monkeypatch) -> None:
    class AtOnce(threading.Timer):
        def __init__(self, _seconds, begin) -> None:
            super().__init__(0.0, begin)

        def start(self) -> None:
            super().start()
            self.join()

    monkeypatch.setattr("zoo.progress.threading.Timer", AtOnce)


def test_each_says_what_it_does_on_stderr_and_nothing_when_quiet(cli, commands) -> None:
    for name, arguments in commands.items():
        done = cli(*arguments, "--json")
        assert SAYS[name] in done.err.splitlines(), name
        assert done.document, name
        quiet = cli(*arguments, "--json", "--quiet")
        assert SAYS[name] not in quiet.err, name
        assert quiet.document, name
    assert QUIET not in os.environ


def test_a_plugin_and_its_processes_learn_of_it_by_the_environment(
    cli, tiny: Path, make_distribution
) -> None:
    make_distribution(
        "zoo-telling",
        {"zoo.datasets": {"telling": "telling:telling"}},
        {
            "telling.py": "import os, sys\nimport numpy as np\n"
            "def telling():\n"
            "    print('quiet', os.environ.get('ZOO_QUIET'), file=sys.stderr)\n"
            "    return {'train': (np.zeros((4, 4), 'float32'), np.zeros((4, 2), 'float32'))}\n"
        },
    )
    text = tiny.read_text()
    before, _, rest = text.partition("[data]")
    tiny.write_text(f'{before}[data]\ntype = "telling"\n[train]{rest.partition("[train]")[2]}')
    assert "quiet None" in cli("train", tiny, *ONCE).err
    assert "quiet 1" in cli("train", tiny, *ONCE, "-q").err


@pytest.mark.parametrize(
    ("is_there", "quiet", "said", "line"),
    [
        (False, False, True, "starting TensorFlow ...\n"),
        (False, True, True, ""),
        (False, False, False, ""),
        (True, False, True, ""),
    ],
    ids=["of a training", "quiet", "of another command in a log", "Keras is there already"],
)
def test_that_tensorflow_starts_is_said_before_it_does(
    monkeypatch, capsys, is_there, quiet, said, line
) -> None:
    monkeypatch.setattr("zoo.cli.command.importlib.import_module", lambda _: None)
    if not is_there:
        monkeypatch.delitem(sys.modules, "keras", raising=False)
    else:
        monkeypatch.setitem(sys.modules, "keras", object())
    with quietly(quiet):
        import_keras(quietly=True, said=said)
    assert capsys.readouterr() == ("", line)
