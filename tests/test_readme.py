"""What the README says is so: tables, links, commands."""

from __future__ import annotations

import re
import subprocess
import sys

from tests.readme_tables import README, TABLES, filled

TEXT = README.read_text("utf-8")


def test_tables_equal_what_the_code_declares() -> None:
    assert all(f"<!-- {name} -->" in TEXT for name in TABLES)
    assert filled(TEXT) == TEXT, "run: python -m tests.readme_tables"


def test_every_link_to_a_file_leads_somewhere() -> None:
    targets = re.findall(r"\]\(([^)#:]+)\)", TEXT)
    assert targets
    missing = [target for target in targets if not (README.parent / target).exists()]
    assert missing == []


def test_every_command_it_names_exists() -> None:
    told = set(re.findall(r"python -m connector ([a-z-]+)", TEXT))
    listed = subprocess.run([sys.executable, "-m", "connector", "--help"], capture_output=True, text=True, check=True)
    missing = {name for name in told if not re.search(rf"\b{name}\b", listed.stdout)}
    assert told
    assert missing == set()
