"""The example that a platform team starts from is valid, and its parts fit together."""

from pathlib import Path

import yaml

from clt_operator.api.load import load_experiment
from clt_operator.cluster.profiles import CONFIG_MAP, KEY, profiles_of

EXAMPLES = Path(__file__).parents[3] / "examples"
CONFIG = yaml.safe_load((EXAMPLES / "profiles.yaml").read_text())
QUEUES = list(yaml.safe_load_all((EXAMPLES / "queues.yaml").read_text()))
PROFILES = profiles_of(CONFIG)


def named(kind):
    return {made["metadata"]["name"] for made in QUEUES if made["kind"] == kind}


def test_it_is_found_where_the_operator_looks():
    assert (CONFIG["metadata"]["name"], list(CONFIG["data"])) == (CONFIG_MAP, [KEY])


def test_the_quickstart_may_run_where_it_says():
    spec = load_experiment((EXAMPLES / "quickstart.yaml").read_text()).experiment.spec
    settings = PROFILES.for_experiment("team-a", spec)
    assert (settings.store_name, settings.store.uri) == ("research", "s3://research/clt")
    assert PROFILES.for_experiment("course-nlp", spec).store.uri == "s3://courses/course-nlp"
    assert PROFILES.check("elsewhere", spec)


def test_its_queues_and_priorities_are_those_of_the_other_example():
    assert {pool.queue for pool in PROFILES.pools.values()} - {""} == named("LocalQueue")
    assert {p.workload for p in PROFILES.priorities.values()} == named("WorkloadPriorityClass")


def test_its_flavour_has_the_nodes_and_the_gpus_of_its_pool():
    (flavour,) = (made for made in QUEUES if made["kind"] == "ResourceFlavor")
    (queue,) = (made for made in QUEUES if made["kind"] == "ClusterQueue")
    pool = PROFILES.pools["gpu"]
    assert flavour["spec"]["nodeLabels"] == pool.node_selector
    (group,) = queue["spec"]["resourceGroups"]
    assert pool.gpu_resource in group["coveredResources"]
    assert [f["name"] for f in group["flavors"]] == [flavour["metadata"]["name"]]
