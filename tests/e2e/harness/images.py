"""The images of a test node as OCI archives, made again only where what goes into them changed.

Ours come from the project's Dockerfiles, the others are a static program each. An archive lies in
``~/.cache/clt/images/DIGEST/NAME.tar`` where the digest is of all that went in; an older one of
the same name goes when a new one is there. ``python -m e2e.harness.images`` makes them all.
"""

import fcntl
import hashlib
import shutil
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from cluster.harness.binaries import CannotBuild, cache
from cluster.harness.binaries import build as control_plane
from e2e.harness import base
from e2e.harness.binaries import build as node
from e2e.harness.buildah import Buildah
from services.versitygw import build as versitygw

PROJECT = Path(__file__).parents[3]
SHARED = (".dockerignore", "LICENSE", "README.md", "clt_operator", "images/build", "pyproject.toml")
OURS = {  # image → the folder of its Dockerfile, what goes in, build arguments
    "clt-operator": ("operator", (*SHARED, "images/operator"), {}),
    "clt-jobs": ("jobs", (*SHARED, "images/jobs", "jobs"), {"ACCELERATOR": "none"}),
}
PROGRAMS = {  # image → the place of its program in it, and who runs it
    "pause": ("/pause", "65535"),
    "coredns": ("/coredns", "65532"),
    "versitygw": ("/versitygw", "65532"),
    "kueue": ("/manager", "65532"),
}
NAMES = (*OURS, *PROGRAMS)


def tag(name: str) -> str:
    """What the image is called on a node."""
    return f"localhost/{name}:e2e"


def folder() -> Path:
    return cache().parent / "images"


def archives(names: Iterable[str] = NAMES) -> dict[str, Path]:
    """An archive for each of these images; built where it is missing. Raises CannotBuild."""
    folder().mkdir(parents=True, exist_ok=True)
    with (folder() / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return {name: _archive(name) for name in names}


def inputs(sources: Iterable[str]) -> Iterator[tuple[str, bytes]]:
    """Name and content of every file that a build can see, in order."""
    for source in sources:
        path = PROJECT / source
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.is_file() and "__pycache__" not in file.parts:
                yield str(file.relative_to(PROJECT)), file.read_bytes()


def _archive(name: str) -> Path:
    program = _program(name) if name in PROGRAMS else None
    archive = folder() / _digest(name, program) / f"{name}.tar"
    if not archive.exists():
        archive.parent.mkdir(exist_ok=True)
        buildah = Buildah(folder() / "storage")
        if program is None:
            _ours(buildah, name)
        else:
            place, user = PROGRAMS[name]
            config = (f'--entrypoint=["{place}"]', f"--user={user}:{user}")
            buildah.from_scratch(tag(name), {place: program}, *config)
        building = archive.with_suffix(".building")
        building.unlink(missing_ok=True)
        buildah.export(tag(name), building)
        building.replace(archive)
        _forget_older(archive)
    return archive


def _digest(name: str, program: Path | None) -> str:
    if program is None:
        _, sources, arguments = OURS[name]
        return _sha256(repr((name, base.DIGEST, arguments, list(inputs(sources)))).encode())
    return _sha256(repr((name, PROGRAMS[name])).encode() + program.read_bytes())


def _sha256(said: bytes) -> str:
    return hashlib.sha256(said).hexdigest()[:16]


def _program(name: str) -> Path:
    if name == "versitygw":
        return versitygw()
    if name == "kueue":
        return Path(control_plane("kueue")["kueue"])
    return node(name)[name]


def _ours(buildah: Buildah, name: str) -> None:
    directory, _, arguments = OURS[name]
    dockerfile = PROJECT / "images" / directory / "Dockerfile"
    base.make(buildah, base.named_in(dockerfile), folder())
    buildah.build(PROJECT, dockerfile, tag(name), **arguments)
    layers = folder() / f"{name}.layers"  # the large ones: which they were last time
    made = _sha256(repr(list(inputs(["images/build", f"images/{directory}"]))).encode())
    if layers.exists() and layers.read_text() != made:
        buildah.prune()
    layers.write_text(made)


def _forget_older(archive: Path) -> None:
    for older in folder().glob(f"*/{archive.name}"):
        if older != archive:
            shutil.rmtree(older.parent)


def main() -> int:
    """Builds what is missing; prints sizes and times."""
    print("images: built where they are missing (5 minutes)", flush=True)
    for name in NAMES:
        begun = time.monotonic()
        try:
            archive = archives([name])[name]
        except (CannotBuild, RuntimeError) as reason:
            print(f"images: {reason}", file=sys.stderr)
            return 1
        size, seconds = archive.stat().st_size / 1e6, time.monotonic() - begun
        print(f"images: {tag(name)}: {size:.0f} MB, {seconds:.1f} s: {archive}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
