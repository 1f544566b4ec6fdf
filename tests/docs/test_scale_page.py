"""The scripts and manifests of the page on scale parse, and name what exists."""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest
import yaml

from zoo.config.schema import STRATEGIES

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "docs" / "scale"
PAGE = (ROOT / "docs" / "scale.md").read_text(encoding="utf-8")
SCRIPTS = sorted(FOLDER.glob("*.sbatch"))
MANIFESTS = sorted(FOLDER.glob("*.yaml"))


def documents(name: str) -> list[dict]:
    return list(yaml.safe_load_all((FOLDER / name).read_text(encoding="utf-8")))


@pytest.mark.parametrize("path", [*SCRIPTS, *MANIFESTS], ids=lambda path: path.name)
def test_the_page_leads_to_every_file(path: Path) -> None:
    assert f"(scale/{path.name})" in PAGE


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_a_script_is_right_bash_and_begins_with_what_slurm_reads(path: Path) -> None:
    done = subprocess.run(["bash", "-n", path], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    first, *rest = path.read_text(encoding="utf-8").splitlines()
    assert first == "#!/bin/bash"
    # SLURM stops reading options at the first command.
    options = [number for number, line in enumerate(rest) if line.startswith("#SBATCH --")]
    assert options == list(range(len(options)))
    assert options


def test_each_task_of_the_training_script_gets_its_own_place_in_the_cluster(tmp_path: Path) -> None:
    commands = {
        "scontrol": "printf 'node0\\nnode1\\n'",
        "srun": 'shift; for i in 0 1; do SLURM_PROCID=$i "$@"; done',
        "zoo": 'echo "$TF_CONFIG" >> configs; echo "$@" >> calls',
    }
    for name, text in commands.items():
        (tmp_path / name).write_text(f"#!/bin/bash\n{text}\n")
        (tmp_path / name).chmod(0o755)
    environment = {
        **os.environ,
        "PATH": f"{tmp_path}:{os.environ['PATH']}",
        "SLURM_SUBMIT_DIR": str(tmp_path),
        "SLURM_JOB_ID": "7",
        "SLURM_JOB_NODELIST": "node[0-1]",
    }
    run = tmp_path / "runs" / "my-model" / "job-7"
    for resumed in (False, True):
        subprocess.run(["bash", FOLDER / "train.sbatch"], cwd=tmp_path, env=environment, check=True)
        configs = [json.loads(line) for line in (tmp_path / "configs").read_text().splitlines()]
        cluster = {"worker": ["node0:20007", "node1:20007"]}
        tasks = [{"type": "worker", "index": index} for index in range(2)]
        assert configs[-2:] == [{"cluster": cluster, "task": task} for task in tasks]
        last = (tmp_path / "calls").read_text().splitlines()[-1]
        expected = f'train my-model --set train.strategy="multi_worker" --run {run}'
        assert last == expected + (" --resume" if resumed else "")
        run.mkdir(parents=True, exist_ok=True)
        (run / "run.json").write_text("{}")


@pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: path.name)
def test_a_manifest_has_what_kubernetes_asks_of_every_object(path: Path) -> None:
    for document in documents(path.name):
        assert {"apiVersion", "kind", "metadata", "spec"} == set(document)
        assert re.fullmatch(r"[a-z0-9-]{1,63}", document["metadata"]["name"])


def test_the_pods_of_a_training_find_each_other_by_the_names_of_their_service() -> None:
    service, job = documents("train.yaml")
    spec, pod = job["spec"], job["spec"]["template"]["spec"]
    assert (service["kind"], job["kind"], spec["completionMode"]) == ("Service", "Job", "Indexed")
    assert spec["completions"] == spec["parallelism"]
    assert pod["subdomain"] == service["metadata"]["name"]
    assert service["spec"]["clusterIP"] == "None"
    assert service["spec"]["selector"] == {"job-name": job["metadata"]["name"]}
    (container,) = pod["containers"]
    (script,) = container["args"]
    job_name, subdomain = job["metadata"]["name"], pod["subdomain"]
    assert f"'{job_name}-%d.{subdomain}:2222' % i for i in range({spec['completions']})" in script
    environment = {**os.environ, "JOB_COMPLETION_INDEX": "2"}
    program = script[: script.index("cd /zoo")] + 'echo "$TF_CONFIG"'
    done = subprocess.run(
        ["bash", "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    config = json.loads(done.stdout)
    assert config["task"] == {"type": "worker", "index": 2}
    assert len(config["cluster"]["worker"]) == spec["completions"]


def test_the_job_of_ray_asks_for_as_many_workers_as_it_has_pods(tmp_path: Path) -> None:
    (job,) = documents("ray.yaml")
    cluster = job["spec"]["rayClusterSpec"]
    (group,) = cluster["workerGroupSpecs"]
    head = cluster["headGroupSpec"]
    assert head["rayStartParams"] == {"num-cpus": "0"}
    assert group["replicas"] == group["minReplicas"] == group["maxReplicas"]
    pods = [part["template"]["spec"] for part in (head, group)]
    folders = [pod["containers"][0]["volumeMounts"] for pod in pods]
    assert folders[0] == folders[1] == [{"name": "zoo", "mountPath": "/zoo"}]
    assert pods[0]["volumes"] == pods[1]["volumes"]
    (tmp_path / "zoo").write_text('#!/bin/bash\necho "$@"\n')
    (tmp_path / "zoo").chmod(0o755)
    entrypoint = job["spec"]["entrypoint"].replace("cd /zoo", f"cd {tmp_path}")
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    for resumed in ("", " --resume"):
        done = subprocess.run(
            ["bash", "-c", entrypoint], env=environment, capture_output=True, text=True, check=True
        )
        said = 'train my-model --set train.strategy="multi_worker" --workers'
        assert done.stdout.strip() == f"{said} {group['replicas']} --run runs/job{resumed}"
        (tmp_path / "runs" / "job").mkdir(parents=True, exist_ok=True)
        (tmp_path / "runs" / "job" / "run.json").write_text("{}")


@pytest.mark.parametrize("path", [*SCRIPTS, *MANIFESTS], ids=lambda path: path.name)
def test_the_strategies_that_are_named_exist(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    named = re.findall(r'train\.strategy=\\?"(\w+)', text)
    assert set(named) <= set(STRATEGIES)
    assert ("zoo train" in text) == bool(named)


def test_the_table_of_exchanges_follows_from_the_formula() -> None:
    rows = re.findall(
        r"^\| ([\d.]+) million[^|]*\| ([\d.]+) MB \| (.*?) \| (.*?) \| (.*?) \|", PAGE, re.M
    )
    assert len(rows) == 4
    for millions, megabytes, infiniband, ethernet, efficiency in rows:
        count = 2 * 99 / 100 * 4 * float(millions) * 1e6
        assert float(megabytes) == pytest.approx(count / 1e6, rel=0.02)
        both = [count / 10e9 + 198 * 5e-6, count / 1e9 + 198 * 50e-6]
        shown = [float(cell.removesuffix(" ms")) / 1e3 for cell in (infiniband, ethernet)]
        assert shown == pytest.approx(both, rel=0.01, abs=5e-5)
        percents = [float(cell.removesuffix(" %")) / 100 for cell in efficiency.split(", ")]
        assert percents == pytest.approx([0.1 / (0.1 + seconds) for seconds in both], abs=0.006)
