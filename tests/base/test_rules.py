"""The catalogue of rules: documented, used, and told apart."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from abawbench.base.problems import Problem, ProblemError, Problems, render
from abawbench.base.rules import FAMILIES, RULES, catalogue

ROOT = Path(__file__).parents[2]


def test_the_page_of_rules_is_the_catalogue():
    assert (ROOT / "docs" / "rules.md").read_text(encoding="utf-8") == catalogue(), "run `make tables`"


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_is_used_by_the_package(rule):
    source = "".join(path.read_text() for path in (ROOT / "abawbench").rglob("*.py") if path.name != "rules.py")
    assert f'"{rule}"' in source or f"{rule} " in source


def test_every_rule_has_a_family_and_ids_are_written_alike():
    assert all(re.fullmatch(r"[A-Z]\d\d", rule) and rule[0] in FAMILIES for rule in RULES)


def test_all_problems_are_counted_and_the_first_three_kept():
    problems = Problems()
    for line in range(1, 8):
        problems.add(Problem("V01", "x", "a number", "write one", "f.txt", line))
    problems.add(Problem("F04", "y", "the header", "write it", "f.txt", 1))
    assert [(p.rule, p.line, p.count) for p in problems.found] == [
        ("V01", 1, 7),
        ("V01", 2, 7),
        ("V01", 3, 7),
        ("F04", 1, 1),
    ]
    text = render(problems.found)
    assert "V01 not a number, 7 times (first 3 shown)" in text
    assert "f.txt:3: found x; expected a number" in text
    assert "fix: write one" in text


def test_notes_alone_do_not_refuse():
    problems = Problems()
    problems.add(Problem("N01", "CRLF", "LF", "convert it", "f.txt"))
    problems.raise_if_any()
    problems.add(Problem("V01", "x", "a number", "write one", "f.txt"))
    with pytest.raises(ProblemError):
        problems.raise_if_any()
