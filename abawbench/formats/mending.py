"""What can be mended in a text file without a doubt, and a record of what was mended in one."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from abawbench.base.problems import Problem, Problems
from abawbench.base.rules import RULES
from abawbench.formats.text import BOM

if TYPE_CHECKING:
    from abawbench.formats.layout import Layout

REPAIR = "or let `abawbench check --repair` do it"
WRITE = "or let `abawbench write` do it"
# mendings that change a value in its last digits: `repair` makes them, readers do not
CHANGE_VALUES = frozenset({"V03", "V08"})
# called with rule, line, what was found, expected, fix and count for a fault that has to be mended by hand
Report = Callable[[str, int, str, str, str, int], None]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of fault that can be mended.

    Attributes:
        expected: what the file should have, in words.
        fix: how to mend it by hand.
        done: what was done, in words.
        cure: the command that mends it.
    """

    expected: str
    fix: str
    done: str
    cure: str = REPAIR


KINDS = {
    "N01": Kind("line feeds alone", "save it with Unix line ends", "Windows line ends replaced"),
    "N02": Kind("text without one", "save it as UTF-8 without a byte order mark", "byte order mark removed"),
    "N03": Kind("the last row as the last line", "end the file after the last row", "blank lines at the end removed"),
    "N06": Kind("a value without blanks", "remove the blanks around values", "blanks around values removed"),
    "N10": Kind("a line feed behind the last row", "end the last line", "line feed added to the last row"),
    "F03": Kind(
        "UTF-8 text whose lines end with a line feed", "save it again as UTF-8 text", "text written as UTF-8 lines"
    ),
    "F04": Kind("the header of the format", "write the header of the organisers' list", "header set right"),
    "F06": Kind(
        "one class in each row", "write the class of the greatest score", "class of the greatest score put for scores"
    ),
    "F07": Kind("fields without quotes", "write without quotes", "quotes removed"),
    "F08": Kind(
        "a line that ends with its last value",
        "remove what follows the last value",
        "commas and blanks removed from line ends",
    ),
    "F09": Kind("values without blanks", "remove the blanks around values", "blanks around values removed"),
    "F10": Kind("a row", "remove the blank lines", "blank lines removed"),
    "F11": Kind("the first row", "remove the header: the format has no header", "header removed"),
    "F13": Kind("commas between fields, points in numbers", "separate the fields by commas", "separators set right"),
    "F14": Kind("the row alone", "write without an index (index=False in pandas)", "column of row numbers removed"),
    "F15": Kind("rows alone", "remove the comments", "comment lines removed"),
    "F16": Kind("one header, in the first line", "write the header once", "further headers removed"),
    "T03": Kind("each row once", "remove the copy; open files with mode 'w', not 'a'", "second copy of rows removed"),
    "F17": Kind("answers alone", "leave out the rows of the sample", "rows of the sample removed"),
    "F18": Kind("a plain number", "write the value itself, x.item()", "values taken out of printed arrays"),
    "V01": Kind("numbers of classes and labels", "write the numbers", "names, True and False written as numbers"),
    "Z09": Kind("one file", "put the rows of all files into one, in the order of the list", "files put together"),
    "Z10": Kind("files with all columns", "write all columns of a unit into one file", "columns put together", WRITE),
    "V03": Kind(
        "a value in the range of its column", "clip values to the range", "rounding errors beyond the range clipped"
    ),
    "V05": Kind("an integer", "write the integer alone: 4, not 4.0", "integers written without decimal point"),
    "V08": Kind("p0 + p1 == 1.0", "round p1 first, then print p0 as 1 - p1", "p0 recomputed as 1 - p1"),
}


def describe(rule: str, count: int) -> str:
    """What was done about the faults of a rule, in words."""
    return f"{KINDS[rule].done} ({count:,} times)" if count > 1 else KINDS[rule].done


class Mendings:
    """The faults that were mended in one file."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._problems = Problems()

    def add(self, rule: str, line: int | None, found: str, count: int = 1, expected: str | None = None) -> None:
        """Add a mended fault of a rule in `KINDS`, at a line, which stands for `count` occurrences."""
        if self._problems.counts_only(rule, self._file, count):
            return
        kind = KINDS[rule]
        fix = kind.fix if rule.startswith("N") else f"{kind.fix}, {kind.cure}"
        self._problems.add(Problem(rule, found, expected or kind.expected, fix, self._file, line, count))

    @property
    def found(self) -> tuple[Problem, ...]:
        """The faults, up to three of each rule, with the count of the rule."""
        return self._problems.found


def notes_of(data: bytes | memoryview, file: str, layout: Layout) -> tuple[Problem, ...]:
    """Notes on a file that was parsed as it is, as far as its beginning and its end show."""
    head, end = bytes(data[:4096]), bytes(data[-3:])
    mended = Mendings(file)
    if head.startswith(BOM):
        mended.add("N02", 1, "a byte order mark")
    if b"\r\n" in head:
        mended.add("N01", None, "carriage returns")
    if end.endswith((b"\n\n", b"\n\r\n")):
        mended.add("N03", None, "blank lines at the end")
    elif not end.endswith(b"\n"):
        mended.add("N10", None, "the last row without a line feed")
    # transcripts hold commas and blanks, or nothing
    rows = [] if layout.has_text else head[: head.rfind(b"\n") + 1].splitlines()
    if any(line.endswith((b",", b" ", b"\t")) for line in rows if line.strip()):
        mended.add("F08", 1, "a comma or a blank")
    if any(b", " in line or b" ," in line for line in rows):
        mended.add("F09", 1, "blanks beside values")
    return as_notes(mended.found)


def as_notes(mended: Iterable[Problem]) -> tuple[Problem, ...]:
    """Notes on mended faults, for a reader that goes on: one for each rule."""
    first = {problem.rule: problem for problem in reversed(tuple(mended))}
    return tuple(
        problem
        if problem.is_note
        else replace(problem, rule="N11", found=f"{RULES[problem.rule].title}: {problem.found}")
        for problem in reversed(first.values())
    )
