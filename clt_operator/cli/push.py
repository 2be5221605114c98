"""push: local data and models of a spec into the store, so that a cluster can read them."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from clt_operator.cli.options import (
    ContextOption,
    FileOption,
    KubeconfigOption,
    LocalOption,
    SpecArgument,
    SpecNamespaceOption,
    StoreOption,
    VarOption,
)

if TYPE_CHECKING:
    from clt_operator.api.load import LoadedSpec
    from clt_operator.api.profiles import StoreProfile
    from clt_operator.api.spec.experiment import ExperimentSpec
    from clt_operator.cli.place import Place
    from clt_operator.store.protocol import ObjectStore


def register(app: typer.Typer) -> None:
    app.command("push", short_help="Copy local data and models of a spec into the store.")(push)


def push(
    spec: SpecArgument = None,
    filename: FileOption = None,
    var: VarOption = None,
    write: Annotated[
        Path | None,
        typer.Option("--write", metavar="FILE", help="Write the new spec there, not to stdout."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show the new spec; copy nothing.")
    ] = False,
    namespace: SpecNamespaceOption = None,
    store: StoreOption = None,
    local: LocalOption = False,
    context: ContextOption = None,
    kubeconfig: KubeconfigOption = None,
) -> None:
    """Copy the files that a spec names into the store, and print the spec that names them there.

    They lie below the digest of their content: what is there already is not copied again, and
    keys stay what they are. They are kept as long as an experiment names them.
    """
    from clt_operator.api.errors import CltError
    from clt_operator.cli.live import environment_for
    from clt_operator.cli.output import command, say, show
    from clt_operator.cli.place import place_of
    from clt_operator.cli.sizes import size_text
    from clt_operator.cli.specs import read_spec
    from clt_operator.cli.stored import open_artifacts

    loaded, base = read_spec(spec, filename, var)
    place = place_of(
        namespace=namespace,
        store=store,
        local=local,
        context=context,
        kubeconfig=kubeconfig,
        spec_store=loaded.experiment.spec.store,
    )
    if place.on_cluster:
        profile = _store_profile(place, loaded)
        target = open_artifacts(profile.uri, environment=environment_for(profile)).store
    else:
        target = open_artifacts(place.store, loaded.experiment.spec.store).store
    bundles = list(collect(loaded, base))
    places = {}
    for bundle in bundles:
        copied, there = (0, 0) if dry_run else upload(target, bundle)
        places[bundle.source] = bundle.at(target)
        say(
            f"{bundle.source}: {len(bundle.files)} files, {size_text(bundle.size)}"
            + (f"; {copied} copied, {there} there already" if not dry_run else "")
        )
    if not bundles:
        say("the spec names no local files: nothing to push")
    text = replaced(loaded, places)
    if write is None:
        show(text.rstrip("\n"))
        return
    try:
        write.write_text(text, encoding="utf-8")
    except OSError as error:
        raise CltError(f"cannot write {write}: {error.strerror}") from None
    say(f"next: {command('apply', str(write), var=var, **place.given)}")


@dataclass(frozen=True)
class Bundle:
    """The files of one source. ``pattern`` is the source below ``root``, as written."""

    source: str
    scheme: str
    pattern: str
    files: tuple[tuple[str, Path], ...]  # name below root, and where it lies
    digest: str
    size: int

    def at(self, store: "ObjectStore") -> str:
        """The source that reads the same from a store."""
        from clt_operator.store import layout

        name = layout.pushed(self.digest, self.pattern).rstrip("/")
        path = store.local_path(name)
        if path is not None:
            return f"{self.scheme or 'file'}:{path}"
        place, mark, options = store.uri.partition("?")
        uri = f"{place.rstrip('/')}/{name}{mark}{options}"
        return f"{self.scheme}:{uri}" if self.scheme else uri


def collect(loaded: "LoadedSpec", base: Path) -> Iterator[Bundle]:
    """Every local source of a spec with its files.

    Raises SpecError with all that is not there or cannot be pushed.
    """
    from clt_operator.api.errors import InputError, Problem, SpecError
    from clt_operator.api.load import locate

    problems: list[Problem] = []
    found: dict[str, Bundle] = {}
    for path, source, languages in _local_sources(loaded.experiment.spec):
        try:
            bundle = _bundle(source, languages, base)
        except InputError as error:
            problems.append(Problem(path, str(error)))
            continue
        found.setdefault(source, bundle)
    if problems:
        raise SpecError(locate(problems, loaded))
    yield from found.values()


def _local_sources(spec: "ExperimentSpec") -> "Iterator[tuple[str, str, list[str]]]":
    """Path, source and, of data, the texts that stand for ``{language}``."""
    from clt_operator.api.spec.names import ROW_SCHEMES, split_source
    from clt_operator.plan.needs import needs
    from clt_operator.plan.sweeps import settings_of

    named: dict[str, tuple[str, dict[str, None]]] = {}
    for need in needs(spec).values():
        scheme, rest = split_source(need.data.source)
        if scheme in ROW_SCHEMES and scheme not in ("hf", "generator") and rest[:5] != "s3://":
            names = [need.data.language_names.get(code, code) for code in need.languages]
            _, held = named.setdefault(need.data.source, (f"{need.path}.source", {}))
            held.update(dict.fromkeys(names))
    for source, (path, languages) in named.items():
        yield path, source, list(languages)
    models = {model.source: f"spec.models[{at}].source" for at, model in enumerate(spec.models)}
    for sweep in spec.sweeps:
        if any(axis.startswith("models.") for axis in sweep.axes):
            for setting in settings_of(spec, sweep):
                for at, model in enumerate(setting.spec.models):
                    models.setdefault(model.source, f"spec.models[{at}].source")
    for source, path in models.items():
        if split_source(source)[0] in ("file", "gguf"):
            yield path, source, []


def _bundle(source: str, languages: Sequence[str], base: Path) -> Bundle:
    """Raises InputError where files are missing or the source cannot be read from a store."""
    from clt_operator.api.errors import InputError
    from clt_operator.api.spec.names import split_source
    from clt_operator.resolve.files import find
    from clt_operator.resolve.models import PATTERNS

    scheme, rest = split_source(source)
    if scheme == "gguf":
        raise InputError(
            "a GGUF model is read from a disk only: save it with save_pretrained, and name the "
            "directory as file:PATH"
        )
    if scheme == "file":
        directory = base / rest.removeprefix("//")
        paths = sorted({path for pattern in PATTERNS for path in directory.glob(pattern)})
        if not paths:
            raise InputError(f"there is no model in {directory}")
        return _of_files(source, "", "", [(path.name, path) for path in paths])
    head, tail = _split(rest)
    if any(sign in part for part in tail.split("/")[:-1] for sign in "*?["):
        raise InputError(
            f"{rest} has a pattern in a directory's name, which a store does not expand: put the "
            "files into one directory, or one for each language"
        )
    root = base / head
    files = {
        path.relative_to(root).as_posix(): path
        for language in languages
        for path in find(rest.replace("{language}", language), base)
    }
    return _of_files(source, scheme, tail, sorted(files.items()))


def _split(pattern: str) -> tuple[str, str]:
    """The directories without anything to fill in, and the rest."""
    parts = pattern.split("/")
    fixed = 0
    while fixed < len(parts) - 1 and not any(sign in parts[fixed] for sign in "*?[{"):
        fixed += 1
    return "/".join(parts[:fixed]) or ("/" if pattern.startswith("/") else "."), "/".join(
        parts[fixed:]
    )


def _of_files(
    source: str, scheme: str, pattern: str, files: "Iterable[tuple[str, Path]]"
) -> Bundle:
    from clt_operator.api.keys import digest
    from clt_operator.resolve.files import sha256_of

    held = tuple(files)
    content = digest([[name, sha256_of(path)] for name, path in held])
    size = sum(path.stat().st_size for _, path in held)
    return Bundle(source, scheme, pattern, held, content, size)


def upload(store: "ObjectStore", bundle: Bundle) -> tuple[int, int]:
    """Copies the files that are not there; how many were, and how many already are."""
    from clt_operator.store import layout

    sizes = {info.name: info.size for info in store.list(layout.pushed(bundle.digest, ""))}
    copied = 0
    for name, path in bundle.files:
        place = layout.pushed(bundle.digest, name)
        if sizes.get(place) != path.stat().st_size:
            store.upload(place, path)
            copied += 1
    return copied, len(bundle.files) - copied


def replaced(loaded: "LoadedSpec", places: dict[str, str]) -> str:
    """The spec's text with sources replaced where they stand; all else stays as it is."""
    import yaml

    from clt_operator.api.variables import Variables

    substitute = Variables(loaded.variables).substitute
    spans = {}
    for node in _scalars(yaml.compose(loaded.text, yaml.SafeLoader)):
        new = places.get(substitute(node.value))
        if new is not None:
            spans[node.start_mark.index, node.end_mark.index] = json.dumps(new)
    text = loaded.text
    for (start, end), new in sorted(spans.items(), reverse=True):
        text = text[:start] + new + text[end:]
    return text


def _scalars(node: Any) -> Iterator[Any]:
    """Values of a node graph; keys are left out, a node with several names comes several times."""
    stack = [node]
    while stack:
        here = stack.pop()
        if isinstance(here.value, str):
            yield here
        else:
            stack += [part[1] if isinstance(part, tuple) else part for part in here.value]


def _store_profile(place: "Place", loaded: "LoadedSpec") -> "StoreProfile":
    """The store that the spec gets on the cluster.

    Raises UsageError where the profiles do not tell.
    """
    from clt_operator.cli.live import Live, readable_profiles
    from clt_operator.cli.place import UsageError
    from clt_operator.cli.specs import namespace_of

    live = Live(place)
    namespace = namespace_of(loaded, place.namespace, lambda: live.api.namespace)
    profiles = readable_profiles(live.api)
    stores = {} if profiles is None else profiles.stores
    open_to = {name: each for name, each in stores.items() if each.open_to(namespace)}
    name = loaded.experiment.spec.store
    if not name:
        defaults = [each for each, profile in open_to.items() if profile.default]
        name = defaults[0] if defaults else next(iter(open_to), "") if len(open_to) == 1 else ""
    if name not in open_to:
        known = f"known: {', '.join(sorted(open_to))}" if open_to else "none can be read here"
        raise UsageError(f"which store? name its profile in spec.store ({known}), or --store URI")
    return open_to[name].within(namespace)
