"""Log-probabilities with a shared cache equal those of a plain forward pass of the whole text."""

import math
import re

import pytest
import torch
from support.tiny import tiny_model, tiny_tokenizer

from clt_jobs.generate.checkpoint import Checkpoint
from clt_jobs.likelihood.continuations import continuation_logprobs

TOKENIZER = tiny_tokenizer()
CHECKPOINT = Checkpoint(tiny_model(), TOKENIZER, frozenset(), TOKENIZER.pad_token_id)
PROMPTS = ["7 + 9 ?", "siete más nueve ?", "q", "七 加 九 ?", "a long prompt " * 4]
ANSWERS = [["16", "17", "160"], ["1"], ["dieciséis", "x"], ["7 + 9 = 16", "5", "55", "3"], ["2"]]


def encode(texts: list[str]) -> list[list[int]]:
    return TOKENIZER(texts, add_special_tokens=False)["input_ids"]


def direct(prompt: list[int], continuation: list[int]) -> float:
    with torch.inference_mode():
        logits = CHECKPOINT.model(torch.tensor([prompt + continuation])).logits[0].double()
    logprobs = torch.log_softmax(logits, -1)
    places = range(len(prompt) - 1, len(prompt) + len(continuation) - 1)
    return math.fsum(float(logprobs[p, t]) for p, t in zip(places, continuation, strict=True))


@pytest.mark.parametrize("batch_size", [1, 4, 100])
@pytest.mark.parametrize("start", ["", "worked examples that all the prompts begin with\n\n"])
def test_logprobs_equal_a_direct_forward_pass(batch_size: int, start: str) -> None:
    prompts = encode([start + prompt for prompt in PROMPTS])
    answers = [encode(options) for options in ANSWERS]
    found = continuation_logprobs(CHECKPOINT, prompts, answers, batch_size=batch_size)
    for prompt, options, values in zip(prompts, answers, found, strict=True):
        wanted = [direct(prompt, option) for option in options]
        assert values == pytest.approx(wanted, abs=1e-4)


def test_single_token_continuations_are_a_distribution() -> None:
    every = [[token] for token in range(len(TOKENIZER))]
    found = continuation_logprobs(CHECKPOINT, encode(["7 + 9 ?"]), [every], batch_size=8)
    assert math.fsum(map(math.exp, found[0])) == pytest.approx(1.0)


def test_the_model_reads_each_prompt_once(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[int] = []
    forward = type(CHECKPOINT.model).forward

    def counting(self, input_ids, **more):
        read.append(input_ids.numel())
        return forward(self, input_ids=input_ids, **more)

    prompts = encode(["x" * 100 + str(n) for n in range(4)])
    answers = [encode(["12", "34", "56"])] * 4
    monkeypatch.setattr(type(CHECKPOINT.model), "forward", counting)
    continuation_logprobs(CHECKPOINT, prompts, answers, batch_size=100)
    # 100 shared tokens once, one of its own for each prompt, one of two for each continuation.
    assert read == [100, 4, 12]


def test_progress_counts_prompts() -> None:
    heard: list[int] = []
    prompts, answers = encode(PROMPTS), [encode(options) for options in ANSWERS]
    continuation_logprobs(CHECKPOINT, prompts, answers, batch_size=8, progress=heard.append)
    assert heard == [2, 4, 5]


def test_bfloat16_sums_in_double_precision() -> None:
    model = tiny_model().bfloat16()
    coarse = Checkpoint(model, TOKENIZER, frozenset(), TOKENIZER.pad_token_id)
    prompts, answers = encode(PROMPTS), [encode(options) for options in ANSWERS]
    found = continuation_logprobs(coarse, prompts, answers, batch_size=4)
    exact = continuation_logprobs(CHECKPOINT, prompts, answers, batch_size=4)
    for values, wanted in zip(found, exact, strict=True):
        assert values == pytest.approx(wanted, rel=0.1, abs=0.5)
    assert re.search(r"\.\d{6}", str(found[0][0]))
