"""Batches over a key-value cache equal a plain forward pass of each sequence alone."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from support.tiny import tiny_model

from clt_jobs.generate.causal import CausalModel, batches_by_length, common_prefix

MODEL = tiny_model()
sequences = st.lists(st.lists(st.integers(0, 2), min_size=1, max_size=8), min_size=1, max_size=5)


def alone(tokens: list[int]) -> torch.Tensor:
    with torch.inference_mode():
        return MODEL(torch.tensor([tokens])).logits[0]


@given(sequences)
def test_the_common_prefix_is_shared_by_all_and_leaves_each_a_token(found) -> None:
    shared = common_prefix(found)
    assert all(sequence[:shared] == found[0][:shared] for sequence in found)
    assert all(len(sequence) > shared for sequence in found)
    longer = shared + 1
    assert len({tuple(s[:longer]) for s in found}) > 1 or min(map(len, found)) == longer


@pytest.mark.parametrize("shared", [0, 3, 40])
def test_prefill_gives_each_prompt_its_own_last_logits(shared: int) -> None:
    start = [(7 * i) % 250 for i in range(shared)]
    prompts = [start + own for own in ([5], [9, 8, 7, 6], list(range(100, 130)))]
    model = CausalModel(MODEL, 0, prompts)
    assert model.shared_tokens == (40 if shared == 40 else 0)
    batch = model.prefill(prompts)
    for row, prompt in enumerate(prompts):
        torch.testing.assert_close(batch.logits[row], alone(prompt)[-1], atol=1e-4, rtol=1e-4)
    assert batch.lengths.tolist() == [len(prompt) for prompt in prompts]


def test_extending_selected_sequences_equals_reading_the_whole() -> None:
    prompts = [[5, 6], [9, 8, 7, 6, 5]]
    model = CausalModel(MODEL, 0, prompts)
    batch = model.prefill(prompts).select(torch.tensor([1, 0, 1]))
    tokens = torch.tensor([[50, 51, 52], [60, 0, 0], [70, 71, 0]])
    valid = torch.tensor([[1, 1, 1], [1, 0, 0], [1, 1, 0]]).bool()
    logits = model.extend(batch, tokens, valid, last=False)
    for row, whole in enumerate(
        [prompts[1] + [50, 51, 52], prompts[0] + [60], prompts[1] + [70, 71]]
    ):
        count = int(valid[row].sum())
        torch.testing.assert_close(logits[row, :count], alone(whole)[-count:], atol=1e-4, rtol=1e-4)


def test_a_prompt_outside_the_shared_prefix_is_refused() -> None:
    model = CausalModel(MODEL, 0, [[1] * 30 + [2], [1] * 30 + [3]])
    with pytest.raises(ValueError, match="shared prefix"):
        model.prefill([[2, 3]])


@given(st.lists(st.integers(0, 9), max_size=30), st.integers(1, 7))
def test_batches_hold_every_index_once_longest_first(lengths, size) -> None:
    batches = batches_by_length(lengths, size)
    flat = [index for batch in batches for index in batch]
    assert sorted(flat) == list(range(len(lengths)))
    assert [lengths[i] for i in flat] == sorted(lengths, reverse=True)
    assert all(1 <= len(batch) <= size for batch in batches)
