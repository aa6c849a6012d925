from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np
import pytest

from abawbench import records
from abawbench.base.files import write_text
from abawbench.base.problems import ProblemError
from abawbench.challenges import get
from abawbench.leaderboard.build import ABOVE_BEGIN, ABOVE_END, BEGIN, END, build, check
from abawbench.leaderboard.collect import outdated
from abawbench.leaderboard.rows import from_record
from abawbench.scoring import score
from abawbench.scoring.intervals import Resampling
from abawbench.table import NO_FRAME, Table

COMMITTED = Path(__file__).parents[2] / "leaderboard"
FACTS = """\
kind,edition,challenge,dataset,split,rank,team,method,metric_name,figure,value,note,source
claimed,ABAW6,VA,Aff-Wild2,val,,some team,,mean of CCC valence and CCC arousal,score,0.5,,a paper
claimed,ABAW6,VA,Aff-Wild2,val,,some team,,mean of CCC valence and CCC arousal,ccc_v,0.4,,a paper
claimed,ABAW6,VA,Aff-Wild2,val,,some team,,mean of CCC valence and CCC arousal,ccc_a,0.6,,a paper
organiser,ABAW6,VA,Aff-Wild2,val,1,other team,,mean of CCC valence and CCC arousal,score,0.4,reprinted,a paper
"""


@pytest.fixture
def board(tmp_path, va_record) -> Path:
    """A leaderboard of two facts and one record, without tables."""
    (tmp_path / "published").mkdir()
    (tmp_path / "published" / "abaw6-va.csv").write_text(FACTS)
    records.write(va_record(), tmp_path / "records")
    return tmp_path


def built(root: Path) -> Path:
    for path, text in build(root).items():
        write_text(path, text)
    return root


def page(root: Path) -> str:
    return build(root)[root / "abaw6-va.md"]


def test_committed_tables_are_what_build_writes():
    assert check(COMMITTED) == ()


def test_a_board_has_three_tables_for_each_challenge_with_a_row_and_an_index(board):
    assert {path.name for path in build(board)} == {"abaw6-va.md", "abaw6-va.csv", "abaw6-va.tex", "README.md"}


def test_the_three_kinds_of_rows_are_told_apart(board):
    (facts,) = [text for path, text in build(board).items() if path.suffix == ".csv"]
    kinds = {line["team"] or line["method"]: line["kind"] for line in csv.DictReader(io.StringIO(facts))}
    assert kinds == {"some team": "claimed", "other team": "organiser", "2026_team_method": "reproduced"}


def test_a_record_shows_its_interval(board, va_record):
    record = va_record()
    assert record.score is not None
    assert record.intervals.score.jackknife is not None
    low, high = record.intervals.score.jackknife
    assert f"| {record.score:.3f} [{low:.3f}, {high:.3f}] |" in page(board)


def test_a_record_carries_every_digit_into_the_csv(board, va_record):
    text = build(board)[board / "abaw6-va.csv"]
    line = next(line for line in csv.DictReader(io.StringIO(text)) if line["kind"] == "reproduced")
    record = va_record()
    assert float(line["score"]) == record.score
    assert (float(line["score_low"]), float(line["score_high"])) == record.intervals.score.jackknife
    assert float(line["ccc_v"]) == record.metrics["ccc_valence"]


def test_a_record_discloses_what_it_was_made_from(board):
    assert "trained on some data; validation used for early stopping; thresholds from none; trials 2" in page(board)


def test_a_record_is_one_step_away_from_its_row(board):
    path = "records/abaw6-va/2026_team_method.validation.json"
    assert f"[{path}]({path}), truth 00000000" in page(board)


def test_a_record_repeats_what_the_scorer_remarked(board, va_record):
    record = va_record().model_copy(update={"flags": ["valence: prediction constant"]})
    records.write(record, board / "records")
    assert "; valence: prediction constant\n" in page(board)


def test_a_record_on_other_data_stands_apart(board, va_record):
    records.write(va_record(dataset="London faces"), board / "records")
    assert "## Validation, other data: London faces" in page(board)


def test_a_record_on_fewer_rows_than_the_split_stands_apart_whatever_it_is_named(board, va_record):
    records.write(va_record(rows=120, entry="fewer"), board / "records")
    text = page(board)
    assert f"## Validation, other data: {get('abaw6-va').dataset}, 120 rows" in text
    assert "truth has 120 rows, the validation split of abaw6-va 150: other data" in text
    own = text.split("## Validation, other data")[0].split("## Validation")[1]
    assert "2026_team_method" in own
    assert "fewer" not in own


def test_the_index_shows_no_score_of_another_size(board, va_record):
    (board / "records" / "abaw6-va" / "2026_team_method.validation.json").unlink()
    records.write(va_record(rows=120), board / "records")
    assert index_line(board) == ["1", "1", "1", "", ""]


def test_a_record_of_a_split_of_unknown_size_stays_on_the_board_and_says_so(board, va_record):
    records.write(va_record(split="train"), board / "records")
    text = page(board)
    assert "## Training\n" in text
    assert "the size of the train split of abaw6-va is not known" in text


@pytest.mark.parametrize(
    ("videos", "said"), [(525, ""), (152, "private test split"), (300, "300 rows, the test split")]
)
def test_the_part_of_a_test_set_and_other_data_are_told_in_the_note(va_record, videos, said):
    challenge = get("abaw10-ah")
    names = tuple(f"Videos/{number}" for number in range(videos))
    row, values = np.arange(videos, dtype=np.int32), {"ambivalence": (np.arange(videos) % 2).astype(np.int8)}
    table = Table(names, row, np.full(videos, NO_FRAME, np.int32), values)
    result = score(challenge, table, table, resampling=Resampling(100))
    provenance = {name: getattr(va_record(), name) for name in ("entry", "truth_sha256", "prediction_sha256")}
    made = records.make(
        result,
        records.Provenance(
            **provenance, split="test", dataset="BAH", date="2026-01-31", disclosure=va_record().disclosure
        ),
    )
    row_made = from_record(made, challenge)
    assert bool(row_made.group) == (videos == 300)
    assert said in row_made.note
    assert ("of abaw10-ah" in row_made.note) == bool(said)


def test_a_record_on_synthetic_truth_stands_apart(board, va_record):
    records.write(va_record(synthetic_truth=True, entry="generated"), board / "records")
    assert f"## Validation, other data: {get('abaw6-va').dataset}" in page(board)
    assert "- n3: synthetic truth; trained on" in page(board)


def test_a_record_trained_on_what_it_is_scored_on_says_so_first(board, va_record):
    records.write(va_record(trained_on=["video 1", "video 3", "video 99"]), board / "records")
    assert ": trained on 2 of the 5 scored videos; trained on video 1, video 3, video 99;" in page(board)


def test_the_same_facts_make_the_same_bytes(board):
    assert build(board) == build(board)


def test_a_freshly_built_board_is_not_stale(board):
    assert check(built(board)) == ()


def test_building_twice_changes_nothing(board):
    first = build(built(board))
    assert build(built(board)) == first


@pytest.mark.parametrize("name", ["abaw6-va.md", "abaw6-va.csv", "abaw6-va.tex", "README.md"])
def test_a_stale_table_is_named_with_its_first_other_line(board, name):
    lines = (built(board) / name).read_text().split("\n")
    place = next(number for number, line in enumerate(lines) if "0." in line)
    lines[place] = lines[place].replace("0.", "9.")
    (board / name).write_text("\n".join(lines))
    (problem,) = check(board)
    assert (problem.rule, problem.file, problem.line) == ("L01", str(board / name), place + 1)


def test_a_stale_line_is_shown_where_it_differs(board):
    path = built(board) / "abaw6-va.md"
    path.write_text(path.read_text().replace("the measure's own scale", "the measure's old scale"))
    (problem,) = check(board)
    assert "measure's old scale" in problem.found
    assert "measure's own scale" in problem.expected


def test_a_cut_off_table_is_stale(board):
    path = built(board) / "abaw6-va.csv"
    path.write_text(path.read_text()[:-1])
    assert [problem.rule for problem in check(board)] == ["L01"]


def test_a_new_fact_makes_the_tables_stale(board):
    with (built(board) / "published" / "abaw6-va.csv").open("a") as file:
        file.write(FACTS.split("\n")[1].replace("some team", "third team") + "\n")
    assert {Path(str(problem.file)).suffix for problem in check(board)} == {".md", ".csv", ".tex"}


def test_a_missing_table_is_named(board):
    (built(board) / "abaw6-va.tex").unlink()
    assert [(problem.rule, problem.found) for problem in check(board)] == [("L01", "no such file")]


def test_a_table_without_rows_is_named(board):
    (built(board) / "abaw6-au.md").write_text("by hand\n")
    assert [(problem.rule, Path(str(problem.file)).name) for problem in check(board)] == [("L01", "abaw6-au.md")]


def test_the_text_round_the_index_stays(board):
    (board / "README.md").write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    text = build(board)[board / "README.md"]
    assert text.startswith(f"before\n{BEGIN}\n\n| challenge")
    assert text.endswith(f"\n{END}\nafter\n")


def index_line(root: Path) -> list[str]:
    line = next(line for line in build(root)[root / "README.md"].split("\n") if "abaw6-va" in line)
    return [cell.strip() for cell in line.split("|")][3:8]


def test_the_index_shows_the_highest_score_of_the_organisers_on_the_test_set(board):
    row = FACTS.split("\n")[4].replace("val,", "test,")
    with (board / "published" / "abaw6-va.csv").open("a") as file:
        for score, metric in (("0.31", "mean of CCC valence and CCC arousal"), ("0.9", "F1")):
            file.write(row.replace("0.4", score).replace("mean of CCC valence and CCC arousal", metric) + "\n")
        file.write(row.replace("organiser", "claimed").replace("0.4", "0.8") + "\n")
    assert index_line(board)[:4] == ["3", "2", "1", "0.31"]


def test_the_index_shows_no_score_under_another_measure(board):
    row = FACTS.split("\n")[4].replace("val,", "test,").replace("mean of CCC valence and CCC arousal", "F1")
    with (board / "published" / "abaw6-va.csv").open("a") as file:
        file.write(row + "\n")
    assert index_line(board)[:4] == ["2", "1", "1", ""]


def test_the_index_shows_the_highest_reproduced_score_on_the_validation_set(board, va_record):
    records.write(va_record(split="train", entry="another"), board / "records")
    records.write(va_record(dataset="London faces", entry="third"), board / "records")
    row = next(line for line in page(board).split("\n") if "| 2026_team_method" in line)
    figure = row.split("|")[1].strip()
    assert index_line(board) == ["1", "1", "3", "", figure]


def test_an_index_without_its_markers_is_a_problem(board):
    (board / "README.md").write_text("by hand\n")
    with pytest.raises(ProblemError) as caught:
        build(board)
    assert caught.value.problems[0].rule == "L01"


def test_a_wrong_fact_stops_the_build(board):
    path = board / "published" / "abaw6-va.csv"
    path.write_text(path.read_text().replace("0.5", "50"))
    with pytest.raises(ProblemError) as caught:
        build(board)
    assert {problem.rule for problem in caught.value.problems} == {"L02"}


def test_a_record_that_does_not_hold_together_stops_the_build(board, va_record):
    records.write(va_record().model_copy(update={"score": 0.99}), board / "records")
    with pytest.raises(ProblemError) as caught:
        build(board)
    assert {problem.rule for problem in caught.value.problems} == {"R01"}


def test_a_record_of_an_earlier_definition_is_left_out_and_told(board, va_record):
    records.write(va_record(entry="earlier").model_copy(update={"fingerprint": "0" * 16}), board / "records")
    assert "earlier" not in page(board)
    assert "2026_team_method" in page(board)
    (problem,) = outdated(board)
    assert (problem.rule, Path(str(problem.file)).name) == ("R02", "earlier.validation.json")
    assert check(built(board)) == (problem,)


def test_a_score_that_does_not_follow_from_its_own_terms_is_refused_by_check(board, va_record):
    built(board)
    record = va_record()
    assert record.score is not None
    records.write(record.model_copy(update={"score": record.score + 0.001}), board / "records")
    with pytest.raises(ProblemError) as caught:
        check(board)
    assert [problem.rule for problem in caught.value.problems] == ["R01"]


def test_a_second_record_of_an_entry_on_a_split_is_refused_by_its_path(board, va_record):
    path = records.write(va_record(), board / "records")
    (path.parent / "copy.json").write_bytes(path.read_bytes())
    with pytest.raises(ProblemError) as caught:
        build(board)
    (problem,) = caught.value.problems
    assert (problem.rule, Path(str(problem.file)).name) == ("R01", "copy.json")
    assert "2026_team_method.validation.json" in problem.expected


HOSTILE = "x <script>alert(1)</script> | [y](javascript:z) `c` $d$ \u202eb\rc"


def test_the_name_of_data_is_inert_in_every_table(board, va_record):
    records.write(va_record(dataset=f"{HOSTILE} z", entry="other"), board / "records")
    texts = build(board)
    for name in ("abaw6-va.md", "abaw6-va.csv", "abaw6-va.tex"):
        text = texts[board / name]
        assert not {"\u202e", "\r"} & set(text)
    lines = texts[board / "abaw6-va.md"].split("\n")
    (heading,) = [line for line in lines if "other data" in line]
    assert heading.startswith("## Validation, other data: x \\<script>")
    assert "\\[y]" in heading
    assert "\\`c\\`" in heading


def test_a_source_that_poses_as_a_record_outside_the_records_is_no_link(board):
    with (board / "published" / "abaw6-va.csv").open("a") as file:
        for source in ("records/../../x.json", "records/a](javascript:x).json"):
            file.write(FACTS.split("\n")[1].replace("a paper", source) + "\n")
    assert "](records/.." not in page(board)
    assert ": records/a](javascript:x).json\n" in page(board)


def test_the_readme_above_gets_the_newest_boards_between_its_markers(tmp_path, va_record):
    root, above = tmp_path / "board", tmp_path / "README.md"
    (root / "published").mkdir(parents=True)
    for edition in ("5", "6"):
        text = FACTS.replace("ABAW6", f"ABAW{edition}").replace(",val,1,other", ",test,1,other")
        (root / "published" / f"abaw{edition}-va.csv").write_text(text)
    above.write_text(f"before\n{ABOVE_BEGIN}\nold\n{ABOVE_END}\nafter\n")
    built(root)
    text = above.read_text()
    assert text.startswith("before\n")
    assert text.endswith("\nafter\n")
    assert "[abaw6-va](board/abaw6-va.md)" in text
    assert "| 0.4 " in text
    assert "abaw5-va" not in text
    assert check(root) == ()
    above.write_text(text.replace("| 0.4 ", "| 0.9 "))
    assert [problem.rule for problem in check(root)] == ["L01"]


def test_a_readme_above_without_markers_is_left_alone(board):
    (board.parent / "README.md").write_text("mine\n")
    assert board.parent / "README.md" not in build(board)
