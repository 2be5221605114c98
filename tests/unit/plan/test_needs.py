"""What a resolution has to look up: exactly the sources and languages that the plan fetches."""

import pytest
from support.specs import small_spec, spec_of

from clt_operator.api.lock import LanguageRows, Lock, ModelLock, SourceLock, model_request
from clt_operator.plan.build import plan
from clt_operator.plan.needs import needs

FRESH = {"name": "m", "source": "init:llama", "architecture": {"layers": 1}}
CUT = {
    "columns": {"prompt": "{q}", "response": "{a}", "answer": "{a}"},
    "source": "jsonl:all.jsonl",
}
OTHER = {"name": "u", "train": {**CUT, "source": "jsonl:u.jsonl"}}
STAGE = {"name": "b", "model": "m", "tasks": ["u"], "languages": ["ko"]}


def changed(**parts):
    return {**small_spec(), **parts}


def with_sweep(**parts):
    spec = small_spec()
    spec["sweeps"][0] |= parts
    return spec


def with_task(**parts):
    spec = small_spec()
    spec["tasks"][0] |= parts
    return {**spec, "tasks": [{k: v for k, v in spec["tasks"][0].items() if v is not None}]}


SPECS = {
    "small": small_spec(),
    "split by clusters of another language": with_task(
        train=CUT, test=None, split={"by": "cluster", "reference": "pt"}
    ),
    "split for training only": changed(
        tasks=[*small_spec()["tasks"], {**OTHER, "split": {"by": "cluster", "reference": "pt"}}],
        stages=[STAGE],
        models=[FRESH, {"name": "grown", "source": "stage:b"}],
        sweeps=with_sweep(tasks=["t"])["sweeps"],
    ),
    "worked examples": with_task(generation={"shots": 2}),
    "worked examples of their own in the pivot": with_task(
        generation={"shots": 2, "exemplarLanguage": "pivot"}, exemplars=CUT
    ),
    "a fresh model without stages knows every training task": changed(
        models=[FRESH], tasks=[*small_spec()["tasks"], OTHER]
    ),
    "untrained": with_sweep(untrained=True),
    "axes over sources": with_sweep(
        axes={"tasks.t.train.source": ["jsonl:train.jsonl", "jsonl:other.jsonl"]}
    ),
    "axes over mixes": {
        **with_sweep(axes={"sweep.mixes": [["two"], ["one"]]}, mixes=["two"]),
        "languages": {**small_spec()["languages"], "mixes": {"two": ["es", "ja"], "one": ["ko"]}},
    },
    "axes over stages": {
        **with_sweep(axes={"stages.b.languages": [["ko"], ["pt"]]}),
        "tasks": [*small_spec()["tasks"], OTHER],
        "stages": [STAGE],
        "models": [*small_spec()["models"], {"name": "grown", "source": "stage:b"}],
    },
    "axes over models": with_sweep(axes={"models.m.source": ["hf:org/m", "init:llama"]}),
}


def locked(spec):
    """A lock that pins what is needed, and nothing else."""
    return Lock(
        clt_version="0",
        kind_versions={},
        sources={
            request: SourceLock(
                source=need.data.source,
                languages={
                    code: LanguageRows(digest=f"{request[:8]}/{code}") for code in need.languages
                },
            )
            for request, need in needs(spec).items()
        },
        models={
            model_request(model): ModelLock(source=model.source, digest="d")
            for model in spec.models
        },
    )


@pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS)
def test_every_fetch_of_rows_is_pinned_and_everything_pinned_is_fetched(spec):
    made = spec_of(spec)
    lock = locked(made)
    fetched = {
        s.params.rows.digest for s in plan(made, lock).graph if s.kind == "fetch" and s.params.rows
    }
    assert not {digest for digest in fetched if digest.startswith("unpinned")}
    assert fetched == {
        r.digest for entry in lock.sources.values() for r in entry.languages.values()
    }


def test_a_need_says_where_the_spec_asks_for_it_first(small):
    paths = {need.data.source: need.path for need in needs(spec_of(small)).values()}
    assert paths == {
        "jsonl:train.jsonl": "spec.tasks[0].train",
        "jsonl:test.jsonl": "spec.tasks[0].test",
    }


def test_two_tasks_on_one_source_are_one_need(small):
    small["tasks"].append({**small["tasks"][0], "name": "u"})
    assert len(needs(spec_of(small))) == 2


def test_one_generator_with_other_arguments_is_another_source(small):
    for name, maximum in (("t", 5), ("u", 9)):
        arguments = {"maximum": maximum}
        train = {"source": "generator:number-words/sums", "arguments": arguments}
        small["tasks"].append({**small["tasks"][0], "name": name, "train": train})
    del small["tasks"][0]
    found = [need.data.arguments for need in needs(spec_of(small)).values() if need.data.arguments]
    assert found == [{"maximum": 5}, {"maximum": 9}]
