"""Tasks: training and test data, templates, metrics."""

from typing import Literal

from pydantic import Field

from clt_operator.api.base import SpecModel
from clt_operator.api.spec.names import (
    Count,
    FieldName,
    LanguageCode,
    Name,
    Parameters,
    PositiveCount,
    Seed,
    ShortText,
    Text,
)


class DataSpec(SpecModel):
    """Rows of a task.

    ``source`` is ``hf:org/name``, ``jsonl:``, ``json:``, ``parquet:``, ``tsv:`` or ``csv:``
    with a path or glob in which ``{language}`` stands for the code (or for its entry in
    ``languageNames``), or ``generator:NAME``.
    """

    source: Text = Field(description="Where the rows come from.")
    revision: Text = Field("", description="Commit of the hub repository; empty: pinned on apply.")
    config: Text = Field(
        "", description="Configuration of the hub data set; {language} is replaced."
    )
    split: Text = Field("", description="Split of the hub data set, such as train.")
    columns: dict[FieldName, Text] = Field(
        {},
        max_length=64,
        description="Field of the row (prompt, response, answer, options, item, cluster) to a "
        "template over the source's columns, such as '{question}'.",
    )
    language_column: Text = Field("", description="Column that holds the language of a row.")
    language_names: dict[LanguageCode, ShortText] = Field(
        {},
        max_length=200,
        description="What the source calls a language, where it is not the code.",
    )
    arguments: Parameters = Field({}, description="Arguments of a generator.")
    items: Count = Field(
        0, description="Test items used: the first of a seeded permutation; 0: all."
    )
    provenance: dict[LanguageCode, Literal["human", "post-edited", "machine"]] = Field(
        {},
        max_length=200,
        description="How the text of a language came to be; shown and checked in the report.",
    )
    license: Text = Field("", description="Licence of the data, carried along.")
    max_bad_rows: Count = Field(0, description="Unreadable rows tolerated; each one is counted.")


class SplitSpec(SpecModel):
    """Cuts the training source into a training and a test part, the same in every language."""

    by: Literal["item", "cluster"] = Field(
        "item",
        description="What stays whole: an item over languages, or a cluster of near-duplicates.",
    )
    reference: LanguageCode | None = Field(
        None, description="Language whose text finds the clusters; default: the pivot."
    )
    threshold: float = Field(
        0.6, gt=0, le=1, description="Jaccard similarity above which two texts are one cluster."
    )
    test_fraction: float = Field(0.2, gt=0, lt=1, description="Share of items for the test part.")
    seed: Seed = Field(0, description="Seed of the cut.")


class TemplateSpec(SpecModel):
    """How a row becomes a prompt and a response; ``{field}`` names a field of the row."""

    prompt: str = Field(
        "{prompt}", max_length=65536, description="Text before the answer; not trained on."
    )
    response: str = Field(
        "{response}",
        max_length=65536,
        description="Text that is trained on; in evaluation the reference.",
    )
    chat: bool = Field(
        False, description="Wrap the prompt in the tokenizer's chat template, as a user turn."
    )
    shot: str = Field(
        "", max_length=65536, description="A worked example; empty: prompt and response joined."
    )
    separator: str = Field("\n\n", max_length=256, description="Between worked examples.")


class GenerationSpec(SpecModel):
    shots: Count = Field(0, description="Worked examples before the question.")
    exemplar_language: Literal["native", "pivot"] = Field(
        "native", description="Language of the worked examples: that of the item, or the pivot."
    )
    max_new_tokens: PositiveCount = Field(
        64, description="Tokens after which an answer is cut; a cut answer is counted."
    )
    temperature: float = Field(0.0, ge=0, le=10, description="0: greedy.")
    top_p: float = Field(
        1.0, gt=0, le=1, description="Share of the probability that is sampled from; 1: all of it."
    )
    stop: list[ShortText] = Field([], max_length=16, description="Texts that end an answer.")


class LikelihoodSpec(SpecModel):
    """log p(gold) against fixed distractors, for metrics that need no generation."""

    continuation: str = Field(
        "{answer}",
        max_length=65536,
        description="What is scored after the prompt; each option stands for {answer}.",
    )
    distractors: Literal["numeric", "pool", "column"] = Field(
        "numeric",
        description="Wrong answers: numbers near the gold one, gold answers of other "
        "items, or the row's own options.",
    )
    count: PositiveCount = Field(8, description="Wrong answers per item.")
    seed: Seed = Field(
        0, description="Seed of the wrong answers; they are the same in every language."
    )


class TaskSpec(SpecModel):
    """A task. With ``train`` it can be trained on, with a test part it is evaluated; one with
    ``test`` alone is evaluated on every run."""

    name: Name = Field(description="Name that sweeps, stages and reports use.")
    train: DataSpec | None = Field(None, description="Training rows.")
    test: DataSpec | None = Field(None, description="Test rows.")
    split: SplitSpec | None = Field(
        None, description="Makes the test part out of the training source (then test has no use)."
    )
    exemplars: DataSpec | None = Field(
        None, description="Rows for worked examples; default: the training part."
    )
    test_items: Count = Field(0, description="With split: test items used; 0: all.")
    template: TemplateSpec = Field(TemplateSpec(), description="Template of all languages.")
    templates: dict[LanguageCode, TemplateSpec] = Field(
        {}, max_length=200, description="Templates of single languages, where they differ."
    )
    metrics: list[Name] = Field([], description="The first is the primary one.", max_length=16)
    metric_arguments: dict[Name, Parameters] = Field(
        {}, max_length=16, description="Arguments of a metric, by its name."
    )
    chance: float = Field(0.0, ge=-1e9, le=1e9, description="Score of guessing.")
    items_shared: bool = Field(
        True, description="Item ids name the same content in every language."
    )
    generation: GenerationSpec = Field(GenerationSpec(), description="How answers are generated.")
    likelihood: LikelihoodSpec = Field(
        LikelihoodSpec(), description="How answers are scored without generating."
    )
    max_length: PositiveCount = Field(1024, description="Tokens of prompt and response together.")
    too_long: Literal["drop", "truncate"] = Field(
        "drop", description="What happens to rows above maxLength; both are counted."
    )
