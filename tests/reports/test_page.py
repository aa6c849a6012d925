"""The page of a report: complete, escaped, sealed, the same for the same input."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest

import abawbench
from abawbench.base.hashes import sha256_of
from abawbench.base.problems import ProblemError
from abawbench.challenges import get
from abawbench.cli import main
from abawbench.reports.page import ReportSettings, report_page
from abawbench.reports.pictures import BUDGET
from abawbench.reports.subject import Source
from abawbench.scoring import Resampling
from abawbench.table import NO_FRAME, Table
from tests.reports.conftest import Corpus, corpus_in
from tests.reports.corpus import truth_values, write_truth

EVIL = "<script>alert(1)</script>"
VOID = {"meta", "link", "br", "img"}


class Reader(HTMLParser):
    """Checks that elements are closed in order, and keeps ids, links, attributes and headings."""

    def __init__(self) -> None:
        super().__init__()
        self.open, self.ids, self.links, self.attributes, self.text = [], [], [], [], []

    def handle_starttag(self, tag, attrs):
        if tag not in VOID:
            self.open.append(tag)
        self.attributes += [(tag, name, value) for name, value in attrs]
        self.ids += [value for name, value in attrs if name == "id"]
        self.links += [value for name, value in attrs if name in {"href", "src"}]

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] not in {"style", "script"}:
            self.text.append(data)


def read(page: str) -> Reader:
    reader = Reader()
    reader.feed(page)
    assert reader.open == []
    return reader


def both(page, comparison):
    return [read(page), read(comparison)]


def test_every_link_leads_to_a_place_on_the_page_or_to_data_in_it(page, comparison):
    for reader in both(page, comparison):
        assert len(set(reader.ids)) == len(reader.ids)
        assert {link for link in reader.links if link.startswith("#")} <= {f"#{name}" for name in reader.ids}
        assert [link for link in reader.links if not link.startswith(("#", "data:"))] == []


def test_nothing_on_the_page_needs_what_the_policy_forbids(page, comparison):
    for reader in both(page, comparison):
        assert [one for one in reader.attributes if one[1] == "style" or one[1].startswith("on")] == []
        assert "unsafe" not in page


def test_the_figures_of_the_page_are_those_of_the_score(corpus, page):
    score = abawbench.score("abaw4-mtl", corpus.truth, corpus.first, missing="nearest", resamples=200)
    assert f'data-sort="{score.score}"' in page
    assert f"{score.score:.4f} (95 % interval" in page
    labels = score.metrics["f1_action_units_per_unit"]
    assert isinstance(labels, dict)
    for value in labels.values():
        assert f'data-sort="{value}"' in page


def test_the_comparison_says_what_diff_says(corpus, comparison):
    result = abawbench.diff("abaw4-mtl", corpus.truth, corpus.first, corpus.second, missing="nearest", resamples=200)
    assert f'data-sort="{result["difference"]}"' in comparison
    assert f"p = {result['p']:.4f} by swaps of" in comparison
    assert f"by {abs(result['difference']):.4f} in score" in comparison


@pytest.mark.parametrize(
    "heading",
    [
        "Where it stands",
        "Where the points lie",
        "Every figure",
        "Classes and labels",
        "Confusions",
        "Numbers",
        "Reliability",
        "What errors depend on",
        "Units",
        "Timelines",
        "Rows and coverage",
        "Disclosure",
    ],
)
def test_the_page_has_every_section(page, comparison, heading):
    for text in (page, comparison):
        assert f">{heading}</h2>" in text
        assert f">{heading}</a></li>" in text


def test_a_prediction_file_gives_a_page_that_says_what_it_cannot_know(corpus, tmp_path):
    values = truth_values(seed=7)
    place = write_truth(tmp_path / "mine.txt", values)
    page = corpus.page(place)
    read(page)
    assert "a prediction file holds decisions" in page
    assert "what made it" in page


def test_a_unit_and_an_entry_called_script_are_harmless(tmp_path):
    values = truth_values()
    values["<script>alert(1)<"] = values.pop("video9")
    corpus = corpus_in(tmp_path, values, (EVIL, '"><img src=x onerror=alert(1)>'))
    page = corpus.page(corpus.first, corpus.second)
    assert page.count("<script") == 1
    assert "<img src=x" not in page
    reader = read(page)
    assert EVIL in "".join(reader.text)
    assert any("<script>alert(1)<" in text for text in reader.text)


def test_equal_input_makes_equal_bytes(corpus, page):
    assert corpus.page() == page


def test_a_page_of_many_units_stays_below_three_megabytes(tmp_path):
    units = tuple(f"unit{place}" for place in range(230))
    truth, one, two = (
        write_truth(tmp_path / f"{seed}.txt", truth_values(units, frames=12, seed=seed)) for seed in range(3)
    )
    page = Corpus(truth, one, two).page(one, two)
    assert len(page.encode()) < 3_000_000
    assert "The 200 of 230 units that cost most" in page


def random_table(challenge, units, frames, seed):
    """Random values for a challenge; units without frames are one row each."""
    random = np.random.default_rng(seed)
    rows = units * max(frames, 1)
    values = {}
    for task in challenge.tasks:
        if task.is_real:
            values[task.name] = random.uniform(*task.span, (rows, task.width))
        else:
            shape = (rows, task.width) if task.is_vector else rows
            values[task.name] = random.integers(0, 2 if task.is_vector else task.width, shape).astype(np.int8)
    frame = np.tile(np.arange(1, frames + 1), units) if frames else np.full(rows, NO_FRAME)
    video = np.repeat(np.arange(units), max(frames, 1))
    return Table(
        tuple(f"unit{place}" for place in range(units)), video.astype(np.int32), frame.astype(np.int32), values
    )


def page_of(challenge, truth, *predictions, place):
    sources = [Source(table, place) for table in predictions]
    return report_page(challenge, (truth, place), sources, ReportSettings(resampling=Resampling(100)))


@pytest.mark.parametrize("name", ["abaw5-eri", "abaw10-ah", "abaw9-vd", "raf-db-compound"])
@pytest.mark.parametrize("frames", [0, 8])
def test_every_kind_of_challenge_has_a_page(corpus, name, frames):
    challenge = get(name)
    tables = [random_table(challenge, 8, frames, seed) for seed in range(3)]
    read(page_of(challenge, *tables, place=corpus.truth))


def test_a_page_of_long_restless_units_stays_below_three_megabytes(corpus):
    challenge = get("abaw4-mtl")
    tables = [random_table(challenge, 6, 6000, seed) for seed in range(3)]
    page = page_of(challenge, *tables, place=corpus.truth)
    assert len(page.encode()) < 3_000_000 - BUDGET


def verb(*words):
    main(["report", *map(str, words)], standalone_mode=False)


def test_a_page_that_cannot_be_made_leaves_the_old_one(corpus, tmp_path):
    out = tmp_path / "page.html"
    out.write_text("old")
    words = ("abaw4-mtl", corpus.truth, corpus.first, "-o", out, "--resamples", "100")
    with pytest.raises(SystemExit):
        verb(*words)
    assert out.read_text() == "old"
    verb(*words, "--missing", "nearest")
    assert out.read_text().startswith("<!doctype html>")
    assert [path.name for path in tmp_path.iterdir()] == ["page.html"]


def test_tuned_values_are_disclosed_and_the_cross_fitted_score_comes_first(corpus, tmp_path):
    tuned, out = tmp_path / "tuned.json", tmp_path / "page.html"
    quick = ("--missing", "nearest", "--resamples", "100")
    search = ("--only", "affine", "--folds", "2", "--repeats", "1")
    words = ["tune", "abaw4-mtl", str(corpus.truth), str(corpus.first), "-o", str(tuned), *search, *quick]
    main(words, standalone_mode=False)
    verb("abaw4-mtl", corpus.truth, corpus.first, corpus.first, "-o", out, "--tuned-a", tuned, *quick)
    page = out.read_text()
    fair = json.loads(tuned.read_text())["report"]["figures"]["score"]["cross_fitted"]
    assert f"A scores {fair:.4f} cross-fitted" in page
    assert "it does not show which is better" in page
    assert sha256_of(tuned) in page
    assert "affine; fitted on all of the scored videos" in page
    assert "before the tuned values" in page
    read(page)


def test_a_page_in_place_of_an_input_is_refused(corpus, capsys):
    before = corpus.truth.read_bytes()
    with pytest.raises(SystemExit):
        verb("abaw4-mtl", corpus.truth, corpus.first, "-o", corpus.truth, "--missing", "nearest")
    assert "F12" in capsys.readouterr().err
    assert corpus.truth.read_bytes() == before


def test_a_store_of_another_truth_is_a_problem(corpus, tmp_path):
    other = corpus_in(tmp_path, truth_values(("elsewhere", "nowhere")))
    with pytest.raises(ProblemError):
        corpus.page(other.first)


def test_published_rows_stand_beside_the_score(page):
    cells = re.findall(r'<td class="source">([^<]+)</td>', page)
    assert "arXiv:2207.09373" in cells
    assert "this report was not" in page
