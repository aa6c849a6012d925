"""The shell of every page: escaping, the policy, tables and charts."""

from __future__ import annotations

import base64
import hashlib
import json
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from abawbench.pages.charts import drawing, element, path, thinned, ticks
from abawbench.pages.page import inert_json, render_page
from abawbench.pages.tables import Cell, Column, number

SHELL = "abawbench.pages"
EVIL = "<script>alert(1)</script>"


def page(**values):
    import jinja2
    import markupsafe

    macros = (
        '{% from "parts.html.j2" import table %}{{ table(caption, columns, rows) }}'
        '<script type="application/json">{{ caption | json }}</script>'
    )
    environment = jinja2.Environment(
        autoescape=True, loader=jinja2.PackageLoader(SHELL, "."), undefined=jinja2.StrictUndefined
    )
    environment.filters["json"] = lambda value: markupsafe.Markup(inert_json(value))
    return environment.from_string(macros).render(**values)


def only(pattern, text):
    (found,) = re.findall(pattern, text, re.DOTALL)
    return found


def test_style_and_script_are_let_in_by_the_hashes_of_what_stands_in_the_page():
    text = render_page(SHELL, "layout.html.j2", {})
    policy = only(r'Content-Security-Policy" content="([^"]*)"', text).replace("&#39;", "'")
    for kind, tag in (("style", "style"), ("script", "script")):
        inside = only(rf"<{tag}>(.*?)</{tag}>", text)
        digest = base64.b64encode(hashlib.sha256(inside.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policy
    assert policy.startswith("default-src 'none';")
    assert "unsafe" not in policy
    assert "http" not in policy


def test_no_page_has_attributes_that_the_policy_ignores():
    text = render_page(SHELL, "layout.html.j2", {})
    assert not re.search(r"\s(style|on[a-z]+)=", text)


def test_cells_captions_and_json_are_escaped():
    text = page(caption=EVIL, columns=[Column(EVIL), number("n")], rows=[[EVIL, 1], [Cell(EVIL, EVIL), None]])
    assert EVIL not in text
    assert text.count("&lt;script&gt;") >= 5
    embedded = only(r'<script type="application/json">(.*?)</script>', text)
    assert json.loads(embedded) == EVIL


def test_numbers_of_a_table_are_sorted_by_their_exact_values():
    text = page(caption="c", columns=[Column("name"), number("value")], rows=[["a", 0.123456], ["b", 12000]])
    assert 'data-sort="0.123456">0.1235<' in text
    assert 'data-sort="12000">12,000<' in text


@given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e6))
def test_ticks_lie_within_their_range_and_rise(low, span):
    found = ticks(low, low + span)
    assert found == sorted(set(found))
    assert all(low - span * 1e-6 <= value <= low + span * (1 + 1e-6) for value in found)


@given(st.lists(st.floats(-1, 1) | st.just(float("nan")), min_size=1, max_size=400), st.integers(2, 60))
def test_a_thinned_series_keeps_its_least_and_greatest_value(values, most):
    _, kept = thinned(np.arange(len(values)), values, most)
    assert len(kept) <= max(most, 2)
    if not np.all(np.isnan(values)):
        assert np.nanmax(kept) == np.nanmax(values)
        assert np.nanmin(kept) == np.nanmin(values)


def test_a_line_breaks_where_a_value_is_missing():
    assert path([(0, 0), (1, float("nan")), (2, 2), (3, 1)]) == "M0 0M2 2L3 1"


@pytest.mark.parametrize("text", [EVIL, '" onload="x', "a & b"])
def test_texts_and_attributes_of_a_chart_are_escaped(text):
    drawn = str(drawing(10, 10, text, element("text", text, x=1)))
    assert text not in drawn
