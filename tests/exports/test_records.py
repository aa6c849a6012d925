"""Exports of records, read back by the readers of the other projects."""

from __future__ import annotations

import json
import math
import re
import uuid
from pathlib import Path

import jsonschema
import pytest
import yaml
from click.testing import CliRunner
from huggingface_hub import ModelCard, parse_eval_result_entries
from hypothesis import given
from hypothesis import strategies as st

from abawbench.base.problems import ProblemError
from abawbench.cli import main
from abawbench.exports.eval_results import eval_results
from abawbench.exports.every_eval_ever import every_eval_ever
from abawbench.exports.figures import figures_of
from abawbench.exports.formats import FORMATS, export_record
from abawbench.exports.model_card import Subject, model_card, subject_of_record
from abawbench.exports.yaml_text import to_yaml
from abawbench.records import Interval, Record, read
from abawbench.scoring.intervals import quoted

ROOT = Path(__file__).parents[2] / "leaderboard" / "records"
PATHS = sorted(ROOT.rglob("*.json"))
SCHEMA = json.loads((Path(__file__).parent / "every_eval_ever" / "eval.schema.json").read_text())


@pytest.fixture(scope="module")
def record() -> Record:
    return read(PATHS[0])


def without(record: Record, **changes) -> Record:
    return record.model_copy(update=changes)


def leaves(tree, above=()):
    for name, value in tree.items():
        if isinstance(value, dict):
            yield from leaves(value, (*above, name))
        elif value is not None:
            yield (*above, name), value


def exported(record: Record):
    ((path, data),) = every_eval_ever(record, "A laboratory", "first_party").items()
    return path, json.loads(data)


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_every_record_has_each_of_its_figures_within_its_range_and_with_the_interval_to_quote(path):
    record = read(path)
    found = {figure.path: figure for figure in figures_of(record)}
    content = record.model_dump()
    known = dict(leaves({name: content[name] for name in ("score", "terms", "metrics")}))
    assert {path: figure.value for path, figure in found.items()} == known
    assert all(figure.low <= figure.value <= figure.high for figure in found.values())
    if record.score is not None:
        assert found["score",].interval == quoted(record.intervals.score.model_dump(exclude_unset=True))


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_every_record_fits_the_schema_of_every_eval_ever(path):
    record = read(path)
    place, content = exported(record)
    jsonschema.validate(content, SCHEMA)
    assert content["schema_version"] == SCHEMA["version"]
    *folders, name = place.split("/")
    assert folders == ["data", record.challenge, "abawbench", record.entry]
    assert content["model_info"]["id"] == "/".join(folders[2:])
    assert uuid.UUID(name.removesuffix(".json")).version == 4
    ids = [result["evaluation_result_id"] for result in content["evaluation_results"]]
    assert len(set(ids)) == len(ids)
    for result in content["evaluation_results"]:
        bounds, score = result["metric_config"], result["score_details"]["score"]
        assert bounds["min_score"] <= score <= bounds["max_score"]


def test_the_same_record_gives_the_same_file_and_another_one_another(record):
    assert every_eval_ever(record, "me", "other") == every_eval_ever(record, "me", "other")
    assert exported(record)[0] != exported(without(record, truth_sha256="0" * 64))[0]


def test_what_the_writer_disclosed_goes_with_the_score(record):
    details = exported(record)[1]["model_info"]["additional_details"]
    assert details["synthetic_truth"] == "true"
    assert json.loads(details["trained_on"]) == record.disclosure.trained_on


def test_figures_without_a_value_are_left_out(record):
    terms = {**record.terms, "va": None}
    changed = without(record, score=None, terms=terms)
    paths = {figure.path for figure in figures_of(changed)}
    assert not {("score",), ("terms", "va")} & paths
    jsonschema.validate(exported(changed)[1], SCHEMA)


def with_interval_of_score(record: Record, **bounds) -> Record:
    """The record with other bounds of its score, and nothing of kinds that are not given."""
    intervals = record.intervals.model_copy(update={"score": Interval(**bounds)})
    return without(record, intervals=intervals)


def test_a_record_of_before_there_was_a_kind_of_interval_quotes_another(record):
    old = with_interval_of_score(record, bca=(1.0, 2.0), percentile=None)
    assert figures_of(old)[0].interval == ("BCa", (1.0, 2.0))


@pytest.mark.parametrize(("kind", "method"), [("jackknife", "jackknife over "), ("bca", "BCa bootstrap over ")])
def test_only_a_bootstrap_interval_is_called_one_and_has_resamples(record, kind, method):
    one = with_interval_of_score(record, **{"bca": None, "percentile": None, kind: (0.0, 2.0)})
    uncertainty = exported(one)[1]["evaluation_results"][0]["score_details"]["uncertainty"]
    assert uncertainty["confidence_interval"]["method"] == f"{method}{record.intervals.unit}s"
    assert ("num_bootstrap_samples" in uncertainty) == (kind == "bca")


def test_a_figure_without_an_interval_has_no_uncertainty(record):
    bare = with_interval_of_score(record, bca=None, percentile=None, jackknife=None)
    assert "uncertainty" not in exported(bare)[1]["evaluation_results"][0]["score_details"]
    card = model_card(subject_of_record(record), [bare])
    assert re.search(r"^\| score \| [\d.]+ \| none \|$", card, re.MULTILINE)


def test_an_entry_that_names_no_team_and_an_unknown_relationship_are_refused(record):
    with pytest.raises(ProblemError, match="whose model"):
        every_eval_ever(without(record, entry="baseline"), "me", "first_party")
    with pytest.raises(ProblemError, match="did you mean first_party"):
        every_eval_ever(record, "me", "first-party")


def test_the_hub_reads_the_score_of_its_own_format(record):
    ((path, data),) = eval_results(record, "me/bench").items()
    (entry,) = parse_eval_result_entries(yaml.safe_load(data))
    assert path == f".eval_results/{record.challenge}.{record.split}.yaml"
    assert (entry.dataset_id, entry.task_id, entry.value) == ("me/bench", record.challenge, record.score)
    assert str(entry.date).startswith(record.date.isoformat())
    assert "the truth is generated, not annotated" in str(entry.notes)
    assert "95 % interval" in str(entry.notes)


def test_a_data_set_without_an_owner_and_a_record_without_a_score_are_refused(record):
    with pytest.raises(ProblemError, match="owner/name"):
        eval_results(record, "bench")
    with pytest.raises(ProblemError, match="without a score"):
        eval_results(without(record, score=None), "me/bench")


def test_the_hub_reads_the_head_of_a_model_card(record):
    card = ModelCard(model_card(subject_of_record(record), [record]))
    assert card.data.license == "apache-2.0"
    assert card.data.model_name == record.entry
    values = {result.metric_name: result.metric_value for result in card.data.eval_results}
    assert values["score"] == record.score
    assert values["terms.va"] == record.terms["va"]
    told = card.data.eval_results[0].metric_args
    (low, high), kind = told["interval"], told["kind"]
    assert (kind, (low, high)) == figures_of(record)[0].interval
    assert f"| score | {record.score:.4f} | {low:.4f} to {high:.4f} ({kind}) |" in card.text
    assert card.data.eval_results[0].dataset_args["synthetic_truth"] is True
    assert "says nothing about real faces" in card.text


def test_an_unusual_licence_is_named_below_and_two_licences_are_not_one():
    for licences in (("terms of Aff-Wild2",), ("MIT", "Apache-2.0")):
        card = ModelCard(model_card(Subject("n", "t", licences, ())))
        assert card.data.license == "other"
        assert f"- Licence: {', '.join(licences)}" in card.text
    assert "license" not in ModelCard(model_card(Subject("n", "t", (), ()))).data.to_dict()


def test_what_others_wrote_is_shown_as_it_is():
    card = model_card(Subject("n", "<script>*x*\n# y", ("MIT",), ("a|b",), notes=("[l](http://x)",)))
    assert r"# \<script\>\*x\* \# y" in card
    assert r"a\|b" in card
    assert r"\[l\](http://x)" in card


NUMBERS = st.floats(allow_nan=False, allow_infinity=False) | st.integers()
SCALARS = st.none() | st.booleans() | NUMBERS | st.text()
KEYS = st.from_regex(r"[a-z][a-z_-]{0,9}[a-z]", fullmatch=True).filter(
    lambda key: key not in {"no", "on", "yes", "off", "null", "true", "false"}
)
TREES = st.recursive(SCALARS, lambda part: st.lists(part, max_size=3) | st.dictionaries(KEYS, part, max_size=3))


@given(st.dictionaries(KEYS, TREES, max_size=4) | st.lists(TREES, max_size=4))
def test_yaml_reads_back_as_it_was_written(tree):
    assert yaml.safe_load(to_yaml(tree)) == tree


def test_numbers_of_yaml_are_numbers():
    for number in (1e-07, 1e300, -2.5e-10, 0.1, 3):
        assert math.isclose(yaml.safe_load(to_yaml([number]))[0], number)


@pytest.mark.parametrize("form", FORMATS)
def test_the_command_writes_each_format_once_and_leaves_other_files_alone(form, tmp_path):
    needed = {
        "every-eval-ever": ["--evaluator", "me", "--relationship", "first_party"],
        "eval-results": ["--dataset", "me/bench"],
        "model-card": [],
    }
    words = ["leaderboard", "export", str(PATHS[0]), "--format", form, "-o", str(tmp_path / "out"), *needed[form]]
    first, again = (CliRunner().invoke(main, [*words, "--json"]) for _ in range(2))
    assert (first.exit_code, again.stdout) == (0, first.stdout)
    (path,) = (Path(name) for name in json.loads(first.stdout)["files"])
    assert [each for each in (tmp_path / "out").rglob("*") if each.is_file()] == [path]
    path.write_text("mine")
    refused = CliRunner().invoke(main, words)
    assert refused.exit_code == 1
    assert "something else is there already" in refused.output
    assert path.read_text() == "mine"


def test_what_a_format_needs_is_asked_for_and_what_it_does_not_take_is_refused(record):
    with pytest.raises(ProblemError, match="without --evaluator and --relationship"):
        export_record(record, "every-eval-ever")
    with pytest.raises(ProblemError, match="with --dataset"):
        export_record(record, "model-card", dataset="me/bench")
