"""What a training writes, and what it refuses."""

import json
import math
from itertools import pairwise

import pytest
import torch
from support.context import FakeContext
from support.training import read_lines, train_params

from clt_jobs.models.load import load_model, load_tokenizer
from clt_jobs.train.corpus import read_corpus, realise_mixture
from clt_jobs.train.step import train as train_step
from clt_operator.api.errors import InputError
from clt_operator.api.kinds.train import Objective, Optimiser


def test_a_training_writes_checkpoints_log_mixture_and_selection(run):
    context = run(train_params())
    assert set(context.outputs) == {
        "checkpoint/last",
        "checkpoint/selected",
        "metrics",
        "mixture",
        "selection",
    }
    for name in ("checkpoint/last", "checkpoint/selected"):
        assert load_model(context.output(name)).config.num_hidden_layers == 2
        assert load_tokenizer(context.output(name)).eos_token_id is not None
    mixture = json.loads((context.output("mixture") / "mixture.json").read_text())
    assert [c["samples"] for c in mixture["components"]] == [24, 12]
    assert context.figures["steps"] == 5
    assert context.figures["samples"] == 36
    assert context.reported[-1]["done"] == context.reported[-1]["total"] == 5


def test_every_step_logs_its_loss_by_language_and_task(run):
    lines = read_lines(run(train_params()).output("metrics"), "train")
    assert [line["step"] for line in lines] == [1, 2, 3, 4, 5]
    for line in lines:
        assert set(line["loss_by_language"]) == {"en", "es"}
        assert line["loss_by_task"]["sums"] == pytest.approx(line["loss"])
        assert min(line["loss_by_language"].values()) <= line["loss"]
        assert line["loss"] <= max(line["loss_by_language"].values())
    assert lines[-1]["samples"] == 36
    assert lines[0]["learning_rate"] == pytest.approx(1e-3)  # warm-up of 2 steps


def test_the_log_has_no_clock_and_the_console_has_throughput(run, capsys):
    context = run(train_params())
    text = (context.output("metrics") / "metrics.jsonl").read_text()
    assert "second" not in text
    assert "time" not in text
    assert "tokens/s" in capsys.readouterr().out


def test_training_lowers_the_loss(run):
    params = train_params({"en": 16}, steps=40, validation=0, select="last")
    lines = read_lines(run(params).output("metrics"), "train")
    assert lines[-1]["loss"] < lines[0]["loss"] / 2


def test_the_first_loss_is_the_mean_over_supervised_tokens_of_the_models_own_logits(run, inputs):
    params = train_params({"en": 8}, steps=1, validation=0, select="last")
    corpus = read_corpus(params, FakeContext(inputs["model"], inputs))
    samples = realise_mixture(params, corpus).slice(0, 8)
    model, total, count = load_model(inputs["model"]).requires_grad_(False), 0.0, 0
    for component, row in zip(samples.component, samples.row, strict=True):
        tokens = torch.from_numpy(corpus.tokens(component, row).astype("int64"))
        start = corpus.prompt_length(component, row)
        logits = model(input_ids=tokens[None]).logits[0].log_softmax(-1)
        picked = logits[start - 1 : -1].gather(1, tokens[start:, None])
        total, count = total - float(picked.sum()), count + len(picked)
    line = read_lines(run(params).output("metrics"), "train")[0]
    assert line["supervised_tokens"] == count
    assert line["loss"] == pytest.approx(total / count, rel=1e-5)


@pytest.mark.parametrize("rule", ["token", "row", "language"])
def test_micro_batches_change_nothing_but_rounding(run, rule):
    whole, cut = (
        read_lines(
            run(train_params(loss_weight=rule), hints={"micro_batch_size": n}).output("metrics"),
            "train",
        )
        for n in (8, 3)
    )
    assert [line["loss"] for line in cut] == pytest.approx(
        [line["loss"] for line in whole], rel=1e-5
    )
    assert [line["grad_norm"] for line in cut] == pytest.approx(
        [line["grad_norm"] for line in whole], rel=1e-4
    )


def test_validation_and_the_choice_of_every_policy_are_recorded(run):
    context = run(train_params())
    validations = read_lines(context.output("metrics"), "validation")
    assert [v["step"] for v in validations] == [2, 4, 5], "the last step is always a candidate"
    record = json.loads((context.output("selection") / "selection.json").read_text())
    assert set(record["choices"]) == {
        "last",
        "mixture_loss",
        "pivot_loss",
        "language/en",
        "language/es",
    }
    best = min(validations, key=lambda v: v["losses"]["mixture_loss"])
    assert record["selected_step"] == best["step"]


def test_the_selected_checkpoint_has_the_validation_loss_that_chose_it(run):
    params = train_params(
        {"en": 16}, steps=30, select="pivot_loss", optimiser=Optimiser(learning_rate=8e-3)
    )
    context = run(params)
    record = json.loads((context.output("selection") / "selection.json").read_text())
    assert 2 < record["selected_step"] < 30, "neither the first candidate nor the last"
    weights = [
        load_model(context.output(f"checkpoint/{name}")).state_dict()
        for name in ("last", "selected")
    ]
    assert any(not torch.equal(weights[0][name], weights[1][name]) for name in weights[0])
    again = run(params.model_copy(update={"steps": record["selected_step"], "select": "last"}))
    for name, tensor in load_model(again.output("checkpoint/last")).state_dict().items():
        assert torch.equal(tensor, weights[1][name]), name


def test_token_budgets_fill_steps(run):
    params = train_params(batch_unit="tokens", batch_size=60, steps=4)
    lines = read_lines(run(params).output("metrics"), "train")
    sizes = [b["tokens"] - a["tokens"] for a, b in pairwise(lines)]
    assert len(lines) == 4
    assert all(size <= 60 for size in sizes)


def test_epochs_wrap_and_repeats_are_counted(run):
    context = run(train_params({"en": 16}, epochs=2.5, validation=0, select="last"))
    total = json.loads((context.output("mixture") / "mixture.json").read_text())["total"]
    assert (total["samples"], total["unique"], total["repeated"]) == (40, 16, 24)


def test_an_adapter_is_merged_into_what_it_writes(run, inputs):
    params = train_params(
        method="adapter", adapter={"r": 4, "target_modules": ["q_proj", "v_proj"]}, steps=6
    )
    context = run(params)
    before = load_model(inputs["model"]).state_dict()
    after = load_model(context.output("checkpoint/last")).state_dict()
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert set(before) == set(after)
    assert changed
    assert all("q_proj" in name or "v_proj" in name for name in changed)


def test_bf16_trains_and_is_stored_as_bf16(run):
    context = run(train_params(precision="bf16", steps=2))
    config = json.loads((context.output("checkpoint/last") / "config.json").read_text())
    assert config["dtype"] == "bfloat16"
    assert math.isfinite(read_lines(context.output("metrics"), "train")[-1]["loss"])


def test_a_loss_that_is_not_finite_names_step_languages_and_what_to_try(run):
    params = train_params(
        {"en": 16}, steps=20, optimiser=Optimiser(learning_rate=1e18, gradient_clip=0)
    )
    with pytest.raises(InputError, match=r"step \d+ .*languages en.*learning_rate"):
        run(params)


def test_selection_by_validation_without_validation_items_is_refused(run):
    with pytest.raises(InputError, match="mixture_loss needs validation items"):
        run(train_params(validation=0))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"objective": Objective(name="contrastive")}, "unknown objective 'contrastive'"),
        ({"objective": Objective(parameters={"beta": 1})}, "beta"),
        ({"optimiser": Optimiser(name="lion", learning_rate=1.0)}, "unknown optimiser 'lion'"),
        ({"method": "adapter", "adapter": {"rank": 4}}, "LoraConfig"),
    ],
)
def test_wrong_parameters_are_named(run, changes, message):
    with pytest.raises(InputError, match=message):
        run(train_params(**changes))


def test_the_registry_of_kinds_finds_it():
    from clt_jobs.registry import implementation

    assert implementation("train") is train_step
