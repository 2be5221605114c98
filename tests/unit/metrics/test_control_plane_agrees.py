"""The control plane may not import the metrics: its list and theirs are held together here."""

import pytest

from clt_jobs.metrics.registry import find, known
from clt_operator.api.metrics import METRICS

READS = {"generate": "generations", "likelihood": "likelihood"}


def test_every_metric_that_a_spec_may_name_is_implemented_and_the_reverse():
    assert set(METRICS) == set(known())


@pytest.mark.parametrize("name", sorted(METRICS))
def test_a_metric_reads_the_records_that_the_planner_makes_for_it(name):
    assert find(name).needs == READS[METRICS[name].records]
