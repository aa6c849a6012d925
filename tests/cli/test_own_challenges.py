"""Verbs on challenges of one's own: made, listed, described, sampled, scored, and taken by path or id."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from abawbench.challenges import CHALLENGES, get, lookup
from abawbench.cli import main


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(monkeypatch, tmp_path):
    monkeypatch.setattr(lookup, "_named", {})
    monkeypatch.delenv(lookup.VARIABLE, raising=False)
    monkeypatch.chdir(tmp_path)


def run(*words: object) -> Result:
    return CliRunner(env={"COLUMNS": "400"}).invoke(main, [str(word) for word in words])


def new(identifier: str = "kitchen-va", like: str = "abaw10-va") -> Path:
    assert run("challenges", "new", identifier, "--like", like).exit_code == 0
    return Path("challenges") / f"{identifier}.toml"


def test_a_challenge_is_written_where_it_is_looked_up():
    result = run("challenges", "new", "kitchen-va", "--like", "abaw10-va")
    assert result.stdout.startswith("challenges/kitchen-va.toml written, like abaw10-va")
    assert get("kitchen-va").tasks == get("abaw10-va").tasks


def test_a_file_that_is_there_is_not_overwritten():
    path = new()
    path.write_text("mine")
    result = run("challenges", "new", "kitchen-va", "--like", "abaw10-au")
    assert result.exit_code == 1
    assert "F12" in result.stderr
    assert path.read_text() == "mine"


@pytest.mark.parametrize("identifier", ["abaw10-va", "Kitchen", "show"])
def test_an_id_that_cannot_be_had_is_a_problem_and_nothing_is_written(identifier):
    result = run("challenges", "new", identifier, "--like", "abaw10-va", "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["problems"][0]["rule"] == "C07"
    assert not Path("challenges").exists()


def test_a_challenge_like_one_of_your_own_says_so():
    path = new()
    assert run("challenges", "new", "office-va", "--like", path).exit_code == 0
    assert get("office-va").sources["dataset"].startswith("copied from kitchen-va: copied from abaw10-va: ")


def test_the_list_has_your_own_under_a_heading():
    new()
    lines = run("challenges").stdout.splitlines()
    assert lines[lines.index("Your own") + 2].startswith("kitchen-va ")
    listed = json.loads(run("challenges", "--json").stdout)["challenges"]
    assert [one["id"] for one in listed] == [*CHALLENGES, "kitchen-va"]
    assert listed[-1]["file"] == "challenges/kitchen-va.toml"
    assert "file" not in listed[0]


def test_without_your_own_there_is_no_heading():
    assert "Your own" not in run("challenges").stdout


def test_a_file_at_fault_is_named_beside_the_list():
    path = new()
    path.write_text(path.read_text().replace("sentinel = -5.0", "sentinel = 0.5"))
    result = run("challenges")
    assert result.exit_code == 0
    assert f"{path} is left out, 1 problem: `abawbench challenges {path}` tells them" in result.stderr
    assert [problem["rule"] for problem in json.loads(run("challenges", "--json").stdout)["problems"]] == ["C06"]


def test_what_is_no_challenge_in_the_folder_is_named_and_breaks_nothing():
    new()
    Path("challenges/folder.toml").mkdir()
    Path("challenges/link.toml").symlink_to("nowhere")
    Path("challenges/No Id.toml").write_text("id = 1")
    Path("challenges/notes.md").write_text("no challenge")
    result = run("challenges")
    assert result.exit_code == 0
    assert "kitchen-va" in result.stdout
    named = ("folder.toml", "link.toml", "No Id.toml")
    assert all(f"challenges/{name} is left out" in result.stderr for name in named)
    assert len(result.stderr.splitlines()) == len(named)


def test_a_packaged_challenge_is_not_scored_beside_a_file_of_its_name():
    path = new()
    path.with_name("abaw10-va.toml").write_text(path.read_text().replace("kitchen-va", "abaw10-va"))
    result = run("score", "abaw10-va", "truth", "prediction")
    assert result.exit_code == 1
    assert "C07" in result.stderr
    assert "challenges/abaw10-va.toml is left out" in run("challenges").stderr


def test_path_and_fingerprint_stand_beside_the_description():
    path = new()
    for name in ("kitchen-va", path):
        result = run("challenges", name)
        fingerprint = get("kitchen-va").fingerprint
        assert f"fingerprint {fingerprint}\nyour own, of {path}\n" in result.stdout
        assert get("kitchen-va").fingerprint in result.stderr


def test_a_verb_says_which_file_it_took_unless_it_is_quiet():
    new()
    run("challenges", "sample", "kitchen-va", "-o", "sample")
    words = ("score", "kitchen-va", "sample/truth", "sample/prediction/predictions.txt")
    said = f"challenge kitchen-va: challenges/kitchen-va.toml, fingerprint {get('kitchen-va').fingerprint}\n"
    assert run(*words).stderr.startswith(said)
    assert said not in run(*words, "-q").stderr
    assert "challenge abaw10-va" not in run("score", "abaw10-va", *words[2:]).stderr


def test_a_file_at_fault_ends_with_1_and_its_problems_as_json():
    path = new()
    path.write_text(path.read_text().replace("sentinel = -5.0", "sentinel = 0.5"))
    result = run("score", path, "truth", "prediction", "--json")
    assert result.exit_code == 1
    assert "Usage" not in result.stderr
    (problem,) = json.loads(result.stdout)["problems"]
    assert (problem["rule"], problem["file"]) == ("C06", str(path))
    assert problem["line"] is not None


def test_a_path_of_no_file_is_a_problem():
    result = run("score", "challenges/none.toml", "truth", "prediction")
    assert result.exit_code == 1
    assert "F01" in result.stderr


def test_check_takes_a_challenge_of_your_own():
    path = new()
    run("challenges", "sample", path, "-o", "sample")
    template = "sample/list/ABAW_VA_test_set_sample.txt"
    result = run("check", path, "sample/prediction/predictions.txt", "--template", template)
    assert result.exit_code == 0, result.output
    assert "challenge kitchen-va: " in result.stderr
    assert run("check", "kitchen-va").exit_code == 2


def test_a_sample_is_not_written_over_anything():
    run("challenges", "sample", "abaw11-ah", "-o", "sample")
    before = {path: path.read_bytes() for path in Path("sample").rglob("*") if path.is_file()}
    result = run("challenges", "sample", "abaw11-ah", "-o", "sample", "--seed", "1")
    assert result.exit_code == 1
    assert "F12" in result.stderr
    assert before == {path: path.read_bytes() for path in Path("sample").rglob("*") if path.is_file()}


def test_a_sample_is_the_same_for_the_same_seed():
    made = []
    for _ in range(2):
        run("challenges", "sample", "abaw11-ah", "-o", "sample")
        made.append({path: path.read_bytes() for path in Path("sample").rglob("*") if path.is_file()})
        shutil.rmtree("sample")
    assert made[0] == made[1]


def test_documentation_for_participants_is_printed_or_written():
    new()
    shown = run("challenges", "kitchen-va", "--participants").stdout
    assert shown.startswith("# Valence-Arousal Estimation")
    assert run("challenges", "kitchen-va", "--participants", "-o", "pages").exit_code == 0
    made = json.loads(run("challenges", "kitchen-va", "--participants", "--json").stdout)["pages"]
    assert (Path("pages") / "evaluation.md").read_text() == made["evaluation"]
    assert run("challenges", "kitchen-va", "--participants", "-o", "pages").exit_code == 1
    assert run("challenges", "--participants").exit_code == 2
    assert run("challenges", "kitchen-va", "-o", "pages").exit_code == 2


DISCLOSURE = """\
entry = "2026_me_mine"
split = "validation"
dataset = "drawn numbers"
date = "2026-11-24"

[disclosure]
trained_on = []
validation_used_for = "nothing"
thresholds_from = "none"
trials = 1
crops = "none"
licence = "Apache-2.0"
synthetic_truth = true
note = ""
"""


def test_records_and_a_leaderboard_know_a_challenge_of_your_own_by_its_id(monkeypatch):
    path = new("kitchen-ah", "abaw11-ah")
    run("challenges", "sample", path, "-o", "sample")
    Path("disclosure.toml").write_text(DISCLOSURE)
    words = ("sample/truth/truth.txt", "sample/prediction/trial-0.txt", "--record", "board/records", "--disclosure")
    assert run("score", path, *words, "disclosure.toml").exit_code == 0
    record = json.loads(Path("board/records/kitchen-ah/2026_me_mine.validation.json").read_text())
    assert (record["challenge"], record["fingerprint"]) == ("kitchen-ah", get(path).fingerprint)
    monkeypatch.setattr(lookup, "_named", {})
    assert run("leaderboard", "build", "--root", "board").exit_code == 0
    assert "2026_me_mine" in Path("board/kitchen-ah.md").read_text()
    assert run("leaderboard", "check", "--root", "board").exit_code == 0
    path.rename("elsewhere.toml")
    result = run("leaderboard", "build", "--root", "board")
    assert "R02" in result.stderr
    assert "ABAWBENCH_CHALLENGES" in result.stderr


def test_published_facts_may_have_a_description_beside_the_challenge_itself():
    """As the mail room writes them, so that the board can be built where the challenge is not known, too."""
    path = new("kitchen-ah", "abaw11-ah")
    facts = Path("board/published/kitchen-ah.csv")
    facts.parent.mkdir(parents=True)
    facts.with_suffix(".toml").write_text('title = "Kitchen"\ndataset = "Kitchen faces"\nmeasure = "ah-video-f1"\n')
    header = "kind,edition,challenge,dataset,split,rank,team,method,metric_name,figure,value,note,source\n"
    row = "organiser,non-ABAW,kitchen-ah,Kitchen faces,test,1,basil,,ah-video-f1,score,0.5,,a mail room\n"
    facts.write_text(header + row)
    assert run("leaderboard", "build", "--root", "board").exit_code == 0
    table = Path("board/kitchen-ah.md").read_text()
    path.unlink()
    assert run("leaderboard", "build", "--root", "board").exit_code == 0
    assert all(
        "basil" in text and "other measure" not in text for text in (table, Path("board/kitchen-ah.md").read_text())
    )


def test_a_hostile_title_is_inert_where_it_is_shown():
    path = new()
    title = "<script>alert(1)</script> `[x](y)` $\\\\input{/etc/passwd}$ =1+1"
    path.write_text(path.read_text().replace("Valence-Arousal Estimation", title))
    assert run("challenges", "kitchen-va").exit_code == 0
    shown = run("challenges", "kitchen-va", "--participants").stdout
    assert shown.count("<script>") == shown.count("\\<script>") > 0
