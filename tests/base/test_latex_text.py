"""LaTeX text: every character is printed or replaced, and what is LaTeX already stays."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tabulate import tabulate

from abawbench.base.latex_text import Latex, escaped, tabular

# a special character that no backslash precedes, or that begins no command of `escaped`
ACTIVE = re.compile(r"(?<!\\)[&%$#_]")


@given(st.text())
def test_no_text_is_a_command_of_its_own(text):
    done = escaped(text)
    assert not ACTIVE.search(done)
    assert done.count("{") >= done.count("}") - text.count("}")
    # what is left of the commands is ASCII or a letter of Latin alphabets
    assert all(" " <= one <= "~" or one <= "\u017e" for one in done)
    assert set(re.findall(r"\\[a-z]+", done)) <= {
        *(r"\textasciitilde", r"\textbackslash", r"\ensuremath", r"\times", r"\pm", r"\le", r"\ge", r"\dots"),
    }


def test_latex_stays_and_text_does_not():
    assert escaped(Latex(r"\textbf{1}")) == r"\textbf{1}"
    assert escaped(r"\textbf{1}") == r"\textbackslash{}textbf\{1\}"
    assert escaped("\x00\n") == "??"


def test_a_table_of_plain_text_is_that_of_tabulate():
    rows, headers = [["a_b", "50 %"], ["", "x & y"]], ["team", "share of all"]
    own = tabular(rows, headers, ["l", "l"])
    assert own == tabulate(rows, headers, tablefmt="latex_booktabs", disable_numparse=True)


@pytest.mark.parametrize("name", ["[b] team", "*", "\uff3bwide", "[", "*[2cm]"])
def test_a_name_is_no_option_of_the_line_above(name):
    lines = tabular([[name, "1"], ["b", "2"]], [name, "x"], ["l", "l"]).split("\n")
    above = {"\\toprule", "\\midrule"}
    begun = [line.strip() for before, line in pairwise(lines) if before in above or before.endswith("\\\\")]
    assert not [line for line in begun if line.startswith(("[", "*"))]
