"""Tables in a notebook: their texts are shown and never taken for HTML or Markdown."""

from __future__ import annotations

import re
from xml.etree import ElementTree

from hypothesis import given
from hypothesis import strategies as st

from abawbench.base.notebook import NotebookTable

TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), max_size=20)


@given(TEXT, TEXT, TEXT)
def test_any_text_is_shown_as_it_is(title, cell, note):
    tree = ElementTree.fromstring(f"<div>{NotebookTable(title, ['', 'a'], [[cell, '1']], [note]).html()}</div>")
    assert (tree.findtext(".//caption"), tree.findtext(".//tbody/tr/th"), tree.findtext("p")) == (title, cell, note)


@given(TEXT)
def test_a_cell_of_markdown_stays_one_cell(cell):
    lines = NotebookTable("t", ["", "a"], [[cell, "1"]]).markdown().splitlines()
    row = next(line for line in lines if line.endswith("| 1 |"))
    assert len(re.findall(r"(?<!\\)(?:\\\\)*\|", row)) == 3


def test_html_has_no_script_and_loads_nothing():
    page = NotebookTable("<script>alert(1)</script>", [""], [["<img src=x>"]], ["&"]).html()
    assert "<script" not in page
    assert "<img" not in page
