"""The product on the cluster, installed by the README's own commands.

They run in a folder that has what a reader of the README has: the chart and the examples of the
repository, ``values.yaml`` and ``store.env``.
"""

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml
from cluster.harness.client import Json
from cluster.harness.cluster import secret
from cluster.harness.experiments import Experiments
from cluster.harness.waiting import until
from e2e.harness import cgroups, readme
from e2e.harness.site import Site, timed
from support.studies import small_quickstart

SYSTEM = "clt-system"
TEAM = "team-a"  # the README's
TEAMS = (TEAM, "team-b", "team-c")  # namespaces with stores of their own
SECRET = "clt-store"  # noqa: S105 - a name
BUCKET = "studies"
QUICKSTART = "quickstart.yaml"
OPERATOR = "localhost/clt-operator"
JOBS = "localhost/clt-jobs"
TAG = "e2e"
QUEUE = "team"
OPERATOR_LABEL = "clt-operator"
FIRST = "first"
FIRST_SECONDS = 300
COMMAND_SECONDS = 1800
# Two processors do no more at once; what is ready shares Jobs instead of waiting for a start each.
OUTSTANDING = 4


class Installation:
    """``run`` is how somebody who has installed it works with it."""

    def __init__(self, site: Site, directory: Path) -> None:
        self.site, self.directory = site, directory
        self.first_pod_seconds = 0.0  # from the first command to a pod of a study that runs
        self.idle_memory: dict[str, int] = {}  # bytes of the operator before the first study
        self.store = f"{site.storage.make_bucket(BUCKET)}/{{namespace}}"
        (directory / "charts").symlink_to(readme.ROOT / "charts")
        self._write_examples(directory / "examples")
        (directory / "values.yaml").write_text(yaml.safe_dump(self.values()))
        lines = [f"{name}={value}\n" for name, value in site.storage.credentials.items()]
        (directory / "store.env").write_text("".join(lines))

    def _write_examples(self, folder: Path) -> None:
        """Those of the repository; with CLT_E2E_SMALL the quickstart takes one minute, not ten."""
        if not os.environ.get("CLT_E2E_SMALL"):
            folder.symlink_to(readme.ROOT / "examples")
            return
        folder.mkdir()
        small = yaml.safe_dump(small_quickstart(), allow_unicode=True)
        (folder / QUICKSTART).write_text(small, encoding="utf-8")

    def values(self) -> Json:
        """Values of the chart: the images of this checkout, a store, namespaces of teams."""
        storage = self.site.storage
        plain = ("AWS_ENDPOINT_URL", "AWS_REGION")
        store = {
            "uri": self.store,
            "secret": SECRET,
            "environment": {name: storage.environment[name] for name in plain},
        }
        editors = [{"kind": "Group", "name": "researchers"}]
        return {
            "image": {"repository": OPERATOR, "tag": TAG, "pullPolicy": "Never"},
            "jobs": {"image": {"repository": JOBS, "tag": TAG, "pullPolicy": "Never"}},
            "tenants": [{"name": n, "create": True, "editors": editors} for n in TEAMS],
            "profiles": {
                "stores": {"main": store},
                "limits": {"outstandingJobs": OUTSTANDING},
            },
            "credentials": {"main": SECRET},
            "networkPolicies": {
                "enabled": True,
                "store": [{"to": [{"ipBlock": {"cidr": "10.0.0.0/8"}}], "ports": [7070]}],
            },
        }

    def install(self) -> None:
        """Runs the platform team's part of the README, then a first study in the last team."""
        start = time.monotonic()
        with timed("installation"):
            for words in readme.installing():
                self.run(*words)
        for team in TEAMS[1:]:
            self.site.cluster.apply(secret(team, SECRET, self.site.storage.credentials))
        self.idle_memory = self.operator_memory()
        studies = Experiments(self.site.cluster.client, TEAMS[-1])
        studies.create(small_quickstart(), FIRST)
        until(self._first_pod_runs, FIRST_SECONDS, what="a pod of the first study runs")
        self.first_pod_seconds = time.monotonic() - start
        studies.delete(FIRST)

    def run(self, *words: str, check: bool = True) -> str:
        """A command as a user types it; what it printed. A failure is an AssertionError."""
        return self.start(*words).wait(check=check)

    def start(self, *words: str) -> "Command":
        """The same, and the test goes on."""
        return Command(words, self.directory, self.environment)

    @property
    def environment(self) -> dict[str, str]:
        """Of a user's shell: helm, kubectl and cltctl, the cluster, keys for the store."""
        cluster = self.site.cluster
        own, programs = Path(sys.executable).parent, self.site.programs
        inherited = {n: v for n, v in os.environ.items() if not n.startswith(("AWS_", "CLT_"))}
        return {
            **inherited,
            "PATH": os.pathsep.join((str(own), str(programs), os.environ.get("PATH", ""))),
            "KUBECONFIG": str(cluster.kubeconfig),
            **self.site.storage.environment,
        }

    def store_of(self, namespace: str) -> str:
        """The URI of a namespace's results."""
        return self.store.format(namespace=namespace)

    def operator_pods(self) -> list[Json]:
        pods = self.site.cluster.pods(SYSTEM).all()
        label = "app.kubernetes.io/name"
        return [pod for pod in pods if pod["metadata"]["labels"].get(label) == OPERATOR_LABEL]

    def operator_address(self) -> str:
        """Where its metrics are, as this machine and pods reach it."""
        return f"{self.operator_pods()[0]['status']['podIP']}:8080"

    def describe(self) -> dict[str, str]:
        """What a person would look at first after a failure."""
        kubectl = self.site.cluster.kubectl
        logs = ["logs", "-n", SYSTEM, "deployment/clt-operator", "--tail=80"]
        return {
            "pods": kubectl("get", "pods", "-A", "-o", "wide"),
            "experiments": kubectl("get", "experiments", "-A"),
            "events": kubectl("get", "events", "-A", "--sort-by=.lastTimestamp"),
            "operator": kubectl(*logs),
        }

    def operator_memory(self) -> dict[str, int]:
        """Of its container and of its process, as the node counts them."""
        if not self.site.nodes:
            return {}
        (status,) = self.operator_pods()[0]["status"]["containerStatuses"]
        container = status["containerID"].rpartition("/")[2]
        return {"container": cgroups.memory(container), "process": cgroups.resident(container)}

    def _first_pod_runs(self) -> bool:
        pods = self.site.cluster.pods(TEAMS[-1]).all()
        return any(pod["status"].get("phase") in ("Running", "Succeeded") for pod in pods)


class Command:
    """A command that runs."""

    def __init__(self, words: Sequence[str], directory: Path, environment: dict[str, str]) -> None:
        self.words = list(words)
        self._process = subprocess.Popen(
            self.words,
            cwd=directory,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    def wait(self, *, check: bool = True, seconds: float = COMMAND_SECONDS) -> str:
        """What it printed."""
        try:
            printed, _ = self._process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            self._process.kill()
            printed, _ = self._process.communicate()
            raise AssertionError(f"{self.words}: not done in {seconds} s\n{printed}") from None
        code: Any = self._process.returncode
        assert code == 0 or not check, f"{self.words}: exit {code}\n{printed}"
        return printed
