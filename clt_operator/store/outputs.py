"""What a step committed: files first, the manifest last, readers only through the manifest."""

from collections.abc import Mapping
from pathlib import Path

from clt_operator.api.errors import StoreError
from clt_operator.api.step import Claim, FileEntry, Manifest
from clt_operator.store import layout
from clt_operator.store.attempts import Attempts
from clt_operator.store.cache import FileCache
from clt_operator.store.names import check_name
from clt_operator.store.protocol import ObjectNotFound
from clt_operator.store.records import encode, read
from clt_operator.store.trees import WrongBytes, check_file, fetch_file, upload_tree


class Outputs(Attempts):
    def stage_outputs(
        self, claim: Claim, outputs: Mapping[str, Path]
    ) -> dict[str, list[FileEntry]]:
        """Stores the files of each output under the attempt; nobody sees them before a commit.

        Output names may hold "/", but none may lie inside another.
        """
        for name in outputs:
            check_name(name)
            inner = next((o for o in outputs if o.startswith(f"{name}/")), None)
            if inner:
                raise StoreError(f"output {inner!r} lies inside output {name!r}: rename one")
        prefix = layout.files(claim.key, claim.attempt)
        return {
            name: upload_tree(self.store, prefix, root, below=f"{name}/")
            for name, root in sorted(outputs.items())
        }

    def commit(self, manifest: Manifest) -> bool:
        """Makes an attempt's files the artifact.

        False where the race is lost: another attempt committed, or a higher one was claimed.
        Raises StoreError where a file that the manifest names is not in the store whole.
        """
        claim = Claim(key=manifest.key, attempt=manifest.attempt, holder="", claimed_at="")
        if self.superseded(claim):
            return False
        self._check_staged(manifest)
        return self.store.create(layout.committed(manifest.key), encode(manifest))

    def manifest(self, key: str) -> Manifest | None:
        return read(self.store, layout.committed(key), Manifest)

    def committed(self) -> set[str]:
        """The keys of all artifacts, by one listing."""
        keys = (layout.key_of(info.name) for info in self.store.list(layout.COMMITTED))
        return {key for key in keys if key}

    def open_output(
        self, key: str, output: str, directory: Path, cache: FileCache | None = None
    ) -> Path:
        """The directory of an output's files, checked against the manifest; read only.

        A local store's own directory where there is one, a copy below ``directory`` otherwise,
        by way of ``cache`` where one is given.
        Raises StoreError that names key, output and file.
        """
        manifest = self.manifest(key)
        if manifest is None:
            raise StoreError(f"{key} is not committed in {self.store.uri}: apply its experiment")
        entries = manifest.outputs.get(output)
        if entries is None:
            there = ", ".join(sorted(manifest.outputs)) or "none"
            raise StoreError(f"{key} ({manifest.kind}) has no output {output!r}; it has: {there}")
        prefix = layout.files(key, manifest.attempt)
        local = self.store.local_path(prefix + output) if entries else None
        if local is None:
            directory.mkdir(parents=True, exist_ok=True)
        for entry in entries:
            try:
                relative = _relative(entry, output)
                if local is not None:
                    check_file(local / relative, entry)
                elif cache is None or not cache.take(entry, directory / relative):
                    fetch_file(self.store, prefix + entry.path, entry, directory / relative)
                    if cache is not None:
                        cache.keep(entry, directory / relative)
            except (ObjectNotFound, WrongBytes) as error:
                why = "is missing" if isinstance(error, ObjectNotFound) else str(error)
                raise StoreError(
                    f"output {output!r} of {key}: file {entry.path} {why} in {self.store.uri}, "
                    f"attempt {manifest.attempt}; remove {layout.committed(key)} from the store "
                    "and apply again to compute it anew"
                ) from error
        return local or directory

    def _check_staged(self, manifest: Manifest) -> None:
        prefix = layout.files(manifest.key, manifest.attempt)
        sizes = {info.name: info.size for info in self.store.list(prefix)}
        for output, entries in manifest.outputs.items():
            for entry in entries:
                _relative(entry, output)
                size = sizes.get(prefix + entry.path)
                if size != entry.size:
                    found = "is missing" if size is None else f"has {size} bytes"
                    raise StoreError(
                        f"cannot commit {manifest.key}: {prefix}{entry.path} {found}, "
                        f"{entry.size} expected; stage the outputs before the commit"
                    )


def _relative(entry: FileEntry, output: str) -> str:
    """The entry's path below its output."""
    if not check_name(entry.path).startswith(f"{output}/"):
        raise StoreError(f"file {entry.path!r} of a manifest is not below its output {output!r}")
    return entry.path.removeprefix(f"{output}/")
