"""What the platform team defines, and what a namespace may use of it."""

import re
from pathlib import Path

import pytest

from clt_operator.api.errors import SpecError
from clt_operator.api.load import load_experiment
from clt_operator.api.profiles import Profiles

QUICKSTART = (Path(__file__).parents[3] / "examples/quickstart.yaml").read_text()

FILE = """\
stores:
  main:
    uri: s3://research/clt
    secret: research-store
    environment: {AWS_ENDPOINT_URL: "http://s3.example:7070", AWS_REGION: eu-1}
    inputs: [s3://corpora/public]
    namespaces: [team-*]
    default: true
  private:
    uri: s3://private/{namespace}/clt
    serviceAccount: private-store
    namespaces: [secretive]
pools:
  gpu:
    nodeSelector: {accelerator: a}
    tolerations: [{key: nvidia.com/gpu, effect: NoSchedule}]
    maxGpus: 8
    gpuHourPrice: 2.5
    queue: gpus
    namespaces: [team-*]
  cpu: {}
endpoints:
  mirror: {kind: hub, address: "https://hub.example", secret: hub-token, namespaces: [team-a]}
  other: {kind: hub, address: "https://other.example", default: true}
image: registry.example/clt-jobs:1
images: [registry.example/*]
currency: EUR
"""
PROFILES = Profiles.parse(FILE)


def spec_of(compute="", store="", sources=()):
    text = QUICKSTART
    for old, new in sources:
        assert old in text
        text = text.replace(old, new)
    experiment = load_experiment(text).experiment.spec
    data = experiment.model_dump(mode="json", by_alias=True) | {"store": store}
    if compute:
        data["compute"] = compute
    return type(experiment).model_validate(data)


def messages(namespace, spec, profiles=PROFILES, **known):
    return [str(problem) for problem in profiles.check(namespace, spec, **known)]


# The file


def test_an_empty_file_defines_nothing_and_says_so_to_a_spec():
    assert Profiles.parse("") == Profiles()
    assert messages("team-a", spec_of(), Profiles()) == [
        "spec.store: namespace 'team-a' may use no store "
        "(ask the platform team for one in the profiles)"
    ]


def test_one_store_is_all_that_is_needed():
    profiles = Profiles.parse("stores:\n  any: {uri: s3://bucket}\n")
    settings = profiles.for_experiment("default", spec_of())
    assert (settings.store.uri, settings.store_name) == ("s3://bucket", "any")
    assert (settings.queue, settings.pools, settings.hub_address) == ("", {}, "")


@pytest.mark.parametrize("name", ["CLT_RENDEZVOUS_SECONDS", "CLT_GROUP_TIMEOUT_SECONDS"])
def test_the_patience_of_ranks_is_the_platform_teams_to_set(name):
    profiles = Profiles.parse(
        f"stores:\n  any: {{uri: s3://bucket, environment: {{{name}: '60'}}}}\n"
    )
    assert profiles.for_experiment("default", spec_of()).store.environment == {name: "60"}


@pytest.mark.parametrize(
    ("line", "wrong", "said"),
    [
        (5, ("AWS_REGION: eu-1", "AWS_SECRET_ACCESS_KEY: x"), "put it into the Secret"),
        (5, ("AWS_REGION: eu-1", "AWS_SESSION_TOKEN: x"), "looks like a credential"),
        (5, ("AWS_REGION: eu-1", "HF_HUB_OFFLINE: '0'"), "is set by the operator"),
        (5, ("http://s3.example", "http://me:pw@s3.example"), "holds a credential"),
        (3, ("s3://research/clt", "s3://key:secret@research/clt"), "is no store of a cluster"),
        (3, ("s3://research/clt", "s3://research/../other"), "'..' segment"),
        (3, ("s3://research/clt", "file:///data"), "write s3://bucket/prefix"),
        (6, ("s3://corpora/public", "s3://corpora/*"), "holds a pattern"),
        (4, ("research-store", "Research_Store"), "cannot be the name of an object"),
        (7, ("[team-*]", "[Team]"), "matches no namespace"),
        (4, ("secret: research-store", "secrt: research-store"), "did you mean 'secret'?"),
        (15, ("accelerator: a", "accelerator: 'a b'"), "cannot be a label"),
        (18, ("2.5", "-1"), "must be at least 0"),
        (23, ("https://hub.example", "hub.example"), "is no address"),
        (27, ("currency: EUR", "labels: {clt.dev/kind: x}"), "is set by the operator"),
        (27, ("currency: EUR", "queue: 'not a label'"), "cannot be a label"),
        (27, ("currency: EUR", "limits: {steps: 0}"), "must be at least 1"),
    ],
)
def test_a_mistake_is_told_with_its_line(line, wrong, said):
    text = FILE.replace(*wrong, 1)
    assert text != FILE
    with pytest.raises(SpecError) as caught:
        Profiles.parse(text, "profiles.yaml")
    assert said in str(caught.value)
    assert re.match(rf"profiles\.yaml:{line}\b", str(caught.value)), str(caught.value)


def test_all_mistakes_are_told_at_once():
    text = FILE.replace("maxGpus: 8", "maxGpus: many").replace("kind: hub", "kind: hubb", 1)
    with pytest.raises(SpecError) as caught:
        Profiles.parse(text)
    assert len(caught.value.problems) == 2


@pytest.mark.parametrize("text", ["- a\n", "text", "3"])
def test_what_is_no_mapping_is_refused(text):
    with pytest.raises(SpecError, match="profiles are a mapping"):
        Profiles.parse(text, "profiles.yaml")


# Which store


def test_a_spec_gets_the_default_store_of_its_namespace():
    settings = PROFILES.for_experiment("team-a", spec_of())
    assert settings.store.uri == "s3://research/clt"
    assert settings.store.environment["AWS_REGION"] == "eu-1"
    assert settings.image == "registry.example/clt-jobs:1"
    assert set(settings.pools) == {"gpu", "cpu"}
    assert settings.pools["gpu"].gpu_hour_price == 2.5
    assert settings.currency == "EUR"


def test_a_prefix_can_be_the_namespaces_own():
    settings = PROFILES.for_experiment("secretive", spec_of())
    assert settings.store.uri == "s3://private/secretive/clt"
    assert settings.store.service_account == "private-store"
    assert set(settings.pools) == {"cpu"}


def test_a_namespace_sees_the_hub_that_it_may_use():
    found = PROFILES.for_experiment("team-b", spec_of())
    assert (
        found.hub_address == PROFILES.endpoints[found.hub_name].address == "https://other.example"
    )
    mine = FILE.replace("namespaces: [team-a]", "namespaces: [team-a], default: true")
    settings = Profiles.parse(mine).for_experiment("team-a", spec_of())
    assert (settings.hub_address, settings.hub_secret) == ("https://hub.example", "hub-token")


@pytest.mark.parametrize(
    ("store", "said"),
    [
        ("mian", "spec.store: no store is called 'mian' (did you mean 'main'?)"),
        (
            "private",
            "spec.store: namespace 'team-a' may not use store 'private' (it may use: main)",
        ),
        (
            "s3://research/clt",
            "spec.store: on a cluster a spec names a store by its profile (write main)",
        ),
        (
            "s3://elsewhere/clt",
            "spec.store: on a cluster a spec names a store by its profile (known: main)",
        ),
        ("/data", "spec.store: on a cluster a spec names a store by its profile (known: main)"),
    ],
)
def test_promise_least_privilege_a_spec_names_only_a_store_of_its_namespace(store, said):
    assert messages("team-a", spec_of(store=store)) == [said]
    with pytest.raises(SpecError, match="store"):
        PROFILES.for_experiment("team-a", spec_of(store=store))


def test_of_several_stores_without_a_default_one_is_named():
    profiles = Profiles.parse("stores:\n  a: {uri: s3://a}\n  b: {uri: s3://b}\n")
    assert messages("n", spec_of(), profiles) == [
        "spec.store: names no store, and none is the default (known: a, b)"
    ]
    assert profiles.for_experiment("n", spec_of(store="b")).store.uri == "s3://b"


# What Jobs ask for


@pytest.mark.parametrize(
    ("compute", "said"),
    [
        (
            {"train": {"pool": "gpus"}},
            ["spec.compute.train.pool: no pool is called 'gpus' (did you mean 'gpu'?)"],
        ),
        (
            {"train": {"pool": "gpu", "gpus": 9}},
            [
                "spec.compute.train.gpus: 9 are more than the 8 that a node of pool 'gpu' has "
                "(ask for fewer, or use several nodes)"
            ],
        ),
        (
            {"train": {"pool": "cpu", "nodes": 2}},
            [
                "spec.compute.train.nodes: 2 nodes need a queue: without one, two Jobs can each "
                "hold a part of the nodes and wait for the rest for ever (name a queue in "
                "spec.compute.queue, or use one node)"
            ],
        ),
        ({"train": {"pool": "gpu", "nodes": 2}}, []),  # the pool's queue
        ({"train": {"pool": "cpu", "nodes": 2}, "queue": "mine"}, []),
        (
            {"data": {"image": "elsewhere/miner:1"}, "report": {"image": "registry.example/x"}},
            [
                "spec.compute.data.image: image 'elsewhere/miner:1' is not allowed here "
                "(allowed: registry.example/*)"
            ],
        ),
    ],
)
def test_what_no_job_could_get_is_refused(compute, said):
    assert messages("team-a", spec_of(compute)) == said


def test_a_pool_of_others_is_refused_by_name_only():
    assert messages("secretive", spec_of({"evaluate": {"pool": "gpu"}})) == [
        "spec.compute.evaluate.pool: namespace 'secretive' may not use pool 'gpu' (it may use: cpu)"
    ]


def test_a_queue_is_compared_with_those_that_are_there():
    spec = spec_of({"queue": "reserch"})
    assert messages("team-a", spec) == []
    assert messages("team-a", spec, queues=["research", "other"]) == [
        "spec.compute.queue: no queue is called 'reserch' (did you mean 'research'?)"
    ]
    assert "ask the platform team for a LocalQueue" in messages("team-a", spec, queues=[])[0]
    assert "cannot be a label" in messages("team-a", spec_of({"queue": "a b"}))[0]
    assert messages("team-a", spec_of(), queues=[]) == []


def test_everything_is_told_at_once():
    spec = spec_of({"train": {"pool": "x"}, "data": {"pool": "y"}}, store="nope")
    assert len(messages("team-a", spec)) == 3


# What a spec may read


def row_source(source):
    return spec_of(sources=[("generator:number-words/digit-sums", source)])


@pytest.mark.parametrize(
    "source",
    [
        "jsonl:s3://research/clt/data/{language}.jsonl",
        "parquet:s3://corpora/public/a/b.parquet?checksums=when_required",
        "hf:org/data",
    ],
)
def test_allowed_sources(source):
    assert messages("team-a", row_source(source)) == []


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("jsonl:s3://research/clt-of-others/x.jsonl", "is outside of what store"),
        ("jsonl:s3://research/clt/../others/x.jsonl", "is outside of what store"),
        ("jsonl:s3://{language}/x.jsonl", "is outside of what store"),
        ("jsonl:s3://private/team/x.jsonl", "to list its prefix in the store's inputs"),
        ("jsonl:data/{language}.jsonl", "on one machine, which a cluster cannot read"),
        ("jsonl:/etc/passwd", "cltctl push"),
        ("csv:file:///etc/passwd", "cltctl push"),
        ("json:S3://research/clt/x", "cltctl push"),
    ],
)
def test_promise_least_privilege_a_spec_never_steers_the_operator_elsewhere(source, said):
    (message,) = messages("team-a", row_source(source))
    assert said in message
    assert message.startswith("spec.tasks[0].train.source: ")


@pytest.mark.parametrize(
    ("source", "fine"),
    [
        ("s3://research/clt/models/base", True),
        ("s3://corpora/public", True),
        ("hf:org/name", True),
        ("file:/models/base", False),
        ("gguf:model.gguf", False),
        ("gguf:s3://research/clt/model.gguf", False),
        ("s3://elsewhere/base", False),
    ],
)
def test_promise_least_privilege_models_come_from_allowed_places(source, fine):
    spec = spec_of()
    models = [spec.models[0].model_copy(update={"source": source, "architecture": {}})]
    found = messages("team-a", spec.model_copy(update={"models": models}))
    assert bool(found) != fine
    assert all(message.startswith("spec.models[0].source: ") for message in found)


@pytest.mark.parametrize(
    ("axis", "value"),
    [
        ("tasks.X.train.source", "jsonl:s3://elsewhere/x"),
        ("tasks.X.train", {"source": "jsonl:/etc/passwd"}),
        ("tasks.X.exemplars", {"source": "jsonl:s3://elsewhere/x", "columns": {}}),
        ("models.M.source", "file:/models"),
        ("tasks.X.train.languageNames.de", "../../elsewhere/x"),
        ("tasks.X.train.languageNames", {"de": ".."}),
        ("tasks.X.train", {"languageNames": {"de": "a/../b"}}),
    ],
)
def test_promise_least_privilege_axes_are_no_way_around(axis, value):
    spec = spec_of()
    sweeps = [spec.sweeps[0].model_copy(update={"axes": {axis: ["hf:org/a", value]}})]
    (message,) = messages("team-a", spec.model_copy(update={"sweeps": sweeps}))
    assert message.startswith(f"spec.sweeps[0].axes.{axis}: ")


def test_a_language_name_with_dots_stands_for_no_other_place():
    spec = row_source("jsonl:s3://research/clt/{language}/x.jsonl")
    train = spec.tasks[0].train.model_copy(update={"language_names": {"de": "../../others"}})
    task = spec.tasks[0].model_copy(update={"train": train})
    found = messages("team-a", spec.model_copy(update={"tasks": [task]}))
    assert any("languageNames.de" in message for message in found)
