"""Codabench's worker, and bundles that are broken in the ways that it passes over in silence."""

from __future__ import annotations

import time

import pytest

from abawbench.base.problems import ProblemError
from abawbench.organisers.faults.in_zips import EXECUTED
from abawbench.organisers.rehearsal import open_bundle, read_profiles, rehearse
from abawbench.organisers.rehearsal.sandbox import Limits
from abawbench.organisers.rehearsal.sent import Sent, as_sent
from tests.organisers.rehearsal.conftest import COMMAND, COMPETITION, GOOD, competition, zipped

LONG = "k" * 37


def writes(text):
    """A program that writes this as scores.json, whatever was sent."""
    return f"import sys\nopen(sys.argv[2] + '/scores.json', 'w').write({text!r})\n"


def good(**files):
    return as_sent("good", {"a.txt": b"good\n", **files}, is_refused=False)


def bad(name="bad", **files):
    return as_sent(name, {"a.txt": b"bad\n", **files}, is_refused=True)


def run(bundle, *sent, profile="plain", limits=None):
    return rehearse(bundle, sent, profiles=read_profiles([profile]), limits=limits)


def rules(rehearsal):
    return {problem.rule for problem in rehearsal.all_problems}


def test_a_sound_bundle_scores_what_is_good_and_refuses_what_is_bad():
    done = run(competition(), good(), bad())
    assert done.all_problems == ()
    first, second = done.outcomes
    assert (first.state, first.platform_says, first.is_on_board, first.scores) == (
        "scored",
        "Finished",
        True,
        {"score": 0.5},
    )
    assert (second.state, second.platform_says, second.is_on_board) == ("refused", "Failed", False)
    assert second.errors == "this submission is bad\n"


@pytest.mark.parametrize(
    ("scores", "rule", "on_board"),
    [
        ('{"score": NaN}', "O25", False),
        ('{"score": Infinity}', "O25", False),
        ('{"score": null}', "O25", False),
        ('{"score": "0.5"}', "O25", False),
        ('{"score": true}', "O25", False),
        ("[0.5]", "O25", False),
        ("null", "O25", False),
        ('{"other": 0.5}', "O26", True),
        ("{}", "O26", True),
        ("", "O25", False),
        ("{", "O25", False),
    ],
)
def test_a_program_that_writes_other_scores_is_told(scores, rule, on_board):
    done = run(competition(writes(scores)), good())
    assert rule in rules(done)
    assert done.outcomes[0].state != "scored"
    assert done.outcomes[0].is_on_board == on_board


def test_no_scores_with_exit_status_0_are_told():
    assert {"O25", "O28"} <= rules(run(competition("pass\n"), good()))


def test_a_bad_submission_that_is_scored_or_finished_is_told():
    assert rules(run(competition(writes('{"score": 1}')), bad())) == {"O27"}
    assert "O27" in rules(run(competition(writes("{}")), bad()))


def test_a_refusal_that_nobody_can_read_is_told():
    assert rules(run(competition("import sys\nsys.exit(1)\n"), bad())) == {"O27"}


def test_a_good_submission_that_is_refused_is_told_with_the_reason():
    done = run(competition("import sys\nsys.exit('I am tired')\n"), good())
    assert rules(done) == {"O28"}
    assert "I am tired" in done.all_problems[0].found


@pytest.mark.parametrize(
    ("program", "found"),
    [
        ({"scoring/metadata.yaml": COMMAND, "scoring/score.py": GOOD}, "in a folder"),
        ({"score.py": GOOD}, "no metadata.yaml"),
        ({"metadata.yaml": "description: no command\n", "score.py": GOOD}, "no command"),
        ({"metadata.yaml": "command: [", "score.py": GOOD}, "no command"),
    ],
)
def test_a_program_without_a_command_in_its_root_is_told(program, found):
    done = run(competition(files={"program.zip": zipped(program)}), good())
    assert {"O24", "O28"} == rules(done)
    assert found in done.problems[0].found


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        ("end: '2026-07-17 11:59:59'", "end: 2026-07-17 11:59:59", "O22"),
        ("end: '2026-07-17 11:59:59'", "end: '2026-07-16 23:59:59 AoE'", "O22"),
        ("end: '2026-07-17 11:59:59'", "end: '2026-07-17 11:59:59+02:00'", "O22"),
        ("end: '2026-07-17 11:59:59'", "end: '2026-07-17'", "O22"),
        ("key: score", f"key: {LONG}", "O21"),
        ("title: Score", f"title: {LONG}", "O21"),
        ("title: Results", f"title: {LONG * 2}", "O21"),
        ("title: An event", f"title: {'t' * 257}", "O21"),
        ("precision: 5}", "precision: 5}\n  - {title: B, key: score, index: 1, precision: 5}", "O21"),
        ("image: logo.png", "image: other.png", "O20"),
        ("terms: terms.md", "terms: ''", "O20"),
        ("file: overview.md", "file: other.md", "O20"),
        ("scoring_program: program.zip", "scoring_program: other.zip", "O20"),
        ("tasks: [0]", "tasks: [1]", "O20"),
        ("tasks: [0]", "tasks: []", "O20"),
        ("submission_rule: Force_Best", "submission_rule: Best", "O20"),
        ("submission_rule: Force_Best", "submission_rule: Add", "N78"),
        (", precision: 5", "", "N78"),
        ("docker_image: codalab/codalab-legacy:py39\n", "", "N78"),
        ("execution_time_limit: 600", "execution_time_limit: 3600", "N78"),
        ("execution_time_limit: 600", "accepts_only_result_submissions: true", "N78"),
        ("leaderboards:", "leaderboards:\n- {title: A, key: a, submission_rule: Force_Last, columns: []}", "N78"),
    ],
)
def test_what_the_upload_refuses_or_passes_over_is_told(old, new, rule):
    assert old in COMPETITION
    done = run(competition(text=COMPETITION.replace(old, new)))
    assert rule in rules(done)


def test_a_description_without_pages_or_with_nothing_at_all_is_told():
    pages = "pages:\n- title: Overview\n  file: overview.md\n"
    assert "O20" in rules(run(competition(text=COMPETITION.replace(pages, ""))))
    with pytest.raises(ProblemError, match="O20"):
        run(competition(text="[]"))
    with pytest.raises(ProblemError, match="O20"):
        run(competition(text="a: [\n"))


def test_a_bundle_in_a_folder_of_its_zip_is_told(tmp_path):
    path = tmp_path / "bundle.zip"
    path.write_bytes(zipped({f"folder/{name}": data for name, data in competition().files.items()}))
    with pytest.raises(ProblemError, match="in a folder"):
        open_bundle(path)


def test_a_program_that_never_ends_is_ended_with_its_children(tmp_path):
    beacon = tmp_path / "beacon"
    child = f"import time; time.sleep(3); open({str(beacon)!r}, 'w')"
    program = f"import subprocess, sys, time\nsubprocess.Popen([sys.executable, '-c', {child!r}])\ntime.sleep(60)\n"
    done = run(competition(program), good(), bad(), limits=Limits(1.0))
    assert {"O28", "O29"} <= rules(done)
    assert all(outcome.seconds < 30 for outcome in done.outcomes)
    time.sleep(3)
    assert not beacon.exists()


def test_an_interrupted_rehearsal_waits_for_no_program():
    program = "import pathlib, sys, time\nif len(list(pathlib.Path(sys.argv[1], 'res').glob('b*'))): time.sleep(120)\n"
    sent = [bad("quick"), as_sent("slow", {"b.txt": b""})]

    def stop(done, total):
        raise KeyboardInterrupt

    begin = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        rehearse(competition(program), sent, profiles=read_profiles(["plain"]), workers=2, progress=stop)
    assert time.monotonic() - begin < 100


def test_what_a_program_prints_is_bounded():
    program = "import sys\nfor _ in range(4000): sys.stderr.write('x' * 1000)\nsys.exit(1)\n"
    (outcome,) = run(competition(program), bad()).outcomes
    assert len(outcome.errors) < 100_000
    assert "more bytes" in outcome.errors


def test_memory_is_bounded():
    (outcome,) = run(competition("x = bytearray(1 << 30)\n"), bad(), limits=Limits(60.0, 256 << 20)).outcomes
    assert "MemoryError" in outcome.errors


def test_the_environment_of_this_process_stays_here(monkeypatch):
    monkeypatch.setenv("SECRET_OF_THE_ORGANISER", "tell nobody")
    (outcome,) = run(competition("import os, sys\nsys.exit(repr(dict(os.environ)))\n"), bad()).outcomes
    assert "tell nobody" not in outcome.errors


def test_nothing_of_a_submission_is_run_and_the_platform_decides_on_metadata():
    command = f"command: touch {EXECUTED}\n".encode()
    names = {"metadata": command}, {"metadata.yaml": b"description: mine\n"}, {"metadata.yaml": command}
    sent = [Sent(str(place), "a.zip", zipped({"a.txt": "good\n", **files})) for place, files in enumerate(names)]
    done = run(competition(), *sent, Sent("empty", "a.zip", zipped({})), Sent("text", "a.zip", b"no zip"))
    assert [outcome.state for outcome in done.outcomes] == ["refused", "refused", "scored", "refused", "refused"]
    assert [outcome.errors for outcome in done.outcomes[:2]] == ["Metadata file not found"] * 2
    assert "would run the command" in done.outcomes[2].remarks[0]
    assert done.is_ok


def test_a_program_that_runs_what_was_sent_is_told():
    runs = "import pathlib, subprocess, sys\nfor p in pathlib.Path(sys.argv[1], 'res').glob('*.py'):\n"
    runs += "    subprocess.run([sys.executable, str(p)])\nsys.exit('refused')\n"
    sent = bad(**{"a.py": f"open({EXECUTED!r}, 'w')\n".encode()})
    assert "O29" in rules(run(competition(runs), sent))


def test_names_that_lead_out_of_the_folder_stay_in_it():
    (outcome,) = run(
        competition(), Sent("out", "a.zip", zipped({"../../../out.txt": "x", "/tmp/out.txt": "y"}))
    ).outcomes
    assert outcome.state == "refused"


def test_numbers_that_the_platform_rounds_to_0_and_keys_without_a_column_are_said():
    (outcome,) = run(competition(writes('{"score": 1e-12, "more": 2}')), good()).outcomes
    assert outcome.scores == {"score": 1e-12}
    assert "stored as 0" in outcome.remarks[0]
    assert "no column" in outcome.remarks[1]


def test_detailed_results_are_read_from_the_first_page():
    program = GOOD.replace("if len", "pathlib.Path(sys.argv[2], 'other.html').write_text('<p>seen')\nif len")
    assert [outcome.details for outcome in run(competition(program), good(), bad()).outcomes] == ["<p>seen"] * 2
