"""The page of a report in a browser: sealed, readable on a phone, in the dark, by keyboard and without JavaScript."""

from __future__ import annotations

import pytest

from tests.inference.conftest import write_crops
from tests.reports.conftest import corpus_in
from tests.reports.corpus import FRAMES, UNITS

# A4 without its margins, in pixels
PAPER = 718


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    corpus = corpus_in(folder, names=("2026_test_an-entry-whose-name-is-wider-than-a-phone", "2026_test_two"))
    crops = write_crops(folder / "crops", dict.fromkeys(UNITS, FRAMES))
    texts = {"one": corpus.page(crops=crops), "two": corpus.page(corpus.first, corpus.second)}
    for name, text in texts.items():
        (folder / f"{name}.html").write_text(text, "utf-8")
    return folder


@pytest.mark.parametrize("name", ["one", "two"])
@pytest.mark.parametrize(("width", "scheme"), [(360, "dark"), (1280, "light")])
def test_nothing_serious_is_found_and_nothing_is_asked_for(visit, pages, name, width, scheme):
    seen = visit(pages / f"{name}.html", width=width, scheme=scheme)
    assert seen.findings() == []
    assert seen.too_wide() <= 0
    assert [url.partition(":")[0] for url in seen.requests if not url.startswith("data:")] == ["file"]


def test_the_button_makes_the_page_dark_and_light(visit, pages):
    page = visit(pages / "one.html").page
    ground = "getComputedStyle(document.body).backgroundColor"
    before = page.evaluate(ground)
    button = page.get_by_role("button", name="Dark page")
    assert button.get_attribute("aria-pressed") == "false"
    button.click()
    assert page.evaluate(ground) != before
    assert button.get_attribute("aria-pressed") == "true"
    page.reload()
    assert button.get_attribute("aria-pressed") == "true"
    button.click()
    assert page.evaluate(ground) == before


@pytest.mark.parametrize("name", ["one", "two"])
def test_on_paper_a_page_chosen_dark_is_dark_on_white_and_fits(visit, pages, name):
    seen = visit(pages / f"{name}.html", width=PAPER)
    page = seen.page
    page.get_by_role("button", name="Dark page").click()
    page.emulate_media(media="print")
    colour = "getComputedStyle(document.body).{}"
    assert page.evaluate(colour.format("backgroundColor")) == "rgb(255, 255, 255)"
    red = page.evaluate(colour.format("color")).removeprefix("rgb(").partition(",")[0]
    assert int(red) < 64
    assert page.locator("table.matrix td").first.evaluate("cell => getComputedStyle(cell).printColorAdjust") == "exact"
    assert seen.too_wide() <= 0


def test_a_timeline_is_zoomed_by_its_buttons_and_by_the_wheel(visit, pages):
    page = visit(pages / "one.html").page
    chart = page.locator("svg[data-zoom]").first
    boxes = "chart => [...chart.querySelectorAll('svg.course')].map(one => one.getAttribute('viewBox').split(' ')[2])"
    assert set(chart.evaluate(boxes)) == {str(FRAMES)}
    page.get_by_role("button", name="Zoom in").first.click()
    assert set(chart.evaluate(boxes)) == {str(FRAMES // 2)}
    assert page.get_by_text("frames 7 to 18").count() == 1
    page.get_by_role("button", name="Later frames").first.click()
    assert page.get_by_text("frames 13 to 24").count() == 1
    page.get_by_role("button", name="All frames").first.click()
    chart.hover()
    page.keyboard.down("Control")
    page.mouse.wheel(0, -100)
    page.keyboard.up("Control")
    page.wait_for_function("document.querySelector('svg.course').getAttribute('viewBox').split(' ')[2] < 24")


def test_a_table_is_sorted_by_its_headers_from_the_keyboard(visit, pages):
    page = visit(pages / "one.html").page
    table = page.locator("table", has=page.get_by_text("By label: action units"))
    header = table.get_by_role("button", name="F1")
    values = "rows => rows.map(row => Number(row.cells[5].dataset.sort))"
    header.focus()
    page.keyboard.press("Enter")
    falling = table.locator("tbody tr").evaluate_all(values)
    assert falling == sorted(falling, reverse=True)
    page.keyboard.press("Enter")
    assert table.locator("tbody tr").evaluate_all(values) == falling[::-1]
    assert table.locator("th[aria-sort]").get_attribute("aria-sort") == "ascending"


@pytest.mark.parametrize("javascript", [True, False])
def test_a_number_of_a_matrix_shows_its_frames(visit, pages, javascript):
    page = visit(pages / "one.html", javascript=javascript).page
    assert page.locator(".behind:visible").count() == 0
    link = page.locator("table.matrix a").first
    rows = link.inner_text()
    link.click()
    shown = page.locator(".behind:visible")
    assert shown.count() == 1
    assert f": {rows} row" in shown.locator("h4").inner_text()


def test_without_javascript_the_page_is_complete(visit, pages):
    page = visit(pages / "one.html", javascript=False).page
    assert page.locator("svg[data-zoom]").first.is_visible()
    assert page.locator("button:visible").count() == 0
    assert page.locator("table").count() > 8
