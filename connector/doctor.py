"""What is wrong with this installation, and how to mend it: `python -m connector doctor`; `--example` writes settings.

`examine` asks every part in turn and never raises: what breaks becomes a finding. Nothing is changed, filed or sent,
and no secret is named. The example comes from `example.py`.
"""

from __future__ import annotations

import os
import shutil
import stat
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
from alembic.config import Config as AlembicConfig
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session, col, select

from connector import access, adapters, dispatch, login, rules, sealing, sources, store
from connector import config as settings
from connector import example as annotated
from connector.collect.alerts import mailer, notifier
from connector.config import Adapter, Config
from connector.dispatch import Channel, Service
from connector.errors import AdapterError, ConfigError, ConnectorError
from connector.models import Post, RequestType, Rule, Setting
from connector.store import Database, catalogue, house
from connector.triage import Gazetteer

_ENOUGH = 2**30
"""Bytes free on the disk: some 300,000 posts."""
_PLACES = ("streets", "landmarks", "districts")
_PATIENCE = 30.0  # seconds for all sources together


@dataclass(frozen=True, slots=True)
class Finding:
    """What was looked at, whether it is well, and a sentence on it: if it is not well, what to do."""

    what: str
    ok: bool
    says: str


def examine() -> list[Finding]:
    """Everything that can be looked at from here; without a sound configuration that is only the configuration."""
    try:
        config = settings.load()
    except (ConnectorError, OSError) as error:
        return [Finding("configuration", False, str(error))]
    found = [Finding("configuration", True, _read_from(config))]
    for what, check in (
        ("data directory", _home), ("disk", _disk), ("key", _key), ("time zone", _zone), ("places", _places),
        ("login", _login), ("sources", _sources), ("notify", _notify),
        ("oncall", _oncall),
    ):  # fmt: skip
        found += _guarded(what, check, config)
    ways: dict[str, Channel] = {}
    found += _guarded("channels", _channels, config, ways)
    found += _guarded("database", _database, config, ways)
    return found


def example() -> str:
    """An annotated `connector.toml`."""
    return annotated.text()


def _guarded(what: str, check: Callable[..., Iterator[Finding]], *args: Any) -> list[Finding]:
    found: list[Finding] = []
    try:
        for finding in check(*args):
            found.append(finding)
    except ConnectorError as error:
        found.append(Finding(what, False, str(error)))
    except OSError as error:
        found.append(Finding(what, False, f"{error.filename or 'The system'}: {error.strerror}"))
    except Exception as error:  # noqa: BLE001 - the text of a foreign exception may hold a secret
        found.append(Finding(what, False, f"The check itself broke ({type(error).__name__}); please report it"))
    return found


# -- the computer --------------------------------------------------------------------------------------------------


def _read_from(config: Config) -> str:
    if config.is_demo:
        return "No connector.toml here and CONNECTOR_CONFIG is not set: this is the demo city"
    return f"{config.file} is read; the city is {config.city.name}"


def _home(config: Config) -> Iterator[Finding]:
    home = config.home
    nearest = _nearest(home)
    if not os.access(nearest, os.W_OK | os.X_OK) or not nearest.is_dir():
        says = f"{nearest} cannot be written by this user; mend its rights, or name another by CONNECTOR_HOME"
        yield Finding("data directory", False, says)
    elif nearest != home:
        yield Finding("data directory", True, f"{home} is made at the first start")
    elif stat.S_IMODE(home.stat().st_mode) & 0o077:
        yield Finding("data directory", True, f"{home} can be written; others may look into it, so better: chmod 700")
    else:
        yield Finding("data directory", True, f"{home} can be written, by its owner alone")


def _disk(config: Config) -> Iterator[Finding]:
    free = shutil.disk_usage(_nearest(config.home)).free
    says = f"{free / 2**30:.1f} GB are free under {config.home}"
    yield Finding("disk", free >= _ENOUGH, says if free >= _ENOUGH else f"Only {says}; make room")


def _nearest(path: Path) -> Path:
    """The directory itself, or the one it would be made in."""
    path = path.absolute()
    return next(folder for folder in (path, *path.parents) if folder.exists())


def _key(config: Config) -> Iterator[Finding]:
    if config.is_demo and not os.environ.get(sealing.VARIABLE) and not (config.home / "demo.key").exists():
        yield Finding("key", True, "The demo makes itself a key at its first start")
        return
    sealer = sealing.load(config)
    sound = sealer.unseal(sealer.seal("x", "doctor", "1"), "doctor", "1") == "x"
    yield Finding("key", sound, "Names can be sealed and opened" if sound else "What is sealed does not open again")


def _zone(config: Config) -> Iterator[Finding]:
    here = datetime.now(config.city.zone)
    utc = " Is that the city's own? Set `timezone` in [city]." if config.city.timezone == "UTC" else ""
    yield Finding("time zone", True, f"{config.city.timezone}: it is {here:%H:%M} there.{utc}")


def _places(config: Config) -> Iterator[Finding]:
    for name in _PLACES:
        file: Path | None = getattr(config.city, name)
        if file is None:
            yield Finding(name, True, f"`{name}` in [city] is not set: none are recognised in posts")
            continue
        try:
            streets, landmarks, districts = (file if name == which else None for which in _PLACES)
            loaded = Gazetteer.load(streets, landmarks, districts, config.city.name)
        except ConfigError as error:
            yield Finding(name, False, str(error))
            continue
        count = len(getattr(loaded, name))
        yield Finding(name, count > 0, f"{file} holds {count} {name}" + ("" if count else "; is it the right file?"))


# -- logging in ----------------------------------------------------------------------------------------------------


def _login(config: Config) -> Iterator[Finding]:
    """Whether the provider can be reached and is one, and what is to be registered with it."""
    if config.login is None and config.is_demo:
        return
    if config.login is None:
        says = "No [login]: the pages answer this computer alone, and whoever sits at it is an administrator"
        yield Finding("login", True, says)
        return
    login.for_streamlit(config)
    yield Finding("login", *_provider(config.login.metadata_url, config.login.prompt))
    yield _redirect(config)


def _provider(address: str, prompt: str) -> tuple[bool, str]:
    try:
        answer = requests.get(address, timeout=10)
        told = answer.json() if answer.ok else {}
    except requests.JSONDecodeError:
        told = {}
    except requests.RequestException as error:
        return False, f"{address} does not answer ({type(error).__name__}); is `login.metadata_url` right?"
    if not (isinstance(told, dict) and {"issuer", "authorization_endpoint", "token_endpoint"} <= told.keys()):
        return False, f"{address} ({answer.status_code}) is no provider's metadata; mend `login.metadata_url`"
    if prompt not in (knows := told.get("prompt_values_supported", [prompt])):
        return False, f"{told['issuer']} knows no prompt {prompt}; set `login.prompt` to one of {', '.join(knows)}"
    return True, f"People log in at {told['issuer']}"


def _redirect(config: Config) -> Finding:
    address = login.redirect_address(config)
    url = urlsplit(address)
    if url.scheme == "https" or url.hostname in ("127.0.0.1", "localhost"):
        says = f"Register {address} at the provider, for logging in and out; people open the pages at {config.city.url}"
        return Finding("login address", True, says)
    return Finding("login address", False, f"{address} is not https: a login could be read on its way; set `city.url`")


# -- sources and channels ------------------------------------------------------------------------------------------


def _sources(config: Config) -> Iterator[Finding]:
    """All are asked at the same time: each may let us wait."""
    if not config.sources:
        yield Finding("sources", True, "None is configured; posts come in by the command `ingest` alone")
    asked = {name: _Asked(name, adapter, config) for name, adapter in config.sources.items()}
    until = time.monotonic() + _PATIENCE
    for name, adapter in config.sources.items():
        yield asked[name].finding(max(0.0, until - time.monotonic()))
        if terms := _terms(adapter.kind):
            yield Finding(f"terms of {name}", True, terms)


class _Asked:
    """A source that is being tested, in a thread that keeps nobody from leaving."""

    def __init__(self, name: str, adapter: Adapter, config: Config) -> None:
        self._what, self._of = f"source {name}", (name, adapter, config)
        self._found: list[Finding] = []
        self._thread = threading.Thread(target=self._ask, daemon=True)
        self._thread.start()

    def finding(self, seconds: float) -> Finding:
        self._thread.join(seconds)
        late = Finding(self._what, False, f"It did not answer within {_PATIENCE:.0f} s; is the network reachable?")
        return self._found[0] if self._found else late

    def _ask(self) -> None:
        self._found += _guarded(self._what, self._test)

    def _test(self) -> Iterator[Finding]:
        source = sources.load(*self._of)
        yield Finding(self._what, True, f"{source.title}: {source.test()}")


def _terms(kind: str) -> str:
    """What the platform asks of us, for those who answer for it; the demo's own posts ask nothing."""
    if kind not in adapters.kinds(sources.__name__) or kind == "sample":
        return ""
    try:
        return sources.capabilities(kind).terms
    except ImportError:
        return ""  # the source's own finding names the library that is missing


def _notify(config: Config) -> Iterator[Finding]:
    """Who hears of a source that falls silent."""
    if config.notify is None and config.is_demo:
        return
    if config.notify is None:
        says = "Nobody is mailed when a source falls silent or is refused; the pages alone say so. Set [notify]"
        yield Finding("notify", True, says)
        return
    notifier(config)
    yield Finding("notify", True, f"Alerts of sources are mailed by channel {config.notify.channel}")


def _oncall(config: Config) -> Iterator[Finding]:
    """Who hears of an urgent post that nobody opens."""
    if not config.oncall.channel:
        says = "Nobody is mailed of an urgent post that nobody opens; the pages alone say so. Set [oncall]"
        yield Finding("oncall", True, says)
        return
    mailer(config, config.oncall.channel, "oncall")
    told = f"Of urgent posts that nobody opens {config.oncall.to} is mailed by channel {config.oncall.channel}"
    yield Finding("oncall", True, told)


def _channels(config: Config, ways: dict[str, Channel]) -> Iterator[Finding]:
    """Fills `ways` with those whose settings are sound."""
    if not config.channels:
        yield Finding("channels", False, "None is configured, so nothing can leave; add a [channels.NAME]")
    for name, adapter in config.channels.items():
        try:
            ways[name] = dispatch.load(name, adapter, config.delivery.timeout, config.home)
            yield Finding(f"channel {name}", True, ways[name].test())
        except (ConfigError, AdapterError) as error:
            yield Finding(f"channel {name}", False, str(error))


# -- the database --------------------------------------------------------------------------------------------------


def _database(config: Config, ways: Mapping[str, Channel]) -> Iterator[Finding]:
    """Reachable, of this mode, up to date; then what stands in it."""
    database = Database(config.database_url)
    try:
        if database.file and not database.file.exists():
            yield Finding("database", True, f"{database.file} is made at the first start")
            return
        finding = _shape(database, config)
        yield finding
        if finding.ok and finding.says.endswith("up to date"):
            with database.reading() as session:
                for what, check in (
                    ("people", _people),
                    ("names", _names),
                    ("types", _types),
                    ("rules", _rules),
                    ("worker", _worker),
                ):
                    yield from _guarded(what, check, session, config, ways)
    except SQLAlchemyError as error:
        address = database.engine.url.render_as_string(hide_password=True)
        why = str(getattr(error, "orig", None) or type(error).__name__).splitlines()[0]
        yield Finding("database", False, f"{address} does not answer ({why}); mend DATABASE_URL or start it")
    finally:
        database.close()


def _shape(database: Database, config: Config) -> Finding:
    alembic = AlembicConfig()
    alembic.set_main_option("script_location", str(store.MIGRATIONS))
    scripts = ScriptDirectory.from_config(alembic)
    address = database.engine.url.render_as_string(hide_password=True)
    with database.reading() as session:
        here = MigrationContext.configure(session.connection()).get_current_revision()
        if here is None:
            return Finding("database", True, f"{address} is empty; its tables are made at the first start")
        if here not in {script.revision for script in scripts.walk_revisions()}:
            return Finding("database", False, f"{address} is of a newer version ({here}); upgrade the program")
        stamp = session.get(Setting, "stamp")
        if stamp and stamp.value != config.mode:
            says = f"{address} belongs to a {stamp.value}, this is a {config.mode}; give each its own DATABASE_URL"
            return Finding("database", False, says)
    if here != scripts.get_current_head():
        return Finding("database", True, f"{address} is of version {here} and is upgraded at the next start")
    return Finding("database", True, f"{address} is up to date")


def _people(session: Session, config: Config, _: Mapping[str, Channel]) -> Iterator[Finding]:
    """With a login somebody must be able to give the others their roles."""
    if config.login is None:
        return
    names = access.administrators(session, config)
    says = "Nobody is an administrator yet: name one in `administrators` of [login]"
    if config.login.role_claim:
        says = f"Nobody with the role of administrator logged in yet; the claim {config.login.role_claim} tells it"
    many = f"{len(names)} administrator{'s' if len(names) != 1 else ''}"
    yield Finding("people", bool(names or config.login.role_claim), many if names else says)


def _names(session: Session, config: Config, _: Mapping[str, Channel]) -> Iterator[Finding]:
    query = select(Post.author_sealed, Post.source, Post.source_id).where(col(Post.author_sealed).is_not(None))
    newest = session.exec(query.order_by(col(Post.id).desc()).limit(1)).first()
    if newest and newest[0]:
        sealing.load(config).unseal(newest[0], newest[1], newest[2])
        yield Finding("names", True, "The newest stored name opens with the key")


def _types(session: Session, config: Config, ways: Mapping[str, Channel]) -> Iterator[Finding]:
    kinds = catalogue.types(session, only_active=True)
    offered = {name: _offered(ways[name]) for name in {kind.channel for kind in kinds} & ways.keys()}
    wrong = 0
    for kind in kinds:
        if why := _lacks(kind, config, ways, offered):
            wrong += 1
            yield Finding(f"request type {kind.code}", False, why)
    if not kinds:
        yield Finding("request types", False, "There is none that is on; add them in Settings, or by `import`")
    elif not wrong:
        yield Finding("request types", True, f"All {len(kinds)} have what their channels ask for")


def _offered(way: Channel) -> dict[str, Service] | None:
    """What can be filed there, by code; None: they do not say, now or ever."""
    try:
        return {service.code: service for service in way.services()} or None
    except AdapterError:
        return None  # the channel's own finding says why


def _lacks(
    kind: RequestType, config: Config, ways: Mapping[str, Channel], offered: Mapping[str, dict[str, Service] | None]
) -> str:
    """What keeps the type's requests from leaving; empty: nothing."""
    way = ways.get(kind.channel)
    if way is None:
        there = ", ".join(config.channels) or "none"
        return (
            "" if kind.channel in config.channels else f"Channel {kind.channel!r} is not configured; there is: {there}"
        )
    if way.needs_address and not kind.address:
        return f"Channel {kind.channel} writes to a person; set the address in Settings"
    if type(way).services is Channel.services:
        return ""
    if not kind.service_code:
        return f"Channel {kind.channel} needs a service code; set it in Settings"
    services = offered[kind.channel]
    if services is None:
        return ""
    if kind.service_code not in services:
        return (
            f"Channel {kind.channel} offers no service {kind.service_code!r}; there are: {', '.join(sorted(services))}"
        )
    open_ = [code for code in services[kind.service_code].needs if code not in (kind.attributes or {})]
    return f"Service {kind.service_code!r} demands {', '.join(open_)}; answer it in Settings" if open_ else ""


def _rules(session: Session, _: Config, __: Mapping[str, Channel]) -> Iterator[Finding]:
    stored, wrong = session.exec(select(Rule).order_by(col(Rule.id))).all(), 0
    for rule in stored:
        if problems := rules.check(rule.expression):
            wrong += 1
            first = problems[0]
            yield Finding(f"rule {rule.name!r}", False, f"Character {first.position + 1}: {first.message}")
    if not any(rule.active for rule in stored):
        yield Finding(
            "rules", False, "There is none that is on, so no post is found; add some on Rules, or by `import`"
        )
    elif not wrong:
        yield Finding("rules", True, f"All {len(stored)} are valid")


def _worker(session: Session, _: Config, __: Mapping[str, Channel]) -> Iterator[Finding]:
    alive, beat = house.heartbeat(session)
    since = f", last seen {beat:%Y-%m-%d %H:%M:%S} UTC" if beat else ""
    says = "It is alive" if alive else "It is not running; start `python -m connector worker`, or `run` with the pages"
    yield Finding("worker", alive, says + since)
