"""The entry point: registers the verbs, turns errors into messages and exit codes."""

import sys

import typer

from clt_operator.cli import (
    apply,
    cancel,
    completion,
    delete,
    describe,
    diff,
    doctor,
    gc,
    get,
    invalidate,
    logs,
    plan,
    push,
    render,
    report,
    resume,
    retry,
    schema,
    suspend,
    upgrade,
    version,
    wait,
)
from clt_operator.cli.output import flush

app = typer.Typer(
    name="cltctl",
    help="Controlled studies of cross-lingual transfer: one YAML file in, one report out.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

VERBS = (
    plan,
    diff,
    apply,
    get,
    describe,
    logs,
    wait,
    report,
    suspend,
    resume,
    retry,
    cancel,
    delete,
    upgrade,
    invalidate,
    push,
    gc,
    doctor,
    render,
    schema,
    version,
    completion,
)
for verb in VERBS:
    verb.register(app)


def main() -> None:
    """Runs the command line; known errors are told without a traceback."""
    from clt_operator.api.errors import CltError

    completion.prepare()
    try:
        app()
    except CltError as error:
        for line in str(error).splitlines():
            print(f"error: {line}", file=sys.stderr)
        sys.exit(error.exit_code)
    finally:
        flush()
