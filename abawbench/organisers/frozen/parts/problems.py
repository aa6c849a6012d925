"""Problems of files as plain dictionaries, and their words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from abawbench.base.rules import RULES

# heading of each rule; a rule that begins with N is a note, with which a file is accepted
TITLES = {name: rule.title for name, rule in RULES.items()}
# number of problems of a rule and file that are kept
SHOWN = 3


def problem(
    rule: str, found: str, expected: str, fix: str, file: str | None = None, line: int | None = None, count: int = 1
) -> dict[str, Any]:
    """One thing that is wrong, or odd, with a file; `count` says how often it is."""
    where = {"rule": rule, "title": TITLES[rule], "file": file, "line": line}
    return {**where, "found": found, "expected": expected, "fix": fix, "count": count}


class Problems:
    """All problems are counted; the first three of each rule and file are kept."""

    def __init__(self) -> None:
        self.counts: Counter[tuple[str, str | None]] = Counter()
        self.kept: dict[tuple[str, str | None], list[dict[str, Any]]] = {}

    def add(
        self,
        rule: str,
        found: str,
        expected: str,
        fix: str,
        file: str | None = None,
        line: int | None = None,
        count: int = 1,
    ) -> None:
        """Add a problem that stands for `count` occurrences."""
        self.counts[rule, file] += count
        kept = self.kept.setdefault((rule, file), [])
        if len(kept) < SHOWN:
            kept.append(problem(rule, found, expected, fix, file, line))

    @property
    def refuses(self) -> bool:
        """True if a problem is more than a note."""
        return any(not rule.startswith("N") for rule, _ in self.kept)

    def listed(self) -> list[dict[str, Any]]:
        """The problems that are kept, each with the count of its rule in its file."""
        return [dict(one, count=self.counts[key]) for key, kept in self.kept.items() for one in kept[:SHOWN]]


def is_refused(problems: Iterable[dict[str, Any]]) -> bool:
    """True if a problem is more than a note."""
    return any(not one["rule"].startswith("N") for one in problems)


def describe(problem: dict[str, Any]) -> str:
    """A problem in words, in two lines without control characters."""
    place = ":".join(str(part) for part in (problem["file"], problem["line"]) if part is not None)
    times = ", {:,} times".format(problem["count"]) if problem["count"] > 1 else ""
    found = f"{problem['rule']} {problem['title']}{times}: {place}{': ' * bool(place)}found {problem['found']}"
    lines = (f"{found}; expected {problem['expected']}", f"    fix: {problem['fix']}")
    return "\n".join(ascii(line)[1:-1] for line in lines)
