"""Failures of code that users bring: whatever it raises becomes a problem with the place in that code."""

from __future__ import annotations

import os
import sysconfig
import traceback
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from abawbench.base.installed import missing_library
from abawbench.base.problems import Problem, ProblemError

# characters of an exception's own words that are shown
LONGEST = 600
# code that is nobody's entry: this package, the standard library, installed packages
_PACKAGE = f"{Path(__file__).parents[1]}{os.sep}"
_PYTHON = (f"{sysconfig.get_path(name)}{os.sep}" for name in ("stdlib", "platstdlib", "purelib", "platlib"))
_LIBRARIES = (_PACKAGE, *_PYTHON, "<")
# words of an exception, or its type -> what to do
_WORDS = {"out of memory": "use a smaller --batch", "map_location": 'load the weights with map_location="cpu"'}
_TYPES: dict[type[BaseException], str] = {
    FileNotFoundError: "bring the file, or correct its path",
    ModuleNotFoundError: "install it; for a file beside entry.py write `from .name import ...`",
    SystemExit: "return, or raise an exception, and do not leave the program",
}


@contextmanager
def reporting_failures(who: str, expected: str = "an answer") -> Generator[None]:
    """Turn whatever the code of an entry raises into problems, also when it leaves the program; Ctrl-C passes.

    Args:
        who: the entry and what it was asked for, as `2026_me_mine, unit v, frame 3`.
        expected: what the code should have done.

    Raises:
        ProblemError: problems that the code raised itself; D53, a library is missing; else E12.
    """
    try:
        yield
    except BaseException as error:
        if _is_interruption(error):
            raise
        raise ProblemError(*describe_failure(who, error, expected)) from error


def describe_failure(who: str, error: BaseException, expected: str = "an answer") -> tuple[Problem, ...]:
    """The problems that `reporting_failures` raises for an exception."""
    if isinstance(error, ProblemError):
        return error.problems
    if isinstance(error, Exception) and (problem := missing_library(error)) is not None:
        return (problem,)
    words = _words(error)
    fixes = [fix for part, fix in _WORDS.items() if part in words]
    fixes += [fix for kind, fix in _TYPES.items() if isinstance(error, kind)]
    fix = [*fixes, "correct the entry, then run again"][0]
    file, line = place_of(error)
    return (Problem("E12", f"{who}: {type(error).__name__}: {words}", expected, fix, file, line),)


def is_of_user(error: BaseException) -> bool:
    """True where an exception passed through code that is neither of this package nor of a library."""
    return any(not file.startswith(_LIBRARIES) for file, _ in _frames(error))


def place_of(error: BaseException) -> tuple[str | None, int | None]:
    """The file and line in the user's code where an exception was raised, or else where it was raised at all."""
    if isinstance(error, SyntaxError) and error.filename and not error.filename.startswith("<"):
        return error.filename, error.lineno
    frames = _frames(error)
    own = [place for place in frames if not place[0].startswith(_LIBRARIES)]
    return [(None, None), *frames, *own][-1]


def _is_interruption(error: BaseException) -> bool:
    """True for Ctrl-C, and for what this package raises to stop a command."""
    # nothing of this package leaves the program from below an entry
    if isinstance(error, Exception | SystemExit):
        return False
    return isinstance(error, KeyboardInterrupt) or _frames(error)[-1][0].startswith(_PACKAGE)


def _frames(error: BaseException) -> list[tuple[str, int]]:
    return [(frame.f_code.co_filename, line) for frame, line in traceback.walk_tb(error.__traceback__)]


def _words(error: BaseException) -> str:
    try:
        words = str(error)
    except Exception:
        return "without words"
    return f"{words[:LONGEST]}..." if len(words) > LONGEST else words or "without words"
