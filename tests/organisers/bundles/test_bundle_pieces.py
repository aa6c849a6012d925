"""What bundles share: a folder that is written whole and never over somebody's work, columns, phases, samples."""

from __future__ import annotations

import json
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from abawbench.base.problems import ProblemError
from abawbench.challenges import CHALLENGES, Categorical, Continuous
from abawbench.formats.check import check, is_accepted
from abawbench.organisers.bundles.board import LONGEST, board_columns
from abawbench.organisers.bundles.folder import MANIFEST, write_bundle
from abawbench.organisers.bundles.inputs import by_phase, read_phases, require_challenge, root_of
from abawbench.organisers.samples import sample, write
from tests.organisers.bundles.conftest import VALIDATION, event_of

RANKED = [challenge for challenge in CHALLENGES.values() if challenge.metric.terms]
FILES = {"a.txt": b"a", "pages/b.md": b"b"}


def tree(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def rule_of(error: pytest.ExceptionInfo[ProblemError]) -> list[str]:
    return [problem.rule for problem in error.value.problems]


def test_a_bundle_is_a_folder_and_a_zip_with_the_same_files_in_its_root(tmp_path):
    bundle = write_bundle(event_of("abaw11-ah"), "codabench", FILES, tmp_path / "out", "2026-07-01")
    assert tree(bundle.content) == FILES
    with zipfile.ZipFile(bundle.archive) as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == FILES
    manifest = json.loads((bundle.folder / MANIFEST).read_text())
    assert manifest["fingerprint"] == CHALLENGES["abaw11-ah"].fingerprint
    assert set(manifest["files"]) == {"codabench/a.txt", "codabench/pages/b.md", "abaw11-ah-codabench.zip"}


def test_the_same_files_give_the_same_bytes_and_replace_an_earlier_bundle(tmp_path):
    event = event_of("abaw11-ah")
    for place in ("one", "two"):
        write_bundle(event, "codabench", FILES, tmp_path / place, "2026-07-01")
    assert tree(tmp_path / "one") == tree(tmp_path / "two")
    write_bundle(event, "codabench", {"c.txt": b"c"}, tmp_path / "one", "2026-07-01")
    assert tree(tmp_path / "one" / "codabench") == {"c.txt": b"c"}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one", "two"]


@pytest.mark.parametrize("change", ["added", "edited", "removed", "manifest", "foreign", "file"])
def test_what_somebody_changed_or_brought_is_never_overwritten(change, tmp_path):
    out, event = tmp_path / "out", event_of("abaw11-ah")
    if change == "file":
        out.write_text("mine")
    elif change == "foreign":
        out.mkdir()
        (out / "mine.txt").write_text("mine")
    else:
        write_bundle(event, "codabench", FILES, out, "2026-07-01")
        if change == "added":
            (out / "codabench" / "mine.txt").write_text("mine")
        elif change == "edited":
            (out / "codabench" / "a.txt").write_text("mine")
        elif change == "removed":
            (out / "codabench" / "a.txt").unlink()
        else:
            (out / MANIFEST).write_text("[]")
    before = tree(tmp_path)
    with pytest.raises(ProblemError) as error:
        write_bundle(event, "codabench", FILES, out, "2026-07-01")
    assert rule_of(error) == ["C02"]
    assert tree(tmp_path) == before


@pytest.mark.parametrize("name", ["../a", "/a", "a/../../b", "a\\b"])
def test_no_file_of_a_bundle_leads_out_of_it(name, tmp_path):
    with pytest.raises(ValueError, match="inside a bundle"):
        write_bundle(event_of("abaw11-ah"), "codabench", {name: b""}, tmp_path / "out", "2026-07-01")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("challenge", RANKED, ids=lambda challenge: challenge.id)
def test_columns_are_short_and_distinct_and_the_score_is_the_first(challenge):
    columns = board_columns(challenge)
    assert columns[0].path == ("score",)
    for names in ([column.key for column in columns], [column.title for column in columns]):
        assert len(set(names)) == len(names)
        assert all(0 < len(name) <= LONGEST for name in names)


def test_terms_decide_before_figures_and_no_figure_stands_twice():
    assert [column.key for column in board_columns(CHALLENGES["abaw11-mtl"])] == [
        "score",
        "term_va",
        "term_expression",
        "term_action_units",
        "ccc_valence",
        "ccc_arousal",
        "accuracy_expression",
        "accuracy_action_units",
    ]
    assert [column.key for column in board_columns(CHALLENGES["abaw11-ah"])] == ["score"]


def test_long_and_odd_names_of_columns_stay_distinct():
    challenge = CHALLENGES["abaw10-va"]
    (task,) = challenge.tasks
    assert isinstance(task, Continuous)
    names = ("x" * 50 + "a", "x" * 50 + "b", "é: <b>", "valence")
    columns = board_columns(replace(challenge, tasks=(replace(task, columns=names),)))
    assert len({column.key for column in columns}) == len({column.title for column in columns}) == 5
    assert all(len(column.key) <= LONGEST and column.key.replace("_", "").isalnum() for column in columns)


def test_a_challenge_without_a_score_has_no_board():
    with pytest.raises(ProblemError) as error:
        board_columns(CHALLENGES["abaw8-ah"])
    assert rule_of(error) == ["O09"]


def test_an_event_of_another_challenge_is_refused():
    require_challenge(event_of("abaw11-ah"), CHALLENGES["abaw11-ah"])
    with pytest.raises(ProblemError) as error:
        require_challenge(event_of("abaw11-ah"), CHALLENGES["abaw10-ah"])
    assert rule_of(error) == ["O07"]


def test_paths_are_for_every_phase_or_for_one(tmp_path, monkeypatch):
    event = event_of("abaw11-ah")
    assert by_phase(event, ["a.txt"], "--truth") == {"validation": Path("a.txt"), "test": Path("a.txt")}
    named = by_phase(event, ["a.txt", "test=b=c.txt"], "--truth")
    assert named == {"validation": Path("a.txt"), "test": Path("b=c.txt")}
    assert by_phase(event, ["test=b.txt"], "--truth") == {"test": Path("b.txt")}
    monkeypatch.chdir(tmp_path)
    Path("x=y.txt").write_text("")
    assert by_phase(event, ["x=y.txt"], "--truth")["test"] == Path("x=y.txt")


@pytest.mark.parametrize("given", [["a", "b"], ["tset=a"], ["test=a", "test=b"]])
def test_paths_that_are_for_no_phase_or_two_for_one_are_refused(given):
    with pytest.raises(ProblemError) as error:
        by_phase(event_of("abaw11-ah"), given, "--truth")
    assert rule_of(error) == ["O08"]


@pytest.mark.parametrize("challenge", CHALLENGES.values(), ids=list(CHALLENGES))
def test_the_sample_submission_of_a_phase_is_accepted(challenge, tmp_path):
    made = sample(challenge, units=2, rows=8)
    truth, template = write(made.truth, tmp_path / "t"), write(made.template, tmp_path / "l")
    event = event_of(challenge.id)
    both = {"validation": truth, "test": truth}
    phases, _ = read_phases(event, both, {"validation": template, "test": template})
    for phase in phases:
        write(phase.sample, tmp_path / "s")
        assert is_accepted(check(challenge, tmp_path / "s" / root_of(phase.sample), template))
        assert set(phase.truth.values()) == set(made.truth.values())
    # the rows of a public truth stand in for a list
    phases, notes = read_phases(event, both, {"test": template})
    assert [note.found for note in notes if note.rule == "N77"] == ["no list for validation: the rows of its truth"]
    # and the messages of the public phase would tell of the truth of the private one
    (told,) = (note for note in notes if note.rule == "N84")
    assert "test and for validation" in told.found
    write(phases[0].template, tmp_path / "r")
    write(phases[0].sample, tmp_path / "q")
    rows = tmp_path / "r" / root_of(phases[0].template)
    assert is_accepted(check(challenge, tmp_path / "q" / root_of(phases[0].sample), rows))


def test_a_phase_without_truth_and_a_private_one_without_list_are_refused(tmp_path):
    truth = write(sample(CHALLENGES["abaw11-ah"]).truth, tmp_path)
    with pytest.raises(ProblemError) as error:
        read_phases(event_of("abaw11-ah"), {"test": truth}, {})
    assert rule_of(error) == ["O08", "O08"]


def test_a_truth_in_another_form_is_written_in_the_official_one(tmp_path):
    challenge = CHALLENGES["raf-db-compound"]
    (task,) = challenge.tasks
    assert isinstance(task, Categorical)
    for place, name in enumerate(task.classes):
        (tmp_path / "t" / name).mkdir(parents=True)
        (tmp_path / "t" / name / f"{place}.jpg").write_bytes(b"")
    phases, _ = read_phases(event_of(challenge.id, VALIDATION), {"validation": tmp_path / "t"}, {})
    assert [*phases[0].truth] == ["truth/truth.txt"]
