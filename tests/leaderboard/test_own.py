"""Published facts of challenges that the catalogue does not have."""

from __future__ import annotations

from pathlib import Path

import pytest

from abawbench.base.files import write_text
from abawbench.base.problems import Problem, ProblemError
from abawbench.leaderboard.build import build, check
from abawbench.leaderboard.published import HEADER, read_published

EXAMPLES = Path(__file__).parents[2] / "examples" / "own_board"
DESCRIPTION = 'title = "Mood"\ndataset = "MoodNet"\nmeasure = "mean CCC"\nlow = -1\nhigh = 1\n'
ROW = "organiser,MOOD,mood,MoodNet,test,1,Blue,,mean CCC,score,0.6,,the organisers' table"


def folder_of(folder: Path, *rows: str, description: str = DESCRIPTION, name: str = "mood") -> Path:
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.csv").write_text("\n".join([",".join(HEADER), *rows, ""]))
    (folder / f"{name}.toml").write_text(description)
    return folder


def problems_of(folder: Path) -> tuple[Problem, ...]:
    with pytest.raises(ProblemError) as caught:
        read_published(folder)
    assert {problem.rule for problem in caught.value.problems} == {"L02"}
    return caught.value.problems


def test_official_rows_of_a_challenge_of_ones_own_make_a_page_without_code(tmp_path):
    own = folder_of(tmp_path / "own", ROW, ROW.replace("organiser", "claimed").replace("mean CCC", "F1"))
    texts = build(tmp_path / "board", [own])
    page = texts[tmp_path / "board" / "mood.md"]
    assert "# mood: Mood\n\nData: MoodNet. Score: mean CCC.\n" in page
    assert "## Test\n" in page
    assert "## Test, other measure: F1\n" in page
    (line,) = [line for line in texts[tmp_path / "board" / "README.md"].split("\n") if "(mood.md)" in line]
    assert [cell.strip() for cell in line.split("|")][2:7] == ["Mood", "1", "1", "", "0.6"]


def test_facts_of_ones_own_stand_beside_those_that_come_with_the_package(tmp_path):
    texts = build(tmp_path, [EXAMPLES])
    names = [path.stem for path in texts if path.suffix == ".md"]
    assert "abaw4-mtl" in names
    assert names[names.index("abaw12-va") :] == ["abaw12-va", "mood2027", "other", "README"]


def test_further_facts_of_a_known_challenge_join_its_page(tmp_path):
    fact = "organiser,ABAW6,VA,Aff-Wild2,test,9,Newcomers,,va-ccc,score,0.01,,a letter"
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "abaw6-va.csv").write_text(f"{','.join(HEADER)}\n{fact}\n")
    page = build(tmp_path / "board", [tmp_path / "more"])[tmp_path / "board" / "abaw6-va.md"]
    own = page.split("## Test\n")[1].split("\n## ")[0]
    assert "Newcomers" in own


def test_the_same_folder_twice_counts_once(tmp_path):
    own = folder_of(tmp_path / "published", ROW)
    page = build(tmp_path, [own, own])[tmp_path / "mood.md"]
    assert page.count("Blue") == 1


def test_what_was_built_with_a_folder_is_checked_with_it(tmp_path):
    for path, text in build(tmp_path, [EXAMPLES]).items():
        write_text(path, text)
    assert check(tmp_path, [EXAMPLES]) == ()
    assert {problem.rule for problem in check(tmp_path)} == {"L01"}


def test_facts_without_a_description_name_the_file_that_is_missing(tmp_path):
    folder = folder_of(tmp_path / "own", ROW)
    (folder / "mood.toml").unlink()
    assert "mood.toml beside it" in problems_of(folder)[0].expected


@pytest.mark.parametrize(
    ("description", "found"),
    [
        (DESCRIPTION.replace('title = "Mood"\n', ""), "title"),
        (DESCRIPTION.replace("low", "least"), "least -1"),
        (DESCRIPTION.replace("low = -1", "low = 2"), ""),
        (DESCRIPTION.replace("low = -1", "low = nan"), "low nan"),
        (DESCRIPTION.replace("mean CCC", "CCC").replace("low = -1", "low = 0"), ""),
        (DESCRIPTION.replace("-1", '"x"'), "low 'x'"),
        ("title = ", ""),
        ("\x00", ""),
    ],
)
def test_a_wrong_description_is_refused_by_field(tmp_path, description, found):
    problems = problems_of(folder_of(tmp_path / "own", description=description))
    assert all(str(problem.file).endswith("mood.toml") for problem in problems)
    assert any(problem.found.startswith(found) for problem in problems)


def test_a_description_may_not_take_the_place_of_a_challenge_of_the_catalogue(tmp_path):
    folder = folder_of(tmp_path / "own", name="abaw6-va")
    assert "a name in lower case that no challenge of the catalogue has" in {p.expected for p in problems_of(folder)}


def test_a_description_without_facts_is_named(tmp_path):
    folder = folder_of(tmp_path / "own")
    (folder / "mood.csv").unlink()
    assert "no mood.csv beside it" in {problem.found for problem in problems_of(folder)}


def test_every_fault_of_every_row_is_told_at_once_with_its_line(tmp_path):
    rows = [
        ROW.replace("organiser", "official", 1).replace("mean CCC", "mean").replace("0.6", "60"),
        ROW.replace(",the organisers' table", ","),
        ROW.replace(",test,1,", ",dev,first,"),
        ROW.replace("score,0.6", "ccc_mood,0.6"),
        ROW,
        ROW.replace("0.6", "1.5"),
        ROW.replace("MOOD,mood", "ABAW6,VA"),
        "short,row",
    ]
    found = [(problem.line, problem.found) for problem in problems_of(folder_of(tmp_path / "own", *rows))]
    assert found == [
        (2, "measure 'mean'"),
        (2, "kind 'official'"),
        (3, "source ''"),
        (4, "split 'dev'"),
        (4, "rank 'first'"),
        (5, "figure 'ccc_mood'"),
        (7, "score 1.5"),
        (8, "ABAW6 VA"),
        (9, "2 columns"),
    ]


def test_the_faults_of_all_folders_are_told_at_once(tmp_path):
    first = folder_of(tmp_path / "first", ROW.replace("0.6", "6"))
    second = folder_of(tmp_path / "second", ROW.replace("organiser", "me"), name="gaze")
    with pytest.raises(ProblemError) as caught:
        build(tmp_path / "board", [first, second])
    assert {Path(str(problem.file)).name for problem in caught.value.problems} == {"mood.csv", "gaze.csv"}


def test_very_many_faults_are_counted(tmp_path):
    problems = problems_of(folder_of(tmp_path / "own", *[ROW.replace("0.6", "6")] * 500))
    assert len(problems) == 101
    assert problems[-1].found == "400 more faults"


def test_a_header_without_the_source_says_so(tmp_path):
    folder = folder_of(tmp_path / "own", ROW)
    path = folder / "mood.csv"
    path.write_text(path.read_text().replace(",source", ""))
    (problem,) = problems_of(folder)
    assert problem.line == 1
    assert problem.found.endswith("without source")


def test_a_table_that_a_spreadsheet_saved_is_read(tmp_path):
    folder = folder_of(tmp_path / "own", ROW, "")
    path = folder / "mood.csv"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    assert [fact.team for fact in read_published(folder)["mood"]] == ["Blue"]


def test_hostile_words_of_a_description_are_inert(tmp_path):
    hostile = DESCRIPTION.replace('"Mood"', '"<b> | =x"').replace("mean CCC", "[a](b)").replace("MoodNet", "a `b`")
    texts = build(tmp_path, [folder_of(tmp_path / "own", ROW.replace("mean CCC", "[a](b)"), description=hostile)])
    page = texts[tmp_path / "mood.md"]
    assert "# mood: \\<b> \\| =x\n\nData: a \\`b\\`. Score: \\[a](b)." in page
    assert "\\<b> \\| =x" in texts[tmp_path / "README.md"]
