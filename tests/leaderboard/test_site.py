from __future__ import annotations

import csv
import hashlib
import io
import json
import re
import shutil
from pathlib import Path

import pytest

from abawbench import records
from abawbench.base.problems import ProblemError
from abawbench.challenges import get
from abawbench.leaderboard.build import check
from abawbench.leaderboard.evidence import Shelf, badges_of_entry, badges_of_record
from abawbench.leaderboard.site import LIST, build_site, changes, write_site
from tests.leaderboard.conftest import disclosed, made
from tests.leaderboard.test_build import FACTS

VA = get("abaw6-va")


@pytest.fixture
def root(tmp_path) -> Path:
    """The folder of a leaderboard with two facts and a record, beside a folder of entries."""
    root = tmp_path / "leaderboard"
    (root / "published").mkdir(parents=True)
    (root / "published" / "abaw6-va.csv").write_text(FACTS)
    records.write(made(VA), root / "records")
    return root


def board(root: Path) -> dict:
    return json.loads(build_site(root)["boards/abaw6-va.json"])


def reproduced(root: Path) -> dict:
    (row,) = [row for part in board(root)["sections"] for row in part["rows"] if row["record"]]
    return row


def write(root: Path) -> Path:
    write_site(*changes(root / "site", build_site(root)))
    return root / "site"


def test_the_same_folders_give_the_same_bytes(root):
    assert build_site(root) == build_site(root)


def test_the_list_names_every_other_file(root):
    files = build_site(root)
    assert set(json.loads(files[LIST])["files"]) == set(files) - {LIST}


def test_every_table_has_its_rows_as_csv_and_the_board_as_json(root):
    files = build_site(root)
    for part in board(root)["sections"]:
        lines = list(csv.DictReader(io.StringIO(files[f"boards/abaw6-va.{part['id']}.csv"].decode())))
        assert [line["team"] for line in lines] == [row["team"] for row in part["rows"] if row["kind"] != "control"]


def test_a_link_of_a_page_leads_to_a_file_of_the_site(root):
    files = build_site(root)
    for name, data in files.items():
        if name.endswith(".html"):
            for target in re.findall(r'href="([^"#:]+)[#"]', data.decode()):
                path = Path("/site", name).parent / target
                assert str(path.resolve().relative_to("/site")) in files, (name, target)


def test_every_table_of_the_challenges_measure_has_a_control(root):
    assert all(sum(row["control"] for row in part["rows"]) == 1 for part in board(root)["sections"])


def test_badges_follow_from_the_files_that_are_there(root):
    assert reproduced(root)["badges"] == ["scored here"]
    prediction = root / "predictions" / "abaw6-va" / "2026_team_method.validation.txt"
    prediction.parent.mkdir(parents=True)
    prediction.write_text("a prediction\n")
    assert reproduced(root)["badges"] == ["scored here"]
    digest = hashlib.sha256(prediction.read_bytes()).hexdigest()
    record = made(VA, prediction_sha256=digest)
    records.write(record, root / "records")
    records.write(record, root / "reruns")
    assert reproduced(root)["badges"] == ["scored here", "predictions given", "run again"]


def test_an_entry_with_all_its_weights_says_so_and_one_with_another_file_does_not(root):
    folder = root.parent / "submissions" / "2026_team_method"
    shutil.copytree(Path(__file__).parents[2] / "submissions" / "2026_abawbench_onnx", folder)
    weights = (folder / "tiny.onnx").read_bytes()
    text = (folder / "tiny.toml").read_text().replace("2026_abawbench_onnx-tiny", "2026_team_method")
    given = f'[settings]\nsha256 = ["{"0" * 64}", "{hashlib.sha256(weights).hexdigest()}"]'
    (folder / "entry.toml").write_text(text.replace("[settings]", given))
    assert badges_of_entry("2026_team_method", Shelf(root)) == ["entry given", "weights given"]
    (folder / "tiny.onnx").write_bytes(weights + b" ")
    assert badges_of_entry("2026_team_method", Shelf(root)) == ["entry given"]


def test_a_control_is_known_by_the_kind_of_its_entry(root):
    record = made(VA, entry="2026_abawbench_constant")
    assert badges_of_record(record, Shelf(root)) == ["scored here", "entry given", "control"]
    records.write(record, root / "records")
    (row,) = [row for part in board(root)["sections"] for row in part["rows"] if row["entry"] == record.entry]
    assert (row["control"], row["place"]) == (True, None)


def test_a_report_and_a_second_run_of_no_record_are_problems(root):
    for name in ("reports/abaw6-va/2026_other.test.html", "reruns/abaw6-va/2026_other.test.json"):
        (root / name).parent.mkdir(parents=True)
        (root / name).write_text("{}")
    with pytest.raises(ProblemError) as raised:
        build_site(root)
    assert [problem.rule for problem in raised.value.problems] == ["L03", "L03"]
    assert {"L03"} <= {problem.rule for problem in check(root)}


def test_the_report_of_a_record_is_copied_and_linked(root):
    report = root / "reports" / "abaw6-va" / "2026_team_method.validation.html"
    report.parent.mkdir(parents=True)
    report.write_bytes(b"<p>report</p>")
    files = build_site(root)
    assert files["reports/abaw6-va/2026_team_method.validation.html"] == b"<p>report</p>"
    assert b"../reports/abaw6-va/2026_team_method.validation.html" in files["entries/2026_team_method.html"]


def test_a_record_that_does_not_hold_together_leaves_the_old_pages(root):
    before = {path: path.read_bytes() for path in write(root).rglob("*") if path.is_file()}
    path = root / "records" / "abaw6-va" / "2026_team_method.validation.json"
    path.write_text(path.read_text().replace('"trials": 2', '"trials": 0'))
    with pytest.raises(ProblemError):
        write(root)
    assert {path: path.read_bytes() for path in (root / "site").rglob("*") if path.is_file()} == before


def test_pages_of_rows_that_are_gone_go_and_files_of_others_stay(root):
    site = write(root)
    (site / "mine.txt").write_text("mine")
    assert (site / "entries" / "2026_team_method.html").is_file()
    shutil.rmtree(root / "records")
    write(root)
    assert not (site / "entries" / "2026_team_method.html").exists()
    assert (site / "mine.txt").read_text() == "mine"


@pytest.mark.parametrize("listed", [None, "[]", '{"files": 3}'])
def test_a_folder_of_somebody_else_is_no_place_for_pages(root, listed):
    (root / "site").mkdir()
    (root / "site" / "thesis.txt").write_text("years of work")
    if listed is not None:
        (root / "site" / LIST).write_text(listed)
    with pytest.raises(ProblemError, match="F12"):
        write(root)


def test_a_list_that_names_files_elsewhere_deletes_nothing(root):
    (root / "site").mkdir()
    (root / "precious.txt").write_text("precious")
    (root / "site" / LIST).write_text(json.dumps({"files": ["../precious.txt", str(root / "precious.txt")]}))
    write(root)
    assert (root / "precious.txt").exists()


def test_a_cost_is_kept_in_the_record_and_on_the_board(root):
    cost = {"parameters": 70_000, "frames_per_second": 900.0, "machine": "one core"}
    record = made(VA, disclosure=disclosed(cost=records.Cost(**cost)))
    records.write(record, root / "records")
    assert reproduced(root)["cost"] == cost
    page = build_site(root)["boards/abaw6-va.html"].decode()
    assert "Score against weights" in page
    assert "2026_team_method: 70,000 weights" in page
    assert "2026_team_method: 900 frames a second on one core" in page


def test_a_record_without_a_cost_has_the_text_that_it_had_before(root):
    assert '"cost"' not in made(VA).to_text()


def test_a_speed_needs_a_machine():
    with pytest.raises(ValueError, match="needs a machine"):
        records.Cost(frames_per_second=900.0)
