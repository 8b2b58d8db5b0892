"""The simulator of X told what to do over HTTP, where it is a process of its own: `/_control/NAME`, JSON both ways.

`x_remote.py` is the other end.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from tests.peers.x_answers import Answer
from tests.peers.x_faults import Fault

if TYPE_CHECKING:
    from tests.peers.x_simulator import Simulator


def answer(x: Simulator, name: str, body: bytes) -> Answer:
    """Calls the verb of this name with the body's fields."""
    verb = _VERBS.get(name)
    if verb is None:
        return Answer(404, {"error": f"{name} is none of {', '.join(_VERBS)}"})
    try:
        return Answer(200, verb(x, **json.loads(body or b"{}")))
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        return Answer(400, {"error": f"{type(error).__name__}: {error}"})


def _emit(x: Simulator, **values: Any) -> Any:
    emitted = x.emit(**values)
    return {"id": emitted.id, "at": emitted.at, "rules": [rule.id for rule in emitted.rules]}


def _emit_all(x: Simulator, posts: list[dict[str, Any]]) -> Any:
    return [_emit(x, **values) for values in posts]


def _fail(x: Simulator, endpoint: str, fault: dict[str, Any], **when: Any) -> None:
    x.fail(endpoint, Fault(**fault), **when)


def _account(x: Simulator) -> Any:
    return [
        {
            "id": one.id, "at": one.at, "text": one.post.text, "rules": [rule.id for rule in one.rules],
            "written_to": one.written_to, "found_at": one.found_at, "gone": one.post.why_gone,
        }
        for one in x.account
    ]  # fmt: skip


def _rules(x: Simulator) -> Any:
    return [asdict(rule) for rule in x.rules]


_VERBS: dict[str, Any] = {
    "account": _account,
    "add_rule": lambda x, **values: asdict(x.add_rule(**values)),
    "add_user": lambda x, **values: x.add_user(**values).payload,
    "attempts": lambda x: [asdict(attempt) for attempt in x.attempts],
    "clock_now": lambda x: {"now": x.clock.now()},
    "delete": lambda x, **values: x.delete(**values),
    "edit": lambda x, **values: {"id": x.edit(**values).id},
    "emit": _emit,
    "emit_all": _emit_all,
    "fail": _fail,
    "faults": lambda x: {"waiting": x.faults.waiting(), "struck": x.faults.struck},
    "forget_before": lambda x, **values: x.forget_before(**values),
    "hide_user": lambda x, **values: x.world.hide_user(**values),
    "lost": lambda x: x.lost(),
    "mend": lambda x: x.mend(),
    "refuse": lambda x, **values: x.refuse(**values),
    "rules": _rules,
    "scrub_geo": lambda x, **values: x.world.scrub_geo(**values),
}
