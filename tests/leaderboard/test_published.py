from __future__ import annotations

import csv
import hashlib
import io
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from abawbench.base.problems import ProblemError
from abawbench.challenges import CHALLENGES
from abawbench.leaderboard.columns import MEASURES
from abawbench.leaderboard.published import HEADER, Fact, read_published

FOLDER = Path(__file__).parents[2] / "leaderboard" / "published"
GOOD = {
    "kind": "claimed",
    "edition": "ABAW5",
    "challenge": "VA",
    "dataset": "Aff-Wild2",
    "split": "val",
    "rank": "2",
    "team": "team",
    "method": "",
    "metric_name": "mean of CCC valence and CCC arousal",
    "figure": "score",
    "value": "0.5",
    "note": "",
    "source": "arXiv:0000.00000",
}


def written(folder: Path, *rows: dict[str, str], name: str = "abaw5-va.csv") -> Path:
    with (folder / name).open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(HEADER)
        writer.writerows(row.values() for row in rows)
    return folder


def problems_of(folder: Path):
    with pytest.raises(ProblemError) as caught:
        read_published(folder)
    return caught.value.problems


def test_every_committed_row_keeps_the_schema():
    facts = read_published(FOLDER)
    assert set(facts) - set(CHALLENGES) == {"other"}


def wide(fact: Fact) -> str:
    """The fact as one line with a cell for each figure, which is how the survey was written down first."""
    figures = [fact.figures.get(name, "") for name in ("score", "ccc_v", "ccc_a", "ccc_va", "f1_expr", "f1_au")]
    about = [fact.edition, fact.challenge, fact.dataset, fact.split.replace("validation", "val"), fact.rank, fact.team]
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow(
        [*about, fact.method, *figures, fact.metric_name, fact.note, fact.source]
    )
    return line.getvalue()


def test_no_committed_fact_is_lost_or_changed():
    lines = sorted(wide(fact) for facts in read_published(FOLDER).values() for fact in facts)
    digest = hashlib.sha256("".join(lines).encode()).hexdigest()
    # the survey of editions 1 to 11 was (525, "6ed2b795..."); then the four rows of the private A/H
    # board of the 10th edition gave way to its six with four decimals (527, "21b1c5af..."); then the tables of
    # FERSNet came, and the figures on RAF-DB's compounds got their own file
    assert (len(lines), digest) == (558, "e5dd25f8c5d20a75bdd85b60e120a6f527b8fad46276fd8a9e60f87a516297cd")


def test_every_measure_is_some_metric_of_the_catalogue_or_stands_apart():
    metrics = {challenge.metric.id for challenge in CHALLENGES.values()}
    assert set().union(*(measure.same_as for measure in MEASURES.values())) <= metrics


def test_facts_of_a_protocol_outside_the_editions_stand_under_its_id(tmp_path):
    row = GOOD | {"edition": "non-ABAW", "challenge": "ck-plus-expression", "split": "test", "metric_name": "accuracy"}
    (fact,) = read_published(written(tmp_path, row, name="ck-plus-expression.csv"))["ck-plus-expression"]
    assert fact.place == "ck-plus-expression"
    (tmp_path / "ck-plus-expression.csv").unlink()
    with pytest.raises(ProblemError) as caught:
        read_published(written(tmp_path, row, name="other.csv"))
    assert "the file ck-plus-expression.csv" in caught.value.problems[0].expected


def test_numbers_stay_the_text_of_the_source(tmp_path):
    rows = (GOOD, GOOD | {"figure": "ccc_a", "value": "0.60"})
    (fact,) = read_published(written(tmp_path, *rows))["abaw5-va"]
    assert fact.figures == {"score": "0.5", "ccc_a": "0.60"}


def test_rows_that_differ_in_the_figure_alone_are_one_fact(tmp_path):
    rows = [GOOD | {"figure": name} for name in ("score", "ccc_v", "ccc_a")]
    facts = read_published(written(tmp_path, *rows, rows[0] | {"note": "another fold"}, rows[1]))["abaw5-va"]
    assert [len(fact.figures) for fact in facts] == [3, 1, 1]


def test_the_same_figure_again_begins_another_fact(tmp_path):
    facts = read_published(written(tmp_path, GOOD, GOOD | {"value": "0.6"}))["abaw5-va"]
    assert [fact.figures["score"] for fact in facts] == ["0.5", "0.6"]


def test_a_fact_may_have_no_figure(tmp_path):
    bare = GOOD | {"figure": "", "value": ""}
    facts = read_published(written(tmp_path, bare, bare, GOOD, bare))["abaw5-va"]
    assert [len(fact.figures) for fact in facts] == [0, 0, 1, 0]


def test_a_figure_of_no_column_is_answered_with_near_ones(tmp_path):
    (problem,) = problems_of(written(tmp_path, GOOD, GOOD | {"figure": "ccc_vl"}))
    assert (problem.rule, problem.line) == ("L02", 3)
    assert "ccc_v" in problem.expected


def test_an_unknown_measure_is_answered_with_near_ones(tmp_path):
    (problem,) = problems_of(written(tmp_path, GOOD | {"metric_name": "mean of CCC valence and arousal"}))
    assert GOOD["metric_name"] in problem.expected


def test_a_split_is_spelt_out(tmp_path):
    (fact,) = read_published(written(tmp_path, GOOD))["abaw5-va"]
    assert fact.split == "validation"


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("split", "dev"),
        ("rank", "0"),
        ("rank", "first"),
        ("kind", ""),
        ("kind", "rebuilt"),
        ("value", "nan"),
        ("value", "inf"),
        ("value", "50.0"),
        ("value", ""),
        ("figure", ""),
        ("figure", "ccc"),
        ("metric_name", "some measure"),
        ("source", ""),
        ("team", ""),
        ("team", " blank before"),
        ("edition", "ABAW6"),
        ("edition", "non-ABAW"),
    ],
)
def test_a_wrong_value_is_refused_with_file_and_line(tmp_path, column, value):
    folder = written(tmp_path, GOOD, GOOD | {column: value})
    (problem,) = problems_of(folder)
    assert (problem.rule, problem.file, problem.line) == ("L02", str(folder / "abaw5-va.csv"), 3)


@pytest.mark.parametrize(("figure", "value"), [("ccc_v", "-1.2"), ("f1_au", "-0.1")])
def test_a_figure_keeps_the_range_of_its_column(tmp_path, figure, value):
    (problem,) = problems_of(written(tmp_path, GOOD, GOOD | {"figure": figure, "value": value}))
    assert (problem.rule, problem.line) == ("L02", 3)


def test_all_problems_come_at_once(tmp_path):
    written(tmp_path, GOOD | {"rank": "x"}, GOOD, GOOD | {"value": "2"})
    written(tmp_path, GOOD | {"edition": "ABAW6", "source": ""}, name="abaw6-va.csv")
    assert [(Path(str(problem.file)).stem, problem.line) for problem in problems_of(tmp_path)] == [
        ("abaw5-va", 2),
        ("abaw5-va", 4),
        ("abaw6-va", 2),
    ]


def test_a_file_of_no_challenge_is_refused(tmp_path):
    assert "abaw99-va.csv" in problems_of(written(tmp_path, name="abaw99-va.csv"))[0].found


def test_a_row_with_a_column_too_few_is_refused(tmp_path):
    written(tmp_path, GOOD)
    with (tmp_path / "abaw5-va.csv").open("a") as file:
        file.write("ABAW5,VA\n")
    assert [(problem.found, problem.line) for problem in problems_of(tmp_path)] == [("2 columns", 3)]


def test_another_header_is_refused(tmp_path):
    (tmp_path / "abaw5-va.csv").write_text("team,score\nx,0.5\n")
    assert problems_of(tmp_path)[0].line == 1


def test_bytes_that_are_no_text_are_refused(tmp_path):
    (tmp_path / "abaw5-va.csv").write_bytes(b"\xff\xfe")
    assert problems_of(tmp_path)[0].rule == "L02"


@settings(max_examples=100, deadline=None)
@given(data=st.binary(max_size=60), has_header=st.booleans())
def test_any_bytes_are_facts_or_a_problem(tmp_path_factory, data, has_header):
    folder = tmp_path_factory.mktemp("published")
    (folder / "abaw5-va.csv").write_bytes(f"{','.join(HEADER)}\n".encode() * has_header + data)
    rules: set[str] = set()
    facts = ()
    try:
        facts = read_published(folder)["abaw5-va"]
    except ProblemError as error:
        rules = {problem.rule for problem in error.problems}
    assert rules <= {"L02"}
    assert has_header or rules
    assert not facts


def test_organisers_tables_are_told_from_claims():
    facts = [fact for found in read_published(FOLDER).values() for fact in found]
    organisers = [fact for fact in facts if fact.kind == "organiser"]
    # 141 rows of the 2nd edition, 38 of the 5th, 2 of the 6th, 24 of the 10th
    counts = {
        edition: sum(fact.edition == edition for fact in organisers) for edition in {f.edition for f in organisers}
    }
    assert counts == {"ABAW2": 141, "ABAW5": 38, "ABAW6": 2, "ABAW10": 24}
