"""Tiny models are fastest on one thread, and a shared machine has few."""

import pytest
import torch


@pytest.fixture(autouse=True, scope="session")
def one_thread() -> None:
    torch.set_num_threads(1)
