"""Decoding: equal to transformers' own, the same for any batching, cut at stop strings."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from support.tiny import ALPHABET, tiny_model, tiny_tokenizer

from clt_jobs.generate.checkpoint import Checkpoint
from clt_jobs.generate.decode import Answer, Decoding, decode, sample

TOKENIZER = tiny_tokenizer()
EOS = TOKENIZER.eos_token_id


def checkpoint(seed: int = 0, stops: frozenset[int] = frozenset([EOS])) -> Checkpoint:
    return Checkpoint(tiny_model(seed), TOKENIZER, stops, TOKENIZER.pad_token_id)


CHECKPOINT = checkpoint()


def prompts(count: int, start: str = "") -> list[tuple[int, ...]]:
    draw = np.random.default_rng(0)
    texts = ["".join(draw.choice(list(ALPHABET), draw.integers(1, 31))) for _ in range(count)]
    return [tuple(tokens) for tokens in TOKENIZER([start + text for text in texts])["input_ids"]]


def run(decoding: Decoding, batch_size: int = 8, count: int = 12, start: str = "", **more):
    asked = prompts(count, start)
    found = more.pop("checkpoint", CHECKPOINT)
    items = [f"i{n}" for n in range(count)]
    return decode(found, asked, items, decoding, batch_size=batch_size, **more)


@pytest.mark.parametrize("start", ["", "worked examples of some length, shared by all "])
def test_greedy_decoding_equals_transformers_generate(start: str) -> None:
    asked = prompts(12, start)
    # An end token that the model does use: the one it writes most often.
    first = run(Decoding(16), start=start)
    written = TOKENIZER("".join(answer.text for answer in first))["input_ids"]
    end = max(set(written), key=written.count)
    answers = run(Decoding(16), start=start, checkpoint=checkpoint(stops=frozenset([end])))
    assert {answer.finish_reason for answer in answers} == {"stop", "length"}
    for tokens, answer in zip(asked, answers, strict=True):
        output = CHECKPOINT.model.generate(
            torch.tensor([tokens]),
            attention_mask=torch.ones(1, len(tokens), dtype=torch.long),
            max_new_tokens=16,
            do_sample=False,
            eos_token_id=end,
        )[0, len(tokens) :].tolist()
        ended = output[-1] == end
        assert answer.text == TOKENIZER.decode(
            output[: len(output) - ended], skip_special_tokens=True
        )
        assert answer.finish_reason == ("stop" if ended else "length")
        assert answer.tokens == len(output) - ended


@pytest.mark.parametrize("temperature", [0.0, 0.8])
def test_an_answer_does_not_depend_on_the_batch(temperature: float) -> None:
    decoding = Decoding(12, temperature=temperature, top_p=0.9, seed=3)
    whole = run(decoding, batch_size=12)
    assert run(decoding, batch_size=1) == whole
    assert run(decoding, batch_size=5) == whole
    assert run(decoding, count=4) == whole[:4]


def test_samples_follow_the_seed_and_the_item() -> None:
    hot = Decoding(12, temperature=1.0, seed=1)
    assert run(hot) == run(hot)
    assert run(hot) != run(Decoding(12, temperature=1.0, seed=2))
    same_prompt = [prompts(1)[0]] * 2
    first, second = decode(CHECKPOINT, same_prompt, ["a", "b"], hot, batch_size=2)
    assert first != second


def test_an_answer_ends_before_the_first_stop_string() -> None:
    plain = run(Decoding(24))
    stop = plain[0].text[5:8]
    answers = run(Decoding(24, stop=(stop, "never written")))
    assert answers[0].text == plain[0].text[: plain[0].text.index(stop)]
    assert answers[0].finish_reason == "stop"
    assert answers[0].tokens < plain[0].tokens
    assert all(stop not in answer.text for answer in answers)
    unstopped = [i for i, answer in enumerate(plain) if stop not in answer.text]
    assert all(answers[i] == plain[i] for i in unstopped)


def test_the_length_limit_is_exact_and_zero_gives_nothing() -> None:
    answers = run(Decoding(7), checkpoint=checkpoint(stops=frozenset()))
    assert {(answer.tokens, answer.finish_reason) for answer in answers} == {(7, "length")}
    assert run(Decoding(0)) == [Answer("", 0, "length")] * 12


def test_progress_counts_finished_items() -> None:
    heard: list[int] = []
    run(Decoding(2), batch_size=5, progress=heard.append)
    assert heard == [5, 10, 12]


logits = st.lists(st.floats(-20, 20), min_size=2, max_size=12)


@given(logits, st.floats(0.05, 1.0), st.floats(0.1, 3.0), st.floats(0, 0.999999))
def test_a_sample_lies_in_the_nucleus(values, top_p, temperature, drawn) -> None:
    token = sample(torch.tensor([values]), temperature, top_p, torch.tensor([drawn]))[0]
    probabilities = torch.softmax(torch.tensor(values).double() / temperature, 0)
    above = probabilities[probabilities > probabilities[token]].sum()
    assert above < top_p + 1e-9


def test_samples_have_the_models_probabilities() -> None:
    values = torch.log(torch.tensor([[0.5, 0.3, 0.15, 0.05]]))
    grid = (torch.arange(1000) + 0.5) / 1000
    counts = torch.bincount(torch.tensor(sample(values.expand(1000, 4), 1.0, 1.0, grid)))
    assert counts.tolist() == [500, 300, 150, 50]
    nucleus = torch.bincount(torch.tensor(sample(values.expand(1000, 4), 1.0, 0.7, grid)))
    assert nucleus.tolist() == [625, 375]
