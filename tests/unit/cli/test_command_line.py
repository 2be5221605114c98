"""The command line itself: help, schema, version, completion, exit codes, pipes, colours."""

import json
import os
import re
import shutil
import signal
import subprocess
from pathlib import Path

import jsonschema
import pytest
import yaml
from support.commands import CLTCTL, cltctl, cltctl_process
from support.specs import EXAMPLES

from clt_operator import __version__
from clt_operator.api.kinds import KINDS
from clt_operator.cli.main import VERBS
from clt_operator.cli.output import command

COLOUR = "\x1b["


def names_of_verbs():
    return [verb.__name__.rsplit(".", 1)[1] for verb in VERBS]


def test_help_lists_every_verb_with_what_it_is_for():
    done = cltctl("--help")
    assert done.code == 0
    for name in names_of_verbs():
        assert re.search(rf"^  {name} +[A-Z]", done.out, re.MULTILINE), name


@pytest.mark.parametrize("verb", names_of_verbs())
def test_every_verb_explains_itself(verb):
    for flag in ("--help", "-h"):
        done = cltctl(verb, flag)
        assert done.code == 0
        assert f"Usage: cltctl {verb}" in done.out


def test_without_a_verb_the_help_is_shown_as_an_error():
    done = cltctl()
    assert done.code == 2
    assert "Usage: cltctl" in done.out + done.err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["plann"], "No such command 'plann'"),
        (["plan", "--onlin"], "No such option: --onlin"),
        (["plan", "-o", "xml"], "'xml' is not one of 'table', 'json', 'yaml', 'name'"),
        (["apply", "x.yaml", "--jobs", "many"], "Invalid value for '--jobs'"),
    ],
)
def test_a_wrong_command_line_exits_2_and_says_so_on_standard_error(words, message):
    done = cltctl(*words)
    assert (done.code, done.out) == (2, "")
    assert message in done.err


def test_the_schema_is_one_that_editors_can_use_and_the_examples_follow_it():
    schema = json.loads(cltctl("schema").out)
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    texts = {path: path.read_text(encoding="utf-8") for path in EXAMPLES.glob("*.yaml")}
    specs = {path: text for path, text in texts.items() if "\nkind: Experiment\n" in text}
    assert len(specs) >= 3
    for path, text in specs.items():
        data = yaml.load(text, yaml.CSafeLoader)
        assert not list(validator.iter_errors(data)), path
    data["spec"]["sweeps"][0]["mixs"] = []
    assert list(validator.iter_errors(data))


def test_the_definition_for_clusters_is_printed_as_it_is_committed():
    committed = Path(__file__).parents[3] / "manifests/crd.yaml"
    assert cltctl("schema", "--crd").out == committed.read_text(encoding="utf-8")


def test_version():
    assert cltctl("version").out == f"cltctl {__version__}\n"
    found = json.loads(cltctl("version", "-o", "json").out)
    assert found["version"] == __version__
    assert found["kinds"] == {kind: params.version for kind, params in KINDS.items()}


def test_apply_says_where_it_can_run(spec):
    done = cltctl("apply", spec)
    assert done.code == 2
    assert "add --local" in done.err


def test_a_dry_run_stores_nothing(spec, tmp_path):
    done = cltctl("apply", spec, "--local", "--dry-run", "--store", tmp_path / "store")
    assert (done.code, done.out) == (0, "")
    assert "experiment/small: 3 runs, 3 trainings, 12 cells" in done.err
    assert done.err.endswith("dry run: nothing was started or stored\n")
    assert not (tmp_path / "store").exists()


def test_the_namespace_is_the_specs_unless_it_names_none(spec, make_text):
    text = make_text().replace("name: small", "name: small\n  namespace: lab")
    spec.write_text(text)
    done = cltctl("upgrade", spec, "--store", spec.parent / "store")
    assert (
        f"next: cltctl apply {spec} --local --store {spec.parent}/store --namespace lab" in done.err
    )
    assert (spec.parent / "store/experiments/lab/small/lock.json").exists()
    done = cltctl("upgrade", spec, "-n", "other")
    assert (done.code, done.err) == (2, "error: --namespace other: the spec is in namespace lab\n")


def test_the_store_that_a_spec_names_is_used(spec, make_text):
    spec.write_text(make_text(store=f"file://{spec.parent}/mine"))
    cltctl("upgrade", spec)
    assert (spec.parent / "mine/experiments").is_dir()


# render


def test_render_prints_jobs_for_a_store_that_pods_can_reach(spec):
    done = cltctl("render", spec, "--store", "s3://bucket/x", "--kind", "train")
    jobs = [job for job in yaml.safe_load_all(done.out) if job]
    assert done.code == 0
    assert len(jobs) == 3
    assert {job["kind"] for job in jobs} == {"Job"}
    names = cltctl("render", spec, "--store", "s3://bucket/x", "--kind", "train", "-o", "name").out
    assert names.split() == [f"job/{job['metadata']['name']}" for job in jobs]
    listed = json.loads(cltctl("render", spec, "--store", "s3://b", "-o", "json").out)
    assert listed["kind"] == "List"


def test_render_refuses_a_store_on_this_machine(spec):
    done = cltctl("render", spec)
    assert (done.code, done.out) == (2, "")
    assert "give --store s3://bucket/prefix" in done.err


# next steps


def test_a_next_step_repeats_what_was_given():
    line = command("apply", "my study.yaml", local=True, var=["A=1", "B=2 3"], store=None)
    assert line == "cltctl apply 'my study.yaml' --local --var A=1 --var 'B=2 3'"
    assert (
        command("get", "runs", "x", store="s", namespace="default") == "cltctl get runs x --store s"
    )


# as a process


def test_completion_in_bash():
    """What the shell does on <TAB>: the script's function is called with the words so far."""
    bash = shutil.which("bash")
    assert bash, "bash completes"
    script = (
        f'PATH="{CLTCTL.parent}:$PATH"; source <(cltctl completion bash); '
        "complete -p cltctl; "
        'COMP_WORDS=(cltctl pl); COMP_CWORD=1; COMP_LINE="cltctl pl"; '
        "_cltctl_completion cltctl; echo REPLY ${COMPREPLY[@]}"
    )
    done = subprocess.run([bash, "-c", script], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    assert done.stdout.splitlines()[0].endswith("-F _cltctl_completion cltctl")
    assert done.stdout.splitlines()[-1] == "REPLY plan"


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("cltctl get st", {"steps"}),
        ("cltctl apply --lo", {"--local"}),
        ("cltctl plan -o y", {"yaml"}),
    ],
)
def test_completion_knows_arguments_options_and_values(words, found):
    last = str(len(words.split()) - 1)
    asked = {"_CLTCTL_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": last}
    assert set(cltctl_process(env=asked).out.split()) == found


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_completion_script_for_every_shell(shell):
    done = cltctl("completion", shell)
    assert done.code == 0
    assert "_CLTCTL_COMPLETE" in done.out


def test_no_colours_and_no_talk_in_the_data(spec):
    done = cltctl_process("plan", spec, "-o", "json", env={"FORCE_COLOR": "1", "TERM": "xterm"})
    assert json.loads(done.out)["runs"] == 3
    assert COLOUR not in done.out + done.err
    wrong = cltctl_process("plan", "no.yaml", env={"FORCE_COLOR": "1", "TERM": "xterm"})
    assert COLOUR not in wrong.out + wrong.err
    assert "Traceback" not in wrong.err


def test_a_reader_that_has_seen_enough_is_no_failure():
    """cltctl … | head: more than a pipe's buffer is written, little is read."""
    words = [str(CLTCTL), "plan", str(EXAMPLES / "post-trainers-guide.yaml"), "--keys"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stderr
        assert process.stdout.read(3) == b"KEY"
        process.stdout.close()
        talk = process.stderr.read().decode()
    assert process.returncode == 0
    assert "Broken pipe" not in talk
    assert "Traceback" not in talk


def test_an_interruption_exits_130(tmp_path):
    """While it reads a spec that is still being written."""
    pipe = tmp_path / "spec.yaml"
    os.mkfifo(pipe)
    words = [str(CLTCTL), "plan", str(pipe)]
    process = subprocess.Popen(words, stderr=subprocess.PIPE, text=True)
    with pipe.open("wb"):  # opens once the command has opened its end
        process.send_signal(signal.SIGINT)
        _, talk = process.communicate(timeout=20)
    assert process.returncode == 130
    assert "Traceback" not in talk
