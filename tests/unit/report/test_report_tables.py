"""What the tables of a report say, on a study whose truth is known."""

from dataclasses import replace

import numpy as np
import pyarrow.parquet as pq
import pytest

from clt_jobs.report.dropped import WRONG_LANGUAGE
from clt_jobs.report.results import write_tables
from clt_jobs.report.step import report, results_of
from clt_jobs.statistics import quantities as formulas
from clt_operator.api.errors import InputError
from clt_operator.api.kinds.report import Contrast

SMALL = {"seeds": 3, "items": 60, "ks": [0, 100, 400], "metrics": ("math_accuracy",)}
TABLES = ("cells", "points", "quantities", "contrasts", "dropped")


def tables_of(study, directory):
    context = study.context(directory)
    found = context.output("tables")
    write_tables(results_of(study.params, context), found)
    assert {path.stem for path in found.iterdir()} == set(TABLES)
    return {name: pq.read_table(found / f"{name}.parquet").to_pylist() for name in TABLES}


def pick(rows, **wanted):
    return [row for row in rows if all(row[name] == value for name, value in wanted.items())]


@pytest.fixture(scope="module")
def full(session_study, tmp_path_factory):
    return tables_of(session_study, tmp_path_factory.mktemp("full"))


def test_every_cell_has_a_row_with_its_role(full):
    assert len(full["cells"]) == 2 * 8 * (3 * 8 + 1)  # metrics, languages, trainings
    roles = {row["language"]: row["role"] for row in full["cells"]}
    assert roles["en"] == "pivot"
    assert {code for code, role in roles.items() if role == "unseen"} == {"ar", "ko", "pt"}


def test_a_point_is_the_mean_over_seeds_inside_its_interval_inside_its_band(full):
    for row in pick(full["points"], metric="math_accuracy", control="", language="fr"):
        cells = pick(full["cells"], metric="math_accuracy", control="", language="fr", k=row["k"])
        assert row["value"] == pytest.approx(np.mean([cell["mean"] for cell in cells]))
        assert row["band_lo"] <= row["lo"] < row["value"] < row["hi"] <= row["band_hi"]
        assert (row["n_items"], row["n_seeds"]) == (250, 3)


def test_intervals_of_shares_stay_between_0_and_1(full):
    rows = [r for r in full["points"] if r["metric"] == "math_accuracy" and r["lo"] is not None]
    assert min(row["lo"] for row in rows) >= 0


def test_quantities_agree_with_the_formulas_on_the_points(full):
    points = pick(full["points"], metric="math_accuracy", control="", k=5000)
    scores = np.array([row["value"] for row in points])  # pivot first
    value = {
        row["quantity"]: row["value"]
        for row in pick(full["quantities"], metric="math_accuracy", control="", k=5000)
    }
    assert value["rel"] == pytest.approx(formulas.rel(scores, 0))
    assert value["gap"] == pytest.approx(formulas.gap(scores, [1, 2, 3, 4], [5, 6, 7]))
    assert value["nonpivot"] / value["pivot"] == pytest.approx(value["rel"])
    assert value["latin"] == pytest.approx(scores[[1, 2, 7]].mean())
    assert value["nonlatin"] == pytest.approx(scores[[3, 4, 5, 6]].mean())


def test_gain_stands_beside_what_noise_alone_would_show(full):
    whole = {
        row["quantity"]: row for row in pick(full["quantities"], metric="math_accuracy", k=None)
    }
    assert 0 < whole["gain_under_no_effect"]["value"] < whole["gain"]["value"]
    assert whole["gain"]["lo"] is None  # never tested
    assert (whole["spearman"]["n"], whole["spearman"]["unit"]) == (8, "sweep points")
    assert "spearman_given_k" in whole


def test_rel_of_a_metric_without_a_zero_is_refused_with_a_note(full):
    rows = [
        row
        for row in pick(full["quantities"], metric="gold_margin")
        if row["quantity"] in ("rel", "rel_fixed", "gain_at", "gain", "gain_under_no_effect")
    ]
    assert rows
    for row in rows:
        assert row["value"] is None
        assert "ratio" in row["note"]
    assert pick(full["quantities"], metric="gold_margin", quantity="gap", k=0)[0]["se"] > 0


def test_declared_contrasts_find_what_is_there_and_details_are_adjusted_for_their_number(full):
    (primary,) = pick(full["contrasts"], primary=True)
    assert primary["group"] == "unseen"
    assert primary["verdict"] == "increase"
    detail = pick(full["contrasts"], contrast="more-data", metric="math_accuracy", declared=False)
    assert {row["group"] for row in detail} == {
        "nonpivot", "seen", "en", "es", "fr", "ja", "zh", "ar", "ko", "pt",
    }  # fmt: skip
    for row in detail:
        assert row["p_adjusted"] >= row["p"]
        assert row["simultaneous_lo"] < row["lo"]
    (korean,) = pick(detail, group="ko")
    assert korean["value"] < 0
    assert all("same" not in row["verdict"] for row in full["contrasts"])


def test_answers_that_failed_are_listed_per_language(full):
    failed = [row for row in full["dropped"] if "extractable" in row["what"]]
    assert {row["language"] for row in failed} == {"en", "es", "fr", "ja", "zh", "ar", "ko", "pt"}
    assert all(0 < row["count"] < row["of"] for row in failed)
    (rows,) = [row for row in full["dropped"] if row["what"] == "training row dropped"]
    assert (rows["reason"], rows["count"]) == ("too long", 12)


def test_answers_in_a_wrong_language_are_listed_of_those_that_could_be_told(make_study, tmp_path):
    study = make_study(seeds=2, items=40, ks=[0, 100], metrics=("math_accuracy",))
    for cell in study.cells:
        if cell["language"] == "ja":
            cell.update(told=30, wrong_language=4)
    found = tables_of(study, tmp_path)
    listed = {
        (row["language"], row["count"], row["of"])
        for row in found["dropped"]
        if row["what"] == WRONG_LANGUAGE and "untrained" not in row["where"]
    }
    assert listed == {("ja", 2 * 4, 2 * 30)}
    told = {
        (row["language"], row["told"], row["wrong_language"])
        for row in found["points"]
        if row["control"] == ""
    }
    assert ("ja", 60, 8) in told
    assert ("es", 0, 0) in told


def test_a_missing_language_is_shown_as_missing_and_never_averaged_over(make_study, tmp_path):
    gone = tuple((400, seed, "ja") for seed in range(3))
    found = tables_of(make_study(**SMALL, missing=gone), tmp_path)
    (point,) = pick(found["points"], language="ja", k=400, control="")
    assert point["value"] is None
    assert "out of memory" in point["note"]
    assert point["seeds_missing"] == 3
    for quantity in ("nonpivot", "seen", "rel", "gap", "nonlatin"):
        (row,) = pick(found["quantities"], quantity=quantity, k=400, control="")
        assert row["value"] is None
        assert "missing" in row["note"]
    (unseen,) = pick(found["quantities"], quantity="unseen", k=400, control="")
    assert unseen["value"] is not None
    listed = [row for row in found["dropped"] if row["what"] == "cell missing"]
    assert len(listed) == 3
    assert {row["reason"] for row in listed} == {"generate failed twice: out of memory"}


def test_a_group_that_one_seed_lacks_is_averaged_over_the_other_seeds(make_study, tmp_path):
    found = tables_of(make_study(**SMALL, missing=((400, 1, "ja"),)), tmp_path)
    (seen,) = pick(found["quantities"], quantity="seen", k=400, control="")
    cells = pick(found["cells"], k=400, control="", role="seen")
    means = [c["mean"] for c in cells if c["seed"] != 1]
    assert seen["value"] == pytest.approx(np.mean(means))
    assert seen["n_seeds"] == 2


def test_one_seed_is_labelled_items_only(make_study, tmp_path):
    found = tables_of(make_study(**{**SMALL, "seeds": 1}), tmp_path)
    labels = {row["label"] for row in found["contrasts"]}
    assert labels <= {"items only", "no variation observed"}


def test_controls_are_contrasted_at_the_same_k(make_study, tmp_path):
    found = tables_of(make_study(**SMALL, control=True), tmp_path)
    rows = pick(found["contrasts"], primary=True)
    assert [row["reference"] for row in rows] == ["k=0", "pivot_matched, k=400"]


def test_the_untrained_model_is_a_point_without_training_noise(make_study, tmp_path):
    found = tables_of(make_study(**SMALL), tmp_path)
    (row,) = pick(found["points"], control="untrained", language="en")
    assert row["value"] < 0.2
    assert row["label"] in ("items only", "no variation observed")
    assert row["n_seeds"] == 1


def test_without_declared_contrasts_the_largest_k_is_shown_as_not_declared(make_study, tmp_path):
    found = tables_of(make_study(**SMALL, contrasts=[]), tmp_path)
    rows = pick(found["contrasts"], family="not declared")
    assert {(row["contrast"], row["k"]) for row in rows} == {("largest k", 400)}
    assert not any(row["declared"] for row in found["contrasts"])


def test_items_that_languages_do_not_share_are_strata(make_study, tmp_path):
    shared = tables_of(make_study(**SMALL), tmp_path / "a")
    apart = tables_of(make_study(**SMALL, items_shared=False), tmp_path / "b")
    (one,) = pick(shared["contrasts"], primary=True)
    (other,) = pick(apart["contrasts"], primary=True)
    assert one["value"] == pytest.approx(other["value"])
    assert (one["n_items"], other["n_items"]) == (60, 180)


def test_near_duplicates_count_as_one_unit(make_study, tmp_path):
    study = make_study(**SMALL)
    study.rows["cluster"] = [f"c{int(item[1:]) // 2}" for item in study.rows["item"]]
    found = tables_of(study, tmp_path)
    (row,) = pick(found["contrasts"], primary=True)
    assert (row["n_items"], row["n_clusters"]) == (60, 30)


def test_the_same_item_twice_in_a_cell_is_an_input_error(make_study, tmp_path):
    study = make_study(**SMALL)
    study.rows["item"][1] = study.rows["item"][0]
    with pytest.raises(InputError, match="scores an item twice"):
        tables_of(study, tmp_path)


def test_a_collection_of_another_study_is_an_input_error(make_study, tmp_path):
    study = make_study(**SMALL)
    for cell in study.cells:
        cell["training"] = "f" * 64
    with pytest.raises(InputError, match="another study"):
        tables_of(study, tmp_path)


def test_a_plateau_needs_a_margin(make_study, tmp_path):
    without = tables_of(make_study(**SMALL), tmp_path / "a")
    assert not [row for row in without["quantities"] if "plateau" in row["quantity"]]
    with_margin = tables_of(make_study(**SMALL, plateau_margin=0.05), tmp_path / "b")
    (row,) = pick(with_margin["quantities"], quantity="plateau_seen")
    assert row["value"] is not None or "not reached" in row["note"]


def test_an_evaluation_variant_of_a_training_keeps_its_mixture(make_study, tmp_path):
    """Training keys carry a suffix where one training is evaluated in several ways."""
    study = make_study(**SMALL)
    for cell in study.cells:
        cell["training"] += "~abcd1234"
    points = [
        replace(point, training=point.training + "~abcd1234") for point in study.params.points
    ]
    study.params = study.params.model_copy(update={"points": points})
    context = study.context(tmp_path)
    report(study.params, context)
    assert "en 10,000 es 400" in (context.out / "page" / "report.html").read_text()


def test_a_contrast_of_one_language(make_study, tmp_path):
    contrasts = [Contrast(name="korean", k=400, languages="ko", primary=True)]
    found = tables_of(make_study(**SMALL, contrasts=contrasts), tmp_path)
    (row,) = pick(found["contrasts"], primary=True)
    assert (row["group"], row["languages"]) == ("ko", "ko")
