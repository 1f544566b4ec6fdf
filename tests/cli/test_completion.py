"""Shell completion: what a shell is told, by the environment variables that it asks with."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys

import pytest

from tests.candidates import a_candidate
from zoo.registry.publishing import publish

ASK = """
import json, os, sys
from zoo.cli import main
import zoo.cli.app, zoo.cli.completion  # what every question needs, whatever it asks

def ask(asked):
    for number, name in ((1, "out"), (2, "err")):
        os.dup2(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
    os.environ.update(asked["environment"])
    os.chdir(asked["folder"])
    sys.argv = ["zoo"]
    try:
        main()
    except SystemExit as end:
        assert not end.code, end.code
    heavy = {"keras", "tensorflow", "matplotlib"} & set(sys.modules)
    assert not heavy, heavy
    imported = {name for name in sys.modules if name.startswith("zoo.cli.")}
    print(len(imported), file=sys.stderr)
    sys.stdout.flush()

for line in sys.stdin:
    if not (child := os.fork()):
        status = 1
        try:
            ask(json.loads(line))
            status = 0
        except BaseException:
            sys.excepthook(*sys.exc_info())
        os._exit(status)
    print(os.waitpid(child, 0)[1], flush=True)
"""


@pytest.fixture(scope="module")
def asked(tmp_path_factory):
    """A process that is forked for each question, so that every one finds it as the first did."""
    folder = tmp_path_factory.mktemp("asked")
    environment = {**os.environ, "ZOO_CACHE_DIR": str(folder / "cache")}
    for name in ("ZOO_ROOT", "ZOO_DISABLE_PLUGINS"):
        environment.pop(name, None)
    process = subprocess.Popen(
        [sys.executable, "-c", ASK],
        env=environment,
        cwd=folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )

    def ask(**question):
        print(json.dumps(question), file=process.stdin, flush=True)
        status = process.stdout.readline()
        out, err = ((folder / name).read_text() for name in ("out", "err"))
        assert status == "0\n", err
        return out, err

    yield ask
    process.stdin.close()
    assert process.wait(timeout=600) == 0
    process.stdout.close()


@pytest.fixture
def complete(zoo_root, asked):
    """Asks as bash does: the words of the line so far, the last of which is to be completed."""

    def complete(*words, **environment):
        line = {
            "_ZOO_COMPLETE": "complete_bash",
            "COMP_WORDS": "\n".join(["zoo", *words]),
            "COMP_CWORD": str(len(words)),
        }
        out, err = asked(environment={**line, **environment}, folder=str(zoo_root))
        assert "Traceback" not in err
        complete.modules = int(err.split()[-1])
        return out.split()

    return complete


@pytest.fixture
def two_versions(zoo_root):
    """Publishes two versions of `tiny`."""
    for _ in range(2):
        publish(zoo_root, a_candidate())


def test_a_command_is_completed_with_commands(complete):
    assert complete("tr") == ["train"]
    assert {"pull", "push", "publish", "plugin", "predict"} <= set(complete("p"))


def test_an_option_is_completed_and_only_its_commands_module_is_imported(complete):
    assert complete("train", "--fro") == ["--from"]
    alone = complete.modules
    complete("tr")
    assert alone < complete.modules


def test_a_subcommand_is_completed(complete):
    assert complete("new", "mo") == ["model"]


def test_a_model_is_completed_with_models_and_with_configs_that_lie_here(complete, cli, zoo_root):
    cli("new", "model", "my-model")
    (zoo_root / "my-draft.toml").write_text('zoo = 1\nname = "my-draft"\n')
    (zoo_root / "my-tools.toml").write_text("[tool]\n")
    assert complete("train", "my") == ["my-draft.toml", "my-model"]
    assert complete("build", "residual") == ["residual-lorenz96"]
    assert complete("import", "w.npz", "--model", "my-m") == ["my-model"]


def test_a_kind_a_component_and_a_plugin_are_completed(complete):
    assert complete("list", "met") == ["metrics"]
    assert complete("show", "Conv2DT") == ["Conv2DTranspose"]
    assert complete("plugin", "check", "zoo-loc") == ["zoo-localization"]


@pytest.mark.usefixtures("two_versions")
def test_a_version_is_completed_behind_its_at(complete):
    assert complete("predict", "tin") == ["tiny", "tiny@1.0.0", "tiny@1.1.0"]
    assert complete("verify", "tiny@") == ["tiny@1.0.0", "tiny@1.1.0"]
    assert complete("train", "tiny.toml", "--from", "tiny@1.1") == ["tiny@1.1.0"]


@pytest.mark.usefixtures("two_versions")
def test_bash_which_takes_an_at_for_a_word_gets_what_stands_behind_it(complete):
    assert complete("verify", "tiny", "@") == ["1.0.0", "1.1.0"]
    assert complete("verify", "tiny", "@", "1.1") == ["1.1.0"]
    assert complete("yank", "tiny", "@", "1.0.0", "tiny", "@", "1") == ["1.0.0", "1.1.0"]


@pytest.mark.usefixtures("published")
def test_a_run_is_completed_with_its_folder(complete, zoo_root):
    (run,) = (zoo_root / "runs/tiny").iterdir()
    run.rename(run.with_name("first"))
    assert complete("publish", "ru") == ["runs/tiny/first"]
    assert complete("evaluate", "runs/t") == ["runs/tiny/first"]


def test_another_zoo_is_completed_from_where_the_line_names_it(complete, cli, tmp_path):
    cli("new", "zoo", tmp_path / "other")
    cli("new", "model", "elsewhere", "--zoo", tmp_path / "other")
    assert complete("train", "--zoo", str(tmp_path / "other"), "else") == ["elsewhere"]
    assert complete("train", "else") == []


def test_a_damaged_registry_completes_nothing_and_says_nothing(complete, zoo_root):
    (zoo_root / "registry.toml").write_text("format = 1\n[[models]]\n")
    assert complete("train", "clf") == []


def test_zsh_and_fish_ask_in_their_own_way(complete):
    words = {"_TYPER_COMPLETE_ARGS": "zoo list metr", "COMP_WORDS": "", "COMP_CWORD": ""}
    (answer,) = complete(_ZOO_COMPLETE="complete_zsh", **words)[2:]
    assert "metrics" in answer
    asked = {"_TYPER_COMPLETE_FISH_ACTION": "get-args", **words}
    assert complete(_ZOO_COMPLETE="complete_fish", **asked) == ["metrics"]


@pytest.mark.usefixtures("two_versions")
@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")
def test_the_script_for_bash_completes_in_bash(zoo_root, tmp_path):
    program = tmp_path / "bin" / "zoo"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m zoo "$@"\n')
    program.chmod(0o755)
    script = """
        eval "$(zoo --show-completion bash)"
        COMP_WORDS=(zoo verify tiny @ 1.1); COMP_CWORD=4
        _zoo_completion zoo
        echo "${COMPREPLY[@]}"
        complete -p zoo
    """
    done = subprocess.run(
        ["bash", "--norc", "-c", script],
        env={**os.environ, "PATH": f"{program.parent}:{os.environ['PATH']}"},
        cwd=zoo_root,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert done.stdout.splitlines() == ["1.1.0", "complete -o default -F _zoo_completion zoo"]
