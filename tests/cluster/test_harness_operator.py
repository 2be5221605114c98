"""A whole study of stub steps: operator, control plane, stub and store together."""

from cluster.harness.experiments import small_study


def test_a_small_study_runs_to_its_report(operator, stub, experiments, store):
    experiments.create(small_study(seeds=[0]))
    status = experiments.wait("Complete")
    assert status["phase"] == "Complete"
    assert stub.commits() == dict.fromkeys(store.artifacts.committed(), 1)
    assert "committed" in {record.outcome for record in stub.attempts(kind="report")}
