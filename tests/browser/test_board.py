"""The pages of a leaderboard as readers use them: with a mouse, a keyboard, a phone, and without a script."""

from __future__ import annotations

import json
from pathlib import Path
from threading import Thread

import pytest
from playwright.sync_api import expect

from abawbench import records
from abawbench.challenges import get
from abawbench.cli.leaderboard import _server
from abawbench.leaderboard.site import build_site, changes, write_site
from abawbench.records.model import Cost
from tests.leaderboard.conftest import disclosed, made

HEADER = "kind,edition,challenge,dataset,split,rank,team,method,metric_name,figure,value,note,source"
MEASURE = "mean of CCC valence and CCC arousal"
SCRIPT = "<script>alert(1)</script>"
FACTS = {
    "abaw5-va": [("organiser", "test", "1", "Winner", "", "score", "0.61", "")],
    "abaw6-va": [
        ("organiser", "test", "1", "Netease", "Fusion", "score", "0.67", ""),
        ("organiser", "test", "2", SCRIPT, "<b>bold</b>", "score", "0.58", "a note with <i>tags</i>"),
        ("claimed", "test", "", "Others", "Re-run", "ccc_v", "0.5", ""),
        ("claimed", "test", "", "Others", "Re-run", "ccc_a", "0.6", ""),
        ("claimed", "validation", "", "", "A method", "score", "0.4", ""),
    ],
    "abaw8-va": [("claimed", "test", "", "Later", "", "score", "0.5", "")],
}


def facts(name: str, rows) -> str:
    edition = name.partition("-")[0].upper()
    lines = [
        f"{kind},{edition},VA,Aff-Wild2,{split.replace('validation', 'val')},{rank},{team},{method},{MEASURE},"
        f"{figure},{value},{note},arXiv:2403.13659 and a paper"
        for kind, split, rank, team, method, figure, value, note in rows
    ]
    return "\n".join([HEADER, *lines]) + "\n"


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    """Published rows of three editions, two records of one truth, of which one has a report and a known cost."""
    root = tmp_path_factory.mktemp("leaderboard")
    (root / "published").mkdir()
    for name, rows in FACTS.items():
        (root / "published" / f"{name}.csv").write_text(facts(name, rows), "utf-8")
    cost = Cost(parameters=70_000, frames_per_second=900.0, machine="one core")
    first = made(get("abaw6-va"), entry="2026_team_first", disclosure=disclosed(trained_on=["AffectNet"], cost=cost))
    records.write(first, root / "records")
    records.write(made(get("abaw6-va"), entry="2026_team_second"), root / "records")
    report = root / "reports" / "abaw6-va" / "2026_team_first.validation.html"
    report.parent.mkdir(parents=True)
    report.write_text("<!doctype html><html lang=en><title>r</title><main><h1>The report</h1></main></html>", "utf-8")
    write_site(*changes(root / "site", build_site(root)))
    return root / "site"


def board(site: Path) -> Path:
    return site / "boards" / "abaw6-va.html"


def names(page, table: str = "table-test") -> list[str]:
    """The first words of the visible rows."""
    return page.locator(f"#{table} tbody tr:visible th").all_inner_texts()


def test_a_header_sorts_by_click_and_by_key(visit, site):
    page = visit(board(site)).page
    before = names(page)
    assert [name.split("\n")[0] for name in before] == ["Netease", SCRIPT, "Others", "one answer for every row"]
    header = page.locator("#table-test th[data-key=score]")
    header.get_by_role("button").click()
    assert header.get_attribute("aria-sort") == "descending"
    header.get_by_role("button").focus()
    page.keyboard.press("Enter")
    assert header.get_attribute("aria-sort") == "ascending"
    # the row without a printed score is last both ways
    assert names(page) == [before[3], before[1], before[0], before[2]]
    page.get_by_role("button", name="Clear").click()
    expect(page.locator("[aria-sort]")).to_have_count(0)
    assert names(page) == before


def test_search_and_filters_hide_rows_but_no_control(visit, site):
    page = visit(board(site)).page
    control = "one answer for every row"
    page.get_by_label("Search").fill("re-run")
    assert names(page) == ["Others\nRe-run", control]
    assert page.locator("output").inner_text() == "1 of 6 rows"
    page.get_by_label("Search").fill("")
    page.get_by_label("organiser").check()
    page.get_by_label("CCC valence").check()
    assert names(page) == [control]
    page.get_by_label("organiser").uncheck()
    assert names(page) == ["Others\nRe-run", control]
    page.get_by_role("button", name="Clear").click()
    page.get_by_label("Training data").select_option(label="AffectNet")
    assert page.locator("output").inner_text() == "1 of 6 rows"
    assert page.get_by_role("link", name="2026_team_first", exact=True).is_visible()


def test_a_copied_address_shows_the_same(visit, site):
    page = visit(board(site)).page
    page.get_by_label("Search").fill("arxiv")
    page.get_by_label("claimed").check()
    page.locator("#table-test th[data-key=name]").get_by_role("button").click()
    page.get_by_role("button", name="Copy the address").click()
    expect(page.locator(".share")).to_have_text("Copied")
    address = page.evaluate("navigator.clipboard.readText()")
    assert "kind=claimed" in address
    again = visit(address).page
    assert names(again) == names(page)
    assert again.get_by_label("Search").input_value() == "arxiv"
    assert again.locator("#table-test th[data-key=name]").get_attribute("aria-sort") == "ascending"


def test_a_number_leads_to_its_record_and_its_report(visit, site):
    page = visit(board(site)).page
    page.locator("tr.reproduced", has_text="2026_team_first").locator("td.number a").first.click()
    page.wait_for_url("**/entries/2026_team_first.html#abaw6-va.validation")
    assert page.get_by_role("heading", name="abaw6-va, validation").is_visible()
    page.get_by_role("link", name="The report of this score").click()
    assert page.get_by_role("heading", name="The report").is_visible()
    page.go_back()
    page.get_by_role("link", name="The record as JSON").click()
    page.wait_for_url("**/records/abaw6-va/2026_team_first.validation.json")
    assert json.loads(page.locator("body").inner_text())["entry"] == "2026_team_first"


def test_without_a_script_the_tables_are_complete(visit, site):
    page = visit(board(site), javascript=False).page
    assert len(names(page)) == 4
    assert not page.locator("form.filter").is_visible()
    assert page.get_by_text("arXiv:2403.13659").first.is_visible()
    assert page.locator("button:visible").count() == 0


def test_a_team_that_is_called_script_is_a_name(visit, site):
    seen = visit(board(site))
    assert SCRIPT in seen.page.locator("#table-test").inner_text()
    assert seen.page.locator("#table-test script, #table-test i").count() == 0


def test_a_citation_is_copied(visit, site):
    page = visit(board(site)).page
    row = page.locator("#table-test tr", has_text="Netease")
    row.locator("summary").click()
    row.get_by_role("button", name="Copy the citation").click()
    expect(row.locator(".copy")).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()").startswith("Netease, Fusion: score 0.67, rank 1")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["index", "entries", "boards/abaw6-va", "boards/abaw8-va", "entries/2026_team_first"])
def test_every_kind_of_page_fits_a_phone_and_has_no_serious_finding(visit, site, name, scheme):
    seen = visit(site / f"{name}.html", width=360, scheme=scheme)
    assert seen.too_wide() <= 0
    assert seen.findings() == []


def test_served_pages_share_addresses_and_ask_for_nothing_else(visit, site):
    with _server(site, 0) as server:
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        home = f"http://127.0.0.1:{server.server_address[1]}/"
        page = visit(f"{home}boards/abaw6-va.html#?q=re-run").page
        assert names(page) == ["Others\nRe-run", "one answer for every row"]
        page.get_by_label("Search").fill("")
        assert page.url == f"{home}boards/abaw6-va.html"
        server.shutdown()
