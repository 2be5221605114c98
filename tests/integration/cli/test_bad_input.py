"""Bad input at the command line: a clear message with its place, exit 2 for a wrong spec or 1
for a failure, before any work is lost. Never a traceback."""

import gzip
import json
import os
import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from support.commands import CLTCTL, Done, cltctl, cltctl_process

GOOD = {"q": "a", "a": "1"}
TEXT = """\
apiVersion: clt.dev/v1alpha1
kind: Experiment
metadata: {name: small}
spec:
  models:
    - {name: m, source: "init:llama", architecture: {layers: 1, hidden: 16, heads: 2}}
  tasks:
    - name: t
      train: {source: "jsonl:train-{language}.jsonl", columns: {prompt: "{q}", response: "{a}"}}
      test: {source: "jsonl:test-{language}.jsonl", columns: {prompt: "{q}", answer: "{a}"}}
      metrics: [exact_match]
      maxLength: 64
  languages:
    pivot: en
    mixes: {one: [es]}
    evaluate: [en, es]
  sweeps:
    - {name: s, pivotSamples: 20, samplesPerLanguage: {values: [0, 5]}}
"""


def lines(count: int) -> str:
    return "".join(json.dumps(GOOD | {"q": str(n)}) + "\n" for n in range(count))


class World:
    """A directory with a spec, its data and a store that is not there yet."""

    def __init__(self, root: Path) -> None:
        self.root, self.spec, self.store = root, root / "study.yaml", root / "store"
        self.spec.write_text(TEXT)
        for name in ("train-en", "train-es", "test-en", "test-es"):
            (root / f"{name}.jsonl").write_text(lines(20))

    def change(self, old: str, new: str) -> None:
        text = self.spec.read_text()
        assert old in text
        self.spec.write_text(text.replace(old, new, 1))

    def plan(self, *words: object) -> Done:
        return checked(cltctl("plan", self.spec, *words))

    def apply(self, store: Path | None = None) -> Done:
        """In this process where nothing is to be started."""
        return checked(cltctl("apply", self.spec, "--local", *self.places(store)))

    def run(self, store: Path | None = None) -> Done:
        """As a process, with steps as processes below it."""
        return checked(cltctl_process("apply", self.spec, "--local", *self.places(store)))

    def places(self, store: Path | None) -> list[str]:
        return ["--store", str(store or self.store), "--scratch", str(self.root / "scratch")]


def checked(done: Done) -> Done:
    assert "Traceback" not in done.err
    return done


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CLT_STORE", raising=False)
    return World(tmp_path)


def test_the_spec_of_these_tests_is_a_good_one(world: World) -> None:
    done = world.plan("--local")
    said = f"not checked against a cluster: --local\nnext: cltctl apply {world.spec} --local\n"
    assert (done.code, done.err) == (0, said)


MISTAKES = {
    "unknown field": (
        ("evaluate: [en, es]", "evaluat: [en, es]"),
        r"study.yaml:16: spec.languages.evaluat: unknown field \(did you mean 'evaluate'\?\)",
    ),
    "missing field": (
        ("pivotSamples: 20, ", ""),
        r"study.yaml:18: spec.sweeps\[0\].pivotSamples: is required",
    ),
    "wrong type": (
        ("pivotSamples: 20", "pivotSamples: twenty"),
        r"study.yaml:18: spec.sweeps\[0\].pivotSamples: must be a whole number, is 'twenty'",
    ),
    "a list for a text": (
        ("pivot: en", "pivot: [en]"),
        r"study.yaml:14: spec.languages.pivot: must be text, is a list",
    ),
    "unknown language": (
        ("one: [es]", "one: [sp]"),
        r"study.yaml:15: spec.languages.mixes.one\[0\]: unknown language 'sp': did you mean 'es'",
    ),
    "another name of a language": (
        ("one: [es]", "one: [spa]"),
        r"study.yaml:15: spec.languages.mixes.one\[0\]: 'spa' is Spanish, called 'es' here",
    ),
    "a yaml 1.1 boolean is a language": (
        ("evaluate: [en, es]", "evaluate: [en, es, no]"),
        r"error: spec.tasks|there is no file .*test-no.jsonl",
    ),
    "empty mix": (
        ("one: [es]", "one: []"),
        r"study.yaml:15: spec.languages.mixes.one: the mix is empty \(list at least one language",
    ),
    "no mixes": (
        ("{one: [es]}", "{}"),
        r"study.yaml:15: spec.languages.mixes: must have at least 1 entry, has 0",
    ),
    "pivot in the mix": (
        ("one: [es]", "one: [en, es]"),
        r"study.yaml:15: spec.languages.mixes.one: the pivot 'en' is in the mix",
    ),
    "duplicate key": (
        ("    pivot: en", "    pivot: en\n    pivot: es"),
        r"study.yaml:15:5: spec.languages.pivot: is there twice, first in line 14 \(drop one\)",
    ),
    "duplicate names": (
        ("  languages:", "    - {name: t, train: {source: 'generator:x'}}\n  languages:"),
        r"study.yaml:13: spec.tasks\[1\].name: 't' is used twice \(list each once\)",
    ),
    "unknown metric": (
        ("[exact_match]", "[exact_mach]"),
        r"study.yaml:11: spec.tasks\[0\].metrics\[0\]: no metric is called 'exact_mach' "
        r"\(did you mean 'exact_match'\?\)",
    ),
    "more samples than the source has": (
        ("pivotSamples: 20", "pivotSamples: 21"),
        r"study.yaml:18: spec.sweeps\[0\]: task 't' needs 21 rows of 'en', its source has 20",
    ),
    "more test items than the source has": (
        ("answer: \"{a}\"}}", "answer: \"{a}\"}, items: 21}"),
        r"study.yaml:10: spec.tasks\[0\].test.items: task 't' tests 21 rows of 'en', its source "
        r"has 20",
    ),
    "a source without the language": (
        ("train-{language}.jsonl\"", "train-en.jsonl\", languageColumn: lang"),
        r"study.yaml:9: spec.tasks\[0\].train.source: train-en.jsonl has no rows of 'en': none "
        r"has 'en' in column 'lang'",
    ),
    "a field that no column is mapped to": (
        ("maxLength: 64", "template: {prompt: '{question} '}"),
        r"study.yaml:12: spec.tasks\[0\].template.prompt: no field of "
        r"jsonl:train-\{language\}.jsonl is called 'question'",
    ),
    "an axis that is no field": (
        ("name: s,", "name: s, axes: {train.learningrate: [1.0e-5]},"),
        r"study.yaml:18: spec.sweeps\[0\].axes.train.learningrate: 1e-05: there is no field "
        r"'learningrate' \(did you mean 'learningRate'\?\)",
    ),
    "no YAML": (
        ("  languages:", "  languages: ]"),
        r"study.yaml:13:14: not valid YAML",
    ),
    "another kind": (
        ("kind: Experiment", "kind: Deployment"),
        r"study.yaml:2: kind: is 'Deployment', this release reads Experiment",
    ),
}  # fmt: skip
LEFT_TO_APPLY = {"a yaml 1.1 boolean is a language"}


@pytest.mark.parametrize(("change", "message"), MISTAKES.values(), ids=MISTAKES)
def test_a_wrong_spec_is_refused_by_plan_with_file_and_line(
    world: World, change: tuple[str, str], message: str, request: pytest.FixtureRequest
) -> None:
    world.change(*change)
    done = world.plan("-o", "json", "--local")
    if request.node.callspec.id in LEFT_TO_APPLY:
        assert done.code == 0
        assert re.search(message, done.err), done.err
        return
    assert (done.code, done.out) == (2, "")
    assert re.search(message, done.err), done.err
    said = done.err.replace("not checked against a cluster: --local\n", "")
    assert all(line.startswith("error: ") for line in said.splitlines())


@pytest.mark.parametrize(("change", "message"), MISTAKES.values(), ids=MISTAKES)
def test_apply_refuses_it_before_anything_is_stored(
    world: World, change: tuple[str, str], message: str
) -> None:
    world.change(*change)
    done = world.apply()
    assert (done.code, done.out) == (2, "")
    assert re.search(message, done.err), done.err
    assert not world.store.exists()


def test_all_mistakes_are_told_in_the_order_of_the_file(world: World) -> None:
    for name in ("wrong type", "a list for a text", "unknown field"):
        world.change(*MISTAKES[name][0])
    places = re.findall(r"study.yaml:(\d+)", world.plan().err)
    assert places == sorted(places, key=int)
    assert {"14", "16", "18"} <= set(places)


# what is not there, or no good


@pytest.mark.parametrize("source", ["file:models/none", "gguf:none.gguf", "file:///models/none"])
def test_a_model_path_that_is_not_there(world: World, source: str) -> None:
    world.change('"init:llama", architecture: {layers: 1, hidden: 16, heads: 2}', f'"{source}"')
    done = world.apply()
    assert done.code == 2
    assert re.search(
        r"study.yaml:6: spec.models\[0\].source: there is no (directory|file) /", done.err
    )
    assert not world.store.exists()


def test_data_that_are_not_there(world: World) -> None:
    (world.root / "test-es.jsonl").unlink()
    done = world.apply()
    assert done.code == 2
    assert "study.yaml:10: spec.tasks[0].test.source: there is no file" in done.err
    assert not world.store.exists()


def test_a_damaged_archive(world: World) -> None:
    world.change("train-{language}.jsonl", "train-{language}.jsonl.gz")
    packed = gzip.compress(lines(500).encode())
    for code in ("en", "es"):
        (world.root / f"train-{code}.jsonl.gz").write_bytes(packed[:-50])
    done = world.apply()
    assert done.code == 2
    assert "train-en.jsonl.gz cannot be read as jsonl: Compressed file ended before" in done.err


def test_a_hub_that_does_not_answer_is_a_failure_not_a_wrong_spec(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    world.change('"init:llama", architecture: {layers: 1, hidden: 16, heads: 2}', '"hf:org/m"')
    done = world.apply()
    assert done.code == 1
    assert "model org/m: the hub at http://127.0.0.1:9 does not answer" in done.err
    assert not world.store.exists()


# rows that turn out bad when they are read: a failure of one step, kept apart from the others


BAD_ROWS = {
    "test-en": ('{"q": "b", "a": ', "truncated line"),
    "test-es": ('{"q": "b" "a"}\n', "invalid JSON"),
    "train-es": ('{"q": "b"}\n', "no column 'a', which '{a}' names"),
}


def test_bad_rows_fail_their_step_and_others_keep_what_they_committed(world: World) -> None:
    """Truncated, unreadable, without a column: each is told with file and line."""
    for name, (line, _) in BAD_ROWS.items():
        with (world.root / f"{name}.jsonl").open("a") as file:
            file.write(line)
    done = world.run()
    assert (done.code, done.out) == (1, "")
    for name, (_, message) in BAD_ROWS.items():
        failed = re.escape(f"{world.root}/{name}.jsonl:21: {message}")
        assert re.search(rf"failed: fetch t e[ns] \w+: {failed}", done.err), done.err
    assert "mend the source, or raise maxBadRows" in done.err
    assert f"next: cltctl logs small --store {world.store}; mend the cause; then" in done.err
    steps = cltctl("get", "steps", "small", "--store", world.store, "-o", "json")
    fetched = [row for row in json.loads(steps.out) if row["kind"] == "fetch" and row["task"]]
    assert sorted(row["phase"] for row in fetched) == ["done", "failed", "failed", "failed"]
    log = cltctl("logs", "small", "--store", world.store).out
    assert all(message in log for _, message in BAD_ROWS.values())


# stores


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 128 KiB."""
    yield from mounted(tmp_path / "small", "size=128k")


@pytest.fixture
def read_only(tmp_path: Path) -> Iterator[Path]:
    yield from mounted(tmp_path / "locked", "ro")


def mounted(directory: Path, options: str) -> Iterator[Path]:
    directory.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(directory)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("mounting a file system needs root")
    yield directory
    subprocess.run(["umount", str(directory)], check=True)


def test_a_store_that_is_not_writable(world: World, read_only: Path) -> None:
    done = world.apply(read_only / "store")
    assert (done.code, done.out) == (1, "")
    assert f"in {read_only}/store: the file system is read-only: choose another store" in done.err


def test_a_store_below_a_file(world: World) -> None:
    done = world.apply(world.spec / "store")
    assert (done.code, done.out) == (1, "")
    assert "a file is where a directory is needed: choose another store" in done.err


@pytest.mark.parametrize("uri", ["ftp://host/x", "s3:///x", "file://host/x", ""])
def test_an_address_that_is_no_store(world: World, uri: str) -> None:
    done = checked(cltctl("apply", world.spec, "--local", "--store", uri))
    assert done.code in (1, 2)
    assert re.search("store|bucket", done.err)


def test_a_disk_that_is_full_from_the_start(world: World, small_disk: Path) -> None:
    (small_disk / "ballast").write_bytes(b"x" * 120_000)
    done = world.apply(small_disk / "store")
    assert (done.code, done.out) == (1, "")
    assert "the disk is full: free space there, or choose another store" in done.err


def test_a_disk_that_fills_up_on_the_way_keeps_what_was_committed(
    world: World, small_disk: Path
) -> None:
    for code in ("en", "es"):
        long = json.dumps({"q": os.urandom(60_000).hex(), "a": "1"}) + "\n"
        (world.root / f"train-{code}.jsonl").write_text(long + lines(20))
    done = world.run(small_disk / "store")
    assert (done.code, done.out) == (1, "")
    assert "the disk is full: free space there, or choose another store" in done.err
    rows = json.loads(
        checked(cltctl("get", "steps", "small", "--store", small_disk / "store", "-o", "json")).out
    )
    assert "done" in {row["phase"] for row in rows}


# hostile files


def test_a_spec_of_50_mb(world: World) -> None:
    with world.spec.open("w") as file:
        for _ in range(500):
            file.write("# " + "x" * 100_000 + "\n")
    done = world.plan()
    assert done.code == 2
    assert "the file is larger than 5 MB (keep data in files of its own" in done.err
    data = world.spec.read_bytes()
    assert checked(cltctl("plan", "-", stdin=data)).err == done.err.replace(str(world.spec), "-")


def test_anchors_that_explode(world: World) -> None:
    bomb = "a: &a [x, x, x, x, x, x, x, x, x, x]\n"
    for name, before in zip("bcdefghij", "abcdefghi", strict=True):
        bomb += f"{name}: &{name} [{', '.join([f'*{before}'] * 10)}]\n"
    world.spec.write_text(bomb)
    done = world.plan()
    assert done.code == 2
    assert re.search(r"study.yaml:\d+:\d+: more than 200,000 values, aliases expanded", done.err)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "the file is empty (start it with 'apiVersion: clt.dev/v1alpha1'"),
        (b"[1, 2]", "a spec is a mapping, this file holds a list"),
        (b"a: \xff", "not valid UTF-8 (save the file as UTF-8)"),
        (b"a: \x00", "the character U+0000 is not allowed in YAML"),
        (b"a: " + b"[" * 100_000, "nested more than 100 deep"),
        (b"a: !!python/object/apply:os.system [id]", "tags are not read"),
    ],
    ids=["empty", "list", "encoding", "control", "deep", "tag"],
)
def test_what_is_no_spec_at_all(world: World, data: bytes, message: str) -> None:
    world.spec.write_bytes(data)
    done = world.plan()
    assert done.code == 2
    assert message in done.err


def test_a_grid_that_is_too_large_to_write_down_is_still_a_short_spec(world: World) -> None:
    spec = yaml.safe_load(world.spec.read_text())
    spec["spec"]["sweeps"][0]["samplesPerLanguage"] = {"values": list(range(10_001))}
    world.spec.write_text(yaml.safe_dump(spec))
    done = world.plan()
    assert done.code == 2
    assert "values: must have at most 10,000 entries, has 10,001" in done.err


# how an apply ends


def test_an_interruption_stops_cleanly_and_says_how_to_go_on(world: World) -> None:
    words = [str(CLTCTL), "apply", str(world.spec), "--local", *world.places(None)]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stderr
    for line in process.stderr:
        if " started fetch" in line:
            process.send_signal(signal.SIGINT)
            break
    out, talk = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, "")
    again = " ".join(["cltctl", *words[1:-4], "--scratch", f"{world.root}/scratch", *words[-4:-2]])
    assert talk.splitlines()[-1] == f"stopped; what is committed stays. next: {again}"
    assert "Traceback" not in talk


def test_a_partial_report_lists_what_failed_with_its_reason(world: World) -> None:
    """Without the pivot's rows no run can be trained: every cell is missing, and says why."""
    world.spec.write_text(TEXT + "  report: {onMissing: partial}\n")
    with (world.root / "train-en.jsonl").open("a") as file:
        file.write('{"q": "b", "a": ')
    done = world.run()
    assert done.code == 0
    assert (
        "the report is partial: cells that failed are listed in it with their reasons" in done.err
    )
    page = Path(done.out.strip()).read_text(encoding="utf-8")
    assert "truncated line" in page
    (shown,) = json.loads(cltctl("get", "experiments", "--store", world.store, "-o", "json").out)
    assert shown["phase"] == "Partial"
    before = world.run()
    assert "0 steps executed" in before.err
    assert before.out == done.out
