"""Many predictions: found below a folder, each scored as it is alone, ranked, and none stops the others."""

from __future__ import annotations

import json
import os
import signal
import zipfile
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import abawbench
from abawbench.base.problems import ProblemError
from abawbench.challenges import CHALLENGES, get
from abawbench.formats import read_predictions, read_truth
from abawbench.formats.archive import LARGEST
from abawbench.organisers.batch import Judged, find_predictions, rank, score_many
from abawbench.organisers.batch import many as many_module
from abawbench.organisers.batch.scratch import PREFIX, scratch_folder
from abawbench.organisers.samples import sample, write
from abawbench.scoring.intervals import Resampling
from abawbench.scoring.ranks import separated
from abawbench.table import video_of

FEW = Resampling(200)
VA = get("abaw10-va")
UNITS = get("abaw3-va")


def predictions(challenge, folder: Path, count: int = 3) -> dict[str, Path]:
    """Predictions of unlike quality, each in a folder of its own."""
    return {
        f"team{seed}": write(sample(challenge, seed=seed).prediction, folder / f"team{seed}") for seed in range(count)
    }


@pytest.fixture
def va(tmp_path):
    truth = read_truth(VA, write(sample(VA).truth, tmp_path / "truth"))
    template = write(sample(VA).template, tmp_path / "template")
    (tmp_path / "in").mkdir()
    for name, path in predictions(VA, tmp_path / "made").items():
        (tmp_path / "in" / f"{name}.txt").write_bytes(path.read_bytes())
    return truth, template, tmp_path / "in"


@pytest.mark.parametrize("name", CHALLENGES)
def test_every_prediction_has_the_score_that_it_has_alone(name, tmp_path):
    challenge = get(name)
    place = write(sample(challenge).truth, tmp_path / "truth")
    template = write(sample(challenge).template, tmp_path / "template")
    sources = predictions(challenge, tmp_path / "in")
    alone = {other: abawbench.score(name, place, path, resamples=200) for other, path in sources.items()}
    for list_ in (None, template):
        judged = score_many(challenge, read_truth(challenge, place), sources, template=list_, resampling=FEW)
        assert [one.name for one in judged] == list(sources)
        for one in judged:
            assert one.score is not None, one.problems
            assert one.score.to_json() == alone[one.name].to_json()
            assert one.score.flags == alone[one.name].flags
            assert one.score.size == alone[one.name].size
            assert set(alone[one.name].notes) <= set(one.problems)


def test_what_check_refuses_is_refused_with_the_same_problems(va):
    truth, template, folder = va
    good = (folder / "team0.txt").read_text().splitlines(keepends=True)
    faults = {
        "lacks a row": good[:-1],
        "twice": [*good, *good[1:]],
        "out of range": [*good[:3], good[3].rsplit(",", 1)[0] + ",7\n", *good[4:]],
        "blanks": [line.replace(",", ", ") for line in good],
        "header": good[1:],
        "no text": ["\0\1\2"],
    }
    for name, lines in faults.items():
        (folder / f"{name}.txt").write_text("".join(lines))
    sources = find_predictions(VA, folder).sources
    judged = {one.name: one for one in score_many(VA, truth, sources, template=template, resampling=FEW)}
    for name, path in sources.items():
        found = abawbench.check(VA.id, path, template=template)
        is_good = name.startswith("team")
        assert (judged[name].score is not None) == is_good == all(problem.is_note for problem in found)
        assert judged[name].problems == found
    # without a list, what can be read is scored
    alone = {one.name: one for one in score_many(VA, truth, sources, resampling=FEW)}
    assert alone["blanks.txt"].score is not None
    assert alone["header.txt"].score is not None
    assert alone["lacks a row.txt"].problems[0].rule == "T01"


def test_the_result_depends_neither_on_the_order_nor_on_the_processes(va):
    truth, template, folder = va
    (folder / "bad.txt").write_text("image_location,valence,arousal\nnothing\n")
    sources = find_predictions(VA, folder).sources

    def table(sources, workers):
        judged = score_many(VA, truth, sources, template=template, resampling=FEW, workers=workers)
        return rank(VA, judged).to_json()

    assert table(sources, 1) == table(dict(reversed(sources.items())), 1) == table(sources, 2)


def test_equal_predictions_share_a_rank_and_stand_in_the_order_of_their_names(va):
    truth, _, folder = va
    best = max(score_many(VA, truth, find_predictions(VA, folder).sources, resampling=FEW), key=value_of)
    (folder / "again.txt").write_bytes((folder / best.name).read_bytes())
    ranking = rank(VA, score_many(VA, truth, find_predictions(VA, folder).sources, resampling=FEW))
    assert [one.rank for one in ranking.standings] == [1, 1, 3, 4]
    assert [one.name for one in ranking.standings][:2] == ["again.txt", best.name]
    assert all(one.best <= one.rank <= one.worst for one in ranking.standings)


def value_of(judged: Judged) -> float:
    assert judged.score is not None
    assert judged.score.score is not None
    return judged.score.score


def without_video(table, video: str):
    """The rows of a table but those of a video, with all its persons."""
    return table.take(np.flatnonzero([video_of(table.videos[unit]) != video for unit in table.video]))


def test_the_ranges_of_ranks_are_those_of_scores_with_each_video_left_out(va):
    truth, _, folder = va
    sources = find_predictions(VA, folder).sources
    ranking = rank(VA, score_many(VA, truth, sources, resampling=FEW))
    videos = list(dict.fromkeys(map(video_of, truth.videos)))
    assert 2 < len(videos) < len(truth.videos)
    without = np.empty((len(ranking.standings), len(videos)))
    for place, standing in enumerate(ranking.standings):
        table = read_predictions(VA, sources[standing.name])
        for number, video in enumerate(videos):
            rest = without_video(truth, video), without_video(table, video)
            without[place, number] = abawbench.score(VA.id, *rest, resamples=100).score
    above = separated([one.value for one in ranking.standings], without)
    assert above.any()
    assert [one.best for one in ranking.standings] == (1 + above.sum(0)).tolist()
    assert [one.worst for one in ranking.standings] == (len(without) - above.sum(1)).tolist()


def test_a_challenge_without_a_score_is_ranked_by_its_first_figure(tmp_path):
    name = next(name for name, one in CHALLENGES.items() if not one.metric.terms)
    challenge = get(name)
    truth = read_truth(challenge, write(sample(challenge).truth, tmp_path / "truth"))
    ranking = rank(challenge, score_many(challenge, truth, predictions(challenge, tmp_path / "in"), resampling=FEW))
    assert ranking.figure[0] == "metrics"
    assert len(ranking.standings) == 3


def test_trials_in_zips_stand_by_themselves_and_are_named_so(va):
    truth, template, folder = va
    trials = {f"trial-{place}.txt": (folder / f"team{place}.txt").read_bytes() for place in range(3)}
    trials["trial-2.txt"] = b"image_location,valence,arousal\nnothing,1\n"
    with zipfile.ZipFile(folder / "team3.zip", "w") as archive:
        for name, data in trials.items():
            archive.writestr(f"final/{name}", data)
        archive.writestr("__MACOSX/final/._trial-0.txt", b"\0\5")
    with zipfile.ZipFile(folder / "team4.zip", "w") as archive:
        archive.writestr("only.txt", trials["trial-0.txt"])
    found = find_predictions(VA, folder)
    assert list(found.sources)[3:] == [*(f"team3.zip:final/trial-{place}.txt" for place in range(3)), "team4.zip"]
    judged = {one.name: one for one in score_many(VA, truth, found.sources, template=template, resampling=FEW)}
    assert value_of(judged["team3.zip:final/trial-1.txt"]) == value_of(judged["team1.txt"])
    assert value_of(judged["team4.zip"]) == value_of(judged["team0.txt"])
    refused = judged["team3.zip:final/trial-2.txt"]
    assert refused.score is None
    assert {problem.file for problem in refused.problems} == {f"{folder}/team3.zip:final/trial-2.txt"}


def test_a_zip_of_one_trial_is_scored_by_its_path_and_one_of_several_is_not(va):
    truth, _, folder = va
    data = (folder / "team0.txt").read_bytes()
    for name, count in (("one", 1), ("two", 2)):
        with zipfile.ZipFile(folder / f"{name}.zip", "w") as archive:
            for place in range(count):
                archive.writestr(f"{place}.txt", data)
    sources = {name: folder / name for name in ("team0.txt", "one.zip", "two.zip")}
    first, one, two = score_many(VA, truth, sources, resampling=FEW)
    assert value_of(first) == value_of(one)
    assert [problem.rule for problem in two.problems] == ["O54"]


def test_folders_and_zips_of_files_of_units_are_one_prediction_each(tmp_path):
    truth = read_truth(UNITS, write(sample(UNITS).truth, tmp_path / "truth"))
    template = write(sample(UNITS).template, tmp_path / "template")
    folder = tmp_path / "in"
    predictions(UNITS, folder / "deep", 2)
    with zipfile.ZipFile(folder / "team.zip", "w") as archive:
        for seed in (2, 3):
            for name, data in sample(UNITS, seed=seed).prediction.items():
                archive.writestr(f"trial{seed}/{name}", data)
    found = find_predictions(UNITS, folder)
    assert list(found.sources) == ["deep/team0", "deep/team1", "team.zip:trial2", "team.zip:trial3"]
    judged = score_many(UNITS, truth, found.sources, template=template, resampling=FEW)
    assert all(one.score is not None for one in judged), [one.problems for one in judged]
    with pytest.raises(ProblemError, match="O51"):
        find_predictions(UNITS, folder / "deep" / "team0")


def test_files_that_are_one_prediction_together_are_one(va):
    truth, _, folder = va
    head, *lines = (folder / "team0.txt").read_text().splitlines(keepends=True)
    parts = folder / "parts"
    parts.mkdir()
    for video in {line.split("/")[0] for line in lines}:
        own = [line for line in lines if line.startswith(f"{video}/")]
        (parts / f"{video}.txt").write_text("".join([head, *own]))
    trials = folder / "trials"
    trials.mkdir()
    (trials / "a.txt").write_text("".join([head, *lines]))
    (trials / "b.txt").write_text("".join([head, *reversed(lines)]))
    sources = find_predictions(VA, folder).sources
    assert [name for name in sources if "/" in name or name == "parts"] == ["parts", "trials/a.txt", "trials/b.txt"]
    judged = {one.name: one for one in score_many(VA, truth, sources, resampling=FEW)}
    values = {value_of(judged[name]) for name in ("parts", "team0.txt", "trials/a.txt", "trials/b.txt")}
    assert len({round(value, 12) for value in values}) == 1


def test_hostile_folders_are_told_and_stop_nothing(va, tmp_path):
    truth, _, folder = va
    secret = tmp_path / "secret.txt"
    secret.write_text("image_location,valence,arousal\nsecret/00001.jpg,1,1\n")
    (folder / "link.txt").symlink_to(secret)
    (folder / "up").symlink_to(tmp_path)
    (folder / "loop").symlink_to(folder)
    (folder / "nowhere.txt").symlink_to(tmp_path / "nothing")
    (folder / "own.txt").symlink_to(folder / "team0.txt")
    os.mkfifo(folder / "pipe.txt")
    with (folder / "sparse.txt").open("wb") as file:
        file.truncate(LARGEST + 1)
    (folder / "a\x1b[2J\nb.txt").write_text("nothing\n")
    (folder / "=1+1.txt").write_bytes((folder / "team1.txt").read_bytes())
    (folder / "notes.md").write_text("# notes\n")
    (folder / ".DS_Store").write_bytes(b"\0")
    with zipfile.ZipFile(folder / "slip.zip", "w") as archive:
        archive.writestr("../slip.txt", b"x")
    (folder / "broken.zip").write_bytes(b"PK\x03\x04 nothing")
    Path(os.fsdecode(os.fsencode(folder) + b"/\xff")).mkdir()
    found = find_predictions(VA, folder)
    rules = {name: problems[0].rule for name, problems in found.refused.items()}
    assert {name: rules[name] for name in ("link.txt", "up", "loop", "pipe.txt", "nowhere.txt")} == {
        **dict.fromkeys(("link.txt", "up", "loop", "pipe.txt"), "O52"),
        "nowhere.txt": "F01",
    }
    assert (rules["slip.zip"], rules["broken.zip"]) == ("Z02", "Z01")
    assert "F19" in rules.values()
    assert found.unread == ("notes.md",)
    assert [note.rule for note in found.notes] == ["N21"]
    judged = {one.name: one for one in score_many(VA, truth, found.sources, resampling=FEW)}
    assert judged["sparse.txt"].problems[0].rule == "O53"
    assert judged["a\x1b[2J\nb.txt"].score is None
    assert value_of(judged["own.txt"]) == value_of(judged["team0.txt"])
    table = rank(VA, list(judged.values())).to_csv()
    assert "\x1b" not in table
    assert ",'=1+1.txt," in table
    assert not any("secret" in json.dumps(one.to_json()) for one in rank(VA, list(judged.values())).standings)


def test_links_within_the_folder_of_a_prediction_are_refused_where_they_lead_out(tmp_path):
    folder = tmp_path / "in"
    predictions(UNITS, folder, 2)
    (folder / "team0" / "other.txt").symlink_to(tmp_path / "elsewhere.txt")
    (tmp_path / "elsewhere.txt").write_text("valence,arousal\n0,0\n")
    found = find_predictions(UNITS, folder)
    assert list(found.sources) == ["team1"]
    assert found.refused["team0"][0].rule == "O52"


@pytest.mark.parametrize("make", ["empty", "file", "none"])
def test_a_folder_without_predictions_is_told(make, tmp_path):
    place = tmp_path / "in"
    if make == "file":
        place.write_text("x")
    elif make == "empty":
        place.mkdir()
        (place / "readme.md").write_text("x")
    with pytest.raises(ProblemError, match="F01" if make == "none" else "O50"):
        find_predictions(VA, place)


def test_an_error_of_our_own_is_a_problem_of_one_prediction(va, monkeypatch):
    truth, _, folder = va

    def broken(path):
        raise RuntimeError(f"cannot judge {path.name}")

    monkeypatch.setattr("abawbench.organisers.batch.judge.refuse_oversized", broken)
    (one,) = score_many(VA, truth, {"a": folder / "team0.txt"}, resampling=FEW)
    assert one.problems[0].rule == "O56"
    assert "cannot judge team0.txt" in one.problems[0].found


def test_the_list_is_refused_before_anything_is_scored(va, tmp_path):
    truth, _, folder = va
    with pytest.raises(ProblemError, match="F01"):
        score_many(VA, truth, find_predictions(VA, folder).sources, template=tmp_path / "none.txt")


def test_without_resamples_there_is_the_jackknife_alone(va):
    truth, _, folder = va
    sources = {"team0": folder / "team0.txt"}
    (full,), (bare,) = (score_many(VA, truth, sources, resampling=Resampling(count)) for count in (200, 0))
    assert full.score is not None
    assert bare.score is not None
    assert bare.score.intervals["score"]["jackknife"] == full.score.intervals["score"]["jackknife"]
    assert bare.score.intervals["score"]["bca"] is bare.score.intervals["score"]["percentile"] is None


def killed_once(marker: Path, job, group):
    """What a worker does with a group; the first time, its process is killed."""
    if not marker.exists():
        marker.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return many_module._judge_group(job, group)


def test_a_cluster_gives_the_same_bytes_though_a_worker_is_killed(va, tmp_path, monkeypatch):
    pytest.importorskip("ray")
    root = str(Path(__file__).parents[2])
    monkeypatch.syspath_prepend(root)
    monkeypatch.setenv("PYTHONPATH", root)
    truth, template, folder = va
    (folder / "bad.txt").write_text("nothing\n")
    sources = find_predictions(VA, folder).sources
    here = score_many(VA, truth, sources, template=template, resampling=FEW, workers=1)
    monkeypatch.setattr(many_module, "GROUP", 2)
    monkeypatch.setattr(many_module, "_judge_group", partial(killed_once, tmp_path / "marker"))
    there = score_many(VA, truth, sources, template=template, resampling=FEW, workers=2, engine="ray")
    assert (tmp_path / "marker").exists()
    assert [one.problems for one in here] == [one.problems for one in there]
    assert json.dumps(rank(VA, here).to_json()) == json.dumps(rank(VA, there).to_json())


def test_without_ray_the_extra_is_named(va, monkeypatch):
    truth, _, folder = va
    monkeypatch.setitem(__import__("sys").modules, "ray", None)
    with pytest.raises(ProblemError, match=r"D53[\s\S]*cluster"):
        score_many(VA, truth, find_predictions(VA, folder).sources, engine="ray")


def test_processes_that_are_ended_from_outside_are_told(va, monkeypatch):
    from concurrent.futures.process import BrokenProcessPool

    def broken(*_):
        raise BrokenProcessPool
        yield

    truth, _, folder = va
    monkeypatch.setattr("abawbench.base.process_pool.in_processes", broken)
    with pytest.raises(ProblemError, match="O55"):
        score_many(VA, truth, find_predictions(VA, folder).sources, workers=2)


def test_what_a_killed_run_has_unpacked_is_removed_by_the_next_and_that_of_a_living_one_is_not(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    left, young = tmp_path / f"{PREFIX}left", tmp_path / f"{PREFIX}young"
    for folder in (left, young):
        (folder / "trial").mkdir(parents=True)
    os.utime(left, (0, 0))
    with scratch_folder() as living:
        os.utime(living, (0, 0))
        with scratch_folder() as other:
            assert {path.name for path in tmp_path.iterdir()} == {young.name, living.name, other.name}
    assert [path.name for path in tmp_path.iterdir()] == [young.name]


@settings(max_examples=25, deadline=None)
@given(st.permutations(range(5)), st.integers(0, 3))
def test_ranking_does_not_depend_on_the_order(order, doubled):
    judged = [*_judged(), *_judged(f"copy of {doubled}", doubled)]
    assert rank(VA, [judged[place] for place in order]).to_csv() == rank(VA, judged).to_csv()


_KEPT: dict[str, list[Judged]] = {}


def _judged(name: str = "", place: int | None = None) -> list[Judged]:
    if "all" not in _KEPT:
        import tempfile

        with tempfile.TemporaryDirectory() as temporary:
            truth = read_truth(VA, write(sample(VA).truth, Path(temporary) / "truth"))
            sources = predictions(VA, Path(temporary), 4)
            _KEPT["all"] = list(score_many(VA, truth, sources, resampling=FEW))
    known = _KEPT["all"]
    return known if place is None else [Judged(name, known[place].score, known[place].problems)]
