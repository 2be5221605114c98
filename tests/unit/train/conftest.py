"""One base model and its token tables for all tests of training."""

import pytest
from support.context import FakeContext
from support.training import write_inputs

from clt_jobs.train.step import train


@pytest.fixture(scope="session")
def inputs(tmp_path_factory):
    return write_inputs(tmp_path_factory.mktemp("train-inputs"))


@pytest.fixture
def run(inputs, tmp_path):
    """Runs a training to its end; the context has the outputs."""

    def _run(params, **options):
        root = tmp_path / f"run-{len(list(tmp_path.iterdir()))}"
        context = FakeContext(root, options.pop("inputs", inputs), **options)
        train(params, context)
        return context

    return _run
