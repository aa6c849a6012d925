"""abawbench mailroom at the command line: what it prints, how it ends, and how it goes on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import abawbench
from abawbench.cli import main
from tests.organisers.mail.mails import Place, files_of, mail, place_of
from tests.organisers.mail.test_mailroom import fill

ROOT = Path(__file__).parents[2]
EVENT = """\
title = "Ambivalence 2026"
challenge = "abaw11-ah"
organisers = "The chairs"
contact = "chairs@abaw.org"
summary = "Who hesitates?"

[texts]
terms = "terms.md"

[[phases]]
name = "Test"
codename = "test"
begins = "2026-07-01 00:00:00 UTC"
ends = "2026-07-02 23:59:59 AoE"
total = 2
private = true
shows_scores = true
split = "test"
"""


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return place_of(tmp_path)


def words(place: Place, *more: str) -> list[str]:
    inputs = ["--truth", str(place.truth), "--template", str(place.template)]
    return ["mailroom", str(place.inbox), "--challenge", place.challenge.id, *inputs, "-o", str(place.room), *more]


def run(place: Place, *more: str) -> Result:
    return CliRunner().invoke(main, words(place, *more))


def test_a_board_is_printed_and_unknown_senders_end_it_with_1(place: Place) -> None:
    fill(place)
    result = run(place, "--roster", str(place.folder / "roster.csv"))
    assert result.exit_code == 1
    assert "Green" in result.stdout
    assert "trials: 1 refused, 4 scored, 1 sent before" in result.stdout
    assert "O33 team unknown" in result.stderr
    assert "6 mails and files: 6 read" in result.stderr


def test_a_refused_trial_is_no_failure_of_the_command(place: Place) -> None:
    place.put("1.eml", mail([("t.txt", b"nonsense\n")]))
    result = run(place)
    assert result.exit_code == 0
    assert "1 refused" in result.stdout


def test_a_mail_without_a_prediction_is_named_once_as_it_may_be_a_question(place: Place) -> None:
    place.put("1.eml", mail([], subject="When is the\x1b[31m deadline?"))
    told = "without a prediction, perhaps a question: 1.eml"
    first = run(place).stdout
    assert told in first
    assert "1 new reply in" in first
    assert "\x1b" not in first
    assert told not in run(place).stdout
    place.put("2.eml", mail([("paper.pdf", b"%PDF-1.4")], sender="eve@red.org", number=2))
    assert json.loads(run(place, "--json").stdout)["without_prediction"] == ["2.eml"]


def test_json_has_the_board(place: Place) -> None:
    fill(place)
    result = run(place, "--roster", str(place.folder / "roster.csv"), "--json")
    told = json.loads(result.stdout)
    assert (told["ok"], told["verb"]) == (False, "mailroom")
    assert [problem["rule"] for problem in told["problems"]] == ["O33"]
    assert [team["team"] for team in told["board"]["teams"]] == ["Green", "Red", "Blue"]
    assert told["outcomes"] == {"refused": 1, "scored": 4, "sent before": 1}
    for path in [*told["replies"].values(), *told["written"]]:
        assert (place.room / path).is_file()


def test_an_event_says_when_and_how_many(place: Place) -> None:
    fill(place)
    (place.folder / "terms.md").write_text("Be kind.\n")
    event = place.folder / "event.toml"
    event.write_text(EVENT)
    result = run(place, "--roster", str(place.folder / "roster.csv"), "--event", str(event), "--final", "--json")
    told = json.loads(result.stdout)
    assert told["outcomes"] == {"outside the phase": 1, "refused": 1, "scored": 4}
    (reply,) = place.room.glob("replies/red*/reply-1.txt")
    text = reply.read_text()
    assert "SCORED, score 0." in text
    assert "(2026-07-02 23:59:59 anywhere on earth)" in text
    assert "The chairs" in text
    assert len(list(place.room.glob("certificates/*.tex"))) == 3
    assert ",test," in (place.room / "leaderboard/published/abaw11-ah.csv").read_text()


@pytest.mark.parametrize(
    ("more", "status", "said"),
    [
        (("--phase", "x"), 1, "C02"),
        (("--roster", "none.csv"), 1, "F01"),
        (("--event", "none.toml"), 1, "F01"),
        (("--workers", "0"), 2, "Invalid value"),
    ],
)
def test_wrong_use_is_told_before_anything_is_written(
    place: Place, more: tuple[str, ...], status: int, said: str
) -> None:
    fill(place)
    result = run(place, *more)
    assert result.exit_code == status
    assert said in result.stderr
    assert not place.room.exists()


def test_python_gives_the_same(place: Place) -> None:
    fill(place)
    run(place, "--roster", str(place.folder / "roster.csv"))
    by_command = files_of(place.room)
    outputs = abawbench.mailroom(
        "abaw11-ah",
        place.truth,
        place.inbox,
        place.folder / "other",
        template=place.template,
        roster=place.folder / "roster.csv",
    )
    assert [one.team for one in outputs.board.standings] == ["Green", "Red", "Blue"]
    assert files_of(place.folder / "other") == by_command


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_a_run_that_is_interrupted_goes_on(place: Place) -> None:
    for number in range(20):
        place.put(f"team{number}/t.txt", place.trial(number) + b"\n" * (number % 2))
    command = [sys.executable, "-m", "abawbench", *words(place, "--workers", "1")]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    pipe = subprocess.PIPE
    with subprocess.Popen(command, env=environment, stdout=pipe, stderr=pipe, text=True) as process:
        while process.poll() is None and len(list(place.room.glob("verdicts/*.json"))) < 3:
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "every mail and trial that was read" in told
    kept = {path.name: path.stat().st_mtime_ns for path in place.room.glob("verdicts/*.json")}
    assert len(kept) >= 3
    assert run(place).exit_code == 0
    assert all((place.room / "verdicts" / name).stat().st_mtime_ns == when for name, when in kept.items())
    whole = files_of(place.room)
    assert run(place, "-o", str(place.folder / "at once")).exit_code == 0
    assert files_of(place.folder / "at once") == whole
