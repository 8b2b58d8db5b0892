"""The command line: parses, calls, prints. `python -m connector --help` lists the commands.

Logs go to stderr; with `--json` a command prints one JSON document to stdout. Exit 0: done, 1: failed, 2: wrong use.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, ParamSpec

import msgspec
import structlog
import typer

from connector import config as settings
from connector.errors import ConnectorError

P = ParamSpec("P")
app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
_figures = typer.Typer(no_args_is_help=True, help="How well the triage does, on posts that people labelled.")
app.add_typer(_figures, name="figures")
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
Limit = Annotated[int | None, typer.Option(help="At most so many; without it all.", min=1)]


def _command(function: Callable[P, None], group: typer.Typer = app) -> Callable[P, None]:
    """An error of ours is a sentence on stderr and exit code 1."""

    @wraps(function)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            function(*args, **kwargs)
        except (ConnectorError, LookupError) as error:
            typer.echo(str(error), err=True)
            raise typer.Exit(1) from None

    return group.command(function.__name__.strip("_").replace("_", "-"))(wrapped)


def _figure(function: Callable[P, None]) -> Callable[P, None]:
    """A command of the group `figures`."""
    return _command(function, _figures)


def _print(document: Any) -> None:
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(document)).decode() + "\n")


@_command
def run(port: Annotated[int | None, typer.Option(help="Of the pages; 8501 if it is free.")] = None) -> None:
    """Worker and pages under one supervisor; without a configuration it is the demo city."""
    from connector import supervisor

    raise typer.Exit(supervisor.run(settings.load(), port))


@_command
def worker() -> None:
    """The background process alone."""
    from connector import supervisor

    supervisor.work(settings.load())


@_command
def ingest(
    files: Annotated[list[Path], typer.Argument(help="JSON lines in X's v2 shape; - is standard input.")],
    source: Annotated[str, typer.Option(help="Name of the source they are stored under.")] = "x",
    json: Json = False,
) -> None:
    """Store the posts of these files that meet a rule."""
    from connector import ingest as reading

    for file in files:
        if str(file) != "-" and not file.is_file():
            typer.echo(f"{file} is no file.", err=True)
            raise typer.Exit(2)
    config = settings.load()
    total = reading.ingest(_house(config), config, files, source)
    if json:
        _print(total)
    else:
        typer.echo(", ".join(f"{count} {name}" for name, count in total.items()))


@_command
def match(
    posts: Annotated[Path, typer.Argument(help="JSON lines in X's v2 shape; - is standard input.")],
    rules: Annotated[Path, typer.Option(help='JSON lines {"id", "rule"}.')],
    surface: Annotated[str, typer.Option(help="stream, search or local")] = "stream",
) -> None:
    """Print a line {"post_id", "rules"} for each post that meets a rule; stores nothing."""
    from connector import ingest as reading

    _check_surface(surface)
    for file in (rules, posts):
        if str(file) != "-" and not file.is_file():
            typer.echo(f"{file} is no file.", err=True)
            raise typer.Exit(2)
    for line in reading.matches(rules, posts, surface):
        sys.stdout.buffer.write(line)
    sys.stdout.buffer.flush()


@_command
def check_rule(
    text: Annotated[str, typer.Argument(help="A rule in X's syntax.")],
    surface: Annotated[str, typer.Option(help="stream, search or local")] = "stream",
    json: Json = False,
) -> None:
    """Say what is wrong with a rule, or why a city must not set it; exit 0 if nothing is, 2 otherwise."""
    from connector import rules

    _check_surface(surface)
    problems: list[rules.Problem] = list(rules.check(text, surface))
    valid = not problems
    if valid and rules.forbidden(tree := rules.parse(text)):  # only then it matters which accounts are the city's own
        problems += rules.forbidden(tree, settings.load().city.accounts)
    canonical = rules.canonical(text) if valid else None
    if json:
        _print({"valid": valid, "canonical": canonical, "problems": [asdict(problem) for problem in problems]})
    elif canonical is not None:
        typer.echo(canonical)
    if not json:
        _show(text, problems)
    raise typer.Exit(2 if problems else 0)


def _show(text: str, problems: Sequence[Any], err: bool = False) -> None:
    """What is wrong with a rule, each with a caret under its place."""
    from connector import rules

    for problem in problems:
        typer.echo(f"Character {problem.position + 1}: {problem.message}", err=err)
        if problem.suggestion:
            typer.echo(f"Write {problem.suggestion!r} there.", err=err)
        typer.echo(rules.caret(text, problem.position, problem.length) + "\n", err=err)


@_command
def backtest(
    text: Annotated[str, typer.Argument(help="A rule in X's syntax.")],
    type_: Annotated[str, typer.Option("--type", help="Code of the request type that it is meant for.")] = "",
    rule: Annotated[int | None, typer.Option(help="Id of the rule whose wording it is to replace.")] = None,
    json: Json = False,
) -> None:
    """Say what a rule would have done to all that is stored."""
    from connector import backtest as testing
    from connector import rules, sealing
    from connector.store import catalogue

    if problems := rules.check(text):
        _show(text, problems, err=True)
        raise typer.Exit(2)
    config = settings.load()
    database = _house(config)
    with database.reading() as session:
        type_id, present = catalogue.meant(session, type_, rule)
    with _bar("stored posts") as progress:
        found = testing.backtest(database, config, sealing.load(config), text, type_id, present, progress)
    if json:
        _print(testing.document(found))
    for line in () if json else testing.lines(found):
        typer.echo(line)


@contextmanager
def _bar(what: str) -> Iterator[Callable[[int, int], None]]:
    """A progress bar on stderr if that is a terminal."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    with Progress(console=console, disable=not console.is_terminal, transient=True) as progress:
        bar = progress.add_task(what, total=None)
        yield lambda done, total: progress.update(bar, completed=done, total=total)


def _check_surface(surface: str) -> None:
    if surface not in ("stream", "search", "local"):
        typer.echo("--surface is stream, search or local.", err=True)
        raise typer.Exit(2)


@_command
def suspects(
    status: Annotated[str, typer.Option(help="waiting, accepted, dismissed …; all for every one")] = "waiting",
    limit: Limit = None,
    json: Json = False,
) -> None:
    """List the suspects of one status."""
    from connector.models import SuspectStatus
    from connector.sealing import mask
    from connector.store import queue

    if status not in (*SuspectStatus, "all"):
        typer.echo(f"--status is one of {', '.join(SuspectStatus)}, all.", err=True)
        raise typer.Exit(2)
    with _house(settings.load()).reading() as session:
        found = queue.listed(session, "" if status == "all" else status, limit)
    rows: list[dict[str, Any]] = [
        {
            "id": s.id, "status": s.status, "type": s.type, "score": s.score, "posts": s.posts,
            "text": mask(s.text or ""), "place": s.place, "first_posted_at": s.first_posted_at,
        }
        for s in found
    ]  # fmt: skip
    if json:
        _print(rows)
    for row in () if json else rows:
        typer.echo(f"{row['id']:>6}  {row['type']:<18} {row['place'] or '–':<32} {row['text'][:80]!r}")


@_command
def decide(
    id: Annotated[int, typer.Argument(help="Of the suspect.")],
    verdict: Annotated[str, typer.Argument(help="accept, dismiss or undo")],
    reason: Annotated[str, typer.Option(help="Why it is dismissed.")] = "no_problem",
    by: Annotated[str, typer.Option(help="Who decides.")] = "command line",
) -> None:
    """Decide on a suspect, as on the page."""
    from connector import workflow
    from connector.models import DismissReason

    if verdict not in ("accept", "dismiss", "undo") or reason not in list(DismissReason):
        typer.echo(f"Say accept, dismiss or undo; reasons are {', '.join(DismissReason)}.", err=True)
        raise typer.Exit(2)
    config = settings.load()
    database = _house(config)
    if verdict == "accept":
        typer.echo(workflow.accept(database, config, id, by))
    elif verdict == "dismiss":
        workflow.dismiss(database, id, reason, by)
    else:
        workflow.undo(database, id, by)


@_command
def tickets(limit: Limit = None, json: Json = False) -> None:
    """List the deliveries and their tickets, the newest first."""
    from connector.store import tickets as questions

    with _house(settings.load()).reading() as session:
        found = questions.page(session, limit=limit)
    rows = [
        {
            "suspect_id": t.suspect_id, "channel": t.channel, "reference": t.reference, "status": t.status,
            "number": t.number or None, "url": t.url or None, "ticket_status": t.ticket_status or None,
        }
        for t in found
    ]  # fmt: skip
    if json:
        _print(rows)
    for row in () if json else rows:
        typer.echo(f"{row['reference']}  {row['status']:<10} {row['number'] or '–':<14} {row['ticket_status'] or ''}")


@_command
def status(json: Json = False) -> None:
    """Posts, suspects, dispatches, sources and the worker, in figures."""
    from connector.store import house, sources

    with _house(settings.load()).reading() as session:
        totals = house.totals(session)
        open_gaps = sources.open_gaps(session)
        alive, beat = house.heartbeat(session)
        states = [
            {"name": s.name, "state": s.state, "last_post_at": s.last_post_at, "gaps": open_gaps.get(s.name, 0)}
            for s in sources.all_states(session)
        ]
    document = {**totals, "sources": states, "worker": {"alive": alive, "heartbeat_at": beat}}
    if json:
        _print(document)
    else:
        typer.echo(f"{document['posts']} posts")
        for name in ("suspects", "dispatches"):
            typer.echo(f"{name}: " + (", ".join(f"{n} {s}" for s, n in sorted(document[name].items())) or "none"))
        for source in states:
            typer.echo(f"source {source['name']}: {source['state']}, {source['gaps']} open gaps")
        typer.echo(f"worker: {'alive' if alive else 'not running'}{_since(beat)}")


def _since(at: datetime | None) -> str:
    return f", last seen {at:%Y-%m-%d %H:%M:%S} UTC" if at else ""


@_command
def import_(
    file: Annotated[Path, typer.Argument(help="YAML of request types and rules, or a pack.", exists=True)],
    add_types: Annotated[bool, typer.Option("--add-types", help="Of a pack: also types that are not here.")] = False,
) -> None:
    """Add and update request types and rules; of a pack, only add what is missing."""
    from connector import packs

    config = settings.load()
    with _house(config).writing() as session:
        own = config.city.accounts
        changes = packs.import_text(session, file.read_bytes(), "command line", str(file), add_types, own)
    added, changed = changes.types_added + changes.rules_added, changes.types_changed + changes.rules_changed
    typer.echo(f"{len(added)} added, {len(changed)} changed")
    for remark in packs.remarks(changes):
        typer.echo(remark)
    if changes.types_skipped:
        typer.echo("--add-types brings them in.")


@_command
def export(file: Annotated[Path, typer.Argument(help="To be written; - is standard output.")]) -> None:
    """Write request types and rules as YAML."""
    from connector import catalogue_file

    with _house(settings.load()).reading() as session:
        text = catalogue_file.export_text(session)
    if str(file) == "-":
        sys.stdout.write(text)
    else:
        file.write_text(text, "utf-8")


@_command
def measure_pack(
    pack: Annotated[Path, typer.Argument(help="YAML of a pack.", exists=True)],
    posts: Annotated[Path, typer.Argument(help="JSON lines {text, label, kind, source_repo, kw}; - is stdin.")],
    json: Json = False,
) -> None:
    """Say which judged posts a pack catches, and on which ordinary ones it alarms."""
    from connector import pack_figures, packs

    if str(posts) != "-" and not posts.is_file():
        typer.echo(f"{posts} is no file.", err=True)
        raise typer.Exit(2)
    read = packs.read(pack.read_bytes(), str(pack))
    figures = pack_figures.measure(read, None if str(posts) == "-" else posts, lambda bad: typer.echo(bad, err=True))
    if json:
        _print(pack_figures.document(figures))
    for line in () if json else pack_figures.lines(figures):
        typer.echo(line)


@_figure
def duplicates(
    posts: Annotated[Path, typer.Option(help="JSON lines {id, text, label} that hold the labelled posts.")],
    pairs: Annotated[Path, typer.Option(help="JSON lines {a, b, text_a, text_b, label} that hold the others.")],
    json: Json = False,
) -> None:
    """How right near-duplicates are grouped, on pairs that two people labelled."""
    from connector import near_figures

    measured = near_figures.measure(posts, pairs)
    if json:
        _print(near_figures.document(measured))
    for line in () if json else near_figures.lines(measured):
        typer.echo(line)


@_figure
def places(
    labelled: Annotated[Path | None, typer.Argument(help="JSON lines; ours, if none.")] = None,
    tweets: Annotated[Path | None, typer.Option(help="Ordinary posts {text, kind}: every place is false.")] = None,
    json: Json = False,
) -> None:
    """Say how well places are read, with the streets of the demo city."""
    from connector import place_figures
    from connector.triage import Gazetteer

    city = settings.demo_city().city
    gazetteer = Gazetteer.load(city.streets, city.landmarks, city.districts, city.name)
    found = place_figures.measure(gazetteer, labelled or place_figures.LABELLED, tweets)
    if json:
        _print(place_figures.document(found))
    for line in () if json else place_figures.lines(found):
        typer.echo(line)


@_command
def doctor(
    example: Annotated[bool, typer.Option("--example", help="Print an annotated configuration instead.")] = False,
    json: Json = False,
) -> None:
    """Check every setting and connection, and say what to mend."""
    from connector import doctor as checks

    if example:
        sys.stdout.write(checks.example())
        return
    findings = checks.examine()
    if json:
        _print([asdict(finding) for finding in findings])
    for finding in () if json else findings:
        typer.echo(f"{'ok  ' if finding.ok else 'MEND'}  {finding.what}: {finding.says}")
    raise typer.Exit(0 if all(finding.ok for finding in findings) else 1)


@_command
def bench(
    what: Annotated[str, typer.Argument(help="match, ingest, queue, dispatch, backtest or near")],
    share: Annotated[
        float | None, typer.Option(help="match, ingest: which share of the posts matches.", min=0, max=1)
    ] = None,
    rules: Annotated[int | None, typer.Option(help="ingest: how many rules are on.", min=1)] = None,
    json: Json = False,
) -> None:
    """Measure, as ratios to a floor in the same run."""
    from connector import bench as benchmarks

    if what not in benchmarks.ALL:
        typer.echo(f"There is {', '.join(benchmarks.ALL)}.", err=True)
        raise typer.Exit(2)
    options: dict[str, Any] = {"rules": rules} if what == "ingest" else {}
    if what in benchmarks.SHARES:
        options["share"] = benchmarks.SHARES[what] if share is None else share
    result = benchmarks.ALL[what](**options)
    if json:
        _print(result)
    else:
        for name, value in result.items():
            typer.echo(f"{name:<36} {value}")


@_command
def reset_demo() -> None:
    """The demo as on its first day; decisions made in it are lost."""
    from connector import supervisor

    supervisor.reset_demo(settings.load())
    typer.echo("The demo is as on its first day.")


def _house(config: settings.Config) -> Any:
    from connector import supervisor

    return supervisor.open_house(config)


def main() -> None:
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    app()


if __name__ == "__main__":
    main()
