"""The watch itself: what the fixture promises about a page, it notices."""

from __future__ import annotations

from pathlib import Path


def page_with(folder: Path, content: str) -> Path:
    page = folder / "page.html"
    page.write_text(f"<!doctype html><html lang=en><title>t</title><main><h1>h</h1>{content}</main>", "utf-8")
    return page


def test_a_picture_without_words_is_a_finding(visit, tmp_path):
    seen = visit(page_with(tmp_path, "<img src='data:,'>"))
    assert [line.partition(":")[0] for line in seen.findings()] == ["image-alt"]


def test_complaints_requests_and_a_page_that_is_too_wide_are_seen(visit, tmp_path):
    content = "<p style='width:500px'>wide</p><script>console.error('no'); fetch('data:,yes'); none()</script>"
    seen = visit(page_with(tmp_path, content), width=360)
    assert seen.too_wide() > 100
    assert seen.requests[-1] == "data:,yes"
    assert seen.complaints == ["no", "none is not defined"]
    seen.complaints.clear()
