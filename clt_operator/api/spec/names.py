"""Names that users give, and the URIs that sources are written as."""

from typing import Annotated, Any

from pydantic import Field

# Names become labels, file names and parts of Job names: RFC 1123, short.
NAME_PATTERN = r"^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$"
OBJECT_NAME_PATTERN = r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$"
LANGUAGE_PATTERN = r"^[A-Za-z][A-Za-z_-]*$"

Name = Annotated[str, Field(pattern=NAME_PATTERN, min_length=1, max_length=63)]
ObjectName = Annotated[str, Field(pattern=OBJECT_NAME_PATTERN, min_length=1, max_length=63)]
LanguageCode = Annotated[str, Field(pattern=LANGUAGE_PATTERN, min_length=2, max_length=32)]
Count = Annotated[int, Field(ge=0, le=1_000_000_000)]
PositiveCount = Annotated[int, Field(ge=1, le=1_000_000_000)]
Seed = Annotated[int, Field(ge=0, le=2**31 - 1)]
Text = Annotated[str, Field(max_length=4096)]
ShortText = Annotated[str, Field(max_length=256)]
Word = Annotated[str, Field(max_length=63)]
FieldName = Annotated[str, Field(min_length=1, max_length=63)]  # of a row, or of a parameter
AxisPath = Annotated[str, Field(min_length=1, max_length=256)]
Factor = Annotated[float, Field(ge=0, le=1_000_000)]
Names = Annotated[list[Name], Field(max_length=50)]
LabelKey = Annotated[str, Field(min_length=1, max_length=317)]  # prefix/name
Note = Annotated[str, Field(max_length=65_536)]
Languages = Annotated[list[LanguageCode], Field(max_length=200)]
Parameters = Annotated[dict[FieldName, Any], Field(max_length=64)]  # belong to a plug-in
Axes = Annotated[
    dict[AxisPath, Annotated[list[Any], Field(max_length=10_000)]], Field(max_length=32)
]

ROW_SCHEMES = ("hf", "jsonl", "json", "parquet", "tsv", "csv", "generator")
MODEL_SCHEMES = ("hf", "file", "s3", "gguf", "init", "stage")


def split_source(source: str) -> tuple[str, str]:
    """``scheme:rest`` as (scheme, rest); the scheme is empty where there is none."""
    scheme, colon, rest = source.partition(":")
    return (scheme, rest) if colon else ("", source)
