"""The board: ranks with what the videos leave open, and files that show it."""

from __future__ import annotations

import csv
import io
import json
import shutil
import subprocess
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from abawbench.challenges import CHALLENGES, get
from abawbench.leaderboard.build import build
from abawbench.organisers.mail.board_files import csv_text, guarded
from abawbench.organisers.mail.terms import terms_of
from tests.organisers.mail.mails import AH, Place, files_of, place_of

NAMES = ("Blue", "Señor 100 % & Co_1", "李 \\input{x} $\\alpha$", "Grün #~^{}")


@pytest.fixture
def filled(place: Place) -> Place:
    rows = "".join(f'"{name}",{number}@x.org,{number}\n' for number, name in enumerate(NAMES))
    place.roster(f"team,address,aliases\n{rows}")
    for number in range(len(NAMES)):
        place.put(f"{number}/trial.txt", place.trial(3 * number))
    return place


def test_ranges_hold_the_rank_and_the_board_is_sorted(filled: Place) -> None:
    board = filled.run().board
    assert [one.rank for one in board.standings] == [1, 2, 3, 4]
    assert all(one.range[0] <= one.rank <= one.range[1] for one in board.standings)
    assert [one.value for one in board.standings] == sorted((one.value for one in board.standings), reverse=True)
    assert board.clusters == 48


def test_teams_that_the_videos_tell_apart_have_ranges_apart(place: Place) -> None:
    (best,) = place.best.values()
    place.put("good/t.txt", best)
    lines = best.decode().splitlines()
    fields = [line.split(",") for line in lines]
    wrong = [f"{name},{p1},{p0},{1 - int(label)}" for name, p0, p1, label in fields]
    place.put("bad/t.txt", ("\n".join(wrong) + "\n").encode())
    assert [(one.team, one.range) for one in place.run().board.standings] == [("good", (1, 1)), ("bad", (2, 2))]


def test_json_and_csv_say_the_same(filled: Place) -> None:
    filled.run()
    told = json.loads((filled.room / "board.json").read_text())
    rows = list(csv.DictReader(io.StringIO((filled.room / "board.csv").read_text())))
    assert [float(row["value"]) for row in rows] == [one["value"] for one in told["teams"]]
    assert [row["team"] for row in rows] == [one["team"] for one in told["teams"]]
    assert told["figure"] == "score"
    assert told["challenge"] == "abaw11-ah"


@pytest.mark.parametrize("text", ["=1", "+1", "-1", "@x", "\t=1", "\r=1", " =1"])
def test_no_cell_is_a_formula(text: str) -> None:
    assert guarded(text).startswith("'")
    assert csv_text(["a"], [[text, -0.5]]).splitlines()[1].endswith(",-0.5")


def latex(folder: Path, name: str) -> int:
    """Compile a document and return the number of its pages."""
    if shutil.which("pdflatex") is None:
        pytest.skip("no pdflatex here: install texlive-latex-base and texlive-latex-recommended, as .ci/install does")
    command = ["pdflatex", "-halt-on-error", "-interaction=nonstopmode", "-no-shell-escape", name]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, errors="replace", check=False)
    assert done.returncode == 0, done.stdout[-2000:]
    assert "Overfull \\hbox" not in done.stdout
    return int(done.stdout.rpartition("Output written on ")[2].partition("(")[2].split(" ")[0])


def test_the_board_of_paper_compiles(filled: Place) -> None:
    filled.run(terms=replace(terms_of(AH), title="50 % of A&B_c", organisers="Chairs #1", phase="Test ^ final"))
    assert latex(filled.room, "board.tex") == 1


def test_a_certificate_is_one_page(filled: Place) -> None:
    ends = datetime(2026, 7, 17, 11, 59, 59, tzinfo=UTC)
    filled.run(is_final=True, terms=replace(terms_of(AH), ends=ends))
    folder = filled.room / "certificates"
    files = sorted(path.name for path in folder.iterdir())
    assert len(files) == len(NAMES)
    assert "2026-07-17" in (folder / files[0]).read_text()
    for name in files:
        assert latex(folder, name) == 1


def test_without_final_there_is_no_certificate(filled: Place) -> None:
    filled.run()
    assert not (filled.room / "certificates").exists()


def test_a_board_without_a_team_is_told(place: Place) -> None:
    place.inbox.mkdir(exist_ok=True)
    board = place.run().board
    assert (board.standings, board.trials) == ((), ())
    assert "No team yet." in (place.room / "board.md").read_text()
    assert latex(place.room, "board.tex") == 1


def test_the_web_board_is_built_of_it(filled: Place) -> None:
    best = filled.run().board.standings[0]
    root = filled.room / "leaderboard"
    text = build(root)[root / "abaw11-ah.md"]
    assert f"{best.value:.4f}" in text
    assert best.team in text


def test_a_challenge_of_ones_own_has_a_web_board(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = replace(get("abaw11-ah"), id="my-hesitancy", edition=0)
    place = place_of(tmp_path, own)
    place.put("Blue/trial.txt", place.trial())
    place.run()
    root = place.room / "leaderboard"
    assert sorted(files_of(root)) == ["published/my-hesitancy.csv", "published/my-hesitancy.toml"]
    assert "Blue" in build(root)[root / "my-hesitancy.md"]


@pytest.mark.parametrize("name", ["abaw3-va", "abaw4-mtl", "abaw6-expr", "abaw4-lsd", "abaw5-eri", "abaw9-vd"])
def test_every_kind_of_format_goes_through(tmp_path: Path, name: str) -> None:
    place = place_of(tmp_path, CHALLENGES[name])
    for file, data in place.best.items():
        place.put(f"Blue/{file}", data)
    (one,) = place.run().board.standings
    assert (one.team, one.scored, one.sent) == ("Blue", 1, 1)
    assert build(place.room / "leaderboard")


@pytest.mark.parametrize("name", ["abaw8-ah", "abaw1-va", "abaw11-mtl", "abaw5-au"])
def test_a_zip_of_every_kind_goes_through(tmp_path: Path, name: str) -> None:
    from tests.organisers.mail.mails import mail, zipped

    place = place_of(tmp_path, CHALLENGES[name])
    place.put("1.eml", mail([("sub.zip", zipped(place.best, "deep/er/"))]))
    outputs = place.run()
    assert [one.state for one in outputs.board.trials] == ["scored"]
