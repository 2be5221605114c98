"""The lock: everything looked up once, all failures told together, what is pinned stays."""

import json
import os
from pathlib import Path

import pytest
from support.specs import small_spec

from clt_operator.api.errors import SpecError, TransientError
from clt_operator.api.kinds import KINDS
from clt_operator.api.spec.experiment import Experiment
from clt_operator.plan.build import plan
from clt_operator.resolve import Lookups, changed_files, other_versions, resolve
from clt_operator.resolve.hub import Hub

LINE = '{"q": "a", "a": "1"}\n'


def experiment(**parts):
    spec = {**small_spec(), "models": [{"name": "m", "source": "init:llama"}], **parts}
    head = {"apiVersion": "clt.dev/v1alpha1", "kind": "Experiment", "metadata": {"name": "e"}}
    return Experiment.model_validate({**head, "spec": spec})


@pytest.fixture
def base(tmp_path: Path) -> Path:
    (tmp_path / "train.jsonl").write_text(LINE * 3)
    (tmp_path / "test.jsonl").write_text(LINE * 5)
    return tmp_path


def by_source(lock):
    return {entry.source: entry for entry in lock.sources.values()}


def test_sources_are_hashed_and_counted_per_language(base):
    lock = resolve(experiment(), Lookups(base))
    train = by_source(lock)["jsonl:train.jsonl"]
    assert {code: rows.rows for code, rows in train.languages.items()} == {
        "en": 3,
        "es": 3,
        "ja": 3,
    }
    assert set(by_source(lock)["jsonl:test.jsonl"].languages) == {"en", "es", "ja", "ar"}
    file = train.languages["en"].files[0]
    assert (file.location, file.size) == (str(base / "train.jsonl"), 3 * len(LINE))


def test_kind_versions_variables_and_every_default_are_recorded(base):
    lock = resolve(experiment(), Lookups(base, variables={"DATA": "/d"}))
    assert lock.kind_versions == {kind: params.version for kind, params in KINDS.items()}
    assert lock.variables == {"DATA": "/d"}
    assert lock.spec["train"]["gradientClip"] == 1.0
    assert Experiment.model_validate({**experiment().model_dump(by_alias=True), "spec": lock.spec})


@pytest.mark.parametrize("wish", ["suspend", "cancel"])
def test_a_wish_is_no_part_of_the_lock(base, wish):
    before = resolve(experiment(), Lookups(base))
    assert resolve(experiment(**{wish: True}), Lookups(base), before) == before


def test_everything_that_is_not_there_is_told_at_once(tmp_path):
    parts = experiment(models=[{"name": "m", "source": "file:nowhere"}])
    with pytest.raises(SpecError) as raised:
        resolve(parts, Lookups(tmp_path))
    assert [str(problem) for problem in raised.value.problems] == [
        f"spec.models[0].source: there is no directory {tmp_path}/nowhere",
        f"spec.tasks[0].test.source: there is no file {tmp_path}/test.jsonl",
        f"spec.tasks[0].train.source: there is no file {tmp_path}/train.jsonl",
    ]


def test_a_source_without_the_language_says_what_was_looked_for(base):
    spec = small_spec()
    spec["tasks"][0]["train"] |= {"languageColumn": "lang"}
    (base / "train.jsonl").write_text('{"q": "a", "a": "1", "lang": "en"}\n')
    with pytest.raises(SpecError) as raised:
        resolve(experiment(tasks=spec["tasks"]), Lookups(base))
    assert [p.path for p in raised.value.problems] == ["spec.tasks[0].train.source"] * 2
    assert "has no rows of 'es': none has 'es' in column 'lang'" in str(raised.value)


# what is pinned stays


def test_a_pinned_file_keeps_its_digest_and_is_said_to_have_changed(base):
    first = resolve(experiment(), Lookups(base))
    assert changed_files(first) == []
    (base / "train.jsonl").write_text(LINE * 4)
    again = resolve(experiment(), Lookups(base), first)
    assert again.sources == first.sources
    assert changed_files(again) == [str(base / "train.jsonl")]
    upgraded = resolve(experiment(), Lookups(base))
    assert by_source(upgraded)["jsonl:train.jsonl"].languages["en"].rows == 4
    assert changed_files(upgraded) == []


def test_a_pinned_file_may_even_be_gone(base):
    first = resolve(experiment(), Lookups(base))
    (base / "train.jsonl").unlink()
    assert resolve(experiment(), Lookups(base), first).sources == first.sources
    assert changed_files(first) == [str(base / "train.jsonl")]


def test_touching_a_file_is_noticed_and_only_a_hint(base):
    lock = resolve(experiment(), Lookups(base))
    os.utime(base / "test.jsonl", (1, 1))
    assert changed_files(lock) == [str(base / "test.jsonl")]


def test_a_new_language_is_looked_up_and_the_others_are_kept(base):
    first = resolve(experiment(), Lookups(base))
    spec = small_spec()
    spec["languages"]["evaluate"].append("ko")
    (base / "test.jsonl").write_text(LINE * 6)
    again = resolve(experiment(languages=spec["languages"]), Lookups(base), first)
    rows = {
        code: held.rows for code, held in by_source(again)["jsonl:test.jsonl"].languages.items()
    }
    assert rows == {"en": 5, "es": 5, "ja": 5, "ar": 5, "ko": 6}


def test_kind_versions_are_kept_so_that_a_newer_release_changes_no_key(base):
    first = resolve(experiment(), Lookups(base))
    older = first.model_copy(update={"kind_versions": {"train": 7}, "clt_version": "0.0.1"})
    again = resolve(experiment(), Lookups(base), older)
    assert (again.kind_versions["train"], again.clt_version) == (7, "0.0.1")
    step = next(s for s in plan(experiment().spec, again).graph if s.kind == "train")
    assert step.work.version == 7
    assert other_versions(first) == []
    assert other_versions(again) == ["train is pinned at version 7, this release makes 1"]


def test_what_is_no_longer_asked_for_is_dropped(base):
    first = resolve(experiment(), Lookups(base))
    spec = small_spec()
    spec["tasks"][0]["test"]["source"] = "jsonl:train.jsonl"
    again = resolve(experiment(tasks=spec["tasks"]), Lookups(base), first)
    assert set(by_source(again)) == {"jsonl:train.jsonl"}


def test_another_argument_of_a_generator_is_counted_anew(base):
    def parts(maximum):
        spec = small_spec()
        arguments = {"maximum": maximum}
        spec["tasks"][0]["train"] = {
            "source": "generator:number-words/sums",
            "arguments": arguments,
        }
        return experiment(tasks=spec["tasks"])

    first = resolve(parts(4), Lookups(base))
    again = resolve(parts(5), Lookups(base), first)
    rows = by_source(again)["generator:number-words/sums"].languages["en"].rows
    assert rows == 36


# hubs


def on_hub(**model):
    spec = small_spec()
    for role in ("train", "test"):
        spec["tasks"][0][role]["source"] = "hf:org/d"
    return experiment(tasks=spec["tasks"], models=[{"name": "m", "source": "hf:org/m", **model}])


def test_hub_revisions_are_pinned_and_kept(hub, tmp_path):
    hub.holds("models", "org/m", sha="m1")
    hub.holds("datasets", "org/d", sha="d1")
    first = resolve(on_hub(), Lookups(tmp_path, Hub(hub.url)))
    assert {entry.revision for entry in first.models.values()} == {"m1"}
    assert {entry.revision for entry in first.sources.values()} == {"d1"}
    assert first.unpinned == []
    hub.holds("models", "org/m", sha="m2")
    again = resolve(on_hub(), Lookups(tmp_path, Hub(hub.url)), first)
    assert {entry.revision for entry in again.models.values()} == {"m1"}


def test_a_silent_hub_is_a_failure_and_no_mistake_of_the_spec(hub, tmp_path):
    hub.close()
    with pytest.raises(TransientError, match="nothing was started; try again") as raised:
        resolve(on_hub(), Lookups(tmp_path, Hub(hub.url)))
    assert raised.value.exit_code == 1
    assert "model org/m" in str(raised.value)
    assert "dataset org/d" in str(raised.value)


def test_mistakes_are_told_even_where_a_hub_is_silent(hub, base):
    hub.answers["/api/models/org/m/revision/main"] = (500, {}, {})
    spec = {"models": [{"name": "m", "source": "hf:org/m"}, {"name": "n", "source": "file:x"}]}
    with pytest.raises(SpecError, match=r"models\[1\]\.source: there is no directory"):
        resolve(experiment(**spec), Lookups(base, Hub(hub.url)))


# lenient


def test_a_plan_can_be_drawn_up_without_the_data_at_hand(tmp_path):
    lock = resolve(on_hub(), Lookups(tmp_path, lenient=True))
    assert lock.reasons == {
        "hf:org/m": "not looked up: planning looks only at this machine",
        "hf:org/d": "not looked up: planning looks only at this machine",
    }
    lock = resolve(experiment(), Lookups(tmp_path, lenient=True))
    assert lock.reasons["jsonl:train.jsonl"] == f"there is no file {tmp_path}/train.jsonl"
    keys = {
        s.params.rows.digest
        for s in plan(experiment().spec, lock).graph
        if s.kind == "fetch" and s.params.rows
    }
    assert all(key.startswith("unpinned:") for key in keys)


def test_what_is_there_and_wrong_fails_all_the_same(base):
    (base / "model").mkdir()
    parts = experiment(models=[{"name": "m", "source": "file:model"}])
    with pytest.raises(SpecError, match=r"no config\.json"):
        resolve(parts, Lookups(base, lenient=True))


def test_what_was_not_pinned_is_looked_up_again(base, tmp_path):
    draft = resolve(experiment(), Lookups(tmp_path / "elsewhere", lenient=True))
    assert draft.unpinned == ["jsonl:test.jsonl", "jsonl:train.jsonl"]
    assert resolve(experiment(), Lookups(base), draft).unpinned == []


def test_models_that_only_an_axis_names_are_looked_up(base):
    spec = small_spec()
    spec["sweeps"][0]["axes"] = {"models.m.source": ["init:llama", "file:other"]}
    with pytest.raises(SpecError, match=r"models\[0\]\.source: there is no directory .*/other"):
        resolve(experiment(sweeps=spec["sweeps"]), Lookups(base))


def test_the_lock_reads_back_as_it_was_written(base):
    lock = resolve(experiment(), Lookups(base))
    assert type(lock).model_validate_json(lock.model_dump_json()) == lock
    assert json.loads(lock.model_dump_json())["format"] == 1
