"""Models: where the weights that a run starts from come from."""

from pydantic import Field

from clt_operator.api.base import SpecModel
from clt_operator.api.spec.names import Name, Parameters, Seed, Text


class ModelSpec(SpecModel):
    """A base model.

    ``source`` is one of ``hf:org/name``, ``file:DIRECTORY``, ``s3://bucket/prefix``,
    ``gguf:FILE`` (dequantised once), ``init:llama`` (a small model with fresh weights, sized
    by ``architecture``) or ``stage:NAME`` (trained by a stage of this experiment).
    """

    name: Name = Field(description="Name that sweeps, stages and reports use.")
    source: Text = Field(description="Where the weights come from; see the kinds of source.")
    revision: Text = Field("", description="Commit of the hub repository; empty: pinned on apply.")
    architecture: Parameters = Field(
        {}, description="Sizes of an init: model: layers, hidden, heads, intermediate, …"
    )
    tokenizer: Text = Field(
        "characters",
        description="Tokenizer of an init: model: characters (of its training rows) or bytes.",
    )
    alphabet: Text = Field(
        "", description="Characters that get a token of their own, beside those of the rows."
    )
    seed: Seed = Field(0, description="Seed of fresh weights.")
    parameters: int = Field(
        0,
        ge=0,
        le=10**15,
        description="Number of parameters, for predictions, where the lock has none yet.",
    )
    notes: Text = Field("", description="Shown in the report, such as 'dequantised from Q8_0'.")
