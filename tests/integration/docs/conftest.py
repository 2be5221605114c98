"""A place where the commands of the docs run as they are written, over a study in small.

``examples/quickstart.yaml`` is there under its name, cut down.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import boto3
import pytest
from moto.server import ThreadedMotoServer
from support.fences import NOT_RUN, Block, blocks
from support.small_example import small_example

ROOT = Path(__file__).parents[3]
SECONDS = 240.0  # for one block; a study in small takes a tenth of it on idle cores


@dataclass(frozen=True)
class Place:
    """A directory with the examples, and the environment of a reader's shell."""

    root: Path
    environment: dict[str, str]

    def run(self, block: Block) -> str:
        """What a block of commands prints to standard output; it must succeed."""
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", block.text],
            cwd=self.root,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        assert done.returncode == 0, f"{block}\n{block.text}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def save(self, block: Block) -> None:
        (self.root / block.file).write_text(block.text, encoding="utf-8")


@pytest.fixture(scope="session")
def bucket() -> Iterator[dict[str, str]]:
    """The environment with which the bucket of the docs can be reached."""
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    environment = {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "a",
        "AWS_SECRET_ACCESS_KEY": "s",
        "AWS_REGION": "us-east-1",
    }
    keys = {"aws_access_key_id": "a", "aws_secret_access_key": "s", "region_name": "us-east-1"}
    client = boto3.client("s3", endpoint_url=environment["AWS_ENDPOINT_URL"], **keys)
    client.create_bucket(Bucket="studies")
    yield environment
    server.stop()


def make_place(root: Path, environment: dict[str, str]) -> Place:
    own = {
        name: value for name, value in os.environ.items() if not name.startswith(("CLT_", "AWS"))
    }
    own["PATH"] = f"{Path(sys.executable).parent}:{own['PATH']}"
    own["KUBECONFIG"] = str(root / "no-kubeconfig")  # whatever cluster this machine knows
    shutil.copytree(ROOT / "examples", root / "examples")
    return Place(root, own | environment)


@pytest.fixture(scope="session")
def followed(
    tmp_path_factory: pytest.TempPathFactory, bucket: dict[str, str]
) -> Callable[[Path], Place]:
    """The place of a reader who did what a page says, with the quickstart in small; each page
    is followed once."""

    @cache
    def follow(path: Path) -> Place:
        place = make_place(tmp_path_factory.mktemp(path.stem), bucket)
        small = place.root / "examples" / "quickstart.yaml"
        small.write_text(small_example(), encoding="utf-8")
        for block in blocks(path, ROOT):
            if block.file:
                place.save(block)
            elif block.is_commands and not block.on_cluster and block.text.strip() not in NOT_RUN:
                place.run(block)
        return place

    return follow


@pytest.fixture
def whole(tmp_path: Path) -> Place:
    """Where commands run whose output the docs show: the examples as they are."""
    return make_place(tmp_path, {})
