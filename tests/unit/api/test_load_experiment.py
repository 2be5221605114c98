"""A spec's text becomes an experiment; variables come from the caller alone."""

import io

import pytest

from clt_operator.api.errors import Problem, SpecError
from clt_operator.api.load import load_experiment, locate, read_text

GUIDE = """\
apiVersion: clt.dev/v1alpha1
kind: Experiment
metadata: {name: post-trainers-guide}
spec:
  store: research
  models:
    - {name: llama-8b, source: hf:meta-llama/Llama-3.1-8B}
  tasks:
    - name: MR
      train: {source: hf:laihuiyuan/mCoT-MATH}
      test: {source: "jsonl:${DATA}/{language}.jsonl", items: 250, provenance: {no: machine}}
      metrics: [math_accuracy]
      generation: {shots: 8, maxNewTokens: 512}
  languages:
    pivot: en
    mixes: {all4: [es, fr, ja, zh], nordic: [no, sv]}
    evaluate: [en, es, fr, ja, zh, ar, ko, pt]
  sweeps:
    - name: single
      mixes: [all4]
      pivotSamples: 10000
      samplesPerLanguage: {values: [0, 100], range: {from: 500, to: 1500, step: 500}}
      axes: {train.learningRate: [1e-5, 2.0e-5]}
  seeds: [0, 1, 2]
  train: {method: full, batchSize: 64, learningRate: 1e-5, select: mixture_loss}
  compute: {train: {pool: gpu, gpus: 8}}
"""


def test_the_guide_reads_as_written():
    loaded = load_experiment(GUIDE, "guide.yaml", {"DATA": "/data"})
    spec = loaded.experiment.spec
    assert spec.languages.mixes["nordic"] == ["no", "sv"]
    assert spec.train.learning_rate == 1e-5
    assert spec.sweeps[0].axes == {"train.learningRate": [1e-5, 2e-5]}
    assert spec.sweeps[0].samples_per_language.expand() == [0, 100, 500, 1000, 1500]
    assert spec.tasks[0].test.source == "jsonl:/data/{language}.jsonl"
    assert loaded.file == "guide.yaml"


def test_only_variables_that_were_used_are_recorded():
    loaded = load_experiment(GUIDE, "guide.yaml", {"DATA": "/data", "OTHER": "x"})
    assert loaded.variables == {"DATA": "/data"}


def test_the_environment_is_never_read(monkeypatch):
    monkeypatch.setenv("DATA", "/from/the/environment")
    with pytest.raises(SpecError, match="the variable DATA is not given: add --var DATA="):
        load_experiment(GUIDE, "guide.yaml", {})


def test_an_unquoted_variable_takes_the_type_of_its_value():
    text = GUIDE.replace("pivotSamples: 10000", "pivotSamples: ${N}").replace("research", "${S}")
    spec = load_experiment(text, "", {"DATA": "d", "N": "12", "S": "no"}).experiment.spec
    assert spec.sweeps[0].pivot_samples == 12
    assert spec.store == "no"


def test_a_quoted_variable_stays_text():
    text = GUIDE.replace("store: research", 'store: "${S}"')
    assert load_experiment(text, "", {"DATA": "d", "S": "12"}).experiment.spec.store == "12"


def test_an_unquoted_variable_inside_braces_is_explained():
    with pytest.raises(SpecError, match=r"inside \{ \} and \[ \] put \$\{NAME\} in quotes"):
        load_experiment(GUIDE.replace("items: 250", "items: ${N}"), "", {"N": "1", "DATA": "d"})


def test_a_variable_cannot_bring_structure_into_the_spec():
    text = GUIDE.replace("store: research", "store: ${STORE}")
    hostile = "x\n  retries: {limit: 9}"
    spec = load_experiment(text, "", {"DATA": "d", "STORE": hostile}).experiment.spec
    assert spec.store == hostile
    assert spec.retries.limit == 3


def test_a_doubled_dollar_is_plain_text():
    text = GUIDE.replace("${DATA}", "$${DATA}/$x/$$")
    spec = load_experiment(text, "", {}).experiment.spec
    assert spec.tasks[0].test.source == "jsonl:${DATA}/$x/$$/{language}.jsonl"


@pytest.mark.parametrize("written", ["${", "${}", "${a b}", "${1A}"])
def test_a_malformed_variable_is_told_with_its_line(written):
    with pytest.raises(SpecError, match=r"guide.yaml:11:\d+: .*is no variable: write \$\{NAME\}"):
        load_experiment(GUIDE.replace("${DATA}", written), "guide.yaml", {})


def test_later_checks_get_their_file_and_line():
    loaded = load_experiment(GUIDE, "guide.yaml", {"DATA": "d"})
    checks = [
        Problem("spec.sweeps[0].mixes[0]", "unknown mix"),
        Problem("spec.sweeps[0].axes.train.learningRate[1]", "wrong"),
        Problem("spec.report.contrasts[3].at", "not in the file: the nearest parent's line"),
        Problem("spec.seeds", "placed before", file="other.yaml", line=3),
    ]
    placed = locate(checks, loaded)
    assert [(p.file, p.line) for p in placed] == [
        ("guide.yaml", 20),
        ("guide.yaml", 23),
        ("guide.yaml", 4),
        ("other.yaml", 3),
    ]
    assert [p.message for p in placed] == [p.message for p in checks]


def test_text_is_read_from_a_stream():
    assert read_text(io.BytesIO("a: ü".encode()), "f") == "a: ü"


def test_a_stream_that_is_no_utf8_is_told_with_its_line():
    with pytest.raises(SpecError, match=r"f:2: not valid UTF-8"):
        read_text(io.BytesIO("a: 1\nb: ü".encode("latin-1")), "f")


def test_no_more_of_a_stream_is_read_than_a_spec_may_have():
    class Endless(io.RawIOBase):
        read_bytes = 0

        def read(self, size=-1):
            assert size >= 0
            self.read_bytes += size
            return b"x" * size

    stream = Endless()
    with pytest.raises(SpecError, match="larger than 5 MB"):
        read_text(stream, "f")
    assert stream.read_bytes <= 5_000_001
