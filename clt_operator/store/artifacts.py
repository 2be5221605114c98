"""Artifacts: what drivers, runners and the CLI ask of a store, in the words of the design.

The commit protocol in one place: claim an attempt (conditional create), stage its files under
the attempt, commit the manifest last (conditional create). Whoever loses a race hears False;
readers come in through the manifest and check every byte that they take.
"""

from clt_operator.api.errors import StoreError
from clt_operator.api.step import StepDocument
from clt_operator.store import layout
from clt_operator.store.attempts import AttemptState
from clt_operator.store.experiments import Experiments
from clt_operator.store.outputs import Outputs
from clt_operator.store.records import encode, read
from clt_operator.store.resume import ResumeStates

__all__ = ["Artifacts", "AttemptState"]

INCIDENTAL = {"hints", "labels"}  # not part of the key: may differ between two documents


class Artifacts(Outputs, ResumeStates, Experiments):
    """Everything above an object store. Safe to share between threads where the store is."""

    def put_document(self, document: StepDocument) -> None:
        """Stores a step once. The first document of a key stays; hints and labels may differ.

        Raises StoreError where another step has the same key.
        """
        if self.store.create(layout.document(document.key), encode(document)):
            return
        first = self.document(document.key)
        if first.model_dump(exclude=INCIDENTAL) != document.model_dump(exclude=INCIDENTAL):
            raise StoreError(
                f"{self.store.uri} holds another step under {document.key} "
                f"({first.kind} version {first.version}): its document was changed by hand, or "
                "two versions compute keys differently; use another store"
            )

    def document(self, key: str) -> StepDocument:
        """The step that a key stands for. Raises StoreError where the store does not know it."""
        document = read(self.store, layout.document(key), StepDocument)
        if document is None:
            raise StoreError(f"{self.store.uri} knows no step {key}: was it applied to this store?")
        return document
