"""A queue that a namespace does not have: refused with what it has, until it is there."""

from cluster.faults.studies import tiny_study


def test_an_unknown_queue_is_refused_and_goes_on_once_it_is_there(
    kueue, operator, experiments, cluster, namespace, store
):
    name = kueue.queue(namespace, cpu="1")
    spec = tiny_study(suspend=True)
    spec["compute"]["queue"] = "later"
    experiments.create(spec)
    experiments.wait("Accepted", "False", reason="InvalidSpec", seconds=45)
    said = experiments.condition("Accepted")["message"]
    assert said == f"spec.compute.queue: no queue is called 'later' (known: {name})"
    assert not cluster.jobs(namespace)
    assert not list(store.artifacts.store.list("experiments"))
    queue = {
        "apiVersion": "kueue.x-k8s.io/v1beta2",
        "kind": "LocalQueue",
        "metadata": {"name": "later", "namespace": namespace},
        "spec": {"clusterQueue": f"{namespace}-{name}"},
    }
    cluster.apply(queue)
    experiments.wait("Accepted", seconds=30)
    assert experiments.status()["phase"] == "Suspended"
