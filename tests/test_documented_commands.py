"""Every command in README.md and docs/ is one that the command line understands, and no two make one folder."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest

from abawbench.cli import main

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
# `verify|gc` and `[--set ...]` describe a form
FORM = re.compile(r"[\w.]\|[\w.]|\[|\.\.\.")


def commands(page: Path) -> list[str]:
    text = page.read_text("utf-8").replace("\\\n", " ")
    found = re.findall(r"^    (?:\S*/)?abawbench ([^\n]*)", text, re.MULTILINE)
    return [line for line in found if not FORM.search(line.split("  #")[0])]


def parse(words: list[str]) -> None:
    """Parse a command without running it."""
    command: click.Command = main
    context = click.Context(main, info_name="abawbench")
    while isinstance(command, click.Group):
        name, found, words = command.resolve_command(context, words)
        assert found is not None
        command, context = found, click.Context(found, info_name=name, parent=context)
    command.make_context("verb", words)


@pytest.mark.parametrize(
    ("page", "line"), [(page.name, line) for page in PAGES for line in commands(page)], ids=lambda value: value[:60]
)
def test_a_documented_command_is_understood(page, line):
    parse(shlex.split(line, comments=True))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_page_makes_two_corpora_in_one_folder(page):
    made = [shlex.split(line, comments=True)[1] for line in commands(page) if line.startswith("synth out")]
    assert len(made) == len(set(made))
