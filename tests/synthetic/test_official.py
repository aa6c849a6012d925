"""The corpus on disk: official readers give the truth again, a seed decides every byte, a killed run goes on."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from abawbench.base.problems import ProblemError
from abawbench.challenges import get
from abawbench.clips.images import read_image
from abawbench.formats import read_truth
from abawbench.formats.lists import read_list, read_subjects
from abawbench.labels import ACTION_UNITS_17, EXPRESSIONS_8
from abawbench.synthetic import official, pictures
from abawbench.synthetic.corpus import make_footage
from abawbench.synthetic.official import TRACKS, table_of_units, write_corpus
from abawbench.synthetic.quirks import QUIRKS
from abawbench.synthetic.relations import EPISODES
from abawbench.synthetic.settings import SPLITS, CorpusSettings

LABELS = CorpusSettings(12, 60, 5, pictures=False)
DRAWN = CorpusSettings(4, 16, 5)
MTL = get("abaw4-mtl")


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    out = tmp_path_factory.mktemp("labels") / "corpus"
    write_corpus(LABELS, out)
    return out


@pytest.fixture(scope="module")
def footage():
    return make_footage(LABELS)


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    out = tmp_path_factory.mktemp("drawn") / "corpus"
    write_corpus(DRAWN, out)
    return out


def bytes_of(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def equal(one, two):
    assert one.videos == two.videos
    np.testing.assert_array_equal(one.video, two.video)
    np.testing.assert_array_equal(one.frame, two.frame)
    for task, values in one.values.items():
        np.testing.assert_array_equal(values, two.values[task])


@pytest.mark.parametrize(
    ("name", "split"),
    [
        ("training_set_annotations.txt", "train"),
        ("validation_set_annotations.txt", "validation"),
        ("truth/test_set_annotations.txt", "test"),
    ],
)
def test_the_multi_task_files_read_back_as_they_were_made(written, footage, name, split):
    equal(read_truth(MTL, written / name), footage.table(footage.listed[split]))
    assert (written / name).read_text().startswith("image,valence,arousal,expression,aus\n")


@pytest.mark.parametrize("edition", ["3", "5"])
@pytest.mark.parametrize(("track", "task"), [("va", "va"), ("expr", "expression"), ("au", "action_units")])
def test_the_files_by_unit_read_back_in_every_split(written, footage, edition, track, task):
    challenge = get(f"abaw{edition}-{track}")
    for split, folder in official.FOLDERS.items():
        root = written / "truth" if split == "test" else written
        table = read_truth(challenge, root / "annotations" / TRACKS[task][0] / folder)
        places = [place for place in footage.of_split(split) if not footage.lacking[task][place]]
        expected = table_of_units(footage, places)
        assert set(table.videos) == {footage.units[place].name for place in places}
        order = np.lexsort((table.frame, [expected.videos.index(table.videos[video]) for video in table.video]))
        np.testing.assert_array_equal(table.frame[order], expected.frame)
        np.testing.assert_array_equal(table.values[task][order], expected.values[task])


def test_a_surplus_line_repeats_the_last_frame(footage):
    table = table_of_units(footage, list(range(len(footage.units))))
    lines = np.bincount(table.video)
    frames = [unit.frames for unit in footage.units]
    assert (lines - frames).tolist() == footage.surplus.astype(int).tolist()
    assert footage.surplus.any()
    last = np.flatnonzero(table.video == int(np.flatnonzero(footage.surplus)[0]))[-2:]
    assert np.diff(table.frame[last]).tolist() == [1]
    np.testing.assert_array_equal(*table.numbers("va")[last])


def test_the_lists_ask_for_the_rows_and_units_of_the_test_split(written, footage):
    keys = read_list(MTL, written / "MTL_Challenge_test_set_release.txt").keys.to_pylist()
    truth = read_truth(MTL, written / "truth" / "test_set_annotations.txt")
    assert keys == [f"{truth.videos[v]}/{f:05d}.jpg" for v, f in zip(truth.video, truth.frame, strict=True)]
    tested = [footage.units[place].name for place in footage.of_split("test")]
    for _, by_unit, by_row in TRACKS.values():
        units = read_list(by_unit, written / official.UNIT_LISTS / by_unit.list_files[0])
        assert list(units.units) == tested
        rows = read_list(by_row, written / official.ROW_LISTS / by_row.list_files[0]).keys.to_pylist()
        assert len(rows) == len(table_of_units(footage, footage.of_split("test")))
        assert rows[0] == f"{tested[0]}/00001.jpg"


def test_no_label_of_the_test_split_stands_outside_truth(written, footage):
    tested = {footage.units[place].name for place in footage.of_split("test")}
    for path in written.rglob("*.txt"):
        if "truth" in path.parts:
            continue
        assert path.stem not in tested
        for line in path.read_text().splitlines():
            name, *values = line.split(",")
            assert name.split("/")[0] not in tested or not any(values), path


def test_the_truth_is_complete_and_clean(written, footage):
    for split in SPLITS:
        frame = pd.read_parquet(written / "truth" / f"{split}.parquet")
        rows = footage.rows_of(footage.of_split(split))
        np.testing.assert_array_equal(frame[list(ACTION_UNITS_17)], footage.action_units[rows])
        np.testing.assert_allclose(frame[["valence", "arousal"]], footage.affect[rows], atol=1e-6)
        assert frame["expression"].tolist() == [EXPRESSIONS_8[place] for place in footage.expression[rows]]
        assert frame["episode"].tolist() == [EPISODES[place] for place in footage.episode[rows]]
        assert frame["has_crop"].tolist() == footage.has_crop[rows].tolist()


def test_subjects_can_be_given_to_the_score(written, footage):
    subjects = read_subjects(written / "subjects.csv")
    assert list(subjects) == [unit.name for unit in footage.units]
    assert len(set(subjects.values())) == len({unit.person for unit in footage.units})


def test_the_card_says_version_settings_and_counts(written, footage):
    card = json.loads((written / "corpus.json").read_text())
    assert card["settings"]["seed"] == 5
    assert card["counts"] == official.counts(footage)
    assert card["counts"]["splits"]["train"]["rows"] == len(footage.listed["train"])


def test_equal_settings_give_equal_bytes_and_another_seed_others(written, tmp_path):
    write_corpus(LABELS, tmp_path / "again")
    assert bytes_of(tmp_path / "again") == bytes_of(written)
    write_corpus(CorpusSettings(12, 60, 6, pictures=False), tmp_path / "other")
    assert bytes_of(tmp_path / "other") != bytes_of(written)


def test_all_quirks_off_makes_a_plain_corpus(tmp_path):
    write_corpus(CorpusSettings(4, 20, 1, tuple(QUIRKS), pictures=False), tmp_path / "plain")
    table = read_truth(MTL, tmp_path / "plain" / "training_set_annotations.txt")
    assert not np.isnan(table.numbers("va")).any()
    assert table.classes("expression").min() >= 0
    assert table.classes("action_units").min() >= 0
    assert "_left" not in (tmp_path / "plain" / "subjects.csv").read_text()


def test_crops_are_those_that_are_seen(drawn):
    footage = make_footage(DRAWN)
    for place, unit in enumerate(footage.units):
        seen = footage.has_crop[footage.starts[place] : footage.starts[place + 1]]
        names = [f"{frame + 1:05d}.jpg" for frame in np.flatnonzero(seen)]
        assert sorted(path.name for path in (drawn / "cropped_aligned" / unit.name).iterdir()) == names
    assert not footage.has_crop.all()
    assert read_image(drawn / "cropped_aligned" / footage.units[0].name / "00001.jpg").shape == (112, 112, 3)


def test_two_processes_draw_what_one_draws(drawn, tmp_path):
    write_corpus(DRAWN, tmp_path / "two", workers=2)
    assert bytes_of(tmp_path / "two") == bytes_of(drawn)


def test_what_a_run_left_undone_is_done_and_nothing_else(drawn, tmp_path):
    out = tmp_path / "cut"
    shutil.copytree(drawn, out)
    unit = make_footage(DRAWN).units[1].name
    shutil.rmtree(out / "cropped_aligned" / unit)
    shutil.rmtree(out / "truth")
    (out / "subjects.csv").unlink()
    (out / "cropped_aligned" / f".{unit}.abc").mkdir()
    (out / "cropped_aligned" / f".{unit}.abc" / "00001.jpg").write_bytes(b"half")
    (out / ".training_set_annotations.txt.xyz").write_bytes(b"half")
    kept = out / "cropped_aligned" / make_footage(DRAWN).units[0].name
    before = kept.stat().st_mtime_ns
    write_corpus(DRAWN, out)
    assert bytes_of(out) == bytes_of(drawn)
    assert kept.stat().st_mtime_ns == before


def test_a_killed_run_goes_on_to_the_same_bytes(drawn, tmp_path):
    out = tmp_path / "killed"
    program = (
        "import os\n"
        "from pathlib import Path\n"
        "from abawbench.synthetic.settings import CorpusSettings\n"
        "from abawbench.synthetic.official import write_corpus\n"
        f"write_corpus(CorpusSettings(4, 16, 5), Path({str(out)!r}), report=lambda done, total: os._exit(9))\n"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 9
    assert len(list((out / "cropped_aligned").glob("*/"))) == 1
    write_corpus(DRAWN, out)
    assert bytes_of(out) == bytes_of(drawn)


def test_another_corpus_is_never_mixed_in(written):
    before = bytes_of(written)
    with pytest.raises(ProblemError, match=r"D50[\s\S]*seed = 5[\s\S]*seed = 6"):
        write_corpus(CorpusSettings(12, 60, 6, pictures=False), written)
    with pytest.raises(ProblemError, match=r"D50[\s\S]*without"):
        write_corpus(CorpusSettings(12, 60, 5, ("lag",), pictures=False), written)
    assert bytes_of(written) == before


def test_a_corpus_of_another_version_is_another_corpus(written, monkeypatch):
    monkeypatch.setattr(official, "VERSION", "99.0")
    with pytest.raises(ProblemError, match=r"D50[\s\S]*version = 99.0"):
        write_corpus(LABELS, written)


def test_a_folder_of_the_first_version_of_the_corpus_is_another_corpus(written, tmp_path):
    card = json.loads((written / "corpus.json").read_text())
    assert card.pop("corpus_version") == 2
    (tmp_path / "corpus.json").write_text(json.dumps(card))
    with pytest.raises(ProblemError, match=r"D50[\s\S]*corpus_version = 1"):
        write_corpus(LABELS, tmp_path)


def test_with_a_step_only_annotated_frames_are_drawn_and_files_by_unit_still_have_every_frame(tmp_path):
    settings = CorpusSettings(3, 40, 2, step=10)
    card = write_corpus(settings, tmp_path / "sparse")
    footage = make_footage(settings)
    names = {int(path.stem) for path in (tmp_path / "sparse" / "cropped_aligned").rglob("*.jpg")}
    assert names <= {1, 11, 21, 31, 41, 51}
    assert card["counts"]["crops"] == int(footage.has_crop.sum()) < card["counts"]["frames"] / 8
    table = read_truth(get("abaw5-va"), tmp_path / "sparse" / "annotations" / TRACKS["va"][0] / "Validation_Set")
    unit = next(unit for unit in footage.units if unit.split == "validation")
    of_unit = table.frame[table.video == table.videos.index(unit.name)]
    assert of_unit[: unit.frames].tolist() == list(range(1, unit.frames + 1))
    annotated = ~np.isnan(table.numbers("va")).any(axis=1)
    assert annotated.any()
    assert (table.frame[annotated] % 10 == 1).all()


@pytest.mark.parametrize("text", [None, "{", "[1, 2]", '{"version": "1"}'])
def test_a_folder_of_something_else_is_left_alone(tmp_path, text):
    (tmp_path / "notes.txt").write_text("mine")
    if text is not None:
        (tmp_path / "corpus.json").write_text(text)
    with pytest.raises(ProblemError, match="D51"):
        write_corpus(LABELS, tmp_path)
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_a_file_in_the_way_is_one_problem(tmp_path):
    (tmp_path / "file").write_text("")
    for out in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(ProblemError) as caught:
            write_corpus(LABELS, out)
        assert [problem.rule for problem in caught.value.problems] == ["F01"]


@pytest.mark.parametrize("workers", [1, 2])
def test_a_full_disk_while_drawing_is_one_problem(tmp_path, workers, monkeypatch):
    out = tmp_path / "full"
    write_corpus(DRAWN, out)
    unit = make_footage(DRAWN).units[0].name
    shutil.rmtree(out / "cropped_aligned")
    real = Path.write_bytes

    def full(self, data):
        if self.suffix == ".jpg":
            raise OSError(28, os.strerror(28))
        return real(self, data)

    monkeypatch.setattr(Path, "write_bytes", full)
    if workers == 2:
        # a process of its own does not see the patch: ask the function that runs there
        footage = make_footage(DRAWN)
        job = pictures.drawing_jobs(footage, out / "cropped_aligned")[0]
        (out / "cropped_aligned").mkdir()
        frames, problems = pictures.draw_unit(job)
        assert (frames, [problem.rule for problem in problems]) == (0, ["F01"])
        return
    with pytest.raises(ProblemError, match="F01"):
        write_corpus(DRAWN, out)
    assert not (out / "cropped_aligned" / unit).exists()
    assert [path.name for path in (out / "cropped_aligned").iterdir()] == ["crop.json"]


class Deadly:
    """Ends the process that unpacks it."""

    def __reduce__(self):
        return os._exit, (1,)


def test_a_process_that_is_killed_is_one_problem(tmp_path):
    with pytest.raises(ProblemError, match=r"D54[\s\S]*fewer --workers"):
        list(pictures._results([Deadly(), Deadly()], 2, tmp_path))


def test_without_opencv_labels_can_be_made_and_pictures_are_one_problem(tmp_path, monkeypatch):
    import importlib.util

    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ProblemError, match=r"D53[\s\S]*labels-only"):
        write_corpus(DRAWN, tmp_path / "drawn")
    assert not (tmp_path / "drawn").exists()
    write_corpus(CorpusSettings(3, 16, 0, pictures=False), tmp_path / "labels")
