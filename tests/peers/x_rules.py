"""Rules of the stream over the API: listed page by page, added, removed, counted, and what X finds wrong with them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from connector.rules import check
from tests.peers import x_answers
from tests.peers.x_answers import PROBLEMS, Answer
from tests.peers.x_clock import text_of
from tests.peers.x_posts import Json, Refused
from tests.peers.x_world import Rule

if TYPE_CHECKING:
    from tests.peers.x_endpoints import Asked
    from tests.peers.x_simulator import Simulator

LONGEST_TAG = 255
TOKEN_LENGTH = 16
TOO_LONG = "The rule has"
"""How `check` begins what it says of length, which depends on the plan here."""


class Rules:
    """The rules of the one client app that the simulator knows."""

    def __init__(self, x: Simulator) -> None:
        self._x = x

    def listed(self, asked: Asked) -> Answer:
        """`ids`, `max_results` and `pagination_token` as X takes them."""
        wanted = asked.query.get("ids")
        rules = [rule for rule in self._x.rules if wanted is None or rule.id in wanted.split(",")]
        most = number(asked, "max_results", 1, 1000, 1000)
        start = self._start(asked.query.get("pagination_token"), len(rules))
        page = rules[start : start + most]
        meta: Json = {"sent": self._sent(), "result_count": len(page)}
        if start + most < len(rules):
            meta["next_token"] = f"{start + most:0{TOKEN_LENGTH}d}"
        return Answer(200, ({"data": [_shown(rule) for rule in page]} if page else {}) | {"meta": meta})

    def counted(self, asked: Asked) -> Answer:
        count, cap = len(self._x.rules), str(self._x.plan.rules)
        mine = {"client_app_id": "33000001", "rule_count": count}
        return Answer(
            200,
            {
                "data": {
                    "all_project_client_apps": [mine],
                    "cap_per_client_app": cap,
                    "cap_per_project": cap,
                    "client_app_rules_count": mine,
                    "project_rules_count": str(count),
                },
            },
        )

    def changed(self, asked: Asked) -> Answer:
        """Adds or removes; with `dry_run=true` it only says what would happen."""
        body, dry = asked.json, asked.query.get("dry_run") == "true"
        with self._x.world.lock:
            if asked.query.get("delete_all") == "true":
                return self._remove(self._x.rules, [], dry)
            if "add" in body and "delete" in body:
                message = "Rules are added or deleted, not both"
                raise Refused(x_answers.invalid(("add", "", message)))
            if "add" in body:
                return self._add(body["add"], dry)
            if "delete" in body:
                return self._delete(body["delete"], dry)
        raise Refused(x_answers.invalid(("add", "", "either `add` or `delete` must be set")))

    def _add(self, wanted: list[Json], dry: bool) -> Answer:
        known = {rule.value: rule.id for rule in self._x.rules}
        errors: list[Json] = []
        good: list[Rule] = []
        spoilt = False
        for one in wanted:
            value, tag = one.get("value", ""), one.get("tag")
            if problems := self._problems(value, tag):
                errors.append(_problem("UnprocessableEntity", "invalid-rules", value=value, details=problems))
                spoilt = self._x.settings.invalid_spoils_all
            elif value in known:
                errors.append(_problem("DuplicateRule", "duplicate-rules", value=value, id=known[value]))
            else:
                good.append(self._x.world.new_rule(value, tag))
                known[value] = good[-1].id
        made = [] if spoilt else good
        if len(self._x.rules) + len(made) > self._x.plan.rules:
            detail = f"You may have no more than {self._x.plan.rules} rules."
            raise Refused(x_answers.problem(422, "RulesCapExceeded", detail, "rule-cap"))
        if not dry:
            self._x.world.rules += made
        summary = {
            "created": len(made), "not_created": len(wanted) - len(made), "valid": len(good), "invalid": len(errors),
        }  # fmt: skip
        parts = {"data": [_shown(rule) for rule in made], "meta": {"sent": self._sent(), "summary": summary}}
        return Answer(201, {name: part for name, part in (parts | {"errors": errors}).items() if part})

    def _problems(self, value: str, tag: str | None) -> list[str]:
        longest = self._x.plan.rule_length
        found = [problem.message for problem in check(value) if not problem.message.startswith(TOO_LONG)]
        if len(value) > longest:
            found.append(f"Rules must be no longer than {longest} characters. This rule has {len(value)}.")
        if tag is not None and len(tag) > LONGEST_TAG:
            found.append(f"Tags must be no longer than {LONGEST_TAG} characters.")
        return found

    def _delete(self, wanted: Json, dry: bool) -> Answer:
        ids, values = wanted.get("ids", []), wanted.get("values", [])
        found = [rule for rule in self._x.rules if rule.id in ids or rule.value in values]
        there = {rule.id for rule in found} | {rule.value for rule in found}
        return self._remove(found, [one for one in [*ids, *values] if one not in there], dry)

    def _remove(self, rules: list[Rule], missing: list[str], dry: bool) -> Answer:
        if not dry:
            for rule in rules:
                self._x.world.remove_rule(rule)
        summary = {"deleted": len(rules), "not_deleted": len(missing)}
        gone = [x_answers.invalid(("", "", "Rule does not exist")).body for _ in missing]
        errors = {"errors": gone} if gone else {}
        return Answer(200, {"meta": {"sent": self._sent(), "summary": summary}, **errors})

    def _start(self, token: str | None, rules: int) -> int:
        if token is None:
            return 0
        if len(token) != TOKEN_LENGTH or not token.isdigit() or int(token) > rules:
            raise Refused(x_answers.invalid(("pagination_token", token, "The `pagination_token` is not valid")))
        return int(token)

    def _sent(self) -> str:
        return text_of(self._x.clock.now())


def _shown(rule: Rule) -> Json:
    return {"id": rule.id, "value": rule.value} | ({} if rule.tag is None else {"tag": rule.tag})


def _problem(title: str, kind: str, **more: Any) -> Json:
    return {**more, "title": title, "type": PROBLEMS + kind}


def number(asked: Asked, name: str, least: int, most: int, default: int) -> int:
    """A parameter between two numbers; raises Refused."""
    given = asked.query.get(name, str(default))
    if not given.isdigit() or not least <= int(given) <= most:
        message = f"The `{name}` query parameter value [{given}] is not between {least} and {most}"
        raise Refused(x_answers.invalid((name, given, message)))
    return int(given)
