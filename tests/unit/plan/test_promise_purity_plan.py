"""Promise: plan does no I/O and reads no clock, environment or chance: same input, same bytes."""

import json
import os
import subprocess
import sys

from support.specs import LOCK, reference_spec, spec_of

from clt_operator.api.step import StepDocument
from clt_operator.plan.build import plan

HASHED = """
import hashlib
from support.specs import LOCK, reference_spec, spec_of
from clt_operator.api.step import StepDocument
from clt_operator.plan.build import plan
made = hashlib.sha256()
for step in plan(spec_of(reference_spec()), LOCK).graph:
    made.update(StepDocument.of(step).model_dump_json().encode())
print(made.hexdigest())
"""

SEALED = """
import os, random, sys, time
from support.specs import LOCK, small_spec, spec_of
from clt_operator.plan.build import plan
from clt_operator.plan.check import check
from clt_operator.plan.counts import check_counts
from clt_operator.plan.needs import needs
from clt_operator.plan.partial import partial_graph
from clt_operator.plan.predict import predict

OUTSIDE = ("open", "socket", "subprocess", "os.", "glob", "tempfile", "ctypes")

def work(axis):
    data = small_spec()
    data["sweeps"][0] |= {"axes": {"train.epochs": axis}, "untrained": True}
    spec = spec_of(data)
    assert not check(spec) and needs(spec) and not check_counts(spec, LOCK)
    found = plan(spec, LOCK)
    assert predict(found, LOCK).rows
    assert partial_graph(found, LOCK, {found.trainings[0]: "gone"}).targets != found.graph.targets

def refuse(*arguments, **options):
    raise AssertionError("the plan looked at clock, environment or chance")

def watch(event, arguments):
    if sealed and event.startswith(OUTSIDE):
        raise AssertionError(f"the plan looked outside: {event} {arguments}")

sealed = False
sys.addaudithook(watch)
work([1, 2])  # loads what is loaded late
time.time = time.time_ns = time.monotonic = time.perf_counter = refuse
random.random = random.randint = random.shuffle = os.urandom = os.getenv = refuse
type(os.environ).__getitem__ = refuse
sealed = True
for probe in (lambda: open("/dev/null"), lambda: os.environ["HOME"], lambda: os.listdir("/")):
    try:
        probe()
    except AssertionError:
        continue
    raise SystemExit("the seal leaks")
work([3, 4, 5])
sealed = False
print("sealed")
"""


def run(program, **environment):
    return subprocess.run(
        [sys.executable, "-c", program],
        env={"PYTHONPATH": os.pathsep.join(sys.path)} | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def documents(found):
    return [StepDocument.of(step).model_dump_json() for step in found.graph]


def test_the_same_spec_and_lock_give_the_same_bytes(reference):
    one, two = (plan(spec_of(data), LOCK) for data in (reference, reference_spec()))
    assert documents(one) == documents(two)
    assert [(p.quotas, p.seed) for p in one.points] == [(p.quotas, p.seed) for p in two.points]
    assert one.cells == two.cells


def test_a_fresh_process_with_another_hash_seed_gives_the_same_bytes():
    found = {
        run(HASHED, PYTHONHASHSEED=seed, TZ=zone, LANG=lang).stdout
        for seed, zone, lang in (("1", "UTC", "C"), ("2", "Asia/Tokyo", "C.UTF-8"))
    }
    assert len(found) == 1
    assert len(found.pop().strip()) == 64


def test_planning_looks_at_nothing_but_its_arguments():
    done = run(SEALED)
    assert (done.stdout, done.stderr) == ("sealed\n", "")


def test_planning_changes_neither_spec_nor_lock(small):
    spec = spec_of(small)
    before = (spec.model_dump_json(), LOCK.model_dump_json())
    plan(spec, LOCK)
    assert (spec.model_dump_json(), LOCK.model_dump_json()) == before


def test_step_documents_are_plain_json(small):
    for text in documents(plan(spec_of(small), LOCK)):
        assert json.loads(text)["key"]
