"""Manifests as YAML that every reader takes the same way.

A text that YAML 1.1 or 1.2 would read as something else (``no``, ``12e34``) is quoted: kubectl
reads by neither rule exactly.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import yaml

from clt_operator.api.yaml_scalars import resolve_plain

_Base: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)  # libyaml where it is there


class _Dumper(_Base):  # type: ignore[misc]
    """Without anchors: a manifest is read by people."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002
        return True


def _text(dumper: Any, value: str) -> Any:
    style = "|" if "\n" in value else None if _is_text(value) else '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style)


def _is_text(value: str) -> bool:
    try:
        return isinstance(resolve_plain(value), str)
    except ValueError:
        return False


_Dumper.add_representer(str, _text)


def to_yaml(manifests: Iterable[Mapping[str, Any]]) -> str:
    """One YAML document per manifest, each with ``---`` before it."""
    return yaml.dump_all(
        manifests,
        Dumper=_Dumper,
        sort_keys=False,
        explicit_start=True,
        width=1_000_000,
        allow_unicode=True,
    )
