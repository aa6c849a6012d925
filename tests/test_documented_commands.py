"""The commands of README.md and docs/ run as printed, in order, from an empty folder, and print what the pages show."""

from __future__ import annotations

import importlib
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import nullcontext, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click
import pytest

from abawbench.cli import main
from examples.real_data import VARIABLE, real_data
from tests.conftest import has_real_data

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
# also parsed, but not run: they are read beside a model of the reader's own
TEMPLATES = sorted((ROOT / "submissions").glob("*/README.md"))
PROGRAMS = {"abawbench", "cp", "make", "pip", "python", "ray", "source", "torchrun"}
# a first comment that names a file: the block is its content
NAMED = re.compile(r"# (\S+\.(?:py|toml|csv))\b.*")
# a comment behind a command, or above the commands of a block: what is needed and cannot be had in a test
NEEDS = re.compile(r"# needs (?P<what>[^:;]*)")
EXIT = re.compile(r"# exit status (\d+)")
# what the folder of real data has: commands that need it run where it is
FROM_REAL_DATA = {"YuNet", "real videos, and the checkout"}
# what a test has not, as the pages say it
NOT_RUN = {
    "a browser",
    "a checkpoint",
    "a list of C-EXPR-DB",
    "a minute",
    "Aff-Wild2, GPUs",
    "CK+",
    "RAF-DB",
    "s-Aff-Wild2",
    "several machines",
    "the checkout",
    "the checkout and hours",
    "the checkout and real data",
    "the checkout, real data and hours",
    "the network",
    "the weights",
}
# words that stand for a challenge in the form of a command
STANDS_FOR = re.compile(r"\b(ID|CHALLENGE)\b")
# times depend on the machine
VOLATILE = re.compile(r"\d[\d,.]* (?:s|min|h|frames/s)\b")


@dataclass(frozen=True, slots=True)
class Block:
    """A code block of a page.

    Attributes:
        line: number of its first line.
        language: word behind the fence; empty for an indented block.
        text: content.
    """

    line: int
    language: str
    text: str

    @property
    def file(self) -> str | None:
        """The file that the block is the content of, which its first line names."""
        named = NAMED.fullmatch(self.text.partition("\n")[0])
        return None if named is None else named[1]

    @property
    def is_commands(self) -> bool:
        return self.language == "" and any(line.split(" ", 1)[0] in PROGRAMS for line in self.text.splitlines())


@dataclass(frozen=True, slots=True)
class Command:
    """A command of a page.

    Attributes:
        line: number of its line.
        text: command as printed, its comment included.
        needs: what the page says that it needs; None for a command that runs anywhere.
        status: exit status that the page states.
        shown: what the page shows of its output; None where it shows nothing.
    """

    line: int
    text: str
    needs: str | None
    status: int = 0
    shown: str | None = None


def blocks(page: Path) -> Iterator[Block]:
    """The code blocks of a page, fenced and indented ones, in order."""
    lines = page.read_text("utf-8").splitlines()
    place = 0
    while place < len(lines):
        fence = re.fullmatch(r"```(\w*)", lines[place])
        is_indented = lines[place].startswith("    ") and (place == 0 or not lines[place - 1].strip())
        if not fence and not is_indented:
            place += 1
            continue
        first = place + 1 if fence else place
        ends = (lambda line: line == "```") if fence else (lambda line: bool(line) and not line.startswith("    "))
        last = next((at for at in range(first, len(lines)) if ends(lines[at])), len(lines))
        text = "\n".join(line if fence else line[4:] for line in lines[first:last]).strip("\n")
        yield Block(first + 1, fence[1] if fence else "", text)
        place = last + 1 if fence else last


def commands(block: Block) -> Iterator[Command]:
    """The commands of a block; a comment line speaks for all lines below it."""
    all_need: str | None = None
    text, start = "", block.line
    for number, line in enumerate(block.text.splitlines(), start=block.line):
        text = f"{text}\n{line}" if text else line
        if line.endswith("\\"):
            continue
        needs = NEEDS.search(text)
        if text.startswith("#"):
            all_need = needs["what"] if needs else None
        elif text.strip():
            status = EXIT.search(text)
            yield Command(start, text, needs["what"] if needs else all_need, int(status[1]) if status else 0)
        text, start = "", number + 1


def steps(page: Path) -> Iterator[Block | Command]:
    """The files, programs and commands of a page in order; output that is shown belongs to the command above it."""
    before: Command | None = None
    for block in blocks(page):
        if block.language == "text" and before is not None:
            yield replace(before, shown=block.text)
            before = None
            continue
        if before is not None:
            yield before
            before = None
        if block.is_commands:
            *first, before = commands(block)
            yield from first
        elif block.file is not None or block.language == "python":
            yield block
    if before is not None:
        yield before


def all_commands(page: Path) -> list[Command]:
    return [command for block in blocks(page) if block.is_commands for command in commands(block)]


def words(command: Command) -> list[str]:
    return shlex.split(command.text.replace("\\\n", " "), comments=True)


def parse(command: click.Command, arguments: list[str], *, is_form: bool = False) -> None:
    """Parse the words of a command without running it; a form may leave arguments and values out."""
    context = click.Context(command, info_name="abawbench")
    while isinstance(command, click.Group):
        name, found, arguments = command.resolve_command(context, arguments)
        assert found is not None
        command, context = found, click.Context(found, info_name=name, parent=context)
    with suppress(click.MissingParameter, click.BadOptionUsage) if is_form else nullcontext():
        command.make_context("verb", arguments)


def normal(line: str) -> str:
    return VOLATILE.sub("TIME", line.rstrip())


def shows(shown: str, printed: str) -> bool:
    """Whether the lines shown are those printed; a line of three dots stands for any lines."""
    parts = [re.escape(normal(line)) if line.strip() != "..." else r"(?s:.*)" for line in shown.splitlines()]
    return re.fullmatch("\n".join(parts), "\n".join(map(normal, printed.rstrip("\n").splitlines()))) is not None


def run(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    if has_real_data():
        environment[VARIABLE] = str(real_data().resolve())
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def run_block(block: Block, folder: Path) -> None:
    if block.file is not None:
        (folder / block.file).parent.mkdir(parents=True, exist_ok=True)
        (folder / block.file).write_text(block.text, "utf-8")
        return
    done = run(folder, sys.executable, "-c", block.text)
    assert done.returncode == 0, f"line {block.line}: {done.stderr}"


def run_command(command: Command, folder: Path, corpora: Path) -> None:
    """Run a command; a corpus that an earlier page has made with the same words is copied."""
    made = corpora / "_".join(words(command)).replace("/", "-")
    if made.is_dir():
        shutil.copytree(made, folder / words(command)[2])
        return
    done = run(folder, "bash", "-c", command.text)
    told = f"line {command.line}: {command.text}\n{done.stdout}{done.stderr}"
    assert done.returncode == command.status, told
    if command.shown is not None:
        assert shows(command.shown, done.stdout), f"{told}\nthe page shows:\n{command.shown}"
    if words(command)[:3] == ["abawbench", "synth", "out/corpus"]:
        shutil.copytree(folder / "out" / "corpus", made)


@pytest.fixture(scope="module")
def corpora(tmp_path_factory):
    return tmp_path_factory.mktemp("corpora")


def pages_of(found: Callable[[Path], Iterable[Any]]) -> list[Any]:
    """The pages on which something is found."""
    return [pytest.param(page, id=page.name) for page in PAGES if any(True for _ in found(page))]


@pytest.mark.parametrize("page", pages_of(steps))
def test_a_page_runs_as_printed_from_an_empty_folder(page, tmp_path, corpora):
    # of the checkout, the examples alone are seen
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    for step in steps(page):
        if isinstance(step, Block):
            run_block(step, tmp_path)
        elif step.needs is None or (step.needs in FROM_REAL_DATA and has_real_data()):
            run_command(step, tmp_path, corpora)


def test_what_is_not_run_is_marked_on_the_page_and_listed_here():
    needed = {command.needs for page in PAGES for command in all_commands(page)} - {None, *FROM_REAL_DATA}
    assert needed == NOT_RUN


@pytest.mark.parametrize("page", [*PAGES, *TEMPLATES], ids=lambda page: str(page.relative_to(ROOT)))
def test_every_command_is_understood(page, monkeypatch, tmp_path):
    # challenges of one's own, which the page shows, are looked up by their ids
    monkeypatch.setattr("abawbench.challenges.lookup._named", {})
    monkeypatch.chdir(tmp_path)
    for block in blocks(page):
        if block.file is not None:
            run_block(block, tmp_path)
    # inputs need not be there
    monkeypatch.setattr(click.Path, "convert", lambda self, value, parameter, context: Path(value))
    for command in all_commands(page):
        verb, *arguments = words(command)
        if verb == "abawbench":
            parse(main, arguments)
        elif verb == "python" and arguments[0].startswith("examples/"):
            parse(example(ROOT / arguments[0]), arguments[1:])
    for line in re.findall(r"`abawbench ([^`]*)`", page.read_text("utf-8")):
        parse(main, shlex.split(STANDS_FOR.sub("abaw4-mtl", line)), is_form=True)


def example(path: Path) -> click.Command:
    """The command of an example, which imports its neighbours."""
    sys.path.insert(0, str(path.parent))
    try:
        return importlib.import_module(f"examples.{path.stem}").main
    finally:
        sys.path.remove(str(path.parent))


def test_a_folder_is_made_by_the_same_words_on_every_page():
    made: dict[str, set[tuple[str, ...]]] = {}
    for page in PAGES:
        for command in all_commands(page):
            if words(command)[:2] == ["abawbench", "synth"] and not words(command)[2].startswith("-"):
                made.setdefault(words(command)[2], set()).add(tuple(words(command)[3:]))
    assert {folder: ways for folder, ways in made.items() if len(ways) > 1} == {}


def test_dots_stand_for_any_lines_and_times_may_differ():
    printed = "units  3\ntime       1.2 s\nstore  out\n"
    assert shows("units  3\ntime       40 s\nstore  out", printed)
    assert shows("units  3\n...", printed)
    assert not shows("units  3", printed)
    assert not shows("units  4\n...", printed)
