"""abawbench paper: the folder is complete, LaTeX takes its text, the same input makes the same bytes."""

from __future__ import annotations

import json
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner

from abawbench.challenges import get
from abawbench.cli import main
from abawbench.reports.figures import as_files, house_style, scores
from abawbench.reports.latex import PaperRow
from tests.reports.corpus import MTL
from tests.reports.test_latex import compiled
from tests.reports.test_methods import RECORD

FEW = ("--missing", "nearest", "--resamples", "100")
ONE = {"scores", "parts-expression", "parts-action-units", "confusion-expression", "density", "reliability", "timeline"}


def paper(corpus, out, *words, others=()):
    places = [str(path) for path in (corpus.truth, corpus.first, *others)]
    return CliRunner().invoke(main, ["paper", MTL.id, *places, "-o", str(out), *FEW, *words])


@pytest.fixture(scope="module")
def two(corpus, tmp_path_factory):
    """The folder of two stores and a record."""
    folder = tmp_path_factory.mktemp("papers")
    place = folder / "record.json"
    place.write_text(RECORD.to_text(), "utf-8")
    result = paper(corpus, folder / "two", "--record", str(place), others=(corpus.second,))
    assert result.exit_code == 0, result.stderr
    return folder / "two"


def test_every_figure_is_there_and_units_that_may_not_be_shown_are_named_nowhere(corpus, tmp_path):
    (tmp_path / "masked.txt").write_text("video45\nvideo9\nlast\n10-30-640x480\n")
    result = paper(corpus, tmp_path / "out", "--masked", str(tmp_path / "masked.txt"), "--json")
    assert result.exit_code == 0, result.stderr
    names = {"tables.tex", "methods.tex", *(f"{name}.{form}" for name in ONE for form in ("svg", "pdf"))}
    assert set(json.loads(result.stdout)["files"]) == names == {path.name for path in (tmp_path / "out").iterdir()}
    for path in (tmp_path / "out").iterdir():
        assert not any(name in path.read_bytes() for name in (b"video45", b"video9", b"10-30-640x480")), path.name


def test_the_same_figure_makes_the_same_bytes():
    row = PaperRow("one", {("score",): 0.4}, {("score",): ("BCa", [0.3, 0.5])}, "6 videos")
    made = []
    for _ in range(2):
        with house_style():
            made.append(dict(as_files("scores", scores([row], [[("score",)]]))))
    assert made[0] == made[1]
    assert set(made[0]) == {"scores.svg", "scores.pdf"}


def test_figures_are_vectors_and_pdfs(two):
    for path in two.glob("*.svg"):
        root = ElementTree.fromstring(path.read_bytes())
        assert root.tag.endswith("svg")
        assert root.iter("{http://www.w3.org/2000/svg}path")
    for path in two.glob("*.pdf"):
        assert path.read_bytes().startswith(b"%PDF-")
    assert {path.stem for path in two.glob("density*")} == {"density-2026-test-one", "density-2026-test-two"}


def test_latex_takes_the_whole_folder(two, tmp_path):
    pictures = "\n\n".join(rf"\includegraphics[width=3cm]{{{path}}}" for path in sorted(two.glob("*.pdf")))
    texts = "\n".join((two / name).read_text("utf-8") for name in ("tables.tex", "methods.tex"))
    done = compiled(tmp_path, f"{texts}\n{pictures}")
    assert done.returncode == 0, done.stdout[-2000:]


def test_records_stand_beside_the_predictions(two):
    tables, methods = ((two / name).read_text("utf-8") for name in ("tables.tex", "methods.tex"))
    assert " 2026\\_team\\_method &" in tables
    assert "a synthetic corpus" in methods
    assert methods.count("% 2026") == 3
    # the difference of the two stores was tested, that of the record was not
    assert "correction for 1 comparison)" in tables


def test_a_record_of_another_challenge_is_refused_and_nothing_is_written(corpus, tmp_path):
    path = tmp_path / "record.json"
    path.write_text(
        RECORD.model_copy(update={"challenge": "abaw11-mtl", "fingerprint": get("abaw11-mtl").fingerprint}).to_text(),
        "utf-8",
    )
    result = paper(corpus, tmp_path / "out", "--record", str(path))
    assert result.exit_code == 1
    assert "R01" in result.stderr
    assert not (tmp_path / "out").exists()


def test_a_folder_that_holds_something_is_left_as_it_is(corpus, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "tables.tex").write_text("mine")
    result = paper(corpus, tmp_path / "out")
    assert result.exit_code == 1
    assert "C02" in result.stderr
    assert [path.read_text() for path in (tmp_path / "out").iterdir()] == ["mine"]
