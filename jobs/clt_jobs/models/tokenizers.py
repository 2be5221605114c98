"""Tokenizers of generated models, registered by name.

``characters`` gives every character of its alphabet one token; ``bytes`` is the same with no
alphabet but printable ASCII. Any other character becomes the tokens of its UTF-8 bytes, so
nothing is ever unknown and decoding gives the text back exactly.

Version 1 of the vocabulary: ``<pad>``, ``<eos>``, the bytes that are not printable ASCII as
``<0x00>`` … ``<0xFF>``, printable ASCII, then the rest of the alphabet by code point.
"""

from collections.abc import Callable, Collection
from typing import Any

from clt_operator.api.errors import InputError

PAD, EOS = "<pad>", "<eos>"
ASCII = "".join(map(chr, range(0x20, 0x7F)))

TokenizerBuilder = Callable[[Collection[str]], Any]  # alphabet -> PreTrainedTokenizerBase
BUILDERS: dict[str, TokenizerBuilder] = {}


def tokenizer_builder(name: str) -> Callable[[TokenizerBuilder], TokenizerBuilder]:
    """Registers a builder under the name that specs use."""

    def register(builder: TokenizerBuilder) -> TokenizerBuilder:
        BUILDERS[name] = builder
        return builder

    return register


def build_tokenizer(name: str, alphabet: Collection[str]) -> Any:
    """A tokenizer by name. Raises InputError for an unknown one."""
    if name not in BUILDERS:
        raise InputError(f"unknown tokenizer {name!r}: known are {', '.join(sorted(BUILDERS))}")
    return BUILDERS[name](alphabet)


@tokenizer_builder("characters")
def characters(alphabet: Collection[str]) -> Any:
    """One token per character of the alphabet, which must not be empty."""
    if not alphabet:
        raise InputError(
            "tokenizer characters needs an alphabet: state model.alphabet, or train the model "
            "on rows, or use the tokenizer bytes"
        )
    return _byte_fallback(alphabet)


@tokenizer_builder("bytes")
def utf8_bytes(alphabet: Collection[str]) -> Any:  # noqa: ARG001 - one signature for all
    """One token per UTF-8 byte."""
    return _byte_fallback("")


def _byte_fallback(alphabet: Collection[str]) -> Any:
    from tokenizers import Tokenizer, decoders
    from tokenizers.models import BPE
    from transformers.tokenization_utils_tokenizers import PreTrainedTokenizerFast

    bytes_ = [f"<0x{byte:02X}>" for byte in range(256) if chr(byte) not in ASCII]
    vocabulary = [PAD, EOS, *bytes_, *ASCII, *sorted(set(alphabet) - set(ASCII))]
    ids = {token: index for index, token in enumerate(vocabulary)}
    tokenizer = Tokenizer(BPE(vocab=ids, merges=[], byte_fallback=True))
    tokenizer.decoder = decoders.Sequence([decoders.ByteFallback(), decoders.Fuse()])
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token=PAD,
        eos_token=EOS,
        clean_up_tokenization_spaces=False,
    )
