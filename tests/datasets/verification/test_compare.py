from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from abawbench.base.problems import Problems
from abawbench.datasets.manifests import get_manifest, read_manifest
from abawbench.datasets.manifests.model import Place
from abawbench.datasets.verification import survey
from abawbench.datasets.verification.compare import verify
from examples.real_data import real_data
from tests.datasets.conftest import BASE, ROWS, write_copy, write_manifest


def rules(result) -> list[str]:
    return [problem.rule for problem in result.problems]


def test_a_good_copy_agrees_and_every_check_is_named(manifest_file, copy):
    result = verify(read_manifest(manifest_file), copy)
    assert result.problems == ()
    assert result.agrees
    assert result.checked == (
        "layout: 2 of 3 places, 7 files",
        "labels faces: 6 rows of 6 units, each value in its range",
        "labels faces: subjects in one split each: 3",
        "labels faces: 6 pictures compared with the rows",
        "sizes of splits: 6 numbers agree",
    )
    assert result.unchecked == ("extra: not in this copy, which need not have it", "checksums: none is published")


def test_a_missing_place_of_the_layout_is_found(manifest_file, copy):
    for picture in (copy / "pictures").iterdir():
        picture.unlink()
    (problem,) = verify(read_manifest(manifest_file), copy).problems
    assert (problem.rule, problem.found) == ("D03", "no pictures/*.jpg")


def test_a_missing_picture_is_found(manifest_file, copy):
    (copy / "pictures" / "e.jpg").unlink()
    result = verify(read_manifest(manifest_file), copy)
    assert set(rules(result)) == {"D10", "D04"}
    missing = next(problem for problem in result.problems if problem.rule == "D10")
    assert (missing.line, "e.jpg" in missing.found) == (6, True)


def test_a_picture_without_label_is_found(manifest_file, copy):
    (copy / "pictures" / "z.jpg").write_bytes(b"a picture")
    (problem,) = verify(read_manifest(manifest_file), copy).problems
    assert (problem.rule, problem.found) == ("D05", "pictures/z.jpg")


def test_an_empty_picture_is_found(manifest_file, copy):
    (copy / "pictures" / "a.jpg").write_bytes(b"")
    (problem,) = verify(read_manifest(manifest_file), copy).problems
    assert (problem.rule, problem.file) == ("F02", str(copy / "pictures" / "a.jpg"))


def test_a_wrong_count_is_found_with_both_numbers(tmp_path, copy):
    manifest = read_manifest(write_manifest(tmp_path, BASE.replace("glad = 2", "glad = 3")))
    (problem,) = verify(manifest, copy).problems
    assert (problem.rule, problem.found, problem.expected) == ("D04", "2 glad (faces)", "3 glad")


def test_a_subject_in_two_splits_is_found(manifest_file, tmp_path):
    copy = write_copy(tmp_path / "other", ROWS.replace("e.jpg,p3", "e.jpg,p1"))
    (problem,) = verify(read_manifest(manifest_file), copy).problems
    assert (problem.rule, problem.found) == ("D06", "subject 'p1' in test, train")


def test_two_persons_of_one_video_in_two_splits_are_found(tmp_path):
    manifest = read_manifest(write_manifest(tmp_path, BASE.replace('group = "subject"', 'group = "video"')))
    rows = ROWS.replace("a.jpg", "v_left").replace("e.jpg", "v_right")
    copy = write_copy(tmp_path / "other", rows)
    for name in ("v_left", "v_right"):
        (copy / "pictures" / name).write_bytes(b"a picture")
    found = [problem.found for problem in verify(manifest, copy).problems if problem.rule == "D06"]
    assert found == ["video 'v' in test, train"]


def test_where_subjects_are_not_known_videos_are_compared(tmp_path):
    text = BASE.replace('subject = "person"\n', "").replace("subjects = 2, ", "")
    copy = write_copy(tmp_path / "other")
    result = verify(read_manifest(write_manifest(tmp_path, text)), copy)
    assert result.problems == ()
    assert "labels faces: subjects in one split each: the labels name no subject" in result.unchecked
    assert "labels faces: videos in one split each: 6" in result.checked


def test_without_splits_nothing_can_be_in_two(tmp_path):
    text = BASE.replace('split = "split"\n', "")
    copy = write_copy(tmp_path / "other")
    result = verify(read_manifest(write_manifest(tmp_path, text)), copy)
    assert "labels faces: subjects in one split each: the labels name no split" in result.unchecked


@pytest.mark.parametrize(
    ("sound", "broken", "rule"),
    [("a.jpg,p1,train,0", "a.jpg,p1,train,7", "V06"), ("c.jpg,p2,train,1,0", "c.jpg,p2,train,1,4", "V09")],
)
def test_a_value_out_of_its_range_is_found_with_its_line(manifest_file, tmp_path, sound, broken, rule):
    assert sound in ROWS
    copy = write_copy(tmp_path / "other", ROWS.replace(sound, broken))
    found = next(problem for problem in verify(read_manifest(manifest_file), copy).problems if problem.rule == rule)
    assert found.line == 2 + "abcdef".index(sound[0])


def test_a_wrong_header_is_found(manifest_file, tmp_path):
    copy = write_copy(tmp_path / "other", ROWS.replace("AU17", "AU18"))
    assert "F04" in rules(verify(read_manifest(manifest_file), copy))


CHECKSUM = """
[[checksums]]
file = "labels.csv"
algorithm = "{}"
hex = "{}"
source = "me"

[origin]"""


@pytest.mark.parametrize("algorithm", ["md5", "sha1", "sha256"])
def test_checksums_are_compared(tmp_path, copy, algorithm):
    right = hashlib.new(algorithm, ROWS.encode()).hexdigest()
    text = BASE.replace("\n[origin]", CHECKSUM.format(algorithm, right))
    result = verify(read_manifest(write_manifest(tmp_path, text)), copy)
    assert result.problems == ()
    assert "checksums: 1 of 1 agree" in result.checked
    wrong = "0" * len(right)
    (problem,) = verify(read_manifest(write_manifest(tmp_path, text.replace(right, wrong))), copy).problems
    assert (problem.rule, problem.found, problem.expected) == ("D22", f"{algorithm} {right}", f"{algorithm} {wrong}")


def test_a_checksum_of_a_file_that_is_not_there_is_not_checked(tmp_path, copy):
    text = BASE.replace("\n[origin]", CHECKSUM.format("md5", "0" * 32).replace("labels.csv", "archive.zip"))
    result = verify(read_manifest(write_manifest(tmp_path, text)), copy)
    assert result.problems == ()
    assert "checksum of archive.zip: the file is not in this copy" in result.unchecked


def test_a_folder_that_cannot_be_listed_is_found_and_the_rest_is_done(manifest_file, copy, monkeypatch):
    own = os.scandir

    def refusing(path):
        if Path(path).name == "pictures":
            raise PermissionError(13, "Permission denied", str(path))
        return own(path)

    monkeypatch.setattr(survey.os, "scandir", refusing)
    result = verify(read_manifest(manifest_file), copy)
    assert ("F01", "Permission denied") in [(problem.rule, problem.found) for problem in result.problems]
    assert "labels faces: subjects in one split each: 3" in result.checked


def test_a_copy_that_is_not_there_is_one_problem(manifest_file, tmp_path):
    (problem,) = verify(read_manifest(manifest_file), tmp_path / "nowhere").problems
    assert problem.rule == "F01"


def test_a_copy_without_labels_says_so(manifest_file, copy):
    (copy / "labels.csv").unlink()
    assert rules(verify(read_manifest(manifest_file), copy)) == ["D03", "F01"]


def affwild(root: Path, rows: int, crops: range, header: str = "valence,arousal") -> Path:
    folder = root / "VA_Estimation_Challenge" / "Train_Set"
    folder.mkdir(parents=True)
    (folder / "v1.txt").write_text(header + "\n" + "0.1,0.2\n" * rows)
    pictures = root / "cropped_aligned" / "v1"
    pictures.mkdir(parents=True)
    for frame in crops:
        (pictures / f"{frame:05d}.jpg").write_bytes(b"a picture")
    return root


def test_crops_far_past_the_last_label_are_found_and_two_are_borne(tmp_path):
    manifest = get_manifest("aff-wild2_6")
    past = verify(manifest, affwild(tmp_path / "a", 10, range(1, 15)))
    surplus = {problem.found for problem in past.problems if problem.rule == "D05"}
    assert surplus == {"cropped_aligned/v1/00013.jpg", "cropped_aligned/v1/00014.jpg"}
    borne = verify(manifest, affwild(tmp_path / "b", 10, range(2, 13, 2)))
    assert "D05" not in rules(borne)


def test_other_counts_than_those_of_the_edition_are_found(tmp_path):
    result = verify(get_manifest("aff-wild2_6"), affwild(tmp_path / "a", 10, range(1, 11)))
    expected = {problem.expected for problem in result.problems if problem.rule == "D04"}
    assert expected == {"356 units va; 1,679,857 valid frames va"}


@pytest.mark.parametrize(("lines", "agrees"), [(3, True), (4, True), (5, False), (2, False)])
def test_a_list_is_counted_with_or_without_header(tmp_path, copy, lines, agrees):
    text = BASE.replace(
        "[origin]", '[[splits]]\nname = "hidden"\ncount = 3\nunit = "rows"\nfile = "list.txt"\n\n[origin]'
    )
    (copy / "list.txt").write_text("a.jpg\n" * lines)
    problems = verify(read_manifest(write_manifest(tmp_path, text)), copy).problems
    expected = [] if agrees else [("D04", f"{lines} rows (list)")]
    assert [(problem.rule, problem.found) for problem in problems] == expected


@pytest.mark.real_data
def test_labels_beyond_the_video_are_found_and_a_surplus_line_is_borne(tmp_path):
    manifest = get_manifest("aff-wild2_6")
    for name, rows, is_beyond in (("a", 73, False), ("b", 90, True)):
        root = affwild(tmp_path / name, rows, range(1, 73))
        (root / "videos").mkdir()
        (root / "videos" / "v1.mp4").write_bytes((real_data() / "videos" / "pyfeat_single_face.mp4").read_bytes())
        assert ("D13" in rules(verify(manifest, root))) == is_beyond


@pytest.mark.real_data
def test_the_real_london_set_agrees_with_its_manifest(tmp_path):
    for picture in (real_data() / "faces").glob("london_*.jpg"):
        _, person, condition = picture.stem.split("_")
        folder = tmp_path / f"{condition}_front"
        folder.mkdir(exist_ok=True)
        (folder / f"{person}_{'03' if condition == 'neutral' else '08'}.jpg").symlink_to(picture.resolve())
    result = verify(get_manifest("london"), tmp_path)
    assert result.problems == ()
    assert "sizes of splits: 4 numbers agree" in result.checked


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("name", "label", "file"),
    [
        ("ferplus", "ferplus_fer2013new.csv", "fer2013new.csv"),
        ("crema-d", "cremad_summaryTable.csv", "summaryTable.csv"),
    ],
)
def test_the_real_labels_agree_with_their_manifests(tmp_path, name, label, file):
    (tmp_path / file).symlink_to((real_data() / "labels" / label).resolve())
    # FERPlus has rows without a picture, which are a note
    assert {problem.rule for problem in verify(get_manifest(name), tmp_path).problems} <= {"N33"}


def layout(*paths: str) -> tuple[Place, ...]:
    return tuple(Place(path=path, holds="images") for path in paths)


def test_the_survey_counts_what_patterns_name_and_what_lies_below(tmp_path):
    for path in ("a/one/1.jpg", "a/one/2.jpg", "a/two/1.jpg", "a/two/1.txt", "b/deep/er/1.jpg", "c.jpg"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(b"x")
    wanted = layout("a/*/*.jpg", "a", "b/**/*.jpg", "c.jpg", "d", "**/1.jpg", "a/[!o]*")
    problems = Problems()
    found = survey.survey(wanted, tmp_path, problems)
    assert [(one.matches, one.files) for one in found] == [(3, 3), (1, 4), (1, 1), (1, 1), (0, 0), (3, 3), (1, 2)]
    assert problems.found == ()


parts = st.sampled_from(["a", "b", "ab"])
trees = st.lists(st.lists(parts, min_size=1, max_size=4), max_size=8)
patterns = st.lists(st.sampled_from(["a", "b", "*", "a*", "[ab]", "?", "**"]), min_size=1, max_size=4)


@given(trees, patterns)
@settings(max_examples=60, deadline=None, derandomize=True)
def test_the_survey_matches_what_glob_matches(tree, pattern):
    # a last ** names folders alone in glob, and everything below in a layout
    wanted = "/".join([*pattern, "[ab]*"])
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        for path in tree:
            folder = root.joinpath(*path[:-1])
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"{path[-1]}.jpg").write_bytes(b"x")
        (found,) = survey.survey(layout(wanted), root, Problems())
        assert found.matches == len(set(root.glob(wanted)))


def test_links_in_a_circle_end(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "again").symlink_to(tmp_path / "a", target_is_directory=True)
    (tmp_path / "a" / "1.jpg").write_bytes(b"x")
    (found,) = survey.survey(layout("a"), tmp_path, Problems())
    assert found.files in {1, 2}


def test_folders_outside_the_layout_are_not_listed(tmp_path, monkeypatch):
    (tmp_path / "pictures").mkdir()
    (tmp_path / "elsewhere" / "deep").mkdir(parents=True)
    listed: list[str] = []
    own = os.scandir

    def noting(path):
        listed.append(Path(path).name)
        return own(path)

    monkeypatch.setattr(survey.os, "scandir", noting)
    survey.survey(layout("pictures/*.jpg"), tmp_path, Problems())
    assert listed == [tmp_path.name, "pictures"]
