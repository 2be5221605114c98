"""The commands of the README's section "Install on a cluster", as they stand there."""

import re
import shlex
from pathlib import Path

ROOT = Path(__file__).parents[3]
SECTION = "Install on a cluster"


def commands() -> list[list[str]]:
    """Each command as its words."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    section = re.search(rf"^## {SECTION}\n(.*?)(?=^## )", text, re.DOTALL | re.MULTILINE)
    assert section, f"the README has no section '{SECTION}'"
    blocks = re.findall(r"```bash\n(.*?)```", section[1], re.DOTALL)
    assert blocks, f"the README's section '{SECTION}' has no commands"
    return [shlex.split(line) for block in blocks for line in block.splitlines() if line]


def installing() -> list[list[str]]:
    """Those of the platform team: all before the first of a researcher."""
    found = commands()
    first = next(at for at, words in enumerate(found) if words[0] == "cltctl")
    return found[:first]


def using() -> list[list[str]]:
    """Those of a researcher."""
    return commands()[len(installing()) :]
