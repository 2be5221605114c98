"""cltctl push: local files into a store, and the spec that names them there."""

import json
from pathlib import Path

import boto3
import pytest
import yaml
from moto import mock_aws
from support.commands import cltctl

from clt_operator.cli.specs import read_spec, study
from clt_operator.store import open_store

LINE = '{"q": "a", "a": "1"}\n'


@pytest.fixture
def bucket(monkeypatch):
    for name, value in {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "s"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        boto3.client("s3", region_name="us-east-1").create_bucket(Bucket="studies")
        yield "s3://studies/team"


def sources(text: str) -> list[str]:
    (task,) = yaml.safe_load(text)["spec"]["tasks"]
    return [task["train"]["source"], task["test"]["source"]]


def keys(path: Path) -> list[str]:
    loaded, base = read_spec(str(path), None, None)
    return sorted(study(loaded, base, None, offline=False).plan.graph.steps)


def test_files_are_named_below_the_digest_of_their_content(spec, bucket):
    done = cltctl("push", spec, "--store", bucket)
    assert done.code == 0, done.err
    names = [info.name for info in open_store(bucket).list("")]
    assert {Path(name).name for name in names} == {"test.jsonl", "train.jsonl"}
    train, test = sources(done.out)
    assert train.startswith("jsonl:s3://studies/team/inputs/")
    assert train.endswith("/train.jsonl")
    assert {train.split("team/")[1], test.split("team/")[1]} == set(names)
    assert "1 files, 4.1 KiB; 1 copied, 0 there already" in done.err


def test_keys_stay_what_they_were(spec, bucket, tmp_path):
    pushed = tmp_path / "pushed.yaml"
    done = cltctl("push", spec, "--store", bucket, "--write", pushed)
    assert (done.code, done.out) == (0, "")
    assert done.err.splitlines()[-1] == f"next: cltctl apply {pushed} --store {bucket}"
    before = keys(spec)
    for name in ("train", "test"):
        (tmp_path / f"{name}.jsonl").unlink()
    assert keys(pushed) == before


def test_pushed_again_nothing_is_copied(spec, bucket):
    first = cltctl("push", spec, "--store", bucket)
    again = cltctl("push", spec, "--store", bucket)
    assert again.out == first.out
    assert "0 copied, 1 there already" in again.err


def test_what_is_pushed_can_be_pushed_again_and_stays(spec, bucket, tmp_path):
    pushed = tmp_path / "pushed.yaml"
    cltctl("push", spec, "--store", bucket, "--write", pushed)
    done = cltctl("push", pushed, "--store", bucket)
    assert done.err.splitlines()[0] == "the spec names no local files: nothing to push"
    assert done.out == pushed.read_text()


def test_the_rest_of_the_text_stays_as_it_was(spec, bucket):
    text = spec.read_text().replace("spec:", "spec:  # mine")
    spec.write_text(f"# a note\n{text}")
    done = cltctl("push", spec, "--store", bucket)
    before, after = spec.read_text().splitlines(), done.out.splitlines()
    changed = [(a, b) for a, b in zip(before, after, strict=True) if a != b]
    assert len(changed) == 2
    assert all("source:" in a and "s3://studies" in b for a, b in changed)


def test_a_file_for_each_language_and_a_model_directory(spec, bucket, tmp_path, make_text):
    data = yaml.safe_load(make_text())
    data["spec"]["models"] = [{"name": "m", "source": "file:models/m"}]
    task = data["spec"]["tasks"][0]
    task["train"]["source"] = "jsonl:${DATA}/{language}/rows.jsonl"
    spec.write_text(yaml.safe_dump(data))
    for code in ("en", "es", "ja", "ar"):
        (tmp_path / "data" / code).mkdir(parents=True)
        (tmp_path / "data" / code / "rows.jsonl").write_text(LINE * 200)
    (tmp_path / "models/m").mkdir(parents=True)
    for name in ("config.json", "model.safetensors", "notes.bin"):
        (tmp_path / "models/m" / name).write_bytes(b"{}")
    done = cltctl(
        "push", spec, "--store", f"{bucket}?checksums=when_required", "--var", "DATA=data"
    )
    assert done.code == 0, done.err
    train, _ = sources(done.out)
    assert train.endswith("/{language}/rows.jsonl?checksums=when_required")
    (model,) = yaml.safe_load(done.out)["spec"]["models"]
    assert model["source"].startswith("s3://studies/team/inputs/")
    names = {Path(info.name).name for info in open_store(bucket).list("inputs/")}
    assert names == {"rows.jsonl", "config.json", "model.safetensors", "test.jsonl"}
    wanted = {"en", "es", "ja"}  # nothing is trained in Arabic
    found = {info.name.split("/")[2] for info in open_store(bucket).list("inputs/")}
    assert wanted <= found
    assert "ar" not in found


def test_what_cannot_be_pushed_is_told_at_its_line(spec, bucket, tmp_path, make_text):
    data = yaml.safe_load(make_text())
    data["spec"]["models"] = [{"name": "m", "source": "gguf:m.gguf"}]
    data["spec"]["tasks"][0]["train"]["source"] = "jsonl:none.jsonl"
    data["spec"]["tasks"][0]["test"]["source"] = "jsonl:part*/test.jsonl"
    spec.write_text(yaml.safe_dump(data, sort_keys=False))
    done = cltctl("push", spec, "--store", bucket)
    assert (done.code, done.out) == (2, "")
    told = done.err.splitlines()
    assert len(told) == 3
    assert "a GGUF model is read from a disk only" in told[0]
    assert f"there is no file {tmp_path}/none.jsonl" in told[1]
    assert "has a pattern in a directory's name" in told[2]
    assert all(f"{spec}:" in line for line in told)
    assert not list(open_store(bucket).list(""))


def test_a_dry_run_copies_nothing(spec, bucket):
    done = cltctl("push", spec, "--store", bucket, "--dry-run")
    assert "s3://studies" in done.out
    assert not list(open_store(bucket).list(""))


def test_into_a_directory(spec, tmp_path):
    done = cltctl("push", spec, "--store", tmp_path / "store")
    train, _ = sources(done.out)
    assert Path(train.removeprefix("jsonl:")).read_text() == LINE * 200


def test_a_place_that_cannot_be_written(spec, bucket, tmp_path):
    done = cltctl("push", spec, "--store", bucket, "--write", tmp_path)
    assert (done.code, done.out) == (1, "")
    assert done.err.splitlines()[-1] == f"error: cannot write {tmp_path}: Is a directory"


def test_json_that_a_spec_may_be_written_in(spec, bucket, make_text):
    spec.write_text(json.dumps(yaml.safe_load(make_text())))
    train, _ = sources(cltctl("push", spec, "--store", bucket).out)
    assert train.startswith("jsonl:s3://")
