"""Problems: what is wrong, where, and how to mend it. ProblemError is the one exception of the package."""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from abawbench.base.rules import RULES

# number of occurrences of a rule in a file that are kept and shown
SHOWN = 3
_NUMBER = re.compile(r"[-+]?\d[\d.,]*(e[-+]?\d+)?")


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with an input.

    Attributes:
        rule: id of the rule in `abawbench.base.rules.RULES`; a rule whose id begins with N is a note.
        found: what the input has.
        expected: what the rule requires.
        fix: advice on what to do about it.
        file: name of the file, or None where the fault is not in a file.
        line: line number from 1, or None where no single line is at fault.
        count: number of all occurrences in the file, this one included.
    """

    rule: str
    found: str
    expected: str
    fix: str
    file: str | None = None
    line: int | None = None
    count: int = 1

    @property
    def is_note(self) -> bool:
        """True if the input is accepted nevertheless."""
        return self.rule.startswith("N")

    def to_json(self) -> dict[str, str | int | None]:
        """The problem as `--json` prints it."""
        return {
            "rule": self.rule,
            "file": self.file,
            "line": self.line,
            "found": self.found,
            "expected": self.expected,
            "fix": self.fix,
            "count": self.count,
        }


class ProblemError(Exception):
    """Raised once for an input, with every problem that was found in it.

    Attributes:
        problems: the problems, up to three of each rule and file.
    """

    def __init__(self, *problems: Problem) -> None:
        self.problems = problems
        super().__init__(render(problems))

    def __reduce__(self) -> tuple[type[ProblemError], tuple[Problem, ...]]:
        # errors cross process borders
        return ProblemError, self.problems


class Problems:
    """The problems of one input: all are counted, and the first three unlike ones of each rule and file are kept."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str | None], list[Problem]] = {}
        self._counts: Counter[tuple[str, str | None]] = Counter()

    def add(self, problem: Problem) -> None:
        """Add a problem, which stands for as many occurrences as its `count` says."""
        key = (problem.rule, problem.file)
        self._counts[key] += problem.count
        self._keep(key, problem)

    def extend(self, problems: Iterable[Problem]) -> None:
        """Add problems whose `count` is already the total of their rule and file."""
        for problem in problems:
            key = (problem.rule, problem.file)
            self._counts[key] = max(self._counts[key], problem.count)
            self._keep(key, problem)

    def _keep(self, key: tuple[str, str | None], problem: Problem) -> None:
        kept = self._kept.setdefault(key, [])
        if len(kept) < SHOWN and problem not in kept:
            kept.append(problem)

    def counts_only(self, rule: str, file: str | None, count: int = 1) -> bool:
        """Count more occurrences and return True, if three of the rule and file are kept; else return False."""
        is_full = len(self._kept.get((rule, file), ())) == SHOWN
        if is_full:
            self._counts[rule, file] += count
        return is_full

    @property
    def found(self) -> tuple[Problem, ...]:
        """Up to three problems of each rule and file, each with the rule's total count in that file."""
        return tuple(replace(problem, count=self._counts[key]) for key, kept in self._kept.items() for problem in kept)

    @property
    def refuses(self) -> bool:
        """True if at least one problem is more than a note."""
        return any(not rule.startswith("N") for rule, _ in self._counts)

    def raise_if_any(self) -> None:
        """Raise a ProblemError with all problems, unless they are all notes."""
        if self.refuses:
            raise ProblemError(*self.found)


def alike(unit: str, problem: Problem) -> tuple[str, ...]:
    """What a problem of a unit has in common with those of other units: its words without numbers and the unit's name.

    >>> one = Problem("E12", "unit a/1, frame 7: no key 'a/1'", "an answer", "correct it")
    >>> two = Problem("E12", "unit b, frame 120: no key 'b'", "an answer", "correct it")
    >>> alike("a/1", one) == alike("b", two)
    True
    """
    name = re.compile(rf"(?<!\w){re.escape(unit)}(?!\w)" if unit else r"(?!)")
    texts = (problem.found, problem.expected, problem.fix)
    return (problem.rule, *(_NUMBER.sub("#", name.sub("*", text)) for text in texts))


def together(problems: Iterable[tuple[str, Problem]]) -> tuple[Problem, ...]:
    """The problems of many units, those that are alike told once, with the number and the first names of the units.

    Args:
        problems: name of a unit and a problem of it; the name is empty for what belongs to no unit.
    """
    groups: dict[tuple[str, ...], list[tuple[str, Problem]]] = {}
    for unit, problem in problems:
        groups.setdefault(alike(unit, problem), []).append((unit, problem))
    told: list[Problem] = []
    for group in groups.values():
        _, first = group[0]
        units = list(dict.fromkeys(unit for unit, _ in group))
        if len(units) > 1 and all(units):
            found = f"{first.found}; alike in {some_of(units)}"
            told.append(replace(first, found=found, count=sum(problem.count for _, problem in group)))
        else:
            told.extend(dict.fromkeys(problem for _, problem in group))
    return tuple(told)


def some_of(units: Sequence[str]) -> str:
    """The number of units and the first few names.

    >>> some_of(["a", "b", "c", "d"])
    '4 units (a, b, c and 1 more)'
    """
    more = f" and {len(units) - SHOWN:,} more" if len(units) > SHOWN else ""
    return f"{len(units):,} units ({', '.join(units[:SHOWN])}{more})"


def os_reason(error: Exception, otherwise: str = "") -> str:
    """The operating system's words for an error, such as `No such file or directory`.

    Args:
        error: the error that was raised.
        otherwise: text for an error that did not come from the operating system; by default the error's own text.
    """
    return getattr(error, "strerror", None) or otherwise or str(error) or "an error of the file system"


def near_names(name: str, known: Iterable[str]) -> str:
    """Suggestions for an unknown name: the known names most like it, or all known names if none is."""
    names = sorted(known)
    near = difflib.get_close_matches(name, names, 3)
    return " or ".join(f"'{name}'" for name in near) if near else f"one of {', '.join(names)}"


def did_you_mean(name: str, known: Iterable[str], otherwise: str = "correct the name") -> str:
    """A fix for a name that is not known: the known name most like it, else other words."""
    near = difflib.get_close_matches(name, sorted(known), 1)
    return f"did you mean {near[0]}?" if near else otherwise


def not_found(path: object, expected: str = "a file or folder", fix: str = "check the path") -> ProblemError:
    """F01 for a path that does not exist."""
    return ProblemError(Problem("F01", "no such file or folder", expected, fix, str(path)))


def unreadable(
    path: object, error: Exception, expected: str = "a readable file or folder", fix: str = "check its path and rights"
) -> ProblemError:
    """F01 for a path that cannot be read."""
    return ProblemError(Problem("F01", os_reason(error), expected, fix, str(path)))


def unwritable(
    path: object,
    error: Exception,
    expected: str = "a place to write",
    fix: str = "check its rights and the free space, or name another place",
) -> ProblemError:
    """F01 for a path that cannot be written to."""
    return ProblemError(Problem("F01", os_reason(error), expected, fix, str(path)))


def inert(text: str) -> str:
    r"""A text from outside, in one line and without characters that change how a line is shown.

    Control characters, line feeds, marks of writing direction and bytes that are no UTF-8 are written as escapes.

    >>> print(inert("a\nb\x1b[2J"))
    a\nb\x1b[2J
    """
    return text if text.isprintable() else "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def remarks(notes: Sequence[Problem]) -> tuple[str, ...]:
    """Notes in a line each; notes alike in rule and fix are one line, with the first of their files.

    >>> print(*remarks([Problem("N01", "carriage returns", "line feeds alone", "", f"{name}.txt") for name in "ab"]))
    N01 Windows line ends: carriage returns (a.txt and 1 more file)
    """
    lines: list[str] = []
    for rule, fix in dict.fromkeys((note.rule, note.fix) for note in notes):
        group = [note for note in notes if (note.rule, note.fix) == (rule, fix)]
        files = list(dict.fromkeys(note.file for note in group if note.file))
        total = sum(note.count for note in group)
        times = "" if total == len(group) else f", {total:,} times"
        more = f" and {len(files) - 1:,} more file{'s'[: len(files) > 2]}" if len(files) > 1 else ""
        place = f" ({files[0]}{more})" if files else ""
        lines.append(inert(f"{rule} {RULES[rule].title}: {group[0].found}{times}{place}"))
    return tuple(lines)


def render(problems: Sequence[Problem]) -> str:
    """Problems as text: for each rule a heading with its count, the first three occurrences, and their fixes."""
    lines: list[str] = []
    for rule in dict.fromkeys(problem.rule for problem in problems):
        group = [problem for problem in problems if problem.rule == rule]
        counts = {problem.file: problem.count for problem in group}
        total = sum(counts.values())
        # a few files with one problem each are all named
        shown = group if len(counts) == total <= 2 * SHOWN else group[:SHOWN]
        times = "" if total == 1 else f", {total:,} times"
        files = "" if len(counts) == 1 else f" in {len(counts):,} files"
        more = f" (first {len(shown)} shown)" if total > len(shown) else ""
        lines.append(f"{rule} {RULES[rule].title}{times}{files}{more}")
        for problem in shown:
            place = ":".join(str(part) for part in (problem.file, problem.line) if part is not None)
            said = f"{place}{': ' * bool(place)}found {problem.found}; expected {problem.expected}"
            lines.append(f"    {inert(said)}")
        lines.extend(f"    fix: {inert(fix)}" for fix in dict.fromkeys(problem.fix for problem in shown))
    return "\n".join(lines)
