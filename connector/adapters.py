"""What sources and channels have in common: a file per kind, settings declared once, loaded by name.

The file name is the kind: `load("connector.dispatch", Channel, "open311")` imports that module and takes the one
subclass in it. No list to extend; a library that is not installed hurts only its own adapter. Read on in
`sources/__init__.py` and `dispatch/__init__.py`.
"""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from types import ModuleType
from typing import Any, ClassVar, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from connector import config
from connector.errors import ConfigError


class Settings(BaseModel):
    """Base of an adapter's own settings; an unknown name is a typo and refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class AdapterBase:
    """A source or a channel of one kind."""

    title: ClassVar[str]
    """As the pages name this kind."""
    Settings: ClassVar[type[BaseModel]] = Settings

    def __init__(self, name: str, settings: BaseModel) -> None:
        self.name = name
        self.settings: Any = settings


A = TypeVar("A", bound=AdapterBase)


@cache
def kinds(package: str) -> tuple[str, ...]:
    """Every kind that has a file in this package; looked for once, since a decision asks for it several times."""
    path = importlib.import_module(package).__path__
    return tuple(sorted(module.name for module in pkgutil.iter_modules(path) if not module.name.startswith("_")))


def load(package: str, base: type[A], kind: str) -> type[A]:
    """The adapter class of this kind; ConfigError when there is none or its library is missing."""
    if kind not in kinds(package):
        raise ConfigError(f"`kind = {kind!r}` is not known here; there are: {', '.join(kinds(package))}.")
    try:
        module = importlib.import_module(f"{package}.{kind}")
    except ImportError as error:
        raise ConfigError(f"The adapter {kind!r} needs a library that is not installed: {error.name}.") from error
    found = _own(module, base)
    if len(found) != 1:
        raise ConfigError(f"{package}.{kind} must hold exactly one {base.__name__}.")
    return found[0]


def holds(package: str, base: type[A], kind: str) -> bool:
    """Whether this kind has an adapter, and not only a reader of files."""
    return bool(_own(importlib.import_module(f"{package}.{kind}"), base))


def _own(module: ModuleType, base: type[A]) -> list[type[A]]:
    return [
        member
        for member in vars(module).values()
        if isinstance(member, type) and issubclass(member, base) and member.__module__.startswith(module.__name__)
    ]


def checked(cls: type[AdapterBase], name: str, adapter: config.Adapter, section: str) -> BaseModel:
    """The adapter's settings with secrets from the environment; ConfigError names the setting that is wrong."""
    where = f"[{section}.{name}]"
    try:
        return cls.Settings.model_validate(config.resolved(adapter.settings, where))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        setting = ".".join(str(part) for part in first["loc"])
        raise ConfigError(f"`{setting}` in {where}: {first['msg']}") from None
