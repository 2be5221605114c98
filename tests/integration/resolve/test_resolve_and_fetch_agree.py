"""What resolve pins and counts is what fetch verifies and yields: through lock, plan and step."""

import csv
import gzip
import io
import json
from pathlib import Path

import boto3
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from moto import mock_aws
from support.context import FakeContext
from support.specs import small_spec

from clt_jobs.data.generators import generate, generator_names
from clt_jobs.data.rows import read_rows
from clt_jobs.fetch.step import fetch
from clt_operator.api.errors import InputError
from clt_operator.api.spec.experiment import Experiment
from clt_operator.plan.build import plan
from clt_operator.resolve import Lookups, resolve
from clt_operator.resolve.generated import TASKS, generated_rows
from clt_operator.resolve.hub import Hub

ROWS = [
    {"q": f"question {n}", "a": str(n), "lang": code} for n in range(7) for code in ("en", "jpn")
]
COLUMNS = {"prompt": "{q}", "response": "{a}", "answer": "{a}"}


def jsonl(rows):
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def table(rows, header=True, **form):
    text = io.StringIO()
    writer = csv.writer(text, **form)
    writer.writerows([list(rows[0])] if header else [])
    writer.writerows(row.values() for row in rows)
    return text.getvalue()


def tsv(rows, header=True):
    return table(rows, header, delimiter="\t", lineterminator="\n", quoting=csv.QUOTE_NONE)


def experiment(**data):
    """Both parts of the only task read the same source."""
    spec = small_spec()
    spec["models"] = [{"name": "m", "source": "init:llama", "architecture": {"layers": 1}}]
    spec["languages"] = {"pivot": "en", "mixes": {"one": ["ja"]}, "evaluate": ["en", "ja"]}
    for role in ("train", "test"):
        spec["tasks"][0][role] = {"columns": COLUMNS, **data}
    spec["tasks"][0]["template"] = {"prompt": "{prompt}", "response": "{answer}"}
    head = {"apiVersion": "clt.dev/v1alpha1", "kind": "Experiment", "metadata": {"name": "e"}}
    return Experiment.model_validate({**head, "spec": spec})


def agreed(made, base, scratch, hub=None):
    """Resolves, plans, and runs the fetch step of every language; rows by language."""
    lock = resolve(made, Lookups(base, hub))
    (source,) = lock.sources.values()
    counted = {code: held.rows for code, held in source.languages.items()}
    fetched = {}
    for step in plan(made.spec, lock).graph:
        if step.kind == "fetch" and step.params.rows:
            context = FakeContext(scratch / step.key[:8], hints=dict(step.hints))
            fetch(step.params, context)
            fetched[step.labels["language"]] = len(read_rows(context.output("rows")))
    if None not in counted.values():  # objects of a bucket are counted when they are fetched
        assert fetched == counted
    return fetched


def written(base: Path, name: str, data: str | bytes) -> None:
    raw = data.encode() if isinstance(data, str) else data
    if name.endswith(".gz"):
        raw = gzip.compress(raw)
    if name.endswith(".zst"):
        raw = pa.compress(raw, codec="zstd", asbytes=True)
    (base / name).parent.mkdir(parents=True, exist_ok=True)
    (base / name).write_bytes(raw)


PLAIN = {
    "jsonl": ("jsonl:a.jsonl", jsonl(ROWS)),
    "jsonl with a mark and blank lines": ("jsonl:a.jsonl", "\ufeff" + jsonl(ROWS) + "\n \t\n"),
    "jsonl without a last newline": ("jsonl:a.jsonl", jsonl(ROWS).rstrip("\n")),
    "jsonl, Windows": ("jsonl:a.jsonl", jsonl(ROWS).replace("\n", "\r\n")),
    "jsonl with other line breaks inside": (
        "jsonl:a.jsonl",
        jsonl([{**ROWS[0], "q": "a\u2028b\x85c"}] * 4),
    ),
    "jsonl.gz": ("jsonl:a.jsonl.gz", jsonl(ROWS)),
    "jsonl.zst": ("jsonl:a.jsonl.zst", jsonl(ROWS)),
    "json": ("json:a.json", json.dumps(ROWS, indent=1)),
    "json.gz": ("json:a.json.gz", json.dumps(ROWS)),
    "tsv": ("tsv:a.tsv", tsv(ROWS)),
    "tsv with quotation marks": ("tsv:a.tsv", tsv(ROWS).replace("question 3", '"question 3')),
    "csv": ("csv:a.csv", table(ROWS)),
    "csv with line breaks in fields": (
        "csv:a.csv",
        table([{**row, "q": "two\nlines, quoted"} for row in ROWS]),
    ),
    "csv with a long field": ("csv:a.csv", table([{**ROWS[0], "q": "x" * 200_000}] * 3)),
    "csv.gz with empty lines": ("csv:a.csv.gz", table(ROWS) + "\r\n\r\n"),
}


@pytest.mark.parametrize(("source", "text"), PLAIN.values(), ids=PLAIN)
def test_rows_of_a_file(tmp_path, source, text):
    written(tmp_path, source.partition(":")[2], text)
    fetched = agreed(experiment(source=source), tmp_path, tmp_path)
    assert fetched["en"] == fetched["ja"] > 2


MIXED = {name: sample for name, sample in PLAIN.items() if sample[1].count("jpn") == len(ROWS) / 2}


@pytest.mark.parametrize(("source", "text"), MIXED.values(), ids=MIXED)
def test_rows_of_one_language_by_a_column(tmp_path, source, text):
    """The source writes jpn for ja: any convention is understood where the code is not mapped."""
    written(tmp_path, source.partition(":")[2], text)
    fetched = agreed(experiment(source=source, languageColumn="lang"), tmp_path, tmp_path)
    assert fetched == {"en": 7, "ja": 7}


def test_a_mapped_name_is_taken_to_the_letter(tmp_path):
    rows = [*ROWS, {**ROWS[0], "lang": "Japanese"}, {**ROWS[1], "lang": "English"}]
    written(tmp_path, "a.jsonl", jsonl(rows))
    names = {"ja": "Japanese", "en": "English"}
    made = experiment(source="jsonl:a.jsonl", languageColumn="lang", languageNames=names)
    assert agreed(made, tmp_path, tmp_path) == {"en": 1, "ja": 1}


def test_parquet_whole_and_by_language(tmp_path):
    pq.write_table(pa.Table.from_pylist(ROWS), tmp_path / "a.parquet")
    assert agreed(experiment(source="parquet:a.parquet"), tmp_path, tmp_path / "1")["en"] == 14
    made = experiment(source="parquet:a.parquet", languageColumn="lang")
    assert agreed(made, tmp_path, tmp_path / "2") == {"en": 7, "ja": 7}


@pytest.mark.parametrize("form", ["tsv", "csv"])
@pytest.mark.parametrize("column", ["", "2"])
def test_columns_by_position_mean_that_there_is_no_header(tmp_path, form, column):
    text = (tsv if form == "tsv" else table)(ROWS, header=False)
    written(tmp_path, f"a.{form}", text)
    columns = {"prompt": "{{0}} {0}", "response": "{1|number}", "answer": "{ 1 }"}
    made = experiment(source=f"{form}:a.{form}", columns=columns, languageColumn=column)
    assert agreed(made, tmp_path, tmp_path)["en"] == (7 if column else 14)


def test_a_column_whose_name_is_a_number_beside_named_ones_means_a_header(tmp_path):
    rows = [{"q": row["q"], "1": row["a"]} for row in ROWS]
    written(tmp_path, "a.csv", table(rows))
    columns = {"prompt": "{q}", "response": "{1}", "answer": "{1}"}
    assert agreed(experiment(source="csv:a.csv", columns=columns), tmp_path, tmp_path)["en"] == 14


def test_a_file_for_every_language_under_the_sources_own_names(tmp_path):
    written(tmp_path, "d/english.jsonl", jsonl(ROWS[:3]))
    written(tmp_path, "d/jpn.jsonl", jsonl(ROWS[:5]))
    names = {"en": "english", "ja": "jpn"}
    made = experiment(source="jsonl:d/{language}.jsonl", languageNames=names)
    assert agreed(made, tmp_path, tmp_path) == {"en": 3, "ja": 5}


def test_files_of_a_glob_are_one_source_in_the_order_of_their_names(tmp_path):
    for name, count in (("b.jsonl", 2), ("a.jsonl", 3), ("deep/c.jsonl", 1)):
        written(tmp_path, f"en/{name}", jsonl(ROWS[:count]))
        written(tmp_path, f"ja/{name}", jsonl(ROWS[:1]))
    made = experiment(source="jsonl:{language}/**/*.jsonl")
    assert agreed(made, tmp_path, tmp_path) == {"en": 6, "ja": 3}
    lock = resolve(made, Lookups(tmp_path))
    (source,) = lock.sources.values()
    names = [Path(file.location).name for file in source.languages["en"].files]
    assert names == ["a.jsonl", "b.jsonl", "c.jsonl"]


def test_an_absolute_path_needs_no_base(tmp_path):
    written(tmp_path, "a.jsonl", jsonl(ROWS))
    assert agreed(experiment(source=f"jsonl:{tmp_path}/a.jsonl"), Path("/nowhere"), tmp_path)


def test_bad_rows_are_for_fetch_to_judge(tmp_path):
    """Counted as they stand; fetch drops and counts them, or refuses them with their line."""
    written(tmp_path, "a.jsonl", jsonl(ROWS) + '{"q": "cut')
    made = experiment(source="jsonl:a.jsonl")
    with pytest.raises(InputError, match=r"a\.jsonl:15: truncated line"):
        agreed(made, tmp_path, tmp_path)


@pytest.mark.parametrize(
    ("source", "data"),
    [
        ("jsonl:a.jsonl.gz", gzip.compress(jsonl(ROWS).encode())[:-9]),
        ("json:a.json", b'[{"q": 1'),
        ("json:a.json", b"{}"),
        ("json:a.json", b"[" * 100_000),
        ("parquet:a.parquet", b"PAR1 but not really"),
        ("jsonl:a.jsonl.zst", b"not zstandard"),
    ],
)
def test_a_damaged_file_is_named_before_anything_runs(tmp_path, source, data):
    (tmp_path / source.partition(":")[2]).write_bytes(data)
    with pytest.raises(Exception, match=r"/a\.\S+ cannot be read as \w+: ") as raised:
        resolve(experiment(source=source), Lookups(tmp_path))
    assert raised.type.__name__ == "SpecError"


def test_a_changed_file_is_refused_by_the_step_that_was_planned_with_the_old_one(tmp_path):
    written(tmp_path, "a.jsonl", jsonl(ROWS))
    made = experiment(source="jsonl:a.jsonl")
    lock = resolve(made, Lookups(tmp_path))
    written(tmp_path, "a.jsonl", jsonl(ROWS[1:]))
    step = next(s for s in plan(made.spec, lock).graph if s.kind == "fetch" and s.params.rows)
    with pytest.raises(
        InputError, match=r"a\.jsonl: changed since it was resolved .* 'cltctl upgrade'"
    ):
        fetch(step.params, FakeContext(tmp_path, hints=dict(step.hints)))


# buckets


@pytest.fixture
def bucket(monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.setenv(name, "us-east-1")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        client = boto3.client("s3")
        client.create_bucket(Bucket="data")
        for code, count in (("en", 4), ("ja", 2)):
            for part in ("1", "2"):
                body = jsonl(ROWS[:count]).encode()
                client.put_object(Bucket="data", Key=f"sets/{code}-{part}.jsonl", Body=body)
        client.put_object(Bucket="data", Key="sets/deep/en-3.jsonl", Body=b"not mine")
        yield client


@pytest.mark.parametrize("options", ["", "?checksums=when_required"])
def test_objects_of_a_bucket(bucket, tmp_path, options):
    made = experiment(source=f"jsonl:s3://data/sets/{{language}}-*.jsonl{options}")
    assert agreed(made, tmp_path, tmp_path, Hub("http://127.0.0.1:1")) == {"en": 8, "ja": 4}


def test_objects_that_are_not_there_are_named(bucket, tmp_path):
    made = experiment(source="jsonl:s3://data/sets/{language}.json")
    with pytest.raises(Exception, match=r"there is no object s3://data/sets/en\.json"):
        resolve(made, Lookups(tmp_path, Hub("http://127.0.0.1:1")))


# generators


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("arguments", [{}, {"maximum": 3}, {"maximum": 0}, {"count": 5, "seed": 2}])
def test_generated_rows_are_counted_without_generating_them(task, arguments):
    name = f"number-words/{task}"
    made = sum(1 for _ in generate(name, "es", arguments))
    assert generated_rows(name, arguments) == made


def test_the_control_plane_knows_every_built_in_generator():
    assert sorted(f"number-words/{task}" for task in TASKS) == generator_names()


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("number-words/products", {}),
        ("number-words/sums", {"maximum": "ten"}),
        ("number-words/sums", {"maximum": -1}),
        ("number-words/sums", {"count": 1.5}),
        ("number-words/words", {"maximum": 4, "count": 6}),
    ],
)
def test_what_a_generator_would_refuse_is_refused_before(name, arguments):
    with pytest.raises(InputError):
        generated_rows(name, arguments)
    with pytest.raises(InputError):
        list(generate(name, "en", arguments))
