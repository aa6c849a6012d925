from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from abawbench.base.problems import Problem, ProblemError, Problems
from abawbench.datasets.manifests.model import Manifest
from abawbench.datasets.manifests.parse import read_manifest
from abawbench.datasets.readers import read_with_problems
from abawbench.datasets.readers.labels import Labels
from abawbench.datasets.readers.table import read_table
from tests.datasets.readers.conftest import rows, write

MANIFESTS = Path(__file__).parents[3] / "data_manifests"
ENDS = ["\n", "\r\n"]
VA = {"kind": "numbers", "name": "va", "columns": ("valence", "arousal"), "low": -1, "high": 1, "missing": (-5,)}
EXPRESSION = {"kind": "classes", "name": "expression", "classes": ("Neutral", "Anger", "Happiness")}
UNITS = {"kind": "marks", "name": "action_units", "columns": ("AU1", "AU12"), "missing": (9,)}


def manifest_of(
    *tasks: dict, files: tuple[str, ...] = ("labels.csv",), image: str | None = None, **options
) -> Manifest:
    label_set = {"id": "mine", "reader": "table", "files": files, "tasks": tasks, "options": options, "image": image}
    return Manifest.model_validate(
        {
            "name": "mine",
            "version": "1",
            "title": "Mine",
            "summary": "My own videos.",
            "status": "documented",
            "licence": {"terms": "mine", "access": "ask me"},
            "labels": (label_set,),
            "group": "subject",
            "metric": "CCC",
        }
    )


def read(manifest: Manifest | str, root: Path, which: str | None = None) -> tuple[Labels, dict[str, Problem]]:
    """The labels, and of each rule the first problem."""
    given = read_manifest(MANIFESTS / f"{manifest}.toml") if isinstance(manifest, str) else manifest
    labels, problems = read_with_problems(given, root, which)
    assert labels is not None, problems
    return labels, {problem.rule: problem for problem in reversed(problems)}


TEN_LINES = """
name = "mine"
version = "1"
title = "Mine"
summary = "My own clips."
status = "documented"
group = "subject"
metric = "CCC"
licence = { terms = "mine", access = "ask me" }

[[labels]]
id = "va"
reader = "table"
files = ["ratings.csv"]
options = { video = "clip", frame = "n", subject = "who", split = "part", valence = "V", arousal = "A" }
tasks = [{ kind = "numbers", name = "va", columns = ["valence", "arousal"], low = -1, high = 1 }]
"""


def test_a_users_own_ratings_are_read_by_a_manifest_of_a_few_lines(tmp_path):
    (tmp_path / "mine_1.toml").write_text(TEN_LINES)
    write(
        tmp_path, "ratings.csv", "n,clip,who,part,V,A", "1,a,ann,train,0.5,-0.25", "2,a,ann,train,,0", "7,b,bob,val,1,1"
    )
    labels, problems = read(read_manifest(tmp_path / "mine_1.toml"), tmp_path)
    assert problems == {}
    assert rows(labels) == ["a frame 1", "a frame 2", "b frame 7"]
    assert (labels.subjects, labels.splits) == (("ann", "bob"), ("train", "val"))
    expected = [[0.5, -0.25], [np.nan, 0], [1, 1]]
    assert np.array_equal(labels.table.numbers("va"), expected, equal_nan=True)
    assert labels.images is None


@pytest.mark.parametrize("end", ENDS)
def test_each_kind_of_fault_is_named_by_its_line_and_costs_that_row_alone(tmp_path, end):
    path = write(
        tmp_path,
        "labels.csv",
        "path,valence,arousal,expression,AU1,AU12",
        "a.jpg,0,0,0,0,1",
        "",
        "b.jpg,oops,0,0,0,1",
        "c.jpg,1.5,0,0,0,1",
        "d.jpg,0,0,3,0,1",
        "e.jpg,0,0,0.5,0,1",
        "f.jpg,0,0,0,2,1",
        "g.jpg,0,0",
        ",0,0,0,0,1",
        "i.jpg,-5,-5.0,2.0,9,",
        end=end,
    )
    labels, problems = read(manifest_of(VA, EXPRESSION, UNITS, path="path"), tmp_path)
    assert rows(labels) == ["a.jpg", "i.jpg"]
    assert np.isnan(labels.table.numbers("va")[1]).all()
    assert labels.table.classes("expression").tolist() == [0, 2]
    assert labels.table.classes("action_units").tolist() == [[0, 1], [-1, -1]]
    places = {rule: (problem.file, problem.line, problem.count) for rule, problem in problems.items()}
    assert places == {
        "F10": (str(path), 3, 1),
        "V01": (str(path), 4, 1),
        "V09": (str(path), 5, 2),
        "V06": (str(path), 6, 2),
        "F06": (str(path), 9, 1),
        "T06": (str(path), 10, 1),
    }


@pytest.mark.parametrize("fault", ["nan", "inf", "-inf", "1e999", "0x1", "1,5"])
def test_what_is_no_finite_number_is_refused(tmp_path, fault):
    write(tmp_path, "labels.csv", "path;valence;arousal", f"a.jpg;{fault};0", "b.jpg;0;0")
    labels, problems = read(manifest_of(VA, path="path", delimiter=";"), tmp_path)
    assert rows(labels) == ["b.jpg"]
    assert problems["V01"].line == 2


def test_columns_are_found_by_place_where_there_is_no_header(tmp_path):
    write(tmp_path, "labels.txt", "a.jpg \t 2", "  b.jpg   0 ")
    manifest = manifest_of(EXPRESSION, files=("labels.txt",), path=0, expression=1, header=False, delimiter="blanks")
    labels, problems = read(manifest, tmp_path)
    assert problems == {}
    assert dict(zip(rows(labels), labels.table.classes("expression").tolist(), strict=True)) == {"a.jpg": 2, "b.jpg": 0}


def test_a_tab_separated_table_needs_no_option(tmp_path):
    write(tmp_path, "labels.tsv", "path\texpression", "a, b.jpg\t1")
    labels, problems = read(manifest_of(EXPRESSION, files=("labels.tsv",), path="path"), tmp_path)
    assert (problems, rows(labels)) == ({}, ["a, b.jpg"])


def test_quoted_texts_may_hold_the_delimiter(tmp_path):
    write(tmp_path, "labels.csv", '"path",expression', '"a,1.jpg",1')
    labels, problems = read(manifest_of(EXPRESSION, path="path"), tmp_path)
    assert (problems, rows(labels)) == ({}, ["a,1.jpg"])


def test_class_names_are_matched_without_regard_to_case_and_unknown_ones_refused(tmp_path):
    task = EXPRESSION | {"codes": ("neutral", "anger", "happy"), "missing": ("?",)}
    write(tmp_path, "labels.csv", "path,expression", "a.jpg,Happy", "b.jpg, anger", "c.jpg,joy", "d.jpg,?", "e.jpg,")
    labels, problems = read(manifest_of(task, path="path"), tmp_path)
    assert rows(labels) == ["a.jpg", "b.jpg", "d.jpg", "e.jpg"]
    assert labels.table.classes("expression").tolist() == [2, 1, -1, -1]
    assert (problems["V06"].line, problems["V06"].found) == (4, "expression = 'joy'")


def test_codes_in_another_order_become_the_classes_own_order(tmp_path):
    task = EXPRESSION | {"codes": (7, 1, 3), "missing": (99,)}
    write(tmp_path, "labels.csv", "path,expression", "a.jpg,7", "b.jpg,3", "c.jpg,1", "d.jpg,0", "e.jpg,99")
    labels, problems = read(manifest_of(task, path="path"), tmp_path)
    assert labels.table.classes("expression").tolist() == [0, 2, 1, -1]
    assert problems["V06"].line == 5


def test_intensities_count_from_the_threshold(tmp_path):
    task = UNITS | {"positive_from": 2}
    write(tmp_path, "labels.csv", "path,AU1,AU12", "a.jpg,0,1", "b.jpg,2,5", "c.jpg,9,2", "d.jpg,6,0", "e.jpg,-1,0")
    labels, problems = read(manifest_of(task, path="path"), tmp_path)
    assert labels.table.classes("action_units").tolist() == [[0, 0], [1, 1], [-1, 1]]
    assert problems["V09"].count == 2


def test_a_pattern_tells_video_frame_subject_and_split_from_the_path(tmp_path):
    pattern = r"^(?P<split>\w+)/(?P<subject>S\d+)_(?P<video>.+)/(?P<frame>\d+)\.png$"
    write(
        tmp_path, "labels.csv", "path,expression", "train/S01_x/0003.png,0", "val/S02_y/0010.png,1", "val/S2y/1.jpg,1"
    )
    labels, problems = read(manifest_of(EXPRESSION, path="path", image="pictures/{image}", pattern=pattern), tmp_path)
    assert rows(labels) == ["x frame 3", "y frame 10"]
    assert (labels.subjects, labels.splits) == (("S01", "S02"), ("train", "val"))
    assert labels.images is not None
    assert labels.images.tolist() == ["pictures/train/S01_x/0003.png", "pictures/val/S02_y/0010.png"]
    assert (problems["T06"].line, problems["T06"].found) == (4, "'val/S2y/1.jpg'")


def test_a_pattern_that_is_none_is_a_fault_of_the_manifest(tmp_path):
    write(tmp_path, "labels.csv", "path,expression", "a.jpg,0")
    manifest = manifest_of(EXPRESSION, path="path", pattern="(?P<video>")
    labels, problems = read_with_problems(manifest, tmp_path)
    assert labels is None
    assert [problem.rule for problem in problems] == ["D01"]


def test_missing_pictures_are_named_where_the_copy_has_any(tmp_path):
    write(tmp_path, "labels.csv", "path,expression", "x/a.jpg,0", "x/b.jpg,1", "y/a.jpg,1")
    manifest = manifest_of(EXPRESSION, path="path", image="pictures/{image}")
    labels, problems = read(manifest, tmp_path)
    assert (len(labels.table), problems) == (3, {})
    for name in ("x/a.jpg", "y/a.jpg"):
        write(tmp_path, f"pictures/{name}")
    labels, problems = read(manifest, tmp_path)
    assert rows(labels) == ["x/a.jpg", "y/a.jpg"]
    assert labels.images is not None
    assert labels.images.tolist() == ["pictures/x/a.jpg", "pictures/y/a.jpg"]
    assert (problems["D10"].line, problems["D10"].found) == (3, "no picture pictures/x/b.jpg")


def test_a_picture_in_two_splits_is_kept_in_the_first(tmp_path):
    write(tmp_path, "train.csv", "path,expression", "a.jpg,0", "b.jpg,0")
    write(tmp_path, "val.csv", "path,expression", "b.jpg,1", "c.jpg,1")
    labels, problems = read(manifest_of(EXPRESSION, files=("train=train.csv", "val=val.csv"), path="path"), tmp_path)
    assert dict(zip(rows(labels), labels.splits, strict=True)) == {"a.jpg": "train", "b.jpg": "train", "c.jpg": "val"}
    assert labels.table.classes("expression").tolist() == [0, 0, 1]
    assert (problems["D11"].line, problems["D11"].count) == (2, 1)
    assert problems["D11"].file == str(tmp_path / "val.csv")


def test_a_file_for_each_video_gives_frames_by_line_and_a_second_file_of_it_is_a_problem(tmp_path):
    for place, value in (("one/a.csv", 0), ("one/b.csv", 1), ("two/a.csv", 2)):
        write(tmp_path, place, "expression", str(value), str(value))
    labels, problems = read(manifest_of(EXPRESSION, files=("*/*.csv",)), tmp_path)
    assert rows(labels) == ["a frame 1", "a frame 2", "b frame 1", "b frame 2"]
    assert labels.table.classes("expression").tolist() == [0, 0, 1, 1]
    assert problems["D12"].file == str(tmp_path / "two/a.csv")


@pytest.mark.parametrize(
    "content", [b"", b"\n\n\n", b"path,expression\n", b"\xff\xfep\x00a\x00", b"name,label\na.jpg,1\n"]
)
def test_a_table_that_cannot_be_read_costs_no_other(tmp_path, content):
    (tmp_path / "a.csv").write_bytes(content)
    write(tmp_path, "b.csv", "path,expression", "a.jpg,0")
    labels, problems = read(manifest_of(EXPRESSION, files=("*.csv",), path="path"), tmp_path)
    assert rows(labels) == ["a.jpg"]
    assert {problem.file for problem in problems.values()} == {str(tmp_path / "a.csv")}
    assert set(problems) <= {"F02", "F03", "F04"}


def test_a_byte_that_is_not_utf8_costs_its_row(tmp_path):
    (tmp_path / "labels.csv").write_bytes(b"\xef\xbb\xbfpath,expression\na.jpg,0\n\xe9.jpg,1\n\xc3\xa9.jpg,2\n")
    labels, problems = read(manifest_of(EXPRESSION, path="path"), tmp_path)
    assert rows(labels) == ["a.jpg", "é.jpg"]
    assert (problems["F03"].line, problems["F03"].count) == (3, 1)


def test_a_nul_byte_costs_its_row(tmp_path):
    (tmp_path / "labels.csv").write_bytes(b"path,expression\na\0.jpg,0\nb.jpg,1\n")
    labels, problems = read(manifest_of(EXPRESSION, path="path", image="pictures/{image}"), tmp_path)
    assert rows(labels) == ["b.jpg"]
    assert (problems["F03"].line, problems["F03"].count) == (2, 1)


def test_a_name_that_leaves_the_data_set_is_refused(tmp_path):
    names = ["../a.jpg", "x/../../a.jpg", "/etc/a.jpg", "a..b.jpg", "x/..y/a.jpg"]
    write(tmp_path, "labels.csv", "path,expression", *(f"{name},0" for name in names))
    labels, problems = read(manifest_of(EXPRESSION, path="path", image="{image}"), tmp_path)
    assert rows(labels) == ["a..b.jpg", "x/..y/a.jpg"]
    assert problems["T06"].count == 3


def test_a_carriage_return_inside_a_header_is_one_problem(tmp_path):
    write(tmp_path, "labels.csv", "path,express\rion", "a.jpg,0")
    labels, problems = read_with_problems(manifest_of(EXPRESSION, path="path"), tmp_path)
    assert labels is None
    assert [problem.rule for problem in problems] == ["F04"]


def test_many_blank_lines_at_the_end_are_passed_over(tmp_path):
    (tmp_path / "labels.csv").write_bytes(b"path,expression\na.jpg,0" + b"\r\n" * 10_000)
    labels, problems = read(manifest_of(EXPRESSION, path="path"), tmp_path)
    assert (rows(labels), problems) == (["a.jpg"], {})


def test_a_missing_column_is_named_beside_those_that_are_there(tmp_path):
    write(tmp_path, "labels.csv", "file,expression", "a.jpg,0")
    labels, problems = read_with_problems(manifest_of(EXPRESSION, path="path"), tmp_path)
    assert labels is None
    assert problems[0].rule == "F04"
    assert "no column path among 'file, expression'" in problems[0].found


def test_labels_that_are_not_there_are_one_problem_for_each_split(tmp_path):
    manifest = manifest_of(EXPRESSION, files=("train=train.csv", "val=val.csv"), path="path")
    labels, problems = read_with_problems(manifest, tmp_path)
    assert labels is None
    assert [problem.rule for problem in problems] == ["F01", "F01"]


def test_the_first_pattern_that_matches_counts(tmp_path):
    manifest = manifest_of(EXPRESSION, files=("old/*.csv", "new/*.csv"), path="path")
    write(tmp_path, "new/labels.csv", "path,expression", "new.jpg,0")
    assert rows(read(manifest, tmp_path)[0]) == ["new.jpg"]
    write(tmp_path, "old/labels.csv", "path,expression", "old.jpg,0")
    assert rows(read(manifest, tmp_path)[0]) == ["old.jpg"]


def test_a_pattern_that_leaves_the_folder_is_refused(tmp_path):
    write(tmp_path, "out/labels.csv", "path,expression", "a.jpg,0")
    (tmp_path / "in").mkdir()
    problems = Problems()
    manifest = manifest_of(EXPRESSION, files=("../out/labels.csv",), path="path")
    labels = read_table(manifest, manifest.labels[0], tmp_path / "in", problems)
    assert len(labels.table) == 0
    assert [problem.rule for problem in problems.found] == ["D01"]


TABLES = st.lists(
    st.tuples(
        st.sampled_from(["v1", "v2", "a b"]),
        st.integers(0, 10**6),
        st.one_of(st.none(), st.floats(-1, 1)),
        st.integers(-1, 2),
        st.integers(0, 1),
    ),
    min_size=1,
    max_size=20,
)


@given(TABLES)
def test_text_and_parquet_give_the_same_labels(tmp_path_factory, entries):
    root = tmp_path_factory.mktemp("tables")
    columns = ["video", "frame", "valence", "expression", "AU12"]
    frame = pd.DataFrame(entries, columns=columns).astype({"valence": "float64"})
    frame["expression"] = frame["expression"].where(frame["expression"] >= 0).astype("Int8")
    frame.to_csv(root / "labels.csv", index=False)
    frame.to_parquet(root / "labels.parquet")
    tasks = (VA | {"columns": ("valence",)}, EXPRESSION, UNITS | {"columns": ("AU12",)})
    read_both = [
        read(manifest_of(*tasks, files=(f"labels.{kind}",), video="video", frame="frame"), root)
        for kind in ("csv", "parquet")
    ]
    for labels, problems in read_both:
        assert problems == {}
        table = labels.table
        assert [(table.videos[video], number) for video, number in zip(table.video, table.frame, strict=True)] == [
            entry[:2] for entry in entries
        ]
        assert np.array_equal(table.numbers("va")[:, 0], frame["valence"].to_numpy(), equal_nan=True)
        assert table.classes("expression").tolist() == [entry[3] for entry in entries]
        assert table.classes("action_units")[:, 0].tolist() == [entry[4] for entry in entries]


def test_a_broken_parquet_file_is_a_problem(tmp_path):
    (tmp_path / "labels.parquet").write_bytes(b"PAR1 and nothing more")
    labels, problems = read_with_problems(manifest_of(EXPRESSION, files=("*.parquet",), path="path"), tmp_path)
    assert labels is None
    assert problems[0].rule == "F01"


def test_an_unknown_field_of_the_picture_template_is_a_fault_of_the_manifest(tmp_path):
    write(tmp_path, "labels.csv", "path,expression", "a.jpg,0")
    manifest = manifest_of(EXPRESSION, path="path", image="{person}/{image}")
    with pytest.raises(ProblemError, match="D01"):
        read_table(manifest, manifest.labels[0], tmp_path, Problems())


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("vidoe", "clip"),
        ("delimiter", ",,"),
        ("delimiter", 3),
        ("quote", "''"),
        ("header", "no"),
        ("names", (1, 2)),
        ("splits", ("Training",)),
        ("row_name", "{number}"),
        ("pattern", 3),
    ],
)
def test_an_option_that_is_none_is_a_fault_of_the_manifest(tmp_path, name, value):
    write(tmp_path, "labels.csv", "file,part,expression", "a.jpg,Training,0")
    row = {} if name == "row_name" else {"path": "file"}
    labels, problems = read_with_problems(manifest_of(EXPRESSION, split="part", **row, **{name: value}), tmp_path)
    assert labels is None
    assert [problem.rule for problem in problems] == ["D01"]
    assert name in problems[0].found


def test_a_line_too_long_to_be_one_is_a_problem(tmp_path):
    (tmp_path / "a.csv").write_bytes(b"path,expression\na.jpg,0\n" + b"x" * 5_000_000 + b"\nb.jpg,1\n")
    write(tmp_path, "b.csv", "path,expression", "c.jpg,0")
    labels, problems = read(manifest_of(EXPRESSION, files=("*.csv",), path="path"), tmp_path)
    assert "c.jpg" in rows(labels)
    assert problems["F06"].file == str(tmp_path / "a.csv")


def test_an_apostrophe_belongs_to_a_name(tmp_path):
    write(tmp_path, "labels.csv", "path,expression", "'til.jpg,0")
    assert rows(read(manifest_of(EXPRESSION, path="path"), tmp_path)[0]) == ["'til.jpg"]


def test_parquet_columns_may_be_of_any_plain_type(tmp_path):
    frame = pd.DataFrame(
        {
            "path": pd.Categorical(["a.jpg", "b.jpg"]),
            "AU1": [True, False],
            "AU12": pd.array(["1", None], "string"),
        }
    )
    frame.to_parquet(tmp_path / "labels.parquet")
    labels, problems = read(manifest_of(UNITS, files=("*.parquet",), path="path"), tmp_path)
    assert problems == {}
    assert labels.table.classes("action_units").tolist() == [[1, 1], [0, -1]]


def test_a_parquet_column_of_lists_is_a_problem(tmp_path):
    pd.DataFrame({"path": ["a.jpg"], "expression": [[0, 1]]}).to_parquet(tmp_path / "labels.parquet")
    labels, problems = read_with_problems(manifest_of(EXPRESSION, files=("*.parquet",), path="path"), tmp_path)
    assert labels is None
    assert problems[0].rule == "F04"


AFFECTNET = "subDirectory_filePath,face_x,face_y,face_width,face_height,facial_landmarks,expression,valence,arousal"
LANDMARKS = ";".join(["10.5"] * 136)


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("has_header", [True, False])
def test_affectnet_is_read_with_and_without_a_header_in_its_validation_file(tmp_path, has_header, end):
    def row(name: str, expression: int, va: str) -> str:
        return f"{name}.jpg,1,2,3,4,{LANDMARKS},{expression},{va}"

    write(
        tmp_path,
        "training.csv",
        AFFECTNET,
        row("1/a", 1, "0.8,0.1"),
        row("1/b", 9, "-2,-2"),
        row("1/c", 11, "0,0"),
        end=end,
    )
    lines = [AFFECTNET] * has_header + [row("2/a", 7, "-0.5,0.5")]
    write(tmp_path, "validation.csv", *lines, end=end)
    labels, problems = read("affectnet_full", tmp_path)
    assert rows(labels) == ["1/a.jpg", "1/b.jpg", "2/a.jpg"]
    assert [labels.tasks[0].classes[number] for number in labels.table.classes("expression")] == [
        "Happiness",
        "Uncertain",
        "Contempt",
    ]
    assert np.isnan(labels.table.numbers("va")).all(axis=1).tolist() == [False, True, False]
    assert labels.splits == ("train", "train", "validation")
    assert labels.images is not None
    assert labels.images[0] == "Manually_Annotated_Images/1/a.jpg"
    assert (problems["V06"].line, problems["V06"].found) == (4, "expression = '11'")


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize(
    ("which", "task", "first", "last"),
    [
        ("basic", "expression", "Surprise", (7, "Neutral")),
        ("compound", "compound", "Happily_Surprised", (11, "Disgustedly_Surprised")),
    ],
)
def test_raf_db_counts_from_1_and_its_names_tell_the_split(tmp_path, which, task, first, last, end):
    place = f"{which}/EmoLabel/list_patition_label.txt"
    write(tmp_path, place, "train_00001.jpg 1", f"test_0001.jpg {last[0]}", "train_00002.jpg 0", "me.jpg 1", end=end)
    labels, problems = read("raf-db_1", tmp_path, which)
    assert labels.table.videos == ("train_00001", "test_0001")
    assert [labels.tasks[0].classes[number] for number in labels.table.classes(task)] == [first, last[1]]
    assert labels.splits == ("train", "test")
    assert labels.images is not None
    assert labels.images.tolist() == [
        f"{which}/Image/aligned/train_00001_aligned.jpg",
        f"{which}/Image/aligned/test_0001_aligned.jpg",
    ]
    assert (problems["V06"].line, problems["T06"].line) == (3, 4)


@pytest.mark.parametrize("end", ENDS)
def test_raf_au_lists_units_and_one_sided_ones_count(tmp_path, end):
    write(tmp_path, "RAFAU_label.txt", "1.jpg 1+4+L12", "12.jpg null", "3.jpg R2+43+6", "4.jpg 1+x", end=end)
    labels, problems = read("raf-au_1", tmp_path)
    table = labels.table.classes("action_units")
    columns = labels.tasks[0].columns
    listed = [[columns[place] for place in np.flatnonzero(row)] for row in table]
    assert listed == [["AU1", "AU4", "AU12"], [], ["AU2", "AU6"]]
    assert table.min() == 0
    assert labels.images is not None
    assert labels.images.tolist() == [f"aligned/{number}_aligned.jpg" for number in ("0001", "0012", "0003")]
    assert (problems["V01"].line, problems["V01"].found) == (4, "action_units = '1+x'")


@pytest.mark.parametrize("end", ENDS)
def test_fer2013_rows_are_named_by_their_number_and_split_by_usage(tmp_path, end):
    pixels = " ".join(["7"] * 2304)
    write(
        tmp_path,
        "fer2013.csv",
        "emotion,pixels,Usage",
        f"0,{pixels},Training",
        f"9,{pixels},Training",
        f"6,{pixels},PublicTest",
        f"3,{pixels},PrivateTest",
        end=end,
    )
    labels, problems = read("fer2013_1", tmp_path)
    assert labels.table.videos == ("00000", "00002", "00003")
    assert [labels.tasks[0].classes[number] for number in labels.table.classes("expression")] == [
        "Anger",
        "Neutral",
        "Happiness",
    ]
    assert labels.splits == ("train", "validation", "test")
    assert problems["V06"].line == 3


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("blank", ["", " "])
def test_emotionet_is_unquoted_and_999_is_masked(tmp_path, blank, end):
    units = [1, 2, 4, 5, 6, 7, 9, 10, 12, 15, 17, 20, 23, 24, 25, 26, 43]
    header = f",{blank}".join(["'URL'", "'orig'", *(f"'AU {unit}'" for unit in units)])

    def row(number: int, *values: int) -> str:
        marks = [*values, *[999] * (len(units) - len(values))]
        return f",{blank}".join(
            [f"'http://x.org/a/N_0000000001_{number:05d}.jpg'", "'x'", *(f"'{mark}'" for mark in marks)]
        )

    write(tmp_path, "EmotioNet_FACS_aws_2020_24600.csv", header, row(1, 1, 0), row(2, 0, 7), row(3, 999, 1), end=end)
    write(tmp_path, "aligned_labeled/N_0000000001_00003.jpg")
    labels, problems = read("emotionet_2020", tmp_path)
    assert labels.table.videos == ("N_0000000001_00001", "N_0000000001_00003")
    assert labels.table.classes("action_units")[:, :3].tolist() == [[1, 0, -1], [-1, 1, -1]]
    assert labels.images is not None
    assert labels.images.tolist() == ["", "aligned_labeled/N_0000000001_00003.jpg"]
    assert problems["V09"].line == 3
