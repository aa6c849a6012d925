"""Readers: every official format, every quirk, and any bytes at all."""

from __future__ import annotations

import contextlib

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from abawbench.base.problems import ProblemError
from abawbench.challenges import CHALLENGES, get
from abawbench.formats import read_predictions, read_truth
from abawbench.formats.layout import prediction_layouts
from abawbench.table import NO_FRAME

MTL_HEADER = "image,valence,arousal,expression,aus\n"
ZEROS = ",".join("0" * 12)
NONE = ",".join(["-1"] * 12)
EXPRESSIONS = "Neutral,Anger,Disgust,Fear,Happiness,Sadness,Surprise,Other"


def rules_of(caught):
    return {problem.rule for problem in caught.value.problems}


@pytest.fixture
def write(tmp_path):
    def write(name, text):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


def test_mtl_rows_have_sixteen_fields_under_five_names(write):
    path = write(
        "truth.txt",
        MTL_HEADER
        + f"101/00001.jpg,0.05,0.12,0,{ZEROS}\n"
        + "101/00004.jpg,0.06,0.14,-1,0,0,0,1,1,1,1,0,0,0,1,0\n"
        + f"video99/00310.jpg,-5.0,-5.0,4,{NONE}\n"
        + f"video99/00314.jpg,-5,-5,-1,{ZEROS}\n" * 2,
    )
    table = read_truth(get("abaw4-mtl"), path)
    assert table.videos == ("101", "video99")
    assert table.video.tolist() == [0, 0, 1, 1, 1]
    assert table.frame.tolist() == [1, 4, 310, 314, 314]
    np.testing.assert_array_equal(np.isnan(table.numbers("va")).all(1), [False, False, True, True, True])
    assert table.classes("expression").tolist() == [0, -1, 4, -1, -1]
    assert table.classes("action_units")[1].tolist() == [0, 0, 0, 1, 1, 1, 1, 0, 0, 0, 1, 0]
    assert (table.classes("action_units")[2] == -1).all()


def test_classes_written_as_floats_are_read_with_a_note_in_a_prediction(write):
    path = write("file.txt", MTL_HEADER + f"a/00001.jpg,0.1,0.1,4.0,{','.join(['1.0'] * 12)}\n")
    table = read_truth(get("abaw4-mtl"), path)
    assert table.classes("expression").tolist() == [4]
    assert (table.classes("action_units") == 1).all()
    assert table.notes == ()
    prediction = read_predictions(get("abaw4-mtl"), path)
    assert prediction.classes("expression").tolist() == [4]
    assert [(note.rule, note.count) for note in prediction.notes] == [("N11", 13)]


def test_expressions_are_one_integer_under_eight_names(write):
    path = write("p.txt", f"image_location,{EXPRESSIONS}\n14-30-1920x1080/00001.jpg,4\n14-30-1920x1080/00002.jpg,0\n")
    table = read_predictions(get("abaw6-expr"), path)
    assert table.classes("expression").tolist() == [4, 0]
    assert table.frame.tolist() == [1, 2]


def test_line_i_of_a_unit_is_frame_i(write):
    for name, values in (("9-15_left", "0.1,0.2\n-5,-5\n0.3,0.4\n"), ("9-15_right", "0.5,0.6\n")):
        path = write(f"Validation_Set/{name}.txt", "valence,arousal\n" + values)
    table = read_truth(get("abaw3-va"), path.parent)
    assert table.videos == ("9-15_left", "9-15_right")
    assert table.frame.tolist() == [1, 2, 3, 1]
    np.testing.assert_array_equal(np.isnan(table.numbers("va")[:, 0]), [False, True, False, False])


def test_the_folder_of_a_whole_annotation_delivery_is_enough(write, tmp_path):
    write("VA_Estimation_Challenge/Validation_Set/1.txt", "valence,arousal\n0.1,0.2\n")
    write("VA_Estimation_Challenge/Train_Set/2.txt", "valence,arousal\n0.3,0.4\n")
    assert read_truth(get("abaw6-va"), tmp_path).videos == ("1",)


def test_a_single_unit_file_is_a_unit(write):
    path = write("7-60-1920x1080.txt", f"{EXPRESSIONS}\n7\n-1\n0\n")
    table = read_truth(get("abaw5-expr"), path)
    assert table.videos == ("7-60-1920x1080",)
    assert table.classes("expression").tolist() == [7, -1, 0]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: text.replace(b"\n", b"\r\n"),
        lambda text: b"\xef\xbb\xbf" + text,
        lambda text: text + b"\n",
        lambda text: text.replace(b"aus\n", b"aus,\n"),
        lambda text: text.replace(b"aus\n", b"aus \n"),
        lambda text: text.rstrip(b"\n"),
        lambda text: text.replace(b"0\n", b"0,\n"),
    ],
    ids=["CRLF", "BOM", "blank last line", "header comma", "header blank", "no final newline", "row commas"],
)
def test_what_a_reader_tolerates_changes_no_value(write, spoil):
    text = (MTL_HEADER + f"a/00001.jpg,0.1,0.2,3,{ZEROS}\na/00002.jpg,0.3,0.4,5,{ZEROS}\n").encode()
    clean = read_predictions(get("abaw7-mtl"), write("clean.txt", text))
    table = read_predictions(get("abaw7-mtl"), write("spoilt.txt", spoil(text)))
    assert table.videos == clean.videos
    for task, values in clean.values.items():
        np.testing.assert_array_equal(table.values[task], values)


@pytest.mark.parametrize("name", ["1.jpg", "a/one.jpg", "a"])
def test_a_row_name_without_video_or_frame_is_named_with_its_line(write, name):
    rows = f"a/00001.jpg,0.1,0.2\n{name},0.1,0.2\n"
    with pytest.raises(ProblemError) as caught:
        read_predictions(get("abaw6-va"), write("p.txt", "image_location,valence,arousal\n" + rows))
    (problem,) = caught.value.problems
    assert (problem.rule, problem.line) == ("T06", 3)


@pytest.mark.parametrize("name", ["a\\00002.jpg", "a/2.jpg", "a/000002.jpg", "a/00002.png", "a/ 2.JPG", "a/frame_2"])
def test_a_row_name_from_which_video_and_frame_can_be_told_is_read_with_a_note(write, name):
    rows = f"a/00001.jpg,0.1,0.2\n{name},0.1,0.2\n"
    path = write("p.txt", "image_location,valence,arousal\n" + rows)
    table = read_predictions(get("abaw6-va"), path)
    assert (table.videos, table.frame.tolist()) == (("a",), [1, 2])
    (note,) = table.notes
    assert (note.rule, note.count, note.file, note.expected) == ("N12", 1, str(path), "'a/00002.jpg'")
    with pytest.raises(ProblemError, match="T06"):
        read_truth(get("abaw6-va"), path)


def test_frames_beyond_five_digits_are_read(write):
    rows = "".join(f"a/{frame:05d}.jpg,0.1,0.2\n" for frame in (99999, 100000, 100001))
    table = read_predictions(get("abaw6-va"), write("p.txt", "image_location,valence,arousal\n" + rows))
    assert table.frame.tolist() == [99999, 100000, 100001]


def test_names_that_share_their_beginning_stay_apart(write):
    rows = "".join(f"{video}/{frame:05d}.jpg,0.1,0.2\n" for video in ("1", "10", "1_left", "11") for frame in (1, 2))
    table = read_predictions(get("abaw6-va"), write("p.txt", "image_location,valence,arousal\n" + rows))
    assert table.videos == ("1", "10", "1_left", "11")


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.sampled_from(["a", "bb", "cc", "d_left"]), st.integers(1, 99)), min_size=1, max_size=60))
def test_rows_in_any_order_are_read_as_they_stand(tmp_path, rows):
    path = tmp_path / "p.txt"
    lines = "".join(f"{video}/{frame:05d}.jpg,0.5,-0.5\n" for video, frame in rows)
    path.write_text("image_location,valence,arousal\n" + lines)
    table = read_predictions(get("abaw6-va"), path)
    assert [(table.videos[v], f) for v, f in zip(table.video, table.frame, strict=True)] == rows


def test_eri_columns_are_found_by_name_and_only_validation_rows_count(write):
    path = write(
        "data_info.csv",
        "Split,File_ID,Amusement,Adoration,Anxiety,Disgust,Empathic-Pain,Fear,Surprise,Age\n"
        "Train,00001,0.1,0.2,0.3,0.4,0.5,0.6,0.7,33\nVal,00002,0.7,0.6,0.5,0.4,0.3,0.2,0.1,44\n",
    )
    table = read_truth(get("abaw5-eri"), path)
    assert [table.videos[v] for v in table.video] == ["00002"]
    assert table.numbers("reaction")[0].tolist() == [0.6, 0.7, 0.5, 0.4, 0.3, 0.2, 0.1]


def test_emi_ids_keep_their_zeros(write):
    header = "Filename,Admiration,Amusement,Determination,Empathic Pain,Excitement,Joy\n"
    table = read_truth(get("abaw8-emi"), write("valid_split.csv", header + "00021,0.2,0,0.55,0.1,0.3,0.25\n"))
    assert table.videos == ("00021",)
    assert table.frame.tolist() == [NO_FRAME]


AH = "Videos/99001/Visite_1/99001_Question_"


def test_transcripts_may_hold_commas_and_dates_a_blank(write):
    path = write(
        "val.txt",
        f"{AH}1_2024-01-01_10-00-00_Video.mp4,0,Well, I get up early, and then I eat.\n"
        f"{AH}4_2024-01-01 10-04-00_Video.mp4,1,I would like to, but, I do not know.\n",
    )
    table = read_truth(get("abaw11-ah"), path)
    assert table.classes("ambivalence").tolist() == [0, 1]
    assert table.videos[1].endswith("2024-01-01 10-04-00_Video.mp4")


def test_trials_come_with_and_without_probabilities(write):
    with_them = write("a.txt", f"{AH}1_Video.mp4,0.7334,0.2666,0\n{AH}2_Video.mp4,0.5259,0.4741,1\n")
    table = read_predictions(get("abaw11-ah"), with_them)
    assert table.classes("ambivalence").tolist() == [0, 1]
    assert table.probability is not None
    assert table.probability.tolist() == [0.2666, 0.4741]
    bare = read_predictions(get("abaw10-ah"), write("b.txt", f"{AH}1_Video.mp4,0\n{AH}2_Video.mp4,1\n"))
    assert bare.classes("ambivalence").tolist() == [0, 1]
    assert bare.probability is None


def test_probabilities_that_do_not_sum_to_exactly_one_are_refused(write):
    with pytest.raises(ProblemError) as caught:
        read_predictions(get("abaw11-ah"), write("a.txt", f"{AH}1_Video.mp4,0.7334,0.2667,0\n"))
    assert rules_of(caught) == {"V08"}


def test_ambivalence_frames_count_from_zero(write):
    path = write("t.txt", "99001/Visite_1/x_Video.mp4/frame-0.jpg,0\n99001/Visite_1/x_Video.mp4/frame-1.jpg,1\n")
    table = read_predictions(get("abaw8-ah"), path)
    assert table.frame.tolist() == [0, 1]
    assert table.videos == ("99001/Visite_1/x_Video.mp4",)


@pytest.mark.parametrize("header", ["Frame_Number,Label", "Frame_Num,Label", "Frame_Number,Predicted_Label"])
def test_violence_files_have_one_of_three_headers(write, header):
    path = write("annotations/0008.csv", f"{header}\n1,0\n2,1\n4,1\n")
    table = read_truth(get("abaw10-vd"), path.parent)
    assert table.videos == ("0008",)
    assert table.frame.tolist() == [1, 2, 4]
    assert table.classes("violence").tolist() == [0, 1, 1]


def test_every_problem_of_every_unit_is_told_at_once(write, tmp_path):
    write("v/a.txt", "valence,arousal\n0.1,0.2\n0.1,nan\n")
    write("v/b.txt", "valence,arousal\n0.1,1.5\n")
    write("v/c.txt", "valence,arousal\n0.1,0.2\n")
    with pytest.raises(ProblemError) as caught:
        read_predictions(get("abaw3-va"), tmp_path / "v")
    assert {(problem.rule, problem.line) for problem in caught.value.problems} == {("V01", 3), ("V03", 2)}


def test_a_missing_file_and_an_empty_file_are_problems(write, tmp_path):
    for path, rule in (
        (tmp_path / "none.txt", "F01"),
        (write("empty.txt", b""), "F02"),
        (write("blank.txt", b"\n\n"), "F02"),
    ):
        with pytest.raises(ProblemError) as caught:
            read_truth(get("abaw4-mtl"), path)
        assert rules_of(caught) == {rule}


def test_a_table_of_another_maker_is_read_by_its_columns(write):
    path = write("mine.csv", "video,frame,valence,arousal,extra\na,1,0.5,0.25,9\na,2,,,9\n")
    table = read_predictions(get("abaw6-va"), path)
    assert table.frame.tolist() == [1]
    assert table.numbers("va").tolist() == [[0.5, 0.25]]


# bytes that look enough like a file to get far
fragments = st.lists(
    st.one_of(
        st.sampled_from(
            [
                b"\n",
                b"\r\n",
                b",",
                b"a/00001.jpg",
                b"-5",
                b"0.5",
                b"1",
                b"nan",
                b"-1",
                b'"',
                b" ",
                b"\xff",
                b"\x00",
                b"4.0",
            ]
        ),
        st.binary(max_size=6),
    ),
    max_size=40,
).map(b"".join)


@pytest.mark.parametrize("challenge", sorted(CHALLENGES))
@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=fragments, headed=st.booleans(), suffix=st.sampled_from([".txt", ".csv"]))
def test_any_bytes_give_a_table_or_problems(tmp_path, challenge, body, headed, suffix):
    from abawbench.formats.layout import layouts

    rules = get(challenge)
    header = layouts(rules, "truth")[0].header or ""
    path = tmp_path / f"fuzz{suffix}"
    path.write_bytes((header + "\n").encode() * headed + body)
    for read in (read_truth, read_predictions):
        with contextlib.suppress(ProblemError):
            table = read(rules, path)
            assert len(table.video) == len(table.frame) > 0


@pytest.mark.parametrize("value", ["0x1", "0X1", "0x0"])
@pytest.mark.parametrize("row", [0, 1, 20_000])
@pytest.mark.parametrize("challenge_id", ["abaw6-expr", "abaw3-expr", "abaw3-au"])
def test_a_hexadecimal_number_is_no_class(tmp_path, challenge_id, value, row):
    layout = prediction_layouts(get(challenge_id))[0]
    width = len(layout.columns)
    lines = [[*[f"1280x720/{place:05d}.jpg"] * layout.has_key, *["0"] * width] for place in range(1, 20_002)]
    lines[row][-1] = value
    path = tmp_path / "v.txt"
    path.write_text("\n".join([layout.header or "", *map(",".join, lines), ""]))
    with pytest.raises(ProblemError) as caught:
        read_predictions(get(challenge_id), path)
    (problem,) = caught.value.problems
    assert (problem.rule, problem.line) == ("V01", row + 2)
