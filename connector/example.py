"""An annotated `connector.toml`, made from what `config.py` and the adapters declare, so that it cannot grow old.

`doctor --example` prints it. What must be set stands there with an invented value, what may be set as a comment with
its default; a secret is named by the environment variable that holds it.
"""

from __future__ import annotations

import re
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

import msgspec
from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from connector import adapters, dispatch, sources
from connector import config as settings
from connector.sources import Source

_HEAD = """\
# Settings of the connector. Save as connector.toml where it is started, or name the file by CONNECTOR_CONFIG.
# Lines behind a single # show defaults, or an example.
# "env:NAME" is read from the environment variable NAME: no secret stands here.
# Also in the environment: CONNECTOR_KEY (seals names; required), CONNECTOR_HOME, DATABASE_URL.
"""
_INVENTED = {
    "name": "Port Alder", "endpoint": "https://311.example.gov/open311/v2", "host": "mail.example.gov",
    "sender": "311@example.gov", "folder": "/srv/311-inbox",
}  # fmt: skip
_WISHED = {"login"}
"""Sections that stand there as a comment: without a provider nobody could log in."""
_DEMO_ONLY = {"sample"}
"""Kinds that bring invented posts: in a city's settings only as a comment."""


def text() -> str:
    """The file; it loads as it stands, once the variables that it names are set."""
    parts = [_HEAD]
    for name, field in settings.Config.model_fields.items():
        model = _model(field.annotation)
        if model is not None and name != "demo":
            note, block = f"# {_sentence(model)}\n", _block(f"[{name}]", model, name if name in _WISHED else "")
            parts.append(note + (_as_comment(block) if name in _WISHED else block))
    package = sources.__name__
    for kind in adapters.kinds(package):
        if adapters.holds(package, Source, kind):  # type: ignore[type-abstract]
            parts.append(_adapter("sources", kind, adapters.load(package, Source, kind)))
    parts += [_adapter("channels", kind, channel) for kind, channel in dispatch.kinds().items()]
    return "\n".join(parts)


def _adapter(section: str, kind: str, cls: type[adapters.AdapterBase]) -> str:
    note = f"# {cls.title}: {_sentence(cls)}\n"
    block = _block(f"[{section}.{kind}]", cls.Settings, kind, f'kind = "{kind}"')
    return note + (_as_comment(block) if kind in _DEMO_ONLY else block)


def _as_comment(block: str) -> str:
    return "".join(f"# {line}\n" for line in block.splitlines())


def _block(head: str, model: type[BaseModel], prefix: str, *first: str) -> str:
    lines = [head, *first]
    for name, field in model.model_fields.items():
        lines += _field(name, field, prefix)
    return "\n".join(lines) + "\n"


def _field(name: str, field: FieldInfo, prefix: str) -> Iterator[str]:
    required = field.is_required()
    yield f"# {field.description or name}{' (required)' if required else ''}{_choices(field.annotation)}"
    if _is_secret(field.annotation):
        value = f'"env:{prefix.upper()}_{name.upper()}"'
    elif required:
        value = _toml(_invented(name, field))
    else:
        default = field.get_default(call_default_factory=True)
        if not default and field.examples:
            default = field.examples[0]
        value = _toml(f"/path/to/{name}" if default is None else default)
    yield f"{'' if required else '# '}{name} = {value}"


def _invented(name: str, field: FieldInfo) -> Any:
    if field.examples:
        return field.examples[0]
    if choices := _literals(field.annotation):
        return choices[0]
    numbers: dict[Any, Any] = {int: 1, float: 1.0, bool: False}
    return _INVENTED.get(name, numbers.get(field.annotation, "…"))


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        inner = ", ".join(f"{_toml(key)} = {_toml(held)}" for key, held in value.items())
        return f"{{ {inner} }}" if inner else "{}"
    return msgspec.json.encode(str(value) if isinstance(value, Path) else value).decode()


def _choices(annotation: Any) -> str:
    choices = _literals(annotation)
    return f"; one of {', '.join(map(str, choices))}" if choices else ""


def _literals(annotation: Any) -> tuple[Any, ...]:
    return get_args(annotation) if get_origin(annotation) is Literal else ()


def _is_secret(annotation: Any) -> bool:
    return annotation is SecretStr or SecretStr in get_args(annotation)


def _model(annotation: Any) -> type[BaseModel] | None:
    """The section that a field of the configuration is, if it is one."""
    options = get_args(annotation) if get_origin(annotation) in (types.UnionType, Union) else (annotation,)
    for option in options:
        if isinstance(option, type) and issubclass(option, BaseModel):
            return option
    return None


def _sentence(cls: type) -> str:
    return re.split(r"\n\s*\n", (cls.__doc__ or "").strip())[0].replace("\n", " ")
