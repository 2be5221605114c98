"""A spec on disk, with its data, and nothing of the machine around it."""

from pathlib import Path

import pytest
import yaml
from support.specs import small_spec

from clt_operator.api.step import Manifest, Outcome, Step, StepDocument
from clt_operator.cli.running import write_study
from clt_operator.cli.specs import read_spec, study
from clt_operator.cli.stored import open_artifacts

HOLDER, NOW = "local:elsewhere:1:1", "2025-01-01T00:00:00Z"
LINE = '{"q": "a", "a": "1"}\n'


def text_of(name: str = "small", **parts: object) -> str:
    spec = {**small_spec(), "models": [{"name": "m", "source": "init:llama"}], **parts}
    head = {"apiVersion": "clt.dev/v1alpha1", "kind": "Experiment", "metadata": {"name": name}}
    return yaml.safe_dump({**head, "spec": spec}, allow_unicode=True, sort_keys=False)


@pytest.fixture
def spec(tmp_path: Path, monkeypatch) -> Path:
    """The small study with enough data beside it; the working directory is elsewhere."""
    for name in ("train", "test"):
        (tmp_path / f"{name}.jsonl").write_text(LINE * 200)
    path = tmp_path / "study.yaml"
    path.write_text(text_of())
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    for name in ("CLT_STORE", "HF_ENDPOINT", "HF_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    return path


@pytest.fixture(autouse=True)
def no_cluster(tmp_path: Path, monkeypatch) -> None:
    """Whatever cluster the machine knows, a test knows none."""
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "no-kubeconfig"))
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)


@pytest.fixture
def make_text():
    return text_of


class Applied:
    """An experiment in a store as ``apply`` leaves it before any step has run; a test lets
    steps end as it likes."""

    def __init__(self, spec: Path, store: Path) -> None:
        loaded, base = read_spec(str(spec), None, None)
        self.planned = study(loaded, base, None, offline=False)
        self.artifacts = open_artifacts(str(store))
        write_study(self.artifacts, "default", self.planned)
        self.steps = list(self.planned.plan.graph)

    def first(self, kind: str, **labels: str) -> Step:
        return next(s for s in self.steps if s.kind == kind and labels.items() <= s.labels.items())

    def end(self, step: Step, outcome: str, message: str = "", log: bytes = b"") -> int:
        """One more attempt of a step; the number of the attempt."""
        self.artifacts.put_document(StepDocument.of(step))
        claim = self.artifacts.claim(step.key, HOLDER, NOW)
        if log:
            self.artifacts.write_log(step.key, claim.attempt, log)
        if outcome == "committed":
            manifest = Manifest(key=step.key, kind=step.kind, attempt=claim.attempt, outputs={})
            assert self.artifacts.commit(manifest)
        self.artifacts.record_outcome(
            Outcome(key=step.key, attempt=claim.attempt, outcome=outcome, message=message)
        )
        return claim.attempt


@pytest.fixture
def applied(spec: Path, monkeypatch) -> Applied:
    """The small study in a store that CLT_STORE names."""
    store = spec.parent / "store"
    monkeypatch.setenv("CLT_STORE", str(store))
    return Applied(spec, store)
