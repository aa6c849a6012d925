from __future__ import annotations

import copy
import pickle
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import FrozenInstanceError, fields
from typing import Any

import pytest

from abawbench.base.problems import ProblemError
from abawbench.challenges import CHALLENGES, Categorical, Challenge, Continuous, MultiLabel, Size, assumed_fields, get
from abawbench.formats.layout import layouts

# a second entry of the facts: metric, annotation, list and prediction format, submissions, test units, test rows
FACTS = {
    "abaw1-va": ("va-ccc", "unit-txt", "units", "unit-txt", None, 139, None),
    "abaw1-expr": ("expr-f1-acc", "unit-txt", "units", "unit-txt", None, 223, None),
    "abaw1-au": ("au-f1-acc", "unit-txt", "units", "unit-txt", None, 14, None),
    "abaw2-va": ("va-ccc", "unit-txt", "units", "unit-txt", 7, 139, None),
    "abaw2-expr": ("expr-f1-acc", "unit-txt", "units", "unit-txt", 7, 223, None),
    "abaw2-au": ("au-f1-acc", "unit-txt", "units", "unit-txt", 7, 127, None),
    "abaw3-va": ("va-ccc", "unit-txt", "units", "unit-txt", 5, 152, None),
    "abaw3-expr": ("expr-f1", "unit-txt", "units", "unit-txt", 5, 228, None),
    "abaw3-au": ("au-f1", "unit-txt", "units", "unit-txt", 5, 141, None),
    "abaw3-mtl": ("mtl-sum", "mtl", "mtl", "mtl", 5, None, 51_245),
    "abaw4-mtl": ("mtl-sum", "mtl", "mtl", "mtl", None, None, 51_159),
    "abaw4-lsd": ("lsd-f1", "lsd", "lsd", "lsd", None, 106_120, 106_120),
    "abaw5-va": ("va-ccc", "unit-txt", "rows", "rows", 5, 162, 927_210),
    "abaw5-expr": ("expr-f1", "unit-txt", "rows", "rows", 5, 228, 1_022_655),
    "abaw5-au": ("au-f1", "unit-txt", "rows", "rows", 5, 141, 729_736),
    "abaw5-eri": ("eri-pearson", "eri-csv", "eri-csv", "eri-csv", None, 4_604, 4_604),
    "abaw6-va": ("va-ccc", "unit-txt", "rows", "rows", 5, 162, 927_210),
    "abaw6-expr": ("expr-f1", "unit-txt", "rows", "rows", 5, 228, 1_022_655),
    "abaw6-au": ("au-f1", "unit-txt", "rows", "rows", 5, 141, 729_736),
    "abaw6-ce": ("ce-f1", "rows", "rows", "rows", 5, 56, 26_145),
    "abaw6-emi": ("emi-pearson", "emi-csv", "emi-csv", "emi-csv", 5, 4_586, 4_586),
    "abaw7-mtl": ("mtl-sum", "mtl", "mtl", "mtl", None, None, 51_159),
    "abaw7-ce": ("ce-f1", "rows", "rows", "rows", 5, 56, 26_145),
    "abaw8-va": ("va-ccc", "unit-txt", "rows", "rows", 5, 162, 927_210),
    "abaw8-expr": ("expr-f1", "unit-txt", "rows", "rows", 5, 228, 1_022_655),
    "abaw8-au": ("au-f1", "unit-txt", "rows", "rows", 5, 141, 729_736),
    "abaw8-ce": ("ce-f1", "rows", "rows", "rows", 5, 56, 26_145),
    "abaw8-emi": ("emi-pearson", "emi-csv", "emi-csv", "emi-csv", 5, 4_586, 4_586),
    "abaw8-ah": ("ah-frame", "ah-frames", "ah-frames", "ah-frames", None, 280, 169_479),
    "abaw9-va": ("va-ccc", "unit-txt", "rows", "rows", 5, 162, 927_210),
    "abaw9-ce": ("ce-f1", "rows", "rows", "rows", 5, 56, 26_145),
    "abaw9-vd": ("vd-f1", "vd-csv", "vd-csv", "vd-csv", 5, None, None),
    "abaw10-va": ("va-ccc", "unit-txt", "rows", "rows", 5, 162, 927_210),
    "abaw10-expr": ("expr-f1", "unit-txt", "rows", "rows", 5, 228, 1_022_655),
    "abaw10-au": ("au-f1", "unit-txt", "rows", "rows", 5, 141, 729_736),
    "abaw10-vd": ("vd-f1", "vd-csv", "vd-csv", "vd-csv", 5, None, None),
    "abaw10-emi": ("emi-pearson", "emi-csv", "emi-csv", "emi-csv", 5, 4_586, 4_586),
    "abaw10-ah": ("ah-video-f1", "ah-split", "ah-trial", "ah-trial", 5, 525, 525),
    "abaw11-mtl": ("mtl-sum", "mtl", "mtl", "mtl", None, None, 51_159),
    "abaw11-ah": ("ah-video-f1", "ah-split", "ah-trial", "ah-trial", 5, 525, 525),
    "ck-plus-expression": ("expr-accuracy", "rows", "rows", "rows", None, 327, 981),
    "oulu-casia-expression": ("expr-accuracy", "rows", "rows", "rows", None, 480, 1_440),
    "mmi-expression": ("expr-accuracy", "rows", "rows", "rows", None, 205, 615),
    "raf-db-compound": ("raf-uar", "lsd", "lsd", "lsd", None, 792, 792),
    "london-identity": ("identity-attributes", "labels", "labels", "labels", None, 102, 102),
}
# rules of the metrics, written out: task -> criterion -> weight
WEIGHTS = {
    "va-ccc": {"va": {"ccc": 1.0}},
    "expr-f1-acc": {"expression": {"f1": 0.67, "accuracy": 0.33}},
    "expr-f1": {"expression": {"f1": 1.0}},
    "au-f1-acc": {"action_units": {"f1": 0.5, "accuracy": 0.5}},
    "au-f1": {"action_units": {"f1": 1.0}},
    "mtl-sum": {"va": {"ccc": 1.0}, "expression": {"f1": 1.0}, "action_units": {"f1": 1.0}},
    "lsd-f1": {"expression": {"f1": 1.0}},
    "expr-accuracy": {"expression": {"accuracy": 1.0}},
    "raf-uar": {"compound": {"balanced_accuracy": 1.0}},
    "identity-attributes": {"identity": {"accuracy": 1.0}, "attributes": {"balanced_accuracy": 1.0}},
    "ce-f1": {"compound": {"f1": 1.0}},
    "eri-pearson": {"reaction": {"pearson": 1.0}},
    "emi-pearson": {"mimicry": {"pearson": 1.0}},
    "ah-frame": {},
    "ah-video-f1": {"ambivalence": {"f1": 1.0}},
    "vd-f1": {"violence": {"f1": 1.0}},
}
AU_12 = "AU1,AU2,AU4,AU6,AU7,AU10,AU12,AU15,AU23,AU24,AU25,AU26"
SEVEN = "Neutral,Anger,Disgust,Fear,Happiness,Sadness,Surprise"
COMPOUND = (
    "Fearfully_Surprised,Happily_Surprised,Sadly_Surprised,Disgustedly_Surprised,Angrily_Surprised,Sadly_Fearful,"
    "Sadly_Angry"
)
MTL = "image,valence,arousal,expression,aus"
REACTION = "File_ID,Adoration,Amusement,Anxiety,Disgust,Empathic-Pain,Fear,Surprise"
MIMICRY = "Filename,Admiration,Amusement,Determination,Empathic Pain,Excitement,Joy"
# the first lines as the formats' examples have them
HEADERS = [
    ("abaw1-va", "truth", "valence,arousal"),
    ("abaw2-expr", "truth", SEVEN),
    ("abaw3-expr", "truth", f"{SEVEN},Other"),
    ("abaw1-au", "truth", "AU1,AU2,AU4,AU6,AU12,AU15,AU20,AU25"),
    ("abaw2-au", "truth", AU_12),
    ("abaw3-va", "prediction", "valence,arousal"),
    ("abaw3-va", "list", None),
    ("abaw5-va", "list", "image_location,valence,arousal"),
    ("abaw6-va", "prediction", "image_location,valence,arousal"),
    ("abaw6-expr", "prediction", f"image_location,{SEVEN},Other"),
    ("abaw10-au", "prediction", f"image_location,{AU_12}"),
    ("abaw3-mtl", "truth", MTL),
    ("abaw7-mtl", "list", MTL),
    ("abaw11-mtl", "prediction", MTL),
    ("abaw4-lsd", "list", "image,expression"),
    ("abaw4-lsd", "prediction", "image,expression"),
    ("abaw7-ce", "list", f"image_location,{COMPOUND}"),
    ("abaw6-ce", "prediction", f"image_location,{COMPOUND}"),
    ("ck-plus-expression", "truth", "image_location,Anger,Contempt,Disgust,Fear,Happiness,Sadness,Surprise"),
    ("raf-db-compound", "prediction", "image,compound"),
    ("london-identity", "truth", "image,identity,female,black,east_asian,west_asian,white"),
    ("abaw5-eri", "prediction", REACTION),
    ("abaw8-emi", "truth", MIMICRY),
    ("abaw10-emi", "prediction", MIMICRY),
    ("abaw8-ah", "prediction", None),
    ("abaw11-ah", "truth", None),
    ("abaw10-ah", "prediction", None),
    ("abaw10-vd", "prediction", "Frame_Number,Label"),
]
# keys of the notes that the records were written from; a reader cannot look them up
SHORT_KEY = re.compile(r"\b(?:O\d+|O(?:S|CE)\d|OR2|OORG|OBAH[CV]?|OLSD|P[A-Z]{3,4}\d{1,2}[A-Z]?)\b|[\[\]~]")

every_challenge = pytest.mark.parametrize("challenge", CHALLENGES.values(), ids=CHALLENGES)


def texts(value: object) -> list[str]:
    """Every piece of text in plain data."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, Mapping):
        return [text for part in value.values() for text in texts(part)]
    return [text for part in value for text in texts(part)] if isinstance(value, list | tuple) else []


def test_every_edition_and_track_is_there_in_the_order_of_editions():
    assert list(CHALLENGES) == list(FACTS)


@pytest.mark.parametrize(("identifier", "facts"), FACTS.items(), ids=FACTS)
def test_the_record_says_what_the_rules_say(identifier, facts):
    challenge = get(identifier)
    test = challenge.sizes["test"]
    assert facts == (
        challenge.metric.id,
        challenge.annotation_format,
        challenge.list_format,
        challenge.prediction_format,
        challenge.submissions,
        test.units,
        test.rows,
    )


@every_challenge
def test_the_id_is_made_of_edition_and_track(challenge: Challenge):
    edition = f"abaw{challenge.edition}-" if challenge.edition else ""
    assert re.fullmatch(rf"{edition}{challenge.track}(-\d+)?", challenge.id)


@every_challenge
def test_every_field_has_a_source_or_is_assumed(challenge: Challenge):
    wanted = {field.name for field in fields(challenge)} - {"sources"}
    assert wanted == {name for name in challenge.sources if "." not in name}
    assert all(len(source) > len("assumed: ") for source in challenge.sources.values())


@every_challenge
def test_a_dotted_source_speaks_for_a_part_of_a_field(challenge: Challenge):
    assert {name.partition(".")[0] for name in challenge.sources} <= {field.name for field in fields(challenge)}


@every_challenge
def test_an_assumption_gives_its_reason(challenge: Challenge):
    given = [
        *challenge.sources.values(),
        *(item.source for item in (*challenge.rules, *challenge.forbidden_data, *challenge.notes)),
    ]
    given += [baseline.source for baseline in challenge.baselines]
    assert all(re.match(r"assumed: \w", source) for source in given if source.startswith("assumed"))


@every_challenge
def test_no_short_key_of_a_source_is_left(challenge: Challenge):
    record = challenge.to_json()
    assert [text for text in texts(record) if SHORT_KEY.search(text)] == []


@every_challenge
def test_the_tasks_of_the_metric_exist_and_carry_the_rules_weights(challenge: Challenge):
    terms = {term.task: {part.criterion: part.weight for part in term.parts} for term in challenge.metric.terms}
    assert terms == WEIGHTS[challenge.metric.id]
    assert set(terms) <= {task.name for task in challenge.tasks}


@every_challenge
def test_the_weights_of_a_term_add_to_one(challenge: Challenge):
    assert all(sum(part.weight for part in term.parts) == pytest.approx(1.0) for term in challenge.metric.terms)


@every_challenge
def test_what_is_undefined_has_a_rule_where_it_can_occur(challenge: Challenge):
    counts = any(isinstance(task, Categorical | MultiLabel) for task in challenge.tasks)
    correlates = any(isinstance(task, Continuous) for task in challenge.tasks)
    assert (challenge.metric.absent_class is not None) == counts
    assert (challenge.metric.constant_series is not None) == correlates


@every_challenge
def test_valid_rows_name_splits_and_tasks_and_fit_the_rows(challenge: Challenge):
    for split, counts in challenge.valid_rows.items():
        assert set(counts) <= {task.name for task in challenge.tasks}
        rows = challenge.sizes[split].rows
        assert rows is None or max(counts.values()) <= rows


@every_challenge
def test_baselines_lie_within_the_metric(challenge: Challenge):
    splits = {*challenge.sizes, "not stated"}
    top = max(len(challenge.metric.terms), 1)
    assert all(baseline.split in splits and 0 < baseline.score < top for baseline in challenge.baselines)


@every_challenge
def test_first_lines_can_be_made_for_every_role(challenge: Challenge):
    assert layouts(challenge, "truth")[0].format == challenge.annotation_format
    assert layouts(challenge, "prediction")[0].format == challenge.prediction_format
    assert layouts(challenge, "list")[0].format == challenge.list_format


@pytest.mark.parametrize(("identifier", "role", "header"), HEADERS)
def test_the_first_line_is_the_official_one(identifier, role, header):
    assert layouts(get(identifier), role)[0].header == header


@pytest.mark.parametrize("name", ["id", "sizes", "metric"])
def test_a_field_cannot_be_set(name):
    with pytest.raises(FrozenInstanceError):
        setattr(get("abaw4-mtl"), name, None)


@pytest.mark.parametrize("name", ["sizes", "sources", "annotation_places", "valid_rows"])
def test_a_mapping_of_a_record_cannot_be_changed(name):
    with pytest.raises(TypeError):
        getattr(get("abaw4-mtl"), name)["train"] = None


def test_a_mapping_within_a_mapping_cannot_be_changed():
    counts: Any = get("abaw4-mtl").valid_rows["train"]
    with pytest.raises(TypeError):
        counts["va"] = 0


def test_the_catalogue_cannot_be_changed():
    records: Any = CHALLENGES
    with pytest.raises(TypeError):
        records["abaw12-va"] = get("abaw10-va")


def test_a_record_survives_a_copy_and_a_journey_to_another_process():
    record = get("abaw4-mtl")
    for travelled in (copy.deepcopy(record), pickle.loads(pickle.dumps(record))):
        assert travelled == record
        assert travelled.fingerprint == record.fingerprint


def test_a_task_is_found_by_its_name():
    assert get("abaw4-mtl").task("expression").classes[7] == "Other"


@pytest.mark.parametrize(
    ("asked", "near"),
    [("ABAW4_MTL", "abaw4-mtl"), ("abaw6-exp", "abaw6-expr"), ("abaw12-va", "abaw10-va"), ("lsd", "abaw4-lsd")],
)
def test_an_unknown_id_is_answered_with_a_near_one(asked, near):
    with pytest.raises(ProblemError) as caught:
        get(asked)
    (problem,) = caught.value.problems
    assert problem.rule == "C01"
    assert near in problem.expected
    assert "abawbench challenges" in problem.fix


def test_an_id_like_no_other_is_answered_too():
    with pytest.raises(ProblemError, match="abaw4-mtl"):
        get("§")


def test_the_unsettled_metric_is_assumed_and_gives_no_term():
    record = get("abaw8-ah")
    assert record.metric.terms == ()
    assert "metric" in assumed_fields(record)


@pytest.mark.parametrize("identifier", ["abaw10-ah", "abaw11-ah"])
def test_the_scorer_and_the_form_of_video_level_ambivalence_are_the_organisers_own(identifier):
    record = get(identifier)
    assumed = set(assumed_fields(record))
    assert not {"metric", "metric.pooling", "list_format", "prediction_format", "prediction_format.sum"} & assumed
    said = " ".join(note.text for note in record.notes)
    assert "mean of scikit-learn's two class F1s over all videos" in said
    assert "validator compares only the first character" in said
    assert "pass the softmax is unknown" in said
    assert "no line holds a blank" not in said


def test_teams_of_the_ambivalence_tracks_are_counted():
    for identifier, text in (("abaw10-ah", "9 teams entered, 5 submitted."), ("abaw11-ah", "17 teams entered, 13")):
        assert any(note.text.startswith(text) for note in get(identifier).notes)


@every_challenge
def test_counts_by_other_sources_have_a_source_and_differ(challenge: Challenge):
    for split, size in challenge.sizes.items():
        assert (f"sizes.{split}.others" in challenge.sources) == bool(size.others)
        assert all(other not in {size, Size()} for other in size.others)


@pytest.mark.parametrize("identifier", ["abaw8-ce", "abaw9-va", "abaw9-ce", "abaw9-vd"])
def test_a_track_that_may_not_have_been_held_says_so(identifier):
    assert "track" in assumed_fields(get(identifier))


@pytest.mark.parametrize("identifier", ["abaw8-ah", "abaw10-ah", "abaw11-ah"])
def test_participants_without_consent_are_named_in_the_rules(identifier):
    assert any("83249 and 83277" in rule.text for rule in get(identifier).rules)


def test_expression_labels_are_found_under_both_names_of_the_folder():
    places = get("abaw6-expr").annotation_places["validation"]
    assert "EXPR_Recognition_Challenge/Validation_Set" in places
    assert "EXPR_Classification_Challenge/Validation_Set" in places


def test_frames_count_from_zero_in_ambivalence_and_oulu_casia_alone():
    assert {name for name, challenge in CHALLENGES.items() if challenge.frame_base == 0} == {
        "abaw8-ah",
        "abaw10-ah",
        "abaw11-ah",
        "oulu-casia-expression",
    }


def test_the_records_need_neither_numpy_nor_pandas():
    code = "import sys, abawbench.challenges; print({'numpy', 'pandas', 'pyarrow'} & set(sys.modules))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout == "set()\n"
