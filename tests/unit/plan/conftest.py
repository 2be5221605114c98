"""Specs that a test may change."""

from typing import Any

import pytest
from support.specs import reference_spec, small_spec


@pytest.fixture
def small() -> dict[str, Any]:
    return small_spec()


@pytest.fixture
def reference() -> dict[str, Any]:
    return reference_spec()
