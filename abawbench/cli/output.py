"""Printing for every verb: results to standard output, problems and progress to standard error."""

from __future__ import annotations

import functools
import io
import json
import os
import re
import shutil
import sys
import textwrap
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout, suppress
from pathlib import Path
from typing import Any, NoReturn, ParamSpec

import click

from abawbench.base.files import check_output
from abawbench.base.installed import missing_library
from abawbench.base.problems import Problem, ProblemError, inert
from abawbench.cli.table_layout import lay_out
from abawbench.inference import UNITS, is_store

Arguments = ParamSpec("Arguments")
# what may change how a line is shown: all but printable ASCII, line feeds and blanks are looked at closer
_UNPRINTABLE = re.compile(r"[^\n -~]")


# keys of a context's `meta`: its verb has printed its JSON; how much is said; where JSON goes; what it will tell
_ANSWERED = "abawbench.answered"
_LEVEL = "abawbench.level"
_STDOUT = "abawbench.stdout"
_LATER = "abawbench.later"
QUIET, USUAL, VERBOSE = -1, 0, 1
# bytes of input from which a verb that is usually done at once says that it has begun
LARGE = 20_000_000
# rules of notes that are warnings: many filled rows, scores in sample
WARNINGS = ("N13", "N71")


def exits_on_problems(verb: Callable[Arguments, None]) -> Callable[Arguments, None]:
    """Make a verb print a ProblemError or a missing extra to standard error, with --json also as JSON, and exit with 1.

    A verb that has printed its JSON before it failed prints no other. It also gets the options -q and -v.
    """

    @level_options
    @functools.wraps(verb)
    def guarded(*args: Arguments.args, **kwargs: Arguments.kwargs) -> None:
        begin = time.perf_counter()
        try:
            # names that are no UTF-8 are printed as escapes
            if isinstance(sys.stdout, io.TextIOWrapper):
                sys.stdout.reconfigure(errors="backslashreplace")
            tell_pending(click.get_current_context())
            with _only_json_on_stdout():
                verb(*args, **kwargs)
            sys.stdout.flush()
            detail(f"done in {time.perf_counter() - begin:.2f} s")
        except ProblemError as error:
            _fail(error)
        except UnicodeEncodeError as error:
            # a name of bytes that are no text, which nothing that is written could hold
            if "surrogates" not in error.reason:
                raise
            found = f"'{error.object[error.start : error.end]}' in a name"
            _fail(ProblemError(Problem("F19", found, "names in UTF-8", "rename the file or folder, as with convmv")))
        except ModuleNotFoundError as error:
            problem = missing_library(error)
            if problem is None:
                raise
            _fail(ProblemError(problem))
        except BrokenPipeError:
            # the reader, such as `head`, has seen enough; what is still to be written goes nowhere
            with suppress(OSError, ValueError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(0)
        except Exception as error:
            # code of a user's own that nothing else guarded
            from abawbench.entries.failures import describe_failure, is_of_user

            if not is_of_user(error):
                raise
            _fail(ProblemError(*describe_failure("the entry", error)))

    return guarded


@contextmanager
def writing(out: Path | None, *inputs: Path | None) -> Generator[None]:
    """Guard what a verb writes: nothing that the call reads is replaced, and a file that is replaced is named.

    Args:
        out: file or folder to write; None where nothing is written.
        inputs: files and folders that the call reads; None for those that are not given.

    Raises:
        ProblemError: F12, the output is an input, a device, a pipe or a socket.
    """
    if out is None:
        yield
        return
    stores = [given / UNITS for given in inputs if given is not None and is_store(given)]
    is_replaced = check_output(out, *inputs, *stores)
    yield
    if is_replaced:
        say(f"{out}: the earlier file was replaced")


@contextmanager
def _only_json_on_stdout() -> Generator[None]:
    """With --json, print to standard error whatever else is printed meanwhile, as by the code of an entry."""
    context = click.get_current_context()
    if not context.params.get("as_json"):
        yield
        return
    context.meta[_STDOUT] = sys.stdout
    try:
        with redirect_stdout(sys.stderr):
            yield
    finally:
        del context.meta[_STDOUT]


def level_options(verb: Callable[..., None]) -> Callable[..., None]:
    """Add -q and -v, which decide how much is said on standard error."""

    @functools.wraps(verb)
    def called(*args: Any, quiet: bool, verbose: bool, **values: Any) -> None:
        set_level(click.get_current_context(), quiet=quiet, verbose=verbose)
        verb(*args, **values)

    for flags, text in ((("-v", "--verbose"), "Also say what is done."), (("-q", "--quiet"), "Say no progress.")):
        called = click.option(*flags, is_flag=True, help=text)(called)
    return called


def set_level(context: click.Context, *, quiet: bool, verbose: bool) -> None:
    """Set how much is said by the command of a context, where an option asks for it. Raises: UsageError, both do."""
    if not quiet and not verbose:
        return
    wanted = QUIET if quiet else VERBOSE
    if (quiet and verbose) or context.meta.get(_LEVEL, wanted) != wanted:
        raise click.UsageError("-q and -v exclude each other", context)
    context.meta[_LEVEL] = wanted


def level() -> int:
    """How much is said: QUIET, USUAL or VERBOSE."""
    context = click.get_current_context(silent=True)
    return USUAL if context is None else context.meta.get(_LEVEL, USUAL)


def say(text: str) -> None:
    """Print a problem or a warning to standard error."""
    click.echo(text, err=True)


def say_remarks(remarks: Sequence[str]) -> None:
    """Print remarks on an answer to standard error, each as a note; on what flatters a score as a warning."""
    for remark in remarks:
        say(f"{'warning' if remark.startswith(WARNINGS) else 'note'}: {remark}")


def tell(text: str) -> None:
    """Print progress, or what was done, to standard error, unless -q forbids it. Names from outside are made inert."""
    if level() >= USUAL:
        click.echo("\n".join(inert(line) for line in text.split("\n")), err=True)


def tell_later(context: click.Context, text: str) -> None:
    """Tell something as soon as the verb of a context runs: what its arguments are read from."""
    context.meta.setdefault(_LATER, {})[text] = None


def tell_pending(context: click.Context) -> None:
    """Tell what `tell_later` has kept."""
    for text in context.meta.pop(_LATER, {}):
        tell(text)


def detail(text: str) -> None:
    """Print to standard error what only -v asks for."""
    if level() >= VERBOSE:
        tell(text)


@contextmanager
def stage(name: str) -> Generator[None]:
    """Tell with -v how long a part of a verb takes."""
    begin = time.perf_counter()
    yield
    detail(f"{name}: {time.perf_counter() - begin:.2f} s")


def tell_large(text: str, *paths: Path | None) -> None:
    """Tell what has begun, where the files to read are so large that it takes a while."""
    if sum(_size(path) for path in paths if path is not None) >= LARGE:
        tell(text)


def tell_resumed(what: str) -> Callable[[int, int], None]:
    """A function that tells how much an earlier run has finished, given this number and that of all.

    Args:
        what: plural name of what is counted, as `units`.
    """

    def resumed(done: int, total: int) -> None:
        if done:
            tell(f"{done:,} of {total:,} {what} were finished before; the run goes on")

    return resumed


def _size(path: Path) -> int:
    try:
        files = path.iterdir() if path.is_dir() else [path]
        return sum(file.stat().st_size for file in files)
    except OSError:
        return 0


def print_json(
    values: Mapping[str, Any],
    *,
    problems: Sequence[Problem] = (),
    ok: bool | None = None,
    verb: str | None = None,
) -> None:
    """Print the answer of a verb as one JSON object: `ok`, `verb`, `problems`, and the values of the verb; no NaN.

    Args:
        values: values of the verb by name. Those named `ok` and `problems` are taken for the first three keys.
        problems: what is wrong with the input, notes included.
        ok: True where the verb succeeded; by default where no problem is more than a note.
        verb: name of the verb, as `data list`; by default that of the running command.
    """
    context = click.get_current_context(silent=True)
    if context is not None:
        context.meta[_ANSWERED] = True
    found = list(values.get("problems", [])) or [problem.to_json() for problem in problems]
    is_ok = all(str(problem["rule"]).startswith("N") for problem in found) if ok is None else ok
    envelope = {"ok": is_ok, "verb": _verb_of(context) if verb is None else verb, "problems": found}
    print_document({**envelope, **values, "ok": values.get("ok", is_ok), "problems": found})


def print_document(value: Any) -> None:
    """Print a value as JSON, as it is; NaN is refused."""
    text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False)
    text = _UNPRINTABLE.sub(lambda found: found[0] if found[0].isprintable() else json.dumps(found[0])[1:-1], text)
    context = click.get_current_context(silent=True)
    click.echo(text, file=None if context is None else context.meta.get(_STDOUT))


def _fail(error: ProblemError) -> NoReturn:
    say(str(error))
    context = click.get_current_context()
    if context.params.get("as_json") and _ANSWERED not in context.meta:
        print_json({}, problems=error.problems, ok=False)
    sys.exit(1)


def _verb_of(context: click.Context | None) -> str:
    """The name of the running verb: its module below `abawbench.cli`, and its own name where a module has several."""
    if context is None or context.command.callback is None:
        return ""
    words = context.command.callback.__module__.removeprefix("abawbench.cli.").split(".")
    name = context.command.name
    return " ".join(words if name in {None, words[-1], "command"} else [*words, str(name)])


def print_table(
    rows: Sequence[Sequence[object]],
    headers: Sequence[str],
    title: str | None = None,
    *,
    keys: int = 1,
    optional: Sequence[str] = (),
) -> None:
    """Print a table that fits the terminal, or 80 columns, or COLUMNS where that is set.

    Args:
        rows: cells by row; None is an empty cell.
        headers: a header for each column, which may be empty.
        title: line above the table.
        keys: number of first columns that tell what a row is about.
        optional: headers of columns that may be left out where the table is too wide, the first to go first.
    """
    cells = [["" if cell is None else inert(str(cell)) for cell in row] for row in rows]
    width = shutil.get_terminal_size().columns
    for line in textwrap.wrap(title or "", width):
        click.secho(line, bold=True)
    for line, is_header in lay_out(cells, headers, width, keys=keys, optional=optional):
        click.secho(line, bold=is_header or None)


def print_paragraph(text: str) -> None:
    """Print a text on lines that fit, as tables do; words stay whole."""
    for line in textwrap.wrap(text, shutil.get_terminal_size().columns, break_long_words=False, break_on_hyphens=False):
        click.echo(line)


class ProgressLine:
    """One line that changes on a terminal; elsewhere a new line now and then.

    Args:
        what: plural name of what is counted, as `videos`.
    """

    PAUSE_S = 10.0

    def __init__(self, what: str) -> None:
        self._what = what
        self._is_shown = level() >= USUAL
        self._is_terminal = sys.stderr.isatty()
        self._shown = 0.0

    def show(self, done: tuple[int, int], frames: tuple[int, int], seconds: float) -> None:
        """Show the progress.

        Args:
            done: numbers of things done and in all.
            frames: numbers of frames done and expected in all.
            seconds: time since the run began.
        """
        if not self._is_shown:
            return
        rate = frames[0] / seconds if seconds else 0.0
        left = f", about {duration((frames[1] - frames[0]) / rate)} left" if frames[1] > frames[0] and rate else ""
        text = f"{done[0]:,}/{done[1]:,} {self._what}, {frames[0]:,} frames, {rate:,.0f} frames/s{left}"
        if self._is_terminal:
            click.echo(f"\r\033[K{text}", nl=False, err=True)
            self._shown = seconds
        elif seconds - self._shown >= self.PAUSE_S:
            tell(text)
            self._shown = seconds

    def end(self) -> None:
        """Clear the line."""
        if self._is_terminal and self._shown:
            click.echo("\r\033[K", nl=False, err=True)


def duration(seconds: float) -> str:
    """A time in seconds, minutes or hours, as text.

    >>> duration(42.4), duration(600), duration(7200)
    ('42 s', '10 min', '2.0 h')
    """
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
