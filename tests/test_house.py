"""What keeps the house honest without a reviewer: tests beside adapters, thin pages, imports that do nothing."""

from __future__ import annotations

import ast
import os
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import connector
from connector import adapters

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted((ROOT / "pages").glob("*.py"))
KINDS = ("*.py", "*.md", "*.toml", "*.txt", "*.yaml", "*.yml", "*.sh", "run")


def _is_ours(file: Path) -> bool:
    folders = file.relative_to(ROOT).parts
    return file.is_file() and not any(p.startswith(".") and p not in (".ci", ".streamlit") for p in folders)


SOURCES = [file for pattern in KINDS for file in ROOT.rglob(pattern) if _is_ours(file)]


@pytest.mark.parametrize(
    ("package", "kind"),
    [("sources", kind) for kind in adapters.kinds("connector.sources")]
    + [("dispatch", kind) for kind in adapters.kinds("connector.dispatch")],
)
def test_every_adapter_has_a_test_file(package: str, kind: str) -> None:
    assert list((ROOT / "tests" / package).glob(f"test_{kind}*.py"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_page_imports_only_streamlit_and_connector_and_is_short(page: Path) -> None:
    text = page.read_text("utf-8")
    modules = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            modules |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            modules.add((node.module or "").partition(".")[0])
    standard = modules & sys.stdlib_module_names
    assert modules - standard <= {"streamlit", "connector"}
    assert standard <= {"__future__", "pathlib", "datetime"}, (
        "what needs more than that belongs into connector/screen*.py"
    )
    assert len(text.splitlines()) <= 100


def test_every_page_is_there() -> None:
    assert {page.stem for page in PAGES} == {
        "navigation",
        "review",
        "tickets",
        "rules",
        "trends",
        "sources",
        "settings",
        "history",
        "practice",
    }


IMPORTS = """
import builtins, importlib, io, os, socket, sys
import numpy, pandas, altair, streamlit, sqlmodel, alembic.command, msgspec, yaml, typer, rich.progress, structlog
import cryptography.hazmat.primitives.ciphers.aead, requests, filelock, email.policy, http.server, smtplib

def no_network(*_, **__):
    raise AssertionError("an import opened a socket")

socket.socket.connect = socket.socket.bind = socket.getaddrinfo = no_network
opened = []

def watch(event, details):
    if event == "open" and isinstance(details[0], (str, bytes, os.PathLike)):
        path = os.fsdecode(details[0])
        if not path.endswith((".py", ".pyc", ".so")) and "__pycache__" not in path:
            opened.append(path)

sys.addaudithook(watch)
mine = os.path.realpath(sys.argv[1])
for name in sys.argv[2:]:
    del opened[:]
    importlib.import_module(name)
    ours = [path for path in opened if os.path.realpath(path).startswith((mine, os.getcwd()))]
    assert not ours, (name, ours)
assert os.listdir(".") == [], os.listdir(".")
"""


def test_importing_a_module_opens_no_file_and_no_connection(tmp_path: Path) -> None:
    names = [
        module.name
        for module in pkgutil.walk_packages(connector.__path__, "connector.")
        if not module.name.startswith("connector.migrations") and module.name != "connector.__main__"
    ]
    assert len(names) > 60
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", IMPORTS, str(ROOT), *names],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr[-1500:]


def test_imports_look_downwards_only() -> None:
    lint = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([str(lint), "--no-cache"], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-500:]


def imported(file: Path) -> set[str]:
    """Every name that a file imports, in whole: `connector.models.now` for `from connector.models import now`."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file} imports by dots"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def within(names: set[str], *packages: str) -> set[str]:
    return {name for name in names if f"{name}.".startswith(tuple(f"{package}." for package in packages))}


def test_only_what_stands_around_the_pages_knows_streamlit() -> None:
    files = (ROOT / "connector").rglob("*.py")
    knows = {str(file.relative_to(ROOT / "connector")) for file in files if within(imported(file), "streamlit")}
    others = {name for name in knows if not name.startswith("screen" + os.sep)}
    assert others == {"web.py"}


@pytest.mark.parametrize("folder", ["sources", "rules", "triage", "dispatch"])
def test_what_talks_and_what_judges_knows_no_table(folder: str) -> None:
    """Of the models only the time, and the word for why a source missed posts; of the rest nothing that keeps rows."""
    for file in (ROOT / "connector" / folder).rglob("*.py"):
        known = within(imported(file), "connector.models", "connector.store", "sqlmodel", "sqlalchemy", "alembic")
        allowed = {"connector.models.now", "connector.models.GapCause"} if folder == "sources" else set()
        assert known <= allowed, file


@pytest.mark.parametrize("package", ["sources", "dispatch"])
def test_no_adapter_imports_another(package: str) -> None:
    kinds = adapters.kinds(f"connector.{package}")
    for kind in kinds:
        others = [f"connector.{package}.{other}" for other in kinds if other != kind]
        folder = ROOT / "connector" / package
        for file in [*folder.glob(f"{kind}.py"), *(folder / kind).rglob("*.py")]:
            assert within(imported(file), *others) == set(), file


@pytest.mark.parametrize("place", ["/wo" + "rk/", "/t" + "mp/"])
def test_no_file_names_the_place_where_it_was_written(place: str) -> None:
    assert len(SOURCES) > 100
    assert [file.name for file in SOURCES if place in file.read_text("utf-8")] == []


_STEPS = ("pip check", "ruff check .", "ruff format --check .", "mypy", "lint-imports", "python -m pytest",
          "python -m pytest -m long")  # fmt: skip
_STUB = """\
#!/bin/sh
set -- "$(basename "$0")" "$@"
case "$*" in "python3 -m venv "*) mkdir -p "$4/bin" && : > "$4/bin/activate" ;; esac
echo "$*" >> "$CALLED"
[ "$*" != "$FAILS" ]
"""


@pytest.mark.skipif(sys.platform == "win32", reason=".ci/run is a script for bash")
@pytest.mark.parametrize("fails", ["", *_STEPS])
def test_ci_passes_only_if_every_step_does(fails: str, tmp_path: Path) -> None:
    for name in ("chromium", "python3", *{step.split()[0] for step in _STEPS}):
        stub = tmp_path / name
        stub.write_text(_STUB)
        stub.chmod(0o755)
    told = {"PATH": f"{tmp_path}:/usr/bin:/bin", "TMPDIR": str(tmp_path), "CALLED": str(tmp_path / "called")}
    done = subprocess.run(
        ["bash", str(ROOT / ".ci" / "run")], env=told | {"FAILS": fails}, capture_output=True, timeout=60
    )
    called = [line for line in (tmp_path / "called").read_text().splitlines() if line in _STEPS]
    assert (done.returncode == 0) is (not fails)
    assert called == list(_STEPS[: _STEPS.index(fails) + 1] if fails else _STEPS)
