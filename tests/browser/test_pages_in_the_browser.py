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
    (tmp_path / "beside.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>", "utf-8")
    content = "<img src=beside.svg alt=x style='width:500px'><script>console.error('no'); none()</script>"
    seen = visit(page_with(tmp_path, content), width=360)
    assert seen.too_wide() > 100
    assert [url.rpartition("/")[2] for url in seen.requests] == ["page.html", "beside.svg"]
    assert seen.complaints == ["no", "none is not defined"]
    seen.complaints.clear()
