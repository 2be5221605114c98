"""cluster: near-duplicates of one language become clusters of items."""

import json
import os
import time
from pathlib import Path

import pytest

from clt_jobs.data.rows import Row
from clt_jobs.derive.cluster import ClusterArguments, cluster_items
from clt_jobs.derive.clusters import read_clusters
from clt_operator.api.errors import InputError

TEXTS = [
    "julia played tag with 18 kids on monday . how many kids did she play with ?",
    "julia played tag with 5 kids on monday . how many kids did she play with ?",
    "a baker made 12 cakes and sold 4 of them . how many cakes would he still have ?",
    "julia played tag with 5 kids on tuesday . how many kids did she play with ?",
]
BESIDE = Path(__file__).parents[4] / "shared" / "data"
MSVAMP = Path(os.environ.get("CLT_DATA", BESIDE)) / "msvamp"


def rows_of(texts: list[str], language: str = "en") -> list[Row]:
    return [
        Row(id=f"{n}:{language}", item=str(n), language=language, prompt=text)
        for n, text in enumerate(texts)
    ]


def test_near_twins_share_a_cluster(derived) -> None:
    context = derived("cluster", rows_of(TEXTS), threshold=0.5)
    found = read_clusters(context.output("clusters"))
    assert found == {"0": "0", "1": "0", "2": "2", "3": "0"}
    assert context.figures == {
        "rows": 4,
        "items": 4,
        "clusters": 2,
        "largest": 3,
        "alone": 1,
        "dropped": {},
    }


def test_the_threshold_decides() -> None:
    def clusters(threshold: float) -> int:
        found = cluster_items(rows_of(TEXTS), ClusterArguments(threshold=threshold))
        return len(set(found.values()))

    assert clusters(0.5) == 2
    assert clusters(1.0) == 3  # only the twins that differ in their numbers alone


def test_the_files_order_has_no_say() -> None:
    rows = rows_of(TEXTS)
    arguments = ClusterArguments(threshold=0.5)
    assert cluster_items(rows, arguments) == cluster_items(rows[::-1], arguments)


def test_rows_that_carry_a_cluster_are_linked_through_it() -> None:
    rows = [
        Row(id="a", item="a", language="en", prompt="one plus two is what then", cluster="c"),
        Row(id="b", item="b", language="en", prompt="something else entirely it is", cluster="c"),
    ]
    assert set(cluster_items(rows, ClusterArguments()).values()) == {"a"}


def test_a_null_text_cannot_be_compared() -> None:
    with pytest.raises(InputError, match="row a: prompt is null"):
        cluster_items([Row(id="a", item="a", language="en")], ClusterArguments())


@pytest.mark.skipif(not MSVAMP.is_dir(), reason="the study's data files are not here")
def test_msvamp_comes_in_clusters_and_is_searched_quickly() -> None:
    texts = [row["question"] for row in json.loads((MSVAMP / "test_en.json").read_text())]
    start = time.process_time()
    found = cluster_items(rows_of(texts), ClusterArguments(threshold=0.5))
    assert time.process_time() - start < 2
    alone = [name for name in found.values() if list(found.values()).count(name) == 1]
    assert len(set(found.values())) == 390
    assert len(alone) < 250  # three of four items have a near twin
