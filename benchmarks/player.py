"""The stub artifact writer as a process, at the least cost: it writes where the gateway keeps its
objects instead of asking the gateway.

    python benchmarks/player.py KUBECONFIG NAMESPACE FOLDER

Pods of a real cluster run elsewhere. On the machine that is measured, what plays them should
take as little as it can from the operator and from the control plane.
"""

import logging
import sys
import threading
from pathlib import Path

from cluster.harness.client import Client
from cluster.harness.stub import Stub

from clt_operator.store.artifacts import Artifacts
from clt_operator.store.file import FileStore


class Player(Stub):
    def __init__(self, client: Client, namespace: str, folder: Path) -> None:
        super().__init__(client, namespace)
        self._folder = folder

    def _artifacts(self, uri: str) -> Artifacts:
        del uri  # every pod of the namespace has the same store
        return Artifacts(FileStore(self._folder))


def main() -> None:
    """Until it is killed."""
    kubeconfig, namespace, folder = sys.argv[1:]
    logging.basicConfig(level=logging.INFO)
    Player(Client(Path(kubeconfig)), namespace, Path(folder)).start()
    threading.Event().wait()


if __name__ == "__main__":
    main()
