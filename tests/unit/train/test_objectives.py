"""The seam of objectives: registered by name, typed parameters, updates by parameter group."""

import pytest
import torch
from support.context import FakeContext
from support.training import read_lines, train_params
from torch import nn

from clt_jobs.models.load import load_model
from clt_jobs.train.objectives import Objective, Update, build_objective, objective
from clt_jobs.train.objectives.causal_lm import CausalLM
from clt_operator.api.base import Record
from clt_operator.api.errors import InputError
from clt_operator.api.kinds.train import Objective as ObjectiveParams


class ProbeSettings(Record):
    weight: float = 1.0


@objective("causal_lm_with_probe")
class WithProbe(CausalLM):
    """The usual loss for the model; a second loss trains a probe and leaves the model alone."""

    Settings = ProbeSettings
    inputs = ("teacher",)

    def __init__(self, model, settings, context):
        super().__init__(model, settings, context)
        self.probe = nn.Linear(model.config.hidden_size, 1)

    def groups(self):
        return {"model": list(self.model.parameters()), "probe": list(self.probe.parameters())}

    def updates(self, call, batch):
        yield from super().updates(call, batch)
        hidden = self.model.get_input_embeddings()(batch.input_ids)
        loss = (self.probe(hidden) - 1).square().mean() * self.settings.weight
        yield Update(loss, group="probe")


def _build(model, context, **parameters):
    params = ObjectiveParams(name="causal_lm_with_probe", parameters=parameters)
    return build_objective(params, model, context)


def test_a_second_group_has_its_own_optimiser_and_its_loss_spares_the_model(run, inputs):
    with_teacher = {**inputs, "teacher": inputs["model"]}
    weights = []
    for name in ("causal_lm", "causal_lm_with_probe"):
        params = train_params(objective=ObjectiveParams(name=name), steps=3)
        context = run(params, inputs=with_teacher)
        weights.append(load_model(context.output("checkpoint/last")).state_dict())
        assert len(read_lines(context.output("metrics"), "train")) == 3
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])


def test_named_inputs_and_typed_parameters_are_checked(inputs, tmp_path):
    model = load_model(inputs["model"])
    with pytest.raises(InputError, match="needs the inputs teacher"):
        _build(model, FakeContext(tmp_path, inputs))
    context = FakeContext(tmp_path, {**inputs, "teacher": inputs["model"]})
    with pytest.raises(InputError, match="weight"):
        _build(model, context, weight="heavy")
    assert isinstance(_build(model, context, weight=2.0), Objective)


def _gemma2():
    from transformers import Gemma2Config, Gemma2ForCausalLM

    torch.manual_seed(0)
    config = Gemma2Config(
        vocab_size=64,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=2,
        head_dim=16,
        final_logit_softcapping=0.05,
        initializer_range=0.5,
    )
    return Gemma2ForCausalLM(config).eval()


def test_logits_are_made_only_where_supervised_if_the_family_allows_it(inputs, tmp_path):
    llama = CausalLM(load_model(inputs["model"]), Record(), FakeContext(tmp_path))
    gemma = CausalLM(_gemma2(), Record(), FakeContext(tmp_path))
    assert llama.head_apart
    assert not gemma.head_apart, "its logits are capped after the head"


def test_both_ways_to_the_logits_give_the_same_losses(inputs, tmp_path):
    from support.training import write_tokens

    from clt_jobs.data.tokens import read_tokens
    from clt_jobs.train.corpus import Corpus
    from clt_operator.api.kinds.train import Component

    table = read_tokens(write_tokens(tmp_path, 64, rows=9))
    component = Component(input="sums/en", task="sums", language="en", quota=9)
    corpus = Corpus((component,), (table,))
    rows = corpus.component_rows(0, torch.arange(9).numpy())
    module = CausalLM(load_model(inputs["model"]), Record(), FakeContext(tmp_path))
    batch = module.collate(corpus, rows, rows.lengths * 1.0, 0)
    with torch.no_grad():
        apart = module(batch)
        module.head_apart = False
        assert torch.allclose(apart, module(batch), rtol=1e-5)
