"""LaTeX tables for papers: the best is bold, a difference is marked where it was tested, and LaTeX takes all of it."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from abawbench.base.latex_text import escaped
from abawbench.challenges import get
from abawbench.records import CrossFitted, TunedUse
from abawbench.reports.latex import PaperRow, figure_paths, latex_tables
from abawbench.scoring import Resampling, score
from abawbench.synthetic import simulate_predictions, simulate_split
from tests.reports.test_methods import RECORD

MTL = get("abaw4-mtl")
CORPUS = simulate_split(6, 40, seed=1)
SCORES = [
    score(MTL, CORPUS.truth, simulate_predictions(CORPUS.known, skill, 0), resampling=Resampling(200)).to_json()
    for skill in (0.7, 0.6)
]
TABLES = sorted((Path(__file__).parents[2] / "leaderboard").glob("*.tex"))


def compiled(folder: Path, body: str) -> subprocess.CompletedProcess[str]:
    """A run of LaTeX over a document with this body."""
    if shutil.which("pdflatex") is None:
        pytest.skip("no pdflatex here: install texlive-latex-base and texlive-latex-recommended, as .ci/install does")
    document = rf"\documentclass{{article}}\usepackage{{booktabs,graphicx}}\begin{{document}}{body}\end{{document}}"
    (folder / "paper.tex").write_text(document, "utf-8")
    command = ["pdflatex", "-halt-on-error", "-interaction=nonstopmode", "-no-shell-escape", "paper.tex"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, errors="replace", check=False)


def rows(*names: str, p: float | None = None) -> list[PaperRow]:
    return [
        PaperRow.of(name, own, p if place else None)
        for place, (name, own) in enumerate(zip(names, SCORES, strict=False))
    ]


def test_the_highest_of_each_column_is_bold_and_intervals_stand_below():
    text = latex_tables(MTL, rows("good", "fair"))
    lines = text.splitlines()
    good, below = next((line, lines[place + 1]) for place, line in enumerate(lines) if line.startswith(" good"))
    fair = next(line for line in lines if line.startswith(" fair"))
    assert rf"\textbf{{{SCORES[0]['score']:.3f}}}" in good
    assert r"\textbf" not in fair
    assert below.count(r"\scriptsize [") == len(figure_paths(MTL, rows("good")))


def test_a_mark_needs_a_test_and_a_small_p():
    for p, marked in ((0.01, True), (0.2, False), (None, False)):
        text = latex_tables(MTL, rows("good", "fair", p=p))
        fair = next(line for line in text.splitlines() if line.startswith(" fair"))
        assert (r"\dag" in fair) == marked
        assert ("Holm" in text) == (p is not None)


def test_a_single_prediction_has_nothing_bold_and_no_column_twice():
    text = latex_tables(MTL, rows("alone"))
    assert r"\textbf" not in text
    assert "Bold" not in text
    # of one task, the score and its term are the same number
    paths = figure_paths(
        get("abaw6-expr"), [PaperRow("one", {("score",): 0.4, ("metrics", "f1_expression"): 0.4}, {}, "")]
    )
    assert paths == [("score",)]


def test_the_interval_of_a_record_from_before_the_jackknife_is_told_with_its_kind():
    bounds = {"bca": [1.0, 2.0], "percentile": [1.0, 2.0]}
    old = {**SCORES[0], "intervals": {**SCORES[0]["intervals"], "score": bounds}}
    text = latex_tables(MTL, [PaperRow.of("old", old)])
    assert "[1.000, 2.000]" in text
    assert "BCa and jackknife" in text


def test_a_tuned_record_shows_its_cross_fitted_figures_or_is_marked_and_never_bold():
    use = TunedUse(sha256="2" * 64, steps=["thresholds"], overlap="all", cross_fitted={})
    flattered = RECORD.model_copy(update={"tuned": use, "score": 2.9})
    text = latex_tables(MTL, [*rows("good", "fair"), PaperRow.of_record(flattered)])
    line = next(one for one in text.splitlines() if one.startswith(" 2026"))
    assert r"& 2.900\textsuperscript{*} " in line
    assert "tuned on the same videos" in text
    known = use.model_copy(update={"cross_fitted": {"score": CrossFitted(value=1.25, interval=(1.1, 1.4))}})
    row = PaperRow.of_record(RECORD.model_copy(update={"tuned": known}))
    assert (row.figures, row.is_in_sample) == ({("score",): 1.25}, False)
    assert "cross-fitted" in latex_tables(MTL, [row])


def test_an_undefined_figure_is_a_dash():
    undefined = {**SCORES[0], "score": None}
    both = [PaperRow.of("none", undefined), *rows("good")]
    line = next(one for one in latex_tables(MTL, both).splitlines() if one.startswith(" none"))
    assert line.split("&")[1].strip() == "--"


def test_latex_takes_tables_with_names_of_any_characters(tmp_path):
    body = latex_tables(MTL, rows(r"R&D_1 {50 %} #2 \input{x} ~^$", "李 “naïve” – ½ ≥ \u200b", p=0.01))
    every = " ".join(map(chr, (*range(0x20, 0x250), *range(0x2010, 0x2040))))
    done = compiled(tmp_path, f"{body} {escaped(every)}")
    assert done.returncode == 0, done.stdout[-2000:]
    assert (tmp_path / "paper.pdf").stat().st_size > 1000
    assert "Overfull" not in done.stdout


def test_latex_takes_every_table_of_the_leaderboard(tmp_path):
    done = compiled(tmp_path, "\n\n".join(path.read_text("utf-8") for path in TABLES))
    assert done.returncode == 0, done.stdout[-2000:]
