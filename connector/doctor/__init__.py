"""What is wrong with this installation, and how to mend it: `python -m connector doctor`; `--example` writes settings.

`examine` asks every part in turn and never raises: what breaks becomes a finding. Nothing is changed, filed or sent,
and no secret is named. The checks stand in `_computer.py`, `_connections.py` and `_stored.py`; the example comes from
`example.py`.
"""

from __future__ import annotations

from connector import config as settings
from connector import example as annotated
from connector.dispatch import Channel
from connector.doctor import _computer, _connections, _stored
from connector.doctor._finding import Finding, guarded
from connector.errors import ConnectorError

__all__ = ["Finding", "example", "examine"]


def examine() -> list[Finding]:
    """Everything that can be looked at from here; without a sound configuration that is only the configuration."""
    try:
        config = settings.load()
    except (ConnectorError, OSError) as error:
        return [Finding("configuration", False, str(error))]
    found = [Finding("configuration", True, _computer.read_from(config))]
    for what, check in (_computer.CHECKS | _connections.CHECKS).items():
        found += guarded(what, check, config)
    ways: dict[str, Channel] = {}
    found += guarded("channels", _connections.channels, config, ways)
    found += guarded("database", _stored.database, config, ways)
    return found


def example() -> str:
    """An annotated `connector.toml`."""
    return annotated.text()
