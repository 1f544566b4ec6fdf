"""Workers that Ray places: what of them needs no Ray, and two that are really placed."""

from __future__ import annotations

import _thread
import dataclasses
import json
import os
import pickle
import signal
import socket
import sys
import threading
import time
from pathlib import Path

import pytest

from zoo.errors import ConfigError, RunError, StorageError
from zoo.runs import Run
from zoo.runtime import cluster, placing
from zoo.runtime.outcomes import Killed, Outcomes
from zoo.runtime.places import placed, room
from zoo.runtime.relay import lines_to
from zoo.runtime.signals import Interrupted, stop_on_signals, stopped_by
from zoo.runtime.workers import LostWorker, Worker, free_port, this_worker, told_to

GONE = LostWorker("another worker is gone", "training")
DEAD = Killed("the process of worker 1 died")


@pytest.mark.parametrize("rank", range(3))
def test_a_worker_finds_itself_in_what_it_is_told(monkeypatch, rank):
    addresses = ["10.0.0.1:4001", "10.0.0.1:4002", "10.0.0.2:4001"]
    monkeypatch.setenv("TF_CONFIG", told_to(rank, addresses))
    assert this_worker() == Worker(rank, 3)
    assert json.loads(told_to(rank, addresses))["cluster"] == {"worker": addresses}


def test_a_free_port_can_be_listened_on():
    with socket.socket() as listener:
        listener.bind(("", free_port()))
        listener.listen()


def node(alive=True, **resources):
    return {"Alive": alive, "Resources": {"memory": 1e9, **resources}}


@pytest.mark.parametrize(
    ("nodes", "workers"),
    [
        ([], 0),
        ([node(CPU=2.0), node(CPU=3.0), node(alive=False, CPU=8.0), node()], 5),
        ([node(CPU=8.0, GPU=2.0), node(CPU=8.0), node(CPU=1.0, GPU=4.0)], 3),
    ],
)
def test_a_worker_takes_a_core_and_a_gpu_of_the_same_node(nodes, workers):
    assert room(nodes) == workers


class TooSmall:
    @staticmethod
    def nodes():
        return [node(CPU=1.0)]


def test_a_cluster_that_is_too_small_is_an_error_at_once():
    pytest.importorskip("ray")
    with (
        pytest.raises(ConfigError, match="2 workers want a core each") as caught,
        placed(TooSmall, 2),
    ):
        pass
    assert "the cluster has room for 1" in str(caught.value)
    assert "give --workers 1 or fewer" in str(caught.value)


@pytest.mark.parametrize(
    ("failures", "lost"),
    [
        ({1: None, 0: None}, ""),
        ({0: None, 1: DEAD}, ""),
        ({1: DEAD, 0: GONE}, "the process of worker 1 died"),
        ({0: GONE, 1: DEAD}, "the process of worker 1 died"),
        ({0: GONE, 1: None}, "another worker is gone"),
        ({1: DEAD, 0: RunError("the training failed: InternalError", "training")}, DEAD.args[0]),
        ({1: DEAD, 0: OSError("a socket was closed")}, DEAD.args[0]),
    ],
)
def test_a_worker_that_was_lost_is_told_from_one_that_is_done(failures, lost):
    assert Outcomes(failures).lost() == lost


@pytest.mark.parametrize("error", [RunError("a NaN"), StorageError("full"), ValueError("a defect")])
def test_what_went_wrong_first_is_the_error_and_not_who_was_lost_by_it(error):
    with pytest.raises(type(error), match=str(error.args[0])):
        Outcomes({1: error, 0: GONE}).lost()


def test_what_a_worker_found_comes_before_that_the_other_missed_it():
    with pytest.raises(StorageError, match="full"):
        Outcomes({0: GONE, 1: StorageError("full")}).lost()


CONFIG = """
zoo = 1
name = "m"
loss = "mse"
[[inputs]]
name = "x"
shape = [6]
[[layers]]
name = "y"
type = "Dense"
units = 2
[data]
type = "synthetic"
x_shape = [6]
y_shape = [2]
[train]
"""


@pytest.mark.parametrize(
    ("strategy", "has"), [("", "none"), ('strategy = "mirrored"', '"mirrored"')]
)
def test_workers_of_a_config_without_that_strategy_are_refused(cli, write_config, strategy, has):
    path = write_config(CONFIG + strategy)
    done = cli("train", path, "--workers", "2", status=2)
    assert f'go with `strategy = "multi_worker"`; this config has {has}' in done.err
    assert 'write strategy = "multi_worker" into [train]' in done.err
    assert "model.toml" in done.err
    assert not (path.parent / "runs").exists()


def test_without_ray_the_extra_is_named(cli, write_config, monkeypatch):
    path = write_config(CONFIG + 'strategy = "multi_worker"')
    monkeypatch.setitem(sys.modules, "ray", None)
    done = cli("train", path, "--workers", "2", status=2)
    assert "--workers and --address need Ray, which is not installed" in done.err
    assert "pip install 'zoo[ray]'" in done.err


def test_a_folder_that_holds_something_is_refused_before_ray_starts(cli, write_config, zoo_root):
    path = write_config(CONFIG + 'strategy = "multi_worker"')
    done = cli("train", path, "--workers", "2", "--run", zoo_root, status=2)
    assert "is there already and not empty" in done.err


@pytest.mark.parametrize("command", ["train", "sweep"])
def test_an_address_where_nobody_listens_is_said_and_not_waited_for(cli, write_config, command):
    pytest.importorskip("ray")
    sweep = '\n[sweep.values]\n"train.epochs" = [1, 2]\n'
    path = write_config(CONFIG + 'strategy = "multi_worker"' + sweep)
    address = f"127.0.0.1:{free_port()}"
    begun = time.monotonic()
    done = cli(command, path, "--address", address, status=2)
    assert time.monotonic() - begun < 20
    assert f"Ray cannot be reached at '{address}'" in done.err
    assert "start it with `ray start --head`" in done.err


def test_what_the_zoo_reads_from_the_environment_holds_in_the_processes_too(monkeypatch):
    monkeypatch.setenv("ZOO_CACHE_DIR", "/shared/cache")
    monkeypatch.setenv("SECRET", "none of their business")
    variables = cluster.environment()["env_vars"]
    assert variables["ZOO_CACHE_DIR"] == "/shared/cache"
    assert variables["TF_NUM_INTRAOP_THREADS"] == "1"
    assert "SECRET" not in variables


class FakeRay:
    """Takes SIGTERM for itself, and forgets which signal it was, as Ray does."""

    open = False

    def init(self, **_):
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        self.open = True

    def shutdown(self):
        self.open = False

    def get(self, _):
        try:
            os.kill(os.getpid(), signal.SIGTERM)
        except KeyboardInterrupt:
            raise KeyboardInterrupt from None


def test_the_signal_that_came_while_ray_was_asked_is_known_afterwards(monkeypatch):
    fake = FakeRay()
    monkeypatch.setitem(sys.modules, "ray", fake)
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(Interrupted) as caught, cluster.connected(2, None) as ray:
        ray.get("something")
    assert caught.value.signal_number == signal.SIGTERM
    assert not fake.open
    assert signal.getsignal(signal.SIGTERM) == before


def test_a_stopped_training_says_how_ray_goes_on_with_it(tmp_path):
    run = Run(tmp_path)
    assert "nothing was trained yet" in placing._what_is_left(run, "go on")
    run.write_facts(status="stopped")
    assert placing._what_is_left(run, "go on") == "go on"
    run.write_facts(status="finished")
    assert "the training was done" in placing._what_is_left(run, "go on")


def test_a_stop_goes_to_another_process_and_back_whole():
    stopped = pickle.loads(pickle.dumps(stopped_by(Interrupted(15), "go on")))
    assert (stopped.exit_status, stopped.findings[0].suggestion) == (143, "go on")


@pytest.fixture(scope="module")
def ray():
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    ray = pytest.importorskip("ray")
    ray.init(
        address="local",
        num_cpus=2,
        include_dashboard=False,
        log_to_driver=False,
        logging_level="ERROR",
    )
    yield ray
    ray.shutdown()


@pytest.fixture
def team(ray, tmp_path, monkeypatch):
    """Gives workers that do what a function says, where others train."""

    def team(work, **asked):
        monkeypatch.setattr(placing, "_work", work)
        run = Run(tmp_path / "run")
        run.folder.mkdir()
        return placing._Team(ray, 2, run, {"quiet": False, **asked}, "go on")

    return team


WARNINGS = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::FutureWarning")


@WARNINGS
def test_where_a_worker_is_killed_all_begin_again_and_what_the_leading_one_says_is_shown(
    team, tmp_path, capsys
):
    def work(rank, addresses, asked, folder, lines):
        run = Path(asked["folder"], "run.json")
        (tmp_path / f"{rank}, resume {asked['resume']}").write_text(" ".join(addresses))
        if rank:
            while not run.exists():
                time.sleep(0.05)
            if not asked["resume"]:
                os.kill(os.getpid(), signal.SIGKILL)
            return
        with lines_to(lines):
            print(f"worker 0 goes on: {asked['resume']}", file=sys.stderr)
        run.write_text("{}")
        if not asked["resume"]:
            time.sleep(0.1)
            raise LostWorker("another worker is gone", "training")

    team(work).train()
    err = capsys.readouterr().err
    begun = err.index("worker 0 goes on: False\n")
    lost = err.index("the process of worker 1 died (WorkerCrashedError); all 2 workers begin again")
    assert "after the last checkpoint (1 of at most 3 times)\n" in err
    assert begun < lost < err.index("worker 0 goes on: True\n")
    for resumed in (False, True):
        first, second = [(tmp_path / f"{n}, resume {resumed}").read_text() for n in range(2)]
        assert first == second
        assert len(set(first.split())) == 2


@pytest.fixture
def ctrl_c():
    """Has Ctrl-C raise: a shell's background job ignores it, and hands that on."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@WARNINGS
@pytest.mark.usefixtures("ctrl_c")
def test_an_error_comes_out_whole_and_a_signal_stops_the_leading_worker_well(team):
    def work(rank, addresses, asked, folder, lines):
        if asked["full"]:
            raise StorageError("the disk is full", file="/data/x", suggestion="make room")
        with stop_on_signals() as request:
            request.deferred = True
            Path(asked["folder"], f"{rank} is there").touch()
            while request.received is None:
                time.sleep(0.05)
        if rank == 0:
            Run(Path(asked["folder"])).write_facts(status="stopped")
        raise stopped_by(KeyboardInterrupt(2))

    stopping = team(work, quiet=True, full=False)
    folder = stopping.run.folder

    def stop():
        while len(list(folder.glob("* is there"))) < 2:
            time.sleep(0.05)
        _thread.interrupt_main()

    threading.Thread(target=stop).start()
    with pytest.raises(KeyboardInterrupt):
        stopping.train()
    assert stopping.run.facts["status"] == "stopped"

    failing = dataclasses.replace(stopping, count=1, asked={"quiet": True, "full": True})
    with pytest.raises(StorageError) as caught:
        failing.train()
    (finding,) = caught.value.findings
    assert (finding.message, finding.file) == ("the disk is full", "/data/x")
    assert finding.suggestion == "make room"
