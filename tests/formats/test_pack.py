"""The zip of trials: the same bytes for the same trials, nothing that would be refused, hashes that hold."""

from __future__ import annotations

import hashlib
import json
import os
import zipfile

import pytest

from abawbench.base.problems import ProblemError
from abawbench.challenges import CHALLENGES
from abawbench.formats.check import check
from abawbench.formats.pack import manifest_path, pack


def trials_of(made, count):
    """Copies of the submission's prediction under names of their own."""
    path = made.write()
    if made.is_per_unit:
        folders = [made.folder / f"run{number}" for number in range(count)]
        for folder in folders:
            folder.mkdir()
            for file in path.iterdir():
                (folder / file.name).write_bytes(file.read_bytes())
        return folders
    files = [made.folder / f"run{number}.txt" for number in range(count)]
    for file in files:
        file.write_bytes(path.read_bytes())
    return files


@pytest.mark.parametrize("challenge_id", CHALLENGES)
@pytest.mark.parametrize("count", [1, 5])
def test_a_packed_submission_is_accepted(submission, challenge_id, count):
    made = submission(challenge_id)
    out = made.folder / "submission.zip"
    pack(made.challenge, trials_of(made, count), out, made.template)
    # the trials are alike
    assert {problem.rule for problem in check(made.challenge, out, made.template)} == ({"N20"} if count > 1 else set())


@pytest.mark.parametrize("challenge_id", ["abaw4-mtl", "abaw10-vd", "abaw11-ah"])
def test_the_same_trials_give_the_same_bytes(submission, challenge_id):
    made = submission(challenge_id)
    trials = trials_of(made, 3)
    first, second = made.folder / "a.zip", made.folder / "b.zip"
    pack(made.challenge, trials, first, made.template)
    for path in made.folder.rglob("*"):
        os.utime(path, (0, 10**9))
        path.chmod(0o700)
    pack(made.challenge, trials, second, made.template)
    assert first.read_bytes() == second.read_bytes()


def test_members_have_the_names_of_trials(submission):
    made = submission("abaw11-ah")
    out = made.folder / "submission.zip"
    pack(made.challenge, trials_of(made, 3), out, made.template)
    assert zipfile.ZipFile(out).namelist() == ["trial-0.txt", "trial-1.txt", "trial-2.txt"]


@pytest.mark.parametrize(
    ("count", "names"),
    [
        (1, ["0008.csv", "0012.csv"]),
        (2, ["trial-0/0008.csv", "trial-0/0012.csv", "trial-1/0008.csv", "trial-1/0012.csv"]),
    ],
)
def test_units_lie_flat_or_in_a_folder_for_each_trial(submission, count, names):
    made = submission("abaw10-vd")
    out = made.folder / "submission.zip"
    pack(made.challenge, trials_of(made, count), out, made.template)
    assert zipfile.ZipFile(out).namelist() == names


def test_the_manifest_holds_the_hashes_of_what_is_there(submission):
    made = submission("abaw4-mtl")
    out = made.folder / "submission.zip"
    manifest = pack(made.challenge, trials_of(made, 2), out, made.template)
    record = json.loads(manifest_path(out).read_text())
    assert record == json.loads(json.dumps(manifest.to_json()))
    assert record["sha256"] == hashlib.sha256(out.read_bytes()).hexdigest()
    assert record["fingerprint"] == made.challenge.fingerprint
    assert record["template"] == hashlib.sha256(made.template.read_bytes()).hexdigest()
    with zipfile.ZipFile(out) as archive:
        hashes = {name: hashlib.sha256(archive.read(name)).hexdigest() for name in archive.namelist()}
    assert {member["name"]: member["sha256"] for member in record["members"]} == hashes
    assert [member["trial"] for member in record["members"]] == ["run0.txt", "run1.txt"]


def nothing_was_packed(made):
    return not list(made.folder.glob("*.zip")) and not list(made.folder.glob("*.json"))


def test_a_bad_trial_is_refused_and_nothing_is_written(submission):
    made = submission("abaw4-mtl")
    trials = trials_of(made, 2)
    trials[1].write_text(trials[1].read_text().replace("0.10", "1.10", 1))
    with pytest.raises(ProblemError, match=r"V03[\s\S]*run1\.txt"):
        pack(made.challenge, trials, made.folder / "submission.zip", made.template)
    assert nothing_was_packed(made)


def test_notes_do_not_keep_a_trial_out(submission):
    made = submission("abaw4-mtl")
    trials = trials_of(made, 1)
    trials[0].write_bytes(trials[0].read_bytes().replace(b"\n", b"\r\n"))
    assert pack(made.challenge, trials, made.folder / "submission.zip", made.template).members


@pytest.mark.parametrize(("challenge_id", "count"), [("abaw11-ah", 6), ("abaw4-mtl", 6), ("abaw2-va", 8)])
def test_too_many_trials_are_refused(submission, challenge_id, count):
    made = submission(challenge_id)
    with pytest.raises(ProblemError, match="Z06"):
        pack(made.challenge, trials_of(made, count), made.folder / "submission.zip", made.template)
    assert nothing_was_packed(made)


def test_no_trial_is_refused(submission):
    made = submission("abaw4-mtl")
    with pytest.raises(ProblemError, match="Z08"):
        pack(made.challenge, [], made.folder / "submission.zip")


def test_a_trial_that_is_not_there_is_named(submission):
    made = submission("abaw4-mtl")
    with pytest.raises(ProblemError, match="F01"):
        pack(made.challenge, [made.folder / "none.txt"], made.folder / "submission.zip")


@pytest.mark.parametrize("challenge_id", ["abaw4-mtl", "abaw10-vd"])
def test_a_trial_of_the_wrong_kind_is_named(submission, challenge_id):
    made = submission(challenge_id)
    path = made.write()
    trial = next(path.iterdir()) if path.is_dir() else path.parent
    with pytest.raises(ProblemError, match="C03"):
        pack(made.challenge, [trial], made.folder / "submission.zip")
