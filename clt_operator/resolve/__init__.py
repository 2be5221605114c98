"""Resolution: a spec becomes a lock. The only place that looks outside.

What the previous lock holds is kept, so that an experiment keeps its data and models until
``cltctl upgrade``; only what is new is looked up.
"""

from clt_operator.resolve.resolver import (
    Lookups,
    changed_files,
    other_versions,
    resolve,
    resolve_remote,
)

__all__ = ["Lookups", "changed_files", "other_versions", "resolve", "resolve_remote"]
