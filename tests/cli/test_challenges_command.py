from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from abawbench.challenges import CHALLENGES, assumed_fields, get
from abawbench.cli import main


def run(*arguments: str):
    return CliRunner(env={"COLUMNS": "400"}).invoke(main, ["challenges", *arguments])


def test_the_list_has_a_line_for_every_record():
    lines = run().stdout.splitlines()
    assert [line.split()[0] for line in lines[1 : len(CHALLENGES) + 1]] == list(CHALLENGES)


def test_the_list_says_how_it_is_judged_and_how_much_is_assumed():
    line = next(line for line in run().stdout.splitlines() if line.startswith("abaw6-va "))
    assert {"va-ccc", "rows", "5", str(len(assumed_fields(get("abaw6-va"))))} <= set(line.split())


def test_an_unknown_count_of_submissions_is_a_question_mark():
    line = next(line for line in run().stdout.splitlines() if line.startswith("abaw4-mtl "))
    assert line.split()[-2] == "?"


def test_json_lists_every_record():
    records = json.loads(run("--json").stdout)["challenges"]
    assert [record["id"] for record in records] == list(CHALLENGES)
    assert records[0]["fingerprint"] == get("abaw1-va").fingerprint


def test_json_of_one_is_the_whole_record():
    record = json.loads(run("abaw11-ah", "--json").stdout)
    challenge = get("abaw11-ah")
    assert record["sizes"]["private test"]["rows"] == 152
    assert record["assumed"] == list(assumed_fields(challenge))
    assert record["sources"] == dict(challenge.sources)


@pytest.mark.parametrize("identifier", CHALLENGES)
def test_one_shows_formula_formats_rules_and_every_source(identifier):
    challenge = get(identifier)
    result = run(identifier)
    assert result.exit_code == 0
    words = " ".join(result.stdout.split())
    assert challenge.metric.formula in words
    assert challenge.fingerprint in words
    assert all(f"- {name}: " in words for name in challenge.sources)
    assert all(rule.text in words for rule in challenge.rules)
    assert all(f"- {data.name} ({data.source})" in words for data in challenge.forbidden_data)
    items = {name for name in ("rules", "forbidden_data", "notes", "baselines") if getattr(challenge, name)}
    sources = {source for name, source in challenge.sources.items() if name not in items}
    assert all(part in words for source in sources for part in source.partition("; ")[:1])


def test_what_is_assumed_is_marked_where_it_is_shown():
    shown = run("abaw8-ce").stdout
    assert "P = sum(F1_c) / 7 (assumed)" in shown
    assert "up to 5 per team (assumed)" in shown
    assert "it is not certain that this track was held (assumed: " in shown


def test_what_has_a_source_is_not_marked():
    assert "P = (CCC_valence + CCC_arousal) / 2\n" in run("abaw10-va").stdout


def test_formats_come_with_an_example():
    shown = run("abaw6-expr").stdout
    assert (
        "    image_location,Neutral,Anger,Disgust,Fear,Happiness,Sadness,Surprise,Other\n    video/00001.jpg,1\n"
        in shown
    )


def test_the_example_probabilities_add_to_exactly_one():
    examples = json.loads(run("abaw11-ah", "--json").stdout)["examples"]["prediction"]
    _, first, second, label = examples[0]["row"].split(",")
    assert float(first) + float(second) == 1.0
    assert label == "1"


def test_sizes_that_nobody_knows_are_not_shown_as_a_table_of_question_marks():
    assert "Sizes\nunknown\n" in run("abaw9-vd").stdout


def test_an_unknown_id_is_wrong_use_and_names_a_near_one():
    result = run("abaw4-mlt")
    assert result.exit_code == 2
    assert "abaw4-mtl" in result.stderr


def test_help_has_an_example():
    assert "abawbench challenges abaw4-mtl" in run("--help").stdout
