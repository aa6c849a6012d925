"""What is wrong, where, and how to mend it: the one error family of the house."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from abawbench.rules import RULES

SHOWN = 3


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with an input.

    Attributes:
        rule: id in `abawbench.rules.RULES`; ids beginning with N are notes, which do not refuse a file.
        found: what the input says.
        expected: what the rule asks for.
        fix: what to do about it.
        file: the file's name, or None where the fault is not in a file.
        line: line number from 1, or None where no single line is at fault.
        count: how often the rule is broken in this file, all occurrences.
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
        """True where the input is accepted all the same."""
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
    """Raised once per input, with every problem that was found in it."""

    def __init__(self, *problems: Problem) -> None:
        self.problems = problems
        super().__init__(render(problems))


class Problems:
    """Collects problems of one input: counts them all, keeps the first three of each rule and file."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str | None], list[Problem]] = {}
        self._counts: Counter[tuple[str, str | None]] = Counter()

    def add(self, problem: Problem) -> None:
        """Count a problem; its own `count` says how many occurrences it stands for."""
        key = (problem.rule, problem.file)
        self._counts[key] += problem.count
        kept = self._kept.setdefault(key, [])
        if len(kept) < SHOWN:
            kept.append(problem)

    def extend(self, problems: Iterable[Problem]) -> None:
        """Take over problems that are already counted in total, up to three entries for each rule and file."""
        for problem in problems:
            key = (problem.rule, problem.file)
            self._counts[key] = max(self._counts[key], problem.count)
            kept = self._kept.setdefault(key, [])
            if len(kept) < SHOWN:
                kept.append(problem)

    @property
    def found(self) -> tuple[Problem, ...]:
        """Up to three entries of each rule and file, each carrying the rule's total count there."""
        return tuple(replace(problem, count=self._counts[key]) for key, kept in self._kept.items() for problem in kept)

    @property
    def refuses(self) -> bool:
        """True when at least one problem is more than a note."""
        return any(not rule.startswith("N") for rule, _ in self._counts)

    def raise_if_any(self) -> None:
        """Raise every problem found, unless there are only notes."""
        if self.refuses:
            raise ProblemError(*self.found)


def render(problems: Sequence[Problem]) -> str:
    """Problems as text: a heading for each rule and file, then the places, then what to do."""
    blocks: list[str] = []
    groups: dict[tuple[str, str | None], list[Problem]] = {}
    for problem in problems:
        groups.setdefault((problem.rule, problem.file), []).append(problem)
    for (rule, file), group in groups.items():
        count = group[0].count
        times = "" if count == 1 else f" ({count:,} times, first {len(group)} shown)"
        lines = [f"{rule} {RULES[rule].title}{f': {file}' if file else ''}{times}"]
        for problem in group:
            where = f"line {problem.line}: " if problem.line is not None else ""
            lines.append(f"    {where}found {problem.found}; expected {problem.expected}")
        lines.append(f"    fix: {group[0].fix}")
        blocks.append("\n".join(lines))
    return "\n".join(blocks)
