"""The database, and what stands in it: people, names, types, rules, the worker's sign of life."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from alembic.config import Config as AlembicConfig
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session, col, select

from connector import access, rules, sealing, store
from connector.config import Config
from connector.dispatch import Channel, Service
from connector.doctor._finding import Finding, guarded
from connector.errors import AdapterError
from connector.models import Post, RequestType, Rule, Setting
from connector.store import Database, catalogue, house


def database(config: Config, ways: Mapping[str, Channel]) -> Iterator[Finding]:
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
                    yield from guarded(what, check, session, config, ways)
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
