from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from abawbench.base.problems import Problem, ProblemError
from abawbench.entries.failures import LONGEST, is_of_user, reporting_failures
from abawbench.table import join_tables


def problem_of(function) -> Problem:
    with pytest.raises(ProblemError) as caught, reporting_failures("2026_me_mine, unit v"):
        function()
    (problem,) = caught.value.problems
    return problem


def raising(error):
    raise error


def test_the_place_is_the_last_line_of_the_users_code_although_a_library_raised():
    problem = problem_of(lambda: np.zeros(3).reshape(2, 2))
    assert problem.rule == "E12"
    assert problem.found.startswith("2026_me_mine, unit v: ValueError: cannot reshape")
    assert (problem.file, Path(__file__).read_text().splitlines()[(problem.line or 0) - 1].strip()) == (
        __file__,
        "problem = problem_of(lambda: np.zeros(3).reshape(2, 2))",
    )


def test_code_that_is_no_python_is_told_with_its_line():
    problem = problem_of(lambda: compile("x = 1\nx = = 2\n", "/somewhere/entry.py", "exec"))
    assert (problem.file, problem.line) == ("/somewhere/entry.py", 2)


@pytest.mark.parametrize(
    ("error", "fix"),
    [
        (RuntimeError("CUDA out of memory. Tried to allocate 2 GiB"), "use a smaller --batch"),
        (RuntimeError("please use torch.load with map_location"), 'load the weights with map_location="cpu"'),
        (FileNotFoundError(2, "No such file", "weights.pth"), "bring the file, or correct its path"),
        (ModuleNotFoundError("No module named 'net'", name="net"), "`from .name import ...`"),
        (SystemExit(3), "do not leave the program"),
        (KeyError("va"), "correct the entry"),
    ],
)
def test_what_fails_often_has_a_fix_of_its_own(error, fix):
    assert fix in problem_of(lambda: raising(error)).fix


def test_problems_pass_and_a_missing_extra_is_told_as_such():
    assert problem_of(lambda: raising(ProblemError(Problem("E07", "none", "labels", "bring some")))).rule == "E07"
    assert problem_of(lambda: raising(ModuleNotFoundError("no", name="torch"))).rule == "D53"


def test_long_words_are_cut():
    assert len(problem_of(lambda: raising(OSError("x" * 10_000))).found) < LONGEST + 100


@pytest.mark.parametrize("error", [KeyboardInterrupt, GeneratorExit, StopIteration])
def test_ctrl_c_passes_and_nothing_else_does(error):
    expected = KeyboardInterrupt if error is KeyboardInterrupt else ProblemError
    with pytest.raises(expected), reporting_failures("2026_me_mine"):
        raise error


def test_a_fault_of_this_package_alone_is_no_fault_of_a_users_code():
    with pytest.raises(AttributeError) as caught:
        join_tables([None])  # pyright: ignore
    assert is_of_user(caught.value)
    # without the line of this test, the traceback begins in the package
    assert caught.value.__traceback__ is not None
    assert not is_of_user(caught.value.with_traceback(caught.value.__traceback__.tb_next))
