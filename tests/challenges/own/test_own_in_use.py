"""What a challenge of one's own does: it scores as the one that it is like, and other columns and ranges work, too."""

from __future__ import annotations

import json
import math
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings

import abawbench
from abawbench import formats
from abawbench.challenges import CHALLENGES, Challenge, lookup
from abawbench.challenges.own import read_challenge, write_new
from abawbench.challenges.own.toml_writing import to_toml
from abawbench.formats.check import check, is_accepted
from abawbench.formats.dataframe import from_frame, to_frame
from abawbench.organisers.faults import planted
from abawbench.organisers.frozen import frozen_scorer
from abawbench.organisers.samples import sample, write, write_sample
from tests.challenges.own.drawn import fits, own_challenges


@pytest.fixture(autouse=True)
def nothing_read_before(monkeypatch):
    monkeypatch.setattr(lookup, "_named", {})


def scored(challenge: str | Path, truth: Path, prediction: Path) -> dict[str, Any]:
    made = abawbench.score(str(challenge), truth, prediction, resamples=100).to_json()
    return {name: value for name, value in made.items() if name not in {"challenge", "fingerprint"}}


@pytest.mark.parametrize("like", CHALLENGES.values(), ids=CHALLENGES)
def test_unchanged_but_for_its_id_it_scores_and_checks_as_the_original_does(like: Challenge, tmp_path):
    path, own = write_new(f"my-{like.id}", like, tmp_path)
    made = write_sample(sample(like, units=4, rows=12), tmp_path / "sample")
    drawn = write_sample(sample(own, units=4, rows=12), tmp_path / "own")
    assert [place.is_dir() for place in made.values()] == [place.is_dir() for place in drawn.values()]
    found = [scored(one, made["truth"], made["prediction"]) for one in (like.id, path)]
    # remarks name the challenge; figures are the same to the last bit
    texts = [json.dumps(one, sort_keys=True).replace(own.id, like.id) for one in found]
    assert texts[0] == texts[1]
    assert found[0]["score"] is None or math.isfinite(found[0]["score"])
    problems = [check(one, made["prediction"], made["list"]) for one in (like, own)]
    assert problems[0] == problems[1]
    assert is_accepted(problems[0])


@settings(settings.get_profile("quick"))
@given(own_challenges())
def test_other_columns_classes_ranges_and_criteria_are_read_checked_and_scored(challenge: Challenge):
    assume(fits(challenge))
    with tempfile.TemporaryDirectory() as work:
        path = Path(work) / f"{challenge.id}.toml"
        path.write_text(to_toml(challenge), "utf-8")
        assert read_challenge(path) == challenge
        made = write_sample(sample(challenge, units=4, rows=8), Path(work) / "sample")
        assert is_accepted(check(challenge, made["prediction"], made["list"]))
        truth, prediction = formats.read_both(challenge, made["truth"], made["prediction"])
        assert math.isfinite(scored(path, made["truth"], made["prediction"])["score"])
        for table, role in ((truth, "truth"), (prediction, "prediction")):
            again = from_frame(challenge, to_frame(challenge, table), role)
            for name, values in table.values.items():
                np.testing.assert_array_equal(again.values[name], values)


@settings(settings.get_profile("quick"), max_examples=4)
@given(own_challenges())
def test_planted_faults_of_any_challenge_have_the_verdict_that_they_should(challenge: Challenge):
    assume(fits(challenge))
    made = sample(challenge)
    with tempfile.TemporaryDirectory() as work:
        template = write(made.template, Path(work) / "list")
        for place, fault in enumerate(planted(challenge, made)):
            found = check(challenge, write(fault.files, Path(work) / str(place)), template)
            assert is_accepted(found) != fault.is_refused, fault.name
            assert fault.rules <= {problem.rule for problem in found}, fault.name


@settings(settings.get_profile("quick"), max_examples=3)
@given(own_challenges())
def test_the_frozen_scorer_of_any_challenge_gives_the_same_bits(challenge: Challenge):
    assume(fits(challenge))
    # dataclasses look their module up
    program: dict[str, Any] = {"__name__": __name__}
    exec(compile(frozen_scorer(challenge, "2026-11-30"), "frozen", "exec"), program)
    with tempfile.TemporaryDirectory() as work:
        path = Path(work) / f"{challenge.id}.toml"
        path.write_text(to_toml(challenge), "utf-8")
        made = write_sample(sample(challenge), Path(work) / "sample")
        frozen = program["evaluate"](*(str(made[name]) for name in ("truth", "prediction", "list")))
        found = scored(path, made["truth"], made["prediction"])
    assert frozen["ok"], frozen["problems"]
    assert frozen["fingerprint"] == challenge.fingerprint
    assert {name: frozen[name] for name in ("score", "terms", "metrics")} == {
        name: found[name] for name in ("score", "terms", "metrics")
    }


def test_most_drawn_challenges_fit():
    found: list[bool] = []

    @settings(settings.get_profile("quick"))
    @given(own_challenges())
    def draw(challenge: Challenge) -> None:
        found.append(fits(challenge))

    draw()
    assert sum(found) > len(found) / 2
