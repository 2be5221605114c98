"""Data and models as steps: fetch, split, prepare.

Rows are fetched and prepared per language, so that a new language touches nothing that is
there already.
"""

from typing import Any

from clt_operator.api.kinds.derive import DeriveParams
from clt_operator.api.kinds.fetch import FetchParams, ModelFormat, ModelRequest, RowsRequest
from clt_operator.api.kinds.prepare import PrepareParams, Template
from clt_operator.api.lock import LanguageRows, ModelLock, SourceLock, data_request, model_request
from clt_operator.api.spec.model import ModelSpec
from clt_operator.api.spec.names import split_source
from clt_operator.api.spec.task import DataSpec, SplitSpec, TaskSpec
from clt_operator.api.step import Input, Step
from clt_operator.plan.builder import Builder

_MODEL_FORMATS: dict[str, ModelFormat] = {
    "hf": "hf",
    "file": "directory",
    "s3": "directory",
    "gguf": "gguf",
    "init": "init",
}

Reading = tuple[str, str]  # key of an artifact, name of the output


class Sources:
    """Rows and tokens of tasks. Remembers what it made by the identity of the spec's parts."""

    def __init__(self, builder: Builder) -> None:
        self._builder = builder
        self._made: dict[tuple[Any, ...], tuple[Any, Any]] = {}

    def rows(self, task: TaskSpec, role: str, language: str) -> Reading:
        """Rows of a task: role is ``train``, ``test`` or ``exemplars``."""
        memo = ("rows", id(task), role, language)
        if memo not in self._made:
            self._made[memo] = (task, self._rows(task, role, language))
        reading: Reading = self._made[memo][1]
        return reading

    def _rows(self, task: TaskSpec, role: str, language: str) -> Reading:
        if role == "exemplars":
            if task.exemplars is None:
                return self.rows(task, "train", language)
            return self._fetch(task.exemplars, language, task).key, "rows"
        if task.split is not None and task.train is not None:
            return self._split(task, task.train, task.split, language).key, role
        data = task.train if role == "train" else task.test
        if data is None:
            raise ValueError(f"task {task.name} has no {role} rows")
        return self._fetch(data, language, task).key, "rows"

    def _fetch(self, data: DataSpec, language: str, task: TaskSpec) -> Step:
        builder = self._builder
        request = data_request(data)
        entry = builder.lock.sources.get(request, SourceLock(source=data.source, pinned=False))
        held = entry.languages.get(language, LanguageRows())
        scheme, rest = split_source(data.source)
        named = scheme in ("hf", "generator")
        rows = RowsRequest(
            format=scheme,  # checked by plan.check
            language=language,
            digest="" if scheme == "generator" else _content(held.digest, entry, request),
            name=rest if named else "",
            config=data.config.replace("{language}", data.language_names.get(language, language)),
            split=data.split,
            columns=data.columns,
            language_column=data.language_column,
            language_value=data.language_names.get(language, language)
            if data.language_column
            else "",
            arguments=data.arguments,
            provenance=data.provenance.get(language, ""),
            license=data.license,
            max_bad_rows=data.max_bad_rows,
        )
        hints = builder.hints(
            builder.spec.compute.data,
            f"fetch:{request[:16]}",
            uri=data.source,
            files=[file.location for file in held.files],
        )
        labels = {"task": task.name, "language": language}
        return builder.add(builder.work(FetchParams(rows=rows)), (), labels, hints)

    def _split(self, task: TaskSpec, data: DataSpec, split: SplitSpec, language: str) -> Step:
        builder = self._builder
        inputs = [Input("rows", self._fetch(data, language, task).key, "rows")]
        hints = builder.hints(builder.spec.compute.data, "derive")
        if split.by == "cluster":
            reference = split.reference or builder.spec.languages.pivot
            params = DeriveParams(operation="cluster", arguments={"threshold": split.threshold})
            found = builder.add(
                builder.work(params),
                (Input("rows", self._fetch(data, reference, task).key, "rows"),),
                {"task": task.name, "language": reference},
                hints,
            )
            inputs.append(Input("clusters", found.key, "clusters"))
        arguments = {"test_fraction": split.test_fraction, "seed": split.seed}
        work = builder.work(DeriveParams(operation="split", arguments=arguments))
        labels = {"task": task.name, "language": language}
        return builder.add(work, tuple(inputs), labels, hints)

    def tokens(self, task: TaskSpec, language: str, tokenizer: Reading) -> Step:
        """Tokens of a task's training rows."""
        memo = ("tokens", id(task), language, tokenizer)
        if memo not in self._made:
            params = PrepareParams(
                language=language,
                task=task.name,
                template=template_of(task, language),
                max_length=task.max_length,
                too_long=task.too_long,
            )
            builder = self._builder
            step = builder.add(
                builder.work(params),
                (
                    Input("rows", *self.rows(task, "train", language)),
                    Input("tokenizer", *tokenizer),
                ),
                {"task": task.name, "language": language},
                builder.hints(builder.spec.compute.data, f"prepare:{tokenizer[0][:16]}"),
            )
            self._made[memo] = (task, step)
        made: Step = self._made[memo][1]
        return made

    def model(self, model: ModelSpec, text: tuple[Reading, ...]) -> Step:
        """The fetch of a model that no stage trains. ``text`` are rows whose characters get
        tokens of their own, where the model makes its own tokenizer."""
        builder = self._builder
        scheme, rest = split_source(model.source)
        entry = builder.lock.models.get(
            model_request(model), ModelLock(source=model.source, pinned=False)
        )
        fresh = scheme == "init"
        request = ModelRequest(
            format=_MODEL_FORMATS[scheme],
            digest="" if fresh else _content(entry.digest, entry, model_request(model)),
            name=rest if scheme == "hf" else "",
            architecture={"family": rest, **model.architecture} if fresh else {},
            tokenizer=model.tokenizer if fresh else "",
            alphabet="".join(sorted(set(model.alphabet))) if fresh else "",
            seed=model.seed if fresh else 0,
        )
        inputs = tuple(Input(f"text/{at}", *reading) for at, reading in enumerate(text))
        hints = builder.hints(
            builder.spec.compute.data,
            "",
            uri=model.source,
            files=[file.location for file in entry.files],
        )
        work = builder.work(FetchParams(model=request))
        return builder.add(work, inputs if fresh else (), {"model": model.name}, hints)


def _content(digest: str, entry: SourceLock | ModelLock, request: str) -> str:
    """What stands for the content in the key. Without a pin, the request itself does: such a
    key tells sources apart, and no step is run under it."""
    return digest or entry.revision or f"unpinned:{request}"


def template_of(task: TaskSpec, language: str) -> Template:
    spec = task.templates.get(language, task.template)
    return Template(**spec.model_dump())
