"""A city whose channels are a test's own, for the tests of decisions."""

from __future__ import annotations

import pytest

from connector.config import Config
from tests.deliveries import a_city


@pytest.fixture
def city(config: Config) -> Config:
    return a_city(config, "desk", "mail")
