from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from abawbench.base.problems import Problem
from abawbench.challenges import CHALLENGES
from abawbench.datasets.manifests.parse import read_manifest
from abawbench.datasets.readers import read_with_problems
from abawbench.datasets.readers.labels import Labels
from abawbench.labels import ACTION_UNITS_8, ACTION_UNITS_12, EXPRESSIONS_7, EXPRESSIONS_8
from tests.datasets.readers.conftest import rows, write

MANIFESTS = Path(__file__).parents[3] / "data_manifests"
ENDS = ["\n", "\r\n"]


def read(name: str, root: Path, which: str | None = None) -> tuple[Labels, dict[str, Problem]]:
    """The labels, and of each rule the first problem; notes aside."""
    labels, problems = read_with_problems(read_manifest(MANIFESTS / f"{name}.toml"), root, which)
    assert labels is not None, problems
    return labels, {problem.rule: problem for problem in reversed(problems) if not problem.is_note}


FOLDERS = {
    "1": ("{}_Set/Training_Set", "{}_Set/Validation_Set"),
    "2": ("annotations/{}_Set/Training_Set", "annotations/{}_Set/Validation_Set"),
    "3": ("annotations/{}_Challenge/Train_Set", "annotations/{}_Challenge/Validation_Set"),
    "6": ("{}_Challenge/Train_Set", "{}_Challenge/Validation_Set"),
}


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("edition", ["1", "2", "3", "6"])
def test_valence_and_arousal_of_every_edition_have_their_sentinels_masked(tmp_path, edition, end):
    train, validation = (place.format("VA_Estimation" if edition > "2" else "VA") for place in FOLDERS[edition])
    write(tmp_path, f"{train}/1-30-1280x720.txt", "valence,arousal", "0.112,0.340", "-5,-5", "-0.5,1", end=end)
    write(tmp_path, f"{train}/9-15-1280x720_left.txt", "valence,arousal", "0.1,0.2", end=end)
    write(tmp_path, f"{validation}/video2.txt", "valence,arousal", "-5.0,-5.0", "0.25,-0.75", end=end)
    labels, problems = read(f"aff-wild2_{edition}", tmp_path, "va")
    assert problems == {}
    assert labels.table.videos == ("1-30-1280x720", "9-15-1280x720_left", "video2")
    assert labels.splits == ("train", "train", "validation")
    assert labels.table.frame.tolist() == [1, 2, 3, 1, 1, 2]
    expected = [[0.112, 0.34], [np.nan] * 2, [-0.5, 1], [0.1, 0.2], [np.nan] * 2, [0.25, -0.75]]
    assert np.array_equal(labels.table.numbers("va"), expected, equal_nan=True)
    assert labels.images is not None
    assert labels.images[3] == "cropped_aligned/9-15-1280x720_left/00001.jpg"


@pytest.mark.parametrize(
    ("edition", "folder", "classes"),
    [
        ("1", "EXPR_Set/Training_Set", EXPRESSIONS_7),
        ("2", "EXPR_Set/Training_Set", EXPRESSIONS_7),
        ("3", "EXPR_Classification_Challenge/Train_Set", EXPRESSIONS_8),
        ("5", "EXPR_Classification_Challenge/Train_Set", EXPRESSIONS_8),
        ("6", "EXPR_Recognition_Challenge/Train_Set", EXPRESSIONS_8),
        ("6", "EXPR_Classification_Challenge/Train_Set", EXPRESSIONS_8),
        ("10", "EXPR_Recognition_Challenge/Train_Set", EXPRESSIONS_8),
    ],
)
def test_expressions_are_one_integer_under_the_names_of_all_classes(tmp_path, edition, folder, classes):
    write(tmp_path, f"{folder}/video1.txt", ",".join(classes), "0", "-1", str(len(classes) - 1))
    labels, problems = read(f"aff-wild2_{edition}", tmp_path, "expression")
    assert labels.tasks[0].classes == classes
    assert labels.table.classes("expression").tolist() == [0, -1, len(classes) - 1]
    # the copy has no validation files
    assert list(problems) == ["F01"]


@pytest.mark.parametrize(
    ("edition", "folder", "units"),
    [
        ("1", "AU_Set/Validation_Set", ACTION_UNITS_8),
        ("2", "AU_Set/Validation_Set", ACTION_UNITS_12),
        ("8", "AU_Detection_Challenge/Validation_Set", ACTION_UNITS_12),
    ],
)
def test_action_units_are_eight_at_the_first_edition_and_twelve_later(tmp_path, edition, folder, units):
    ones, none = ",".join("1" * len(units)), ",".join(["-1"] * len(units))
    write(tmp_path, f"{folder}/video1.txt", ",".join(units), ones, none)
    labels, _ = read(f"aff-wild2_{edition}", tmp_path, "action_units")
    assert labels.tasks[0].columns == units
    assert labels.table.classes("action_units").tolist() == [[1] * len(units), [-1] * len(units)]


def test_a_faulty_line_is_named_and_left_out_and_the_frames_behind_it_keep_their_numbers(tmp_path):
    path = write(tmp_path, "VA_Estimation_Challenge/Train_Set/a.txt", "valence,arousal", "0.1,0", "0.2", "7,0", "0.4,0")
    write(tmp_path, "VA_Estimation_Challenge/Train_Set/b.txt", "valence,arousal", "0.5,0", "0.6,0")
    labels, problems = read("aff-wild2_5", tmp_path, "va")
    assert rows(labels) == ["a frame 1", "a frame 4", "b frame 1", "b frame 2"]
    assert labels.table.numbers("va")[:, 0].tolist() == [0.1, 0.4, 0.5, 0.6]
    assert (problems["F06"].file, problems["F06"].line) == (str(path), 3)
    assert (problems["V09"].file, problems["V09"].line) == (str(path), 4)


@pytest.mark.parametrize("content", [b"", b"\n\n", b"Neutral,Anger\n0,1\n", b"\xff\xfe\x00v\x00a"])
def test_a_file_that_is_lost_costs_no_other_unit(tmp_path, content):
    (tmp_path / "VA_Estimation_Challenge/Train_Set").mkdir(parents=True)
    (tmp_path / "VA_Estimation_Challenge/Train_Set/a.txt").write_bytes(content)
    write(tmp_path, "VA_Estimation_Challenge/Train_Set/b.txt", "valence,arousal", "0.5,0")
    labels, problems = read("aff-wild2_5", tmp_path, "va")
    assert rows(labels) == ["b frame 1"]
    assert any(str(problem.file).endswith("a.txt") for problem in problems.values())


def test_every_faulty_file_of_a_folder_is_told_at_once(tmp_path):
    folder = tmp_path / "VA_Estimation_Challenge/Train_Set"
    write(tmp_path, "VA_Estimation_Challenge/Train_Set/a.txt")
    write(tmp_path, "VA_Estimation_Challenge/Train_Set/b.txt", "valence,arousal", "0.1,0", "x,0", "0.2,0")
    write(tmp_path, "VA_Estimation_Challenge/Train_Set/c.txt", "valence,arousal", "0.1,0", "0.2")
    labels, problems = read("aff-wild2_5", tmp_path, "va")
    assert rows(labels) == ["b frame 1", "b frame 3", "c frame 1"]
    places = {rule: (problem.file, problem.line) for rule, problem in problems.items()}
    assert places["F02"] == (str(folder / "a.txt"), None)
    assert places["V01"] == (str(folder / "b.txt"), 3)
    assert places["F06"] == (str(folder / "c.txt"), 3)


def test_a_row_with_another_name_costs_no_other_row(tmp_path):
    zeros = ",".join("0" * 12)
    lines = [f"{name},0,0,1,{zeros}" for name in ("a/00001.jpg", "a/2.jpg", "00003.jpg", "b/00004.jpg")]
    write(tmp_path, "training_set_annotations.txt", MTL_HEADER, *lines)
    labels, problems = read("s-aff-wild2_4", tmp_path)
    assert rows(labels) == ["a frame 1", "b frame 4"]
    assert (problems["T06"].line, problems["T06"].count) == (3, 2)


def test_an_option_that_no_reader_knows_is_a_fault_of_the_manifest(tmp_path):
    manifest = read_manifest(MANIFESTS / "aff-wild2_5.toml")
    wrong = manifest.labels[0].model_copy(update={"options": {"vidoes": ("videos/*",)}})
    labels, problems = read_with_problems(manifest.model_copy(update={"labels": (wrong,)}), tmp_path, None)
    assert labels is None
    assert [(problem.rule, problem.expected) for problem in problems] == [("D01", "'videos'")]


def test_a_unit_in_two_splits_is_kept_in_the_first(tmp_path):
    for split in ("Train_Set", "Validation_Set"):
        write(tmp_path, f"VA_Estimation_Challenge/{split}/a.txt", "valence,arousal", "0.5,0", "0.5,0")
    write(tmp_path, "VA_Estimation_Challenge/Validation_Set/b.txt", "valence,arousal", "0.5,0")
    labels, problems = read("aff-wild2_5", tmp_path, "va")
    assert dict(zip(labels.table.videos, labels.splits, strict=True)) == {"a": "train", "b": "validation"}
    assert len(labels.table) == 3
    assert problems["D11"].count == 2
    assert "'a'" in problems["D11"].found


def test_two_files_for_one_unit_are_a_problem_and_the_first_counts(tmp_path):
    header = ",".join(EXPRESSIONS_8)
    for folder, value in (("EXPR_Recognition_Challenge", "4"), ("EXPR_Classification_Challenge", "5")):
        write(tmp_path, f"{folder}/Train_Set/a.txt", header, value)
    labels, problems = read("aff-wild2_6", tmp_path, "expression")
    assert labels.table.classes("expression").tolist() == [4]
    assert problems["D12"].found.endswith("EXPR_Classification_Challenge/Train_Set/a.txt")


def test_frames_without_a_crop_keep_their_labels_and_have_no_picture(tmp_path):
    write(tmp_path, "VA_Estimation_Challenge/Train_Set/a.txt", "valence,arousal", "0.1,0", "0.2,0", "0.3,0")
    for number in (1, 3):
        write(tmp_path, f"cropped_aligned/a/{number:05d}.jpg")
    labels, problems = read("aff-wild2_5", tmp_path, "va")
    assert list(problems) == ["F01"]
    assert labels.images is not None
    assert labels.images.tolist() == ["cropped_aligned/a/00001.jpg", "", "cropped_aligned/a/00003.jpg"]


def make_video(path: Path, frames: int) -> None:
    import av

    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=Fraction(25))
        stream.width, stream.height, stream.pix_fmt = 32, 32, "yuv420p"
        for _ in range(frames):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8), "rgb24")))
        container.mux(stream.encode())


def test_labels_beyond_the_video_are_left_out_for_each_of_its_persons(tmp_path):
    make_video(tmp_path / "videos/batch1/a.mp4", 4)
    for unit in ("a", "a_left"):
        write(tmp_path, f"VA_Estimation_Challenge/Train_Set/{unit}.txt", "valence,arousal", *["0.1,0"] * 8)
    write(tmp_path, "VA_Estimation_Challenge/Train_Set/other.txt", "valence,arousal", *["0.1,0"] * 8)
    labels, problems = read("aff-wild2_5", tmp_path, "va")
    counts = dict(zip(labels.table.videos, np.bincount(labels.table.video).tolist(), strict=True))
    # one frame more is the organisers' count, one more still is a crop
    assert counts == {"a": 6, "a_left": 6, "other": 8}
    assert problems["D13"].count == 4
    assert problems["D13"].found == "frame 7 of 'a'"


MTL_HEADER = "image,valence,arousal,expression,aus"
ABSENT = ",".join(["-1"] * 12)


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("edition", ["3", "4", "7", "11"])
def test_multi_task_rows_have_sixteen_fields_and_keep_their_repetitions(tmp_path, edition, end):
    names = (
        ("train_set.txt", "validation_set.txt")
        if edition == "3"
        else (
            "training_set_annotations.txt",
            "validation_set_annotations.txt",
        )
    )
    places = CHALLENGES[f"abaw{edition}-mtl"].annotation_places
    train = next(place for place in places["train"] if place.endswith(names[0]))
    validation = next(place for place in places["validation"] if place.endswith(names[1]))
    write(
        tmp_path,
        train,
        MTL_HEADER,
        "101/00001.jpg,0.05,0.12,0,0,0,0,0,0,1,0,0,0,0,1,0",
        f"video99/00310.jpg,-5.0,-5.0,4,{ABSENT}",
        "video99/00314.jpg,-5,-5,-1,0,0,1,0,0,0,0,0,0,0,0,0",
        "video99/00314.jpg,-5,-5,-1,0,0,1,0,0,0,0,0,0,0,0,0",
        "video99/00315.jpg,-5,-5,-1,0,0,1",
        end=end,
    )
    write(tmp_path, validation, MTL_HEADER, f"7_left/00002.jpg,0.5,-0.5,-1,{ABSENT}", end=end)
    labels, problems = read(f"s-aff-wild2_{edition}", tmp_path)
    assert list(problems) == ["F06"]
    assert problems["F06"].line == 6
    assert rows(labels) == ["101 frame 1", "video99 frame 310", *["video99 frame 314"] * 2, "7_left frame 2"]
    assert labels.splits == ("train", "train", "validation")
    assert labels.table.classes("expression").tolist() == [0, 4, -1, -1, -1]
    assert np.isnan(labels.table.numbers("va")).all(axis=1).tolist() == [False, True, True, True, False]
    assert labels.table.classes("action_units")[:, 2].tolist() == [0, -1, 1, 1, -1]


def test_synthetic_expressions_are_folders_and_angrer_is_anger(tmp_path):
    for place in ("ANGRER/b.jpg", "ANGRER/a.jpg", "SURPRISE/a.png", "HAPPY/x.jpg", "ANGRER/notes.txt"):
        write(tmp_path, f"training_set_synthetic_images/{place}", "x")
    write(tmp_path, "validation_set_real_images/ANGER/a.jpg", "x")
    labels, problems = read("abaw-lsd_4", tmp_path)
    assert labels.table.videos == (
        "training_set_synthetic_images/ANGRER/a.jpg",
        "training_set_synthetic_images/ANGRER/b.jpg",
        "training_set_synthetic_images/SURPRISE/a.png",
        "validation_set_real_images/ANGER/a.jpg",
    )
    assert labels.table.classes("expression").tolist() == [0, 0, 5, 0]
    assert labels.splits == ("train", "train", "train", "validation")
    assert list(problems) == ["D14"]
    assert "HAPPY" in problems["D14"].found


@pytest.mark.parametrize(
    ("edition", "name", "tail"),
    [("6", "CVPR_6th_ABAW_CE_test_set_example.txt", "0"), ("7", "CER.txt", ""), ("9", "CER.txt", "")],
)
def test_the_list_of_compound_expressions_asks_for_rows_and_annotates_none(tmp_path, edition, name, tail):
    header = "image_location," + ",".join(CHALLENGES["abaw7-ce"].tasks[0].classes)
    write(tmp_path, name, header, *(f"{path}.jpg,{tail}" for path in ("01/00001", "01/00002", "56/00001")))
    labels, problems = read(f"c-expr-db_{edition}", tmp_path)
    assert problems == {}
    assert rows(labels) == ["01 frame 1", "01 frame 2", "56 frame 1"]
    assert labels.table.classes("compound").tolist() == [-1, -1, -1]
    assert labels.splits == ("test", "test")


REACTIONS = "Adoration,Amusement,Anxiety,Disgust,Empathic-Pain,Fear,Surprise"


@pytest.mark.parametrize("end", ENDS)
def test_reactions_are_found_by_name_and_split_by_their_column(tmp_path, end):
    write(
        tmp_path,
        "data_info.csv",
        f"File_ID,Age,Split,{REACTIONS}",
        "[00001],20,Train,0,0.31,0.12,0.05,0,0.2,0.44",
        "00002,30,Val,0.1,0.62,0,0,0.08,0,1.5",
        "00003,30,Val,0.1,0.62,0,0,0.08,0,0.15",
        "00004,30,Test,,,,,,,",
        end=end,
    )
    labels, problems = read("hume-reaction_5", tmp_path)
    assert labels.table.videos == ("00001", "00003", "00004")
    assert labels.splits == ("train", "validation", "test")
    assert labels.table.numbers("reaction")[0].tolist() == [0, 0.31, 0.12, 0.05, 0, 0.2, 0.44]
    assert np.isnan(labels.table.numbers("reaction")[2]).all()
    assert (problems["V09"].line, problems["V09"].found) == (3, "Surprise = '1.5'")


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("edition", ["6", "8", "10"])
def test_ids_of_mimicry_keep_their_leading_zeros(tmp_path, edition, end):
    header = "Filename,Admiration,Amusement,Determination,Empathic Pain,Excitement,Joy"
    write(tmp_path, "train_split.csv", header, "00021,0.2,0,0.55,0.1,0.3,0.25", "00022,0,0.75,oops,0,0.4,0.6", end=end)
    write(tmp_path, "valid_split.csv", header, "10023,0.35,0.1,0.2,0.45,0.05,1", end=end)
    labels, problems = read(f"hume-vidmimic2_{edition}", tmp_path)
    assert labels.table.videos == ("00021", "10023")
    assert labels.splits == ("train", "validation")
    assert labels.table.numbers("mimicry")[1].tolist() == [0.35, 0.1, 0.2, 0.45, 0.05, 1]
    assert (problems["V01"].line, problems["V01"].found) == (3, "Determination = 'oops'")


VIDEO = "Videos/99001/Visite_1/99001_Question_1_2024-01-01_10-00-00_Video.mp4"
BLANK = "Videos/99001/Visite_1/99001_Question_4_2024-01-01 10-04-00_Video.mp4"
OTHER = "Videos/99002/Visite_1/99002_Question_2_2024-01-03_11-20-31_Video.mp4"


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("release", ["1", "10", "11"])
def test_video_lines_of_bah_are_split_at_the_first_two_commas(tmp_path, release, end):
    write(
        tmp_path,
        "split/train.txt",
        f"{VIDEO},0,Well, I usually get up early, and then I eat.",
        f"{BLANK},1,I would like to, but, I do not know.",
        f"{BLANK.replace('4_', '5_')},yes,No.",
        end=end,
    )
    write(tmp_path, "split/val.txt", f"{OTHER},0,Yes.", end=end)
    write(tmp_path, "split/test.txt", f"{OTHER.replace('99002', '99003')},1,", end=end)
    labels, problems = read(f"bah_{release}", tmp_path, None if release == "1" else "videos")
    assert labels.table.videos == (VIDEO, BLANK, OTHER, OTHER.replace("99002", "99003"))
    assert labels.table.classes("ambivalence").tolist() == [0, 1, 0, 1]
    assert labels.subjects == ("99001", "99001", "99002", "99003")
    assert labels.splits == ("train", "train", "validation", "test")
    assert {problem.line for problem in problems.values()} == {3}


@pytest.mark.parametrize("release", ["8", "11"])
def test_frame_lines_of_bah_are_split_at_the_last_comma_and_count_from_0(tmp_path, release):
    write(
        tmp_path, "split-frames/train.txt", f"{VIDEO}/frame-0.jpg,0", f"{BLANK}/frame-0.jpg,1", f"{BLANK}/frame-1.jpg,1"
    )
    write(tmp_path, "split-frames/val.txt", f"{OTHER}/frame-0.jpg,0", f"{OTHER}/frame-1.jpg,2")
    labels, problems = read(f"bah_{release}", tmp_path, "frames")
    assert rows(labels) == [f"{VIDEO} frame 0", f"{BLANK} frame 0", f"{BLANK} frame 1", f"{OTHER} frame 0"]
    assert labels.subjects == ("99001", "99001", "99002")
    assert problems["V09"].line == 2


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("header", ["Frame_Number,Label", "Frame_Num,Label"])
@pytest.mark.parametrize("edition", ["9", "10"])
def test_violence_is_a_table_for_each_video_under_either_header(tmp_path, edition, header, end):
    write(tmp_path, "Training/annotations/0008.csv", header, "1,0", "2,1", ",1", "4,1", end=end)
    write(tmp_path, "Training/annotations/0009.csv", header, "1,1", end=end)
    write(tmp_path, "Validation/annotations/0001.csv", header, "1,0", "2,3", end=end)
    labels, problems = read(f"dvd_{edition}", tmp_path)
    assert rows(labels) == ["0008 frame 1", "0008 frame 2", "0008 frame 4", "0009 frame 1", "0001 frame 1"]
    assert labels.table.classes("violence").tolist() == [0, 1, 1, 1, 0]
    assert (problems["T06"].line, problems["V09"].line) == (4, 3)


def test_every_task_of_these_manifests_is_that_of_its_challenge():
    for path in MANIFESTS.glob("*_*.toml"):
        for label_set in read_manifest(path).labels:
            if label_set.reader in {"official", "official-list"}:
                tasks = [facts.task for facts in label_set.tasks]
                theirs = CHALLENGES[label_set.challenges[0]].tasks
                assert [task.name for task in tasks] == [task.name for task in theirs]
                for mine, official in zip(tasks, theirs, strict=True):
                    assert getattr(mine, "classes", ()) == getattr(official, "classes", ())
                    assert getattr(mine, "columns", ()) == getattr(official, "columns", ())


def test_people_who_may_not_be_shown_are_named_in_no_message(tmp_path):
    lines = ["Videos/83249/Visite_1/a.mp4,7,no", "Videos/99001/Visite_1/b.mp4,1,yes"]
    write(tmp_path, "split/train.txt", *lines)
    labels, problems = read_with_problems(read_manifest(MANIFESTS / "bah_11.toml"), tmp_path, "videos")
    assert labels is not None
    assert problems
    assert not any("83249" in str(problem) for problem in problems)
