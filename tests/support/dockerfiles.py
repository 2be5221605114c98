"""A Dockerfile as its instructions, as far as ours use them."""

import json
import re
from dataclasses import dataclass, field
from pathlib import Path

PROJECT = Path(__file__).parents[2]


@dataclass
class Stage:
    base: str
    name: str
    instructions: list[tuple[str, str]] = field(default_factory=list)

    def all(self, keyword: str) -> list[str]:
        """What follows each instruction of this kind."""
        return [rest for found, rest in self.instructions if found == keyword]

    def position(self, keyword: str, part: str) -> int:
        """Where the instruction that says ``part`` stands."""
        for at, (found, rest) in enumerate(self.instructions):
            if found == keyword and part in rest:
                return at
        raise LookupError(f"no {keyword} says {part}")


@dataclass
class Dockerfile:
    arguments: list[str]  # before the first stage
    stages: list[Stage]

    @property
    def image(self) -> Stage:
        """The stage that becomes the image."""
        return self.stages[-1]

    @property
    def entrypoint(self) -> list[str]:
        return list(json.loads(self.image.all("ENTRYPOINT")[-1]))

    def sources(self) -> list[str]:
        """What is copied from the project, without variables' values."""
        found = []
        for stage in self.stages:
            for rest in stage.all("COPY"):
                if "--from=" not in rest:
                    found += rest.split()[:-1]
        return found


def read(image: str) -> Dockerfile:
    """The Dockerfile of ``images/IMAGE``."""
    text = (PROJECT / "images" / image / "Dockerfile").read_text()
    text = re.sub(r"^#.*\n", "", text, flags=re.MULTILINE)
    text = re.sub(r"\s*\\\n\s*", " ", text)
    parsed = Dockerfile([], [])
    for line in filter(None, text.splitlines()):
        keyword, _, rest = line.partition(" ")
        if keyword == "FROM":
            base, _, name = rest.partition(" AS ")
            parsed.stages.append(Stage(base, name))
        elif parsed.stages:
            parsed.stages[-1].instructions.append((keyword, rest))
        else:
            parsed.arguments.append(rest)
    return parsed
