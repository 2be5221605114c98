"""A store of one's own, and a step kind whose behaviour the test writes as a function."""

from typing import ClassVar

import pytest

from clt_jobs import registry
from clt_jobs.runner.attempt import Runner
from clt_operator.api import kinds
from clt_operator.api.base import Params
from clt_operator.api.redaction import redactor
from clt_operator.api.step import Input, Step, StepDocument, Work, make_step
from clt_operator.store import open_store
from clt_operator.store.artifacts import Artifacts


class ProbeParams(Params):
    kind: ClassVar[str] = "probe"
    name: str = ""


BEHAVIOUR = {}


def probe(params, context):
    BEHAVIOUR[params.name](params, context)


@pytest.fixture
def artifacts(tmp_path) -> Artifacts:
    return Artifacts(open_store(str(tmp_path / "store")))


@pytest.fixture
def runner(artifacts, tmp_path, monkeypatch) -> Runner:
    monkeypatch.setitem(kinds.KINDS, "probe", ProbeParams)
    monkeypatch.setattr(registry, "implementation", lambda kind: {"probe": probe}[kind])
    monkeypatch.setattr("clt_jobs.runner.attempt.pin_environment", lambda kind, hints: None)
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    return Runner(artifacts, "local:here:1:1", scratch, redactor({"HUB_TOKEN": "open-sesame"}))


@pytest.fixture
def step(artifacts):
    """Stores a step that behaves as a function ``(params, context)`` does; gives its key."""

    def make(function, *inputs: str, name: str = "", **hints) -> str:
        name = name or function.__name__
        BEHAVIOUR[name] = function
        read = tuple(Input(f"in{at}", key, "out") for at, key in enumerate(inputs))
        made: Step = make_step(Work(ProbeParams(name=name)), read, {}, hints)
        artifacts.put_document(StepDocument.of(made))
        return made.key

    return make
