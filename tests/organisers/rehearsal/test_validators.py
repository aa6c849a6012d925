"""Validators put to the test: what one misses, and what it refuses without cause."""

from __future__ import annotations

from pathlib import Path

import pytest

from abawbench.base.problems import ProblemError
from abawbench.challenges import get
from abawbench.organisers.faults import planted
from abawbench.organisers.rehearsal.validators import validate
from abawbench.organisers.samples import sample

AH = Path(__file__).with_name("ah_validator.py")


def script(tmp_path, text):
    path = tmp_path / "validator.py"
    path.write_text(text)
    return path


def test_a_validator_of_the_first_characters_misses_ids_and_order():
    done = validate(AH, get("abaw11-ah"))
    assert not done.is_ok
    missed = {verdict.name for verdict in done.missed}
    assert {"unknown-ids", "order-reversed", "two-rows-swapped", "path-of-another-row"} <= missed
    assert missed.isdisjoint({"wrong-sum", "row-missing", "row-more", "class-beyond", "nan", "column-missing"})
    assert "good sample" not in {verdict.name for verdict in done.wrongly_refused}


def test_a_validator_that_refuses_every_fault_and_nothing_else_is_right(tmp_path):
    challenge = get("abaw6-emi")
    good = [fault.files for fault in planted(challenge, sample(challenge)) if not fault.is_refused]
    good.append(sample(challenge).prediction)
    accepted = [data.hex() for files in good for data in files.values()]
    text = (
        "import os, sys\npath = sys.argv[1]\n"
        f"sys.exit(os.path.isdir(path) or open(path, 'rb').read().hex() not in {accepted})\n"
    )
    done = validate(script(tmp_path, text), challenge, with_zips=True)
    assert done.is_ok
    assert len(done.verdicts) > 60


def test_its_words_may_say_what_it_finds(tmp_path):
    path = script(
        tmp_path, "import sys\nprint('OK' if 'nan' not in open(sys.argv[1], errors='replace').read() else 'BAD')\n"
    )
    settings = {"command": "{python} {script} {submission}", "accepts_if": "^OK"}
    done = validate(path, get("abaw6-emi"), **settings)
    assert "nan" not in {verdict.name for verdict in done.missed}
    assert "empty-file" in {verdict.name for verdict in done.missed}
    assert done.wrongly_refused == ()


def test_one_that_refuses_everything_and_one_that_never_ends_are_told(tmp_path):
    from abawbench.organisers.rehearsal.sandbox import Limits

    done = validate(script(tmp_path, "import sys\nsys.exit(1)\n"), get("abaw6-emi"))
    assert done.missed == ()
    assert "good sample" in {verdict.name for verdict in done.wrongly_refused}
    path = script(tmp_path, "import time\ntime.sleep(60)\n")
    done = validate(path, get("abaw6-emi"), limits=Limits(0.3), workers=8)
    assert all(verdict.is_late for verdict in done.verdicts)
    assert not done.is_ok


@pytest.mark.parametrize("command", ["{python} {script}", "{submission} {other}", "{submission} {", "'"])
def test_a_command_of_another_form_is_refused(command):
    with pytest.raises(ProblemError, match="C02"):
        validate(AH, get("abaw11-ah"), command=command)


def test_a_wrong_expression_and_a_script_that_is_not_there_are_refused(tmp_path):
    with pytest.raises(ProblemError, match="C02"):
        validate(AH, get("abaw11-ah"), accepts_if="(")
    with pytest.raises(ProblemError, match="F01"):
        validate(tmp_path / "none.py", get("abaw11-ah"))
