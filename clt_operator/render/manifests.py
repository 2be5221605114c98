"""The installation as plain YAML, for people without Helm.

``python -m clt_operator.render.manifests > manifests/crd.yaml`` writes the custom resource
definition (``make manifests``); a test fails when the committed file says anything else.
"""

from clt_operator.api.crd import crd
from clt_operator.render.text import to_yaml

HEAD = "# Made from the types of clt_operator.api by 'make manifests': change those, not this.\n"


def crd_manifest() -> str:
    """The custom resource definition of an Experiment."""
    return HEAD + to_yaml([crd()])


if __name__ == "__main__":
    print(crd_manifest(), end="")
