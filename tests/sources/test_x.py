"""What every source promises, of X: over its simulator, by the stream."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from connector.sources import Source
from connector.sources.x import X
from tests.peers.x_simulator import x_simulator
from tests.source_contract import Peer, SourceContract
from tests.sources.x_peer import QUICK, QUICK_PACE, XPeer


class TestX(SourceContract):
    kind = "x"

    @pytest.fixture
    def peer(self) -> Iterator[Peer]:
        with x_simulator(**QUICK) as x:
            yield XPeer(x)

    def load(self, settings: dict[str, Any]) -> Source:
        source = super().load(settings)
        assert isinstance(source, X)
        source.pace = QUICK_PACE  # type: ignore[misc]
        return source
