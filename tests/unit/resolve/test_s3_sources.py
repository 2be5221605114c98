"""Objects are looked up by given variables, and nothing else of a bucket is listed."""

from clt_operator.resolve.files import s3_files
from clt_operator.store.protocol import ObjectInfo


class Bucket:
    def __init__(self, names):
        self.names = names
        self.listed = []

    def list(self, prefix):
        self.listed.append(prefix)
        return (ObjectInfo(name, 1, 0.0) for name in self.names if name.startswith(prefix))

    def download(self, name, path):
        path.write_text(name)


def test_a_bucket_is_opened_by_given_variables_and_listed_no_further_than_needed(monkeypatch):
    bucket, opened = Bucket(["en-1.jsonl", "en-1.jsonl/part", "en-2.txt", "ja-1.jsonl"]), []

    def open_store(uri, environment=None):
        opened.append((uri, environment))
        return bucket

    monkeypatch.setattr("clt_operator.store.open_store", open_store)
    given = {"AWS_REGION": "eu-1"}
    (file,) = s3_files("s3://data/sets?checksums=when_required", ("en-*.jsonl",), given)
    assert file.location == "s3://data/sets/en-1.jsonl?checksums=when_required"
    assert opened == [("s3://data/sets?checksums=when_required", given)]
    assert bucket.listed == ["en-"]


def test_several_patterns_list_what_all_begin_with(monkeypatch):
    bucket = Bucket(["a.json", "b.safetensors", "c.bin"])
    monkeypatch.setattr("clt_operator.store.open_store", lambda uri, environment: bucket)
    assert len(s3_files("s3://models/base", ("*.json", "*.safetensors"))) == 2
    assert bucket.listed == [""]
