"""Metrics by name: what is known, what is near, what arguments exist."""

import pytest

from clt_jobs.metrics.records import Generation, Likelihood
from clt_jobs.metrics.registry import find, known
from clt_operator.api.errors import InputError


def test_every_metric_of_the_score_contract_is_registered() -> None:
    wanted = {"exact_match", "numeric", "math_accuracy", "rouge_l", "chrf"}
    needs = {name: metric.needs for name, metric in known().items()}
    assert {name for name in wanted if needs[name] == "generations"} == wanted
    assert needs["gold_margin"] == needs["choice_accuracy"] == "likelihood"
    assert all(metric.higher_is_better for metric in known().values())


def test_an_unknown_metric_names_the_nearest_and_lists_all() -> None:
    with pytest.raises(InputError, match=r"did you mean 'rouge_l'\?.*exact_match.*numeric"):
        find("rougeL")


def test_an_unknown_argument_names_those_that_exist() -> None:
    with pytest.raises(InputError, match=r"casefolds.*it takes: .*casefold"):
        find("exact_match").score([], "en", {"casefolds": True})
    with pytest.raises(InputError, match="it takes: none"):
        find("gold_margin").score([], "en", {"x": 1})


@pytest.mark.parametrize("name", sorted(known()))
def test_every_metric_scores_in_record_order_and_signs_its_name_and_version(name: str) -> None:
    metric = known()[name]
    records = {
        "generations": [
            Generation(str(i), "1", answer="1", response="1", cluster=f"c{i}") for i in range(3)
        ],
        "likelihood": [Likelihood(str(i), -1.0, (-2.0,), cluster=f"c{i}") for i in range(3)],
    }[metric.needs]
    scored = metric.score(records, "en")
    assert [item.item for item in scored.items] == ["0", "1", "2"]
    assert [item.cluster for item in scored.items] == ["c0", "c1", "c2"]
    assert scored.signature.startswith(f"{name}|v:{metric.version}")
