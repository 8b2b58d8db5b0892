"""The tables of the README, made from the code; `python -m tests.readme_tables` writes them into it."""

from __future__ import annotations

from pathlib import Path

from connector import access, adapters, dispatch, sources
from connector.rules import OPERATORS, evaluated

README = Path(__file__).resolve().parent.parent / "README.md"


def operators() -> str:
    """Every operator: what it finds, whether X has it on its stream and its search, and whose posts are told apart."""
    kinds = adapters.kinds("connector.sources")
    head = ["operator", "what the post must hold", "example", "X's stream", "X's search", *(f"`{k}`" for k in kinds)]
    rows = [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    for operator in OPERATORS:
        name = operator.name if operator.name in ("keyword", "phrase") else f"`{operator.name}`"
        upstream = ["yes" if surface in operator.surfaces else "–" for surface in ("stream", "search")]
        here = ["yes" if evaluated(operator, sources.capabilities(kind).tells) else "unknown" for kind in kinds]
        rows.append(f"| {' | '.join([name, operator.help, f'`{operator.example}`', *upstream, *here])} |")
    return "\n".join(rows)


def source_kinds() -> str:
    rows = ["| kind | reads | looks back | after a break | deletions | answers |", "|---|---|---|---|---|---|"]
    for kind in adapters.kinds("connector.sources"):
        can = sources.capabilities(kind)
        after = "looks for what it missed" if can.fills else "reads on from where it was" if can.resumes else "lost"
        rows.append(f"| `{kind}` | {can.reads} | {can.looks_back} | {after} | {can.deletions} | {can.answers} |")
    return "\n".join(rows)


def channel_kinds() -> str:
    rows = ["| kind | what it is | lost answers | follows the ticket | settings |", "|---|---|---|---|---|"]
    for kind, cls in dispatch.kinds().items():
        found = "looked up by reference" if cls.can_find else "a person looks"
        follows = "yes" if cls.can_follow else "staff close it on Tickets"
        fields = ", ".join(f"`{name}`" for name in cls.Settings.model_fields) or "–"
        rows.append(f"| `{kind}` | {cls.title} | {found} | {follows} | {fields} |")
    return "\n".join(rows)


def roles() -> str:
    rows = ["| may | " + " | ".join(role.replace("_", " ") for role in access.ROLES) + " |", "|---" * 5 + "|"]
    for right, meaning in access.MEANINGS.items():
        rows.append(f"| {meaning} | {' | '.join('yes' if right in held else '–' for held in access.ROLES.values())} |")
    return "\n".join(rows)


TABLES = {"operators": operators, "sources": source_kinds, "channels": channel_kinds, "roles": roles}


def filled(text: str) -> str:
    """The text with every marked table made anew."""
    for name, make in TABLES.items():
        start = text.index(mark := f"<!-- {name} -->\n") + len(mark)
        text = text[:start] + make() + text[text.index("\n<!-- end -->", start - 1) :]
    return text


if __name__ == "__main__":
    README.write_text(filled(README.read_text("utf-8")), "utf-8")
