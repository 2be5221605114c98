"""Text to token ids, the same way when preparing, generating and scoring.

Prompt and response are tokenised apart, so that a prompt has the same tokens in training and in
evaluation. What the tokenizer puts before every text (a begin-of-sequence token, if it has one)
is put once, before the prompt; text of a chat template brings its own.
"""

from collections.abc import Sequence
from typing import Any

from clt_operator.api.errors import InputError


def encode_prompts(tokenizer: Any, texts: Sequence[str], *, chat: bool) -> list[list[int]]:
    """Token ids of prompts; ``chat`` says that they come from a chat template."""
    start = [] if chat else leading_tokens(tokenizer)
    return [start + tokens for tokens in encode(tokenizer, texts)]


def encode(tokenizer: Any, texts: Sequence[str]) -> list[list[int]]:
    """Token ids of texts that follow a prompt: nothing is added."""
    if not texts:
        return []
    encoded = tokenizer(
        list(texts), add_special_tokens=False, return_attention_mask=False, verbose=False
    )
    ids: list[list[int]] = encoded["input_ids"]
    return ids


def leading_tokens(tokenizer: Any) -> list[int]:
    """The special tokens that the tokenizer itself puts before a text."""
    plain: list[int] = tokenizer("a", add_special_tokens=False)["input_ids"]
    whole: list[int] = tokenizer("a", add_special_tokens=True)["input_ids"]
    for start in range(len(whole) - len(plain) + 1):
        if whole[start : start + len(plain)] == plain:
            return whole[:start]
    return []


def end_token(tokenizer: Any) -> int:
    """The end-of-sequence token. Raises InputError where the tokenizer has none."""
    if tokenizer.eos_token_id is None:
        raise InputError(
            "the tokenizer has no end-of-sequence token, so no answer could ever end: "
            "set eos_token in its tokenizer_config.json"
        )
    return int(tokenizer.eos_token_id)
