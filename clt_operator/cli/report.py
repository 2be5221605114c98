"""report: the page, the tables or the summary of a finished experiment."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from clt_operator.cli.options import (
    ContextOption,
    KubeconfigOption,
    LocalOption,
    NamespaceOption,
    OneNameArgument,
    StoreOption,
)

if TYPE_CHECKING:
    from clt_operator.cli.stored import Stored


class Part(StrEnum):
    page = "page"
    tables = "tables"
    summary = "summary"


def register(app: typer.Typer) -> None:
    app.command("report", short_help="Write the report of an experiment into a directory.")(report)


def report(
    name: OneNameArgument,
    to: Annotated[
        Path | None, typer.Option("--to", help="Directory to write the report into.")
    ] = None,
    part: Annotated[
        Part | None, typer.Option("--part", help="Write only this part; default: all.")
    ] = None,
    show_page: Annotated[bool, typer.Option("--open", help="Open the page in a browser.")] = False,
    namespace: NamespaceOption = None,
    store: StoreOption = None,
    local: LocalOption = False,
    context: ContextOption = None,
    kubeconfig: KubeconfigOption = None,
) -> None:
    """Write the report of an experiment into a directory, and print where its page is."""
    from clt_operator.cli.live import find_stored
    from clt_operator.cli.output import show
    from clt_operator.cli.place import place_of

    place = place_of(
        namespace=namespace, store=store, local=local, context=context, kubeconfig=kubeconfig
    )
    found = find_stored(place, name)
    parts = [part] if part else list(Part)
    directory = to or Path(f"{name}-report")
    for each in parts:
        copy_output(found, each.value, directory)
    page = directory / "report.html"
    show(page if page.exists() else directory)
    if show_page:
        import webbrowser

        webbrowser.open(page.resolve().as_uri())


def copy_output(found: "Stored", output: str, directory: Path) -> None:
    """Copies one output of the report, verified, to a directory of the user's.

    Raises NotFound where the report is not there yet.
    """
    import shutil
    import tempfile

    from clt_operator.api.errors import CltError
    from clt_operator.cli.stored import NotFound

    key = found.report_key
    if found.artifacts.manifest(key) is None:
        raise NotFound(
            f"the report of {found.name} is not there yet: "
            f"cltctl describe {found.name} says what is missing"
        )
    with tempfile.TemporaryDirectory() as scratch:
        held = found.artifacts.open_output(key, output, Path(scratch) / "output")
        try:
            directory.mkdir(parents=True, exist_ok=True)
            for path in sorted(held.rglob("*")):
                if path.is_file():
                    target = directory / path.relative_to(held)
                    target.parent.mkdir(parents=True, exist_ok=True)
                    target.unlink(missing_ok=True)
                    shutil.copyfile(path, target)
        except OSError as error:
            raise CltError(
                f"cannot write the report into {directory}: {error.strerror}: "
                "name another directory with --to"
            ) from None
