"""cltctl as a test calls it: in this process where that says enough, else as a process."""

import contextlib
import io
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

CLTCTL = Path(sys.executable).parent / "cltctl"


@dataclass(frozen=True)
class Done:
    """How a command ended: exit code, data, talk."""

    code: int
    out: str
    err: str


def cltctl(*words: object, stdin: str | bytes = "", env: Mapping[str, str] | None = None) -> Done:
    """Runs the command line in this process, from the arguments to the exit code."""
    from clt_operator.cli.main import main

    data = stdin.encode() if isinstance(stdin, str) else stdin
    out, err = io.StringIO(), io.StringIO()
    code: object = 0
    with (
        patch.object(sys, "argv", ["cltctl", *map(str, words)]),
        patch.object(sys, "stdin", io.TextIOWrapper(io.BytesIO(data), "utf-8")),
        patch.dict(os.environ, env or {}),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        try:
            main()
        except SystemExit as end:
            code = end.code
    return Done(code if isinstance(code, int) else int(bool(code)), out.getvalue(), err.getvalue())


def cltctl_process(
    *words: object, stdin: str = "", env: Mapping[str, str] | None = None, cwd: Path | None = None
) -> Done:
    """Runs the installed script."""
    done = subprocess.run(
        [str(CLTCTL), *map(str, words)],
        input=stdin,
        env={**os.environ, **(env or {})},
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
    )
    return Done(done.returncode, done.stdout, done.stderr)
