"""A dress rehearsal of bundles that the package makes, and its report."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace

import pytest

from abawbench.base.problems import ProblemError
from abawbench.challenges import get
from abawbench.organisers.faults import planted
from abawbench.organisers.rehearsal import open_bundle, read_profiles, read_sent, rehearse, run
from abawbench.organisers.rehearsal.bundle_files import Opened
from abawbench.organisers.rehearsal.report import render_rehearsal
from abawbench.organisers.rehearsal.sent import Sent, unpack
from abawbench.organisers.samples import sample
from tests.organisers.rehearsal.conftest import COMMAND, competition, zipped


def test_the_bundle_of_a_challenge_scores_the_good_and_refuses_every_fault(bundles, monkeypatch):
    # some of them: `test_agreement` has every fault, in this process
    some = {"row-missing", "nan", "hostile-name", "path-out-of-the-zip", "cut-zip", "code-in-the-zip", "empty-zip"}
    some |= {"zip-of-finder", "windows-line-ends", "metadata-with-command"}
    kept = lambda challenge, made: tuple(fault for fault in planted(challenge, made) if fault.name in some)  # noqa: E731
    monkeypatch.setattr(run, "planted", kept)
    done = rehearse(open_bundle(bundles("codabench", "abaw11-ah")))
    assert done.is_ok, done.all_problems
    counts = Counter(outcome.state for outcome in done.outcomes)
    assert counts == {"scored": 4, "refused": 7}
    good = done.outcomes[0]
    assert (good.submission, good.state, good.is_on_board) == ("good submission", "scored", True)
    assert json.loads(json.dumps(done.to_json()))["counts"] == dict(counts)


def test_the_zip_and_the_folder_of_a_bundle_are_one(bundles):
    folder = bundles("codabench", "abaw11-ah")
    first, second = open_bundle(folder), open_bundle(next(folder.glob("*.zip")))
    assert first.platform == second.platform == "codabench"
    assert dict(first.files) == dict(second.files)
    assert dict(open_bundle(folder / "codabench").files) == dict(first.files)


def test_every_profile_leaves_the_score_as_it_is(bundles, tmp_path):
    files = sample(get("abaw11-ah"), units=2, rows=10).prediction
    (tmp_path / "trial-0.txt").write_bytes(next(iter(files.values())))
    sent = read_sent(tmp_path / "trial-0.txt")
    done = rehearse(open_bundle(bundles("codabench", "abaw11-ah")), [sent], profiles=read_profiles(["all"]))
    assert done.is_ok, done.all_problems
    ran = [outcome for outcome in done.outcomes if outcome.state != "not run"]
    assert len(ran) >= 8
    assert {tuple(outcome.scores.items()) for outcome in ran} == {tuple(ran[0].scores.items())}


def test_a_bundle_whose_scores_differ_from_ours_is_told(bundles):
    opened = open_bundle(bundles("codabench", "abaw11-ah"))
    program = unpack(opened.files["scoring_program.zip"])
    program["score.py"] = program["score.py"].replace(
        b'scores[column["key"]] = float(value)', b'scores[column["key"]] = 0.75'
    )
    broken = Opened("codabench", {**opened.files, "scoring_program.zip": zipped(program)}, "broken")
    files = sample(get("abaw11-ah"), units=2, rows=10).prediction
    done = rehearse(broken, [Sent("one", "a.zip", zipped(dict(files)))])
    assert {problem.rule for problem in done.all_problems} == {"O28"}


def test_a_page_of_the_rehearsal_is_inert():
    program = "import sys\nsys.exit('<script>alert(1)</script> \\x1b[2J ' + chr(0x202e))\n"
    sent = Sent("<script>alert(2)</script>", "a.zip", zipped({"a.txt": "1"}))
    done = rehearse(competition(program), [sent])
    page = render_rehearsal(done)
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page
    assert "\x1b" not in page
    assert "\u202e" not in page


def test_a_bundle_that_names_no_challenge_has_no_dress_rehearsal():
    done = rehearse(competition())
    assert not done.is_ok
    assert [problem.rule for problem in done.all_problems] == ["C02"]


@pytest.mark.parametrize("identifier", ["my-va", 7])
def test_a_challenge_of_ones_own_that_is_not_known_here_is_asked_for(bundles, monkeypatch, identifier):
    inspect = run.INSPECT["codabench"]

    def elsewhere(bundle):
        inspected = inspect(bundle)
        return replace(inspected, stages=tuple(replace(one, challenge=identifier) for one in inspected.stages))

    monkeypatch.setitem(run.INSPECT, "codabench", elsewhere)
    with pytest.raises(ProblemError, match="--challenge FILE") as caught:
        rehearse(open_bundle(bundles("codabench", "abaw11-ah")))
    assert [problem.rule for problem in caught.value.problems] == ["C01"]


def test_a_phase_that_is_not_there_is_told():
    with pytest.raises(ProblemError, match="Test"):
        rehearse(competition(), phase="other")


def test_what_is_no_bundle_is_told(tmp_path):
    (tmp_path / "text.txt").write_text("text")
    for path, rule in ((tmp_path / "none", "F01"), (tmp_path / "text.txt", "Z01"), (tmp_path, "O20")):
        with pytest.raises(ProblemError, match=rule):
            open_bundle(path)
    (tmp_path / "competition.yaml").write_text(COMMAND)
    assert open_bundle(tmp_path).platform == "codabench"
