from __future__ import annotations

import csv
import hashlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from abawbench.base.problems import ProblemError
from abawbench.challenges import CHALLENGES
from abawbench.leaderboard.measures import MEASURES
from abawbench.leaderboard.published import HEADER, read_published
from abawbench.leaderboard.rows import kind_of

FOLDER = Path(__file__).parents[2] / "leaderboard" / "published"
GOOD = {
    "edition": "ABAW5",
    "challenge": "VA",
    "dataset": "Aff-Wild2",
    "split": "val",
    "rank": "2",
    "team": "team",
    "method": "",
    "score": "0.5",
    "ccc_v": "0.4",
    "ccc_a": "0.60",
    "ccc_va": "",
    "f1_expr": "",
    "f1_au": "",
    "metric_name": "mean of CCC valence and CCC arousal",
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


def test_no_committed_row_is_lost_or_changed():
    lines = [
        line for path in FOLDER.glob("*.csv") for line in path.read_text(encoding="utf-8").rstrip("\n").split("\n")[1:]
    ]
    digest = hashlib.sha256("".join(f"{line}\n" for line in sorted(lines)).encode()).hexdigest()
    # first value: the survey of results of editions 1 to 11
    assert (len(lines), digest) == (525, "6ed2b7954472c56f43f8a3c6bd2e574e0579f89e91937fed92406a6f903519fa")


def test_every_measure_is_some_metric_of_the_catalogue_or_stands_apart():
    metrics = {challenge.metric.id for challenge in CHALLENGES.values()}
    assert set().union(*(measure.same_as for measure in MEASURES.values())) <= metrics


def test_numbers_stay_the_text_of_the_source(tmp_path):
    (fact,) = read_published(written(tmp_path, GOOD))["abaw5-va"]
    assert (fact.score, fact.ccc_a, fact.ccc_va) == ("0.5", "0.60", "")


def test_a_split_is_spelt_out(tmp_path):
    (fact,) = read_published(written(tmp_path, GOOD))["abaw5-va"]
    assert fact.split == "validation"


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("split", "dev"),
        ("rank", "0"),
        ("rank", "first"),
        ("score", "nan"),
        ("score", "inf"),
        ("score", "50.0"),
        ("ccc_v", "-1.2"),
        ("f1_au", "-0.1"),
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


def test_all_problems_come_at_once(tmp_path):
    written(tmp_path, GOOD | {"rank": "x"}, GOOD, GOOD | {"score": "2"})
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
    organisers = [fact for fact in facts if kind_of(fact) == "organiser"]
    # 141 rows of the 2nd edition, 38 of the 5th, 2 of the 6th, 22 of the 10th
    counts = {
        edition: sum(fact.edition == edition for fact in organisers) for edition in {f.edition for f in organisers}
    }
    assert counts == {"ABAW2": 141, "ABAW5": 38, "ABAW6": 2, "ABAW10": 22}
