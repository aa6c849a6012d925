"""Challenges of one's own: their files, what is refused, and where they are found."""

from __future__ import annotations

import os
import pickle
import random
import string
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

import abawbench
from abawbench import labels
from abawbench.base.problems import Problem, ProblemError
from abawbench.challenges import CHALLENGES, Categorical, Challenge, Continuous, MultiLabel, find, get, known, lookup
from abawbench.challenges.own import derive, read_challenge
from abawbench.challenges.own.fitting import CRITERIA, OF_PROBABILITY
from abawbench.challenges.own.toml_writing import to_toml
from abawbench.scoring import criteria

every_challenge = pytest.mark.parametrize("like", CHALLENGES.values(), ids=CHALLENGES)


@pytest.fixture(autouse=True)
def nothing_read_before(monkeypatch, tmp_path):
    monkeypatch.setattr(lookup, "_named", {})
    monkeypatch.delenv(lookup.VARIABLE, raising=False)
    monkeypatch.chdir(tmp_path)


def written(path: Path, like: str = "abaw10-va", change: Callable[[str], str] = lambda text: text) -> Path:
    """The file of a challenge like another one, its text changed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(change(to_toml(derive(get(like), path.stem))), "utf-8")
    return path


def problems_of(path: Path) -> tuple[Problem, ...]:
    with pytest.raises(ProblemError) as caught:
        read_challenge(path)
    return caught.value.problems


def rules_of(path: Path) -> set[str]:
    """The rules that a file breaks."""
    try:
        challenge = read_challenge(path)
    except ProblemError as error:
        return {problem.rule for problem in error.problems}
    return set() if to_toml(challenge) else {"no text"}


def replaced(*pairs: tuple[str, str]) -> Callable[[str], str]:
    def change(text: str) -> str:
        for before, after in pairs:
            assert before in text
            text = text.replace(before, after, 1)
        return text

    return change


@every_challenge
def test_text_and_challenge_are_the_same_both_ways(like: Challenge, tmp_path):
    own = derive(like, f"my-{like.id}")
    path = tmp_path / f"{own.id}.toml"
    path.write_text(to_toml(own), "utf-8")
    read = read_challenge(path)
    assert read == own
    assert read.fingerprint == own.fingerprint != like.fingerprint
    assert to_toml(read) == path.read_text("utf-8")


@every_challenge
def test_a_challenge_of_ones_own_differs_in_its_id_and_says_that_it_is_copied(like: Challenge):
    own = derive(like, "mine")
    alike = ("tasks", "metric", "annotation_format", "list_format", "prediction_format", "sizes", "frame_base")
    assert all(getattr(own, name) == getattr(like, name) for name in alike)
    assert (own.id, own.edition, own.track) == ("mine", 0, "mine")
    copied = {name: source for name, source in own.sources.items() if name not in {"id", "edition", "track"}}
    assert all(like.id in source for source in copied.values())
    assert all(
        own.sources[name].startswith("assumed: ") == source.startswith("assumed")
        for name, source in like.sources.items()
        if name in copied
    )


def test_an_id_of_an_edition_gives_edition_and_track():
    own = derive(get("abaw10-va"), "abaw12-va")
    assert (own.edition, own.track) == (12, "va")


@pytest.mark.parametrize("identifier", ["abaw10-va", "", "My-VA", "a_b", "../x", "a--b", "new", "other", "x" * 65, "ä"])
def test_an_id_that_cannot_be_had_is_refused(identifier):
    with pytest.raises(ProblemError) as caught:
        derive(get("abaw10-va"), identifier)
    assert {problem.rule for problem in caught.value.problems} == {"C07"}


def test_the_criteria_that_a_file_may_name_are_those_of_scoring():
    kinds = {
        kind: tuple(name for name, ways in criteria.CRITERIA.items() if any(way.kind is kind for way in ways))
        for kind in (Continuous, Categorical, MultiLabel)
    }
    assert dict(CRITERIA) == kinds
    assert tuple(criteria.OF_PROBABILITY) == OF_PROBABILITY


FAULTS = {
    "an unknown field": (('title = "', 'titles = "'), "C05", "titles", "did you mean title?"),
    "an unknown field of a task": (("low = -1.0", "lowest = -1.0"), "C05", "tasks[0].lowest", "lowest"),
    "a text for a number": (("low = -1.0", 'low = "-1"'), "C05", "tasks[0].low", "a number"),
    "a number for a text": (('dataset = "Aff-Wild2"', "dataset = 3"), "C05", "dataset: 3", "text"),
    "true for a number": (("frame_base = 1", "frame_base = true"), "C05", "frame_base", "whole number"),
    "a real number of frames": (("frame_base = 1", "frame_base = 1.0"), "C05", "frame_base", "whole number"),
    "no number at all": (("high = 1.0", "high = nan"), "C05", "tasks[0].high", "a number"),
    "an unknown kind": (('kind = "Continuous"', 'kind = "Kontinuous"'), "C05", "tasks[0].kind", "Continuous"),
    "an unknown format": (('_format = "rows"', '_format = "row"'), "C05", "list_format", "rows"),
    "a control character": (('title = "', 'title = "\\u001b[2J'), "C05", "title", "in one line"),
    "an unquoted dotted source": (('"metric.pooling" =', "a.b ="), "C05", "sources.a", "quoted"),
    "a sentinel in the range": (("sentinel = -5.0", "sentinel = 0.5"), "C06", "tasks[0].sentinel", "outside"),
    "an empty range": (("high = 1.0", "high = -1.0"), "C06", "tasks[0].low", "range"),
    "more decimals than a file has": (("high = 1.0", "high = 0.12345678"), "C06", "tasks[0].high", "6 decimals"),
    "a column twice": (('["valence", "arousal"]', '["valence", "Valence"]'), "C06", "tasks[0].columns", "once"),
    "a column with a comma": (('["valence", "arousal"]', '["a,b", "c"]'), "C06", "tasks[0].columns[0]", "commas"),
    "a column that tables have": (('["valence", "arousal"]', '["frame", "c"]'), "C06", "tasks", "another name"),
    "a term of no task": (('task = "va"', 'task = "av"'), "C06", "metric.terms[0].task", "va"),
    "an unknown criterion": (('criterion = "ccc"', 'criterion = "cc"'), "C06", "metric.terms[0]", "ccc"),
    "a criterion of another kind": (('criteria = ["ccc"]', 'criteria = ["f1"]'), "C06", "reported[0]", "pearson"),
    "a weight of nothing": (("weight = 1.0", "weight = 0.0"), "C06", "weight", "more than 0"),
    "the id of a metric with other terms": (("weight = 1.0", "weight = 0.5"), "C06", "metric.id", "another id"),
    "a format of other tasks": (('prediction_format = "rows"', 'prediction_format = "mtl"'), "C06", "mtl", "in this"),
    "a list of another format": (('list_format = "rows"', 'list_format = "units"'), "C06", "list_format", "rows"),
    "no rule for a constant": (("constant_series", "# constant_series"), "C06", "metric.constant_series", "flagged"),
    "a negative size": (("units = 356", "units = -1"), "C06", "sizes.train.units", "0 to"),
    "counts of no task": (("va = 1679857", "av = 1679857"), "C06", "valid_rows.train.av", "va"),
    "counts of no split": (("[valid_rows.train]", "[valid_rows.dev]"), "C06", "valid_rows.dev", "sizes"),
    "a path that leads away": (("annotations/VA", "../VA"), "C06", "annotation_places.train[1]", "without . and"),
    "no frames before the first": (("frame_base = 1", "frame_base = -1"), "C06", "frame_base", "from 0 to 1"),
    "an id of the catalogue": (('id = "my-va"', 'id = "abaw10-va"'), "C07", "abaw10-va", "catalogue"),
    "an id of another track": (('track = "my-va"', 'track = "va"'), "C07", "id", "'va'"),
    "an edition in the id alone": (("edition = 0", "edition = 12"), "C07", "id", "abaw12-my-va"),
    "a field without a source": (("\ndataset = \"copied", "\n# = \"copied"), "C08", "sources.dataset", "source"),
    "a source of no field": (('"metric.pooling" =', '"metrik.pooling" ='), "C08", "metrik", "metric"),
    "an assumption without a reason": (('venue = "copied', 'venue = "assumed'), "C08", "sources.venue", "reason"),
}  # fmt: skip


@pytest.mark.parametrize(("change", "rule", "found", "said"), FAULTS.values(), ids=FAULTS)
def test_what_is_wrong_is_named_with_field_and_line(change, rule, found, said, tmp_path):
    path = written(tmp_path / "my-va.toml", change=replaced(change))
    own = [problem for problem in problems_of(path) if problem.rule == rule]
    assert any(
        found in problem.found and said in f"{problem.expected} {problem.fix} {problem.found}" for problem in own
    )
    assert all(problem.file == str(path) for problem in own)


@pytest.mark.parametrize(
    "pattern", ["(a+)+b", "(a|a)*b", "a*a*b", "a{9}b{9}", "a?" * 11 + "a", "(a|a)" * 11, "a" * 201]
)
def test_a_pattern_that_could_search_for_hours_is_refused(pattern, tmp_path):
    own = derive(CHALLENGES["abaw11-mtl"], "my-own")
    data = replace(own.forbidden_data[0], pattern=pattern)
    path = tmp_path / "my-own.toml"
    path.write_text(to_toml(replace(own, forbidden_data=(data,))))
    (problem,) = problems_of(path)
    assert (problem.rule, "forbidden_data[0].pattern" in problem.found) == ("C06", True)


def test_a_fingerprint_is_made_once(monkeypatch):
    challenge = derive(CHALLENGES["abaw10-va"], "my-va")
    first = challenge.fingerprint
    monkeypatch.setattr(Challenge, "to_json", None)
    assert challenge.fingerprint == first


def test_the_line_is_that_of_the_field(tmp_path):
    path = written(tmp_path / "my-va.toml", change=replaced(("sentinel = -5.0", "sentinel = 0.5")))
    (problem,) = problems_of(path)
    assert path.read_text("utf-8").splitlines()[(problem.line or 0) - 1] == "sentinel = 0.5"


def test_every_fault_of_a_file_is_told_at_once(tmp_path):
    changes = replaced(('title = "', 'titles = "'), ("low = -1.0", 'low = "x"'), ("frame_base = 1", "frame_base = 1.5"))
    found = " ".join(problem.found for problem in problems_of(written(tmp_path / "my-va.toml", change=changes)))
    assert all(name in found for name in ("titles", "title", "tasks[0].low", "frame_base"))


def test_very_many_faults_are_counted(tmp_path):
    path = written(tmp_path / "my-va.toml", change=lambda text: "".join(f"x{n} = 1\n" for n in range(500)) + text)
    problems = problems_of(path)
    assert len(problems) <= 50
    assert "more faults" in problems[-1].found


def test_two_tasks_may_not_share_a_column(tmp_path):
    change = replaced(('name = "action_units"', 'name = "expression"'))
    path = written(tmp_path / "mine.toml", "abaw4-mtl", change)
    assert any("'expression' and 'expression'" in problem.found for problem in problems_of(path))


def test_classes_are_at_most_as_many_as_a_byte_counts(tmp_path):
    names = ", ".join(f'"c{number}"' for number in range(129))
    classes = ", ".join(f'"{name}"' for name in labels.EXPRESSIONS_8)
    change = replaced((f"[{classes}]", f"[{names}]"))
    path = written(tmp_path / "mine.toml", "abaw10-expr", change)
    assert any("129 classes" in problem.found for problem in problems_of(path))


@pytest.mark.parametrize(
    ("data", "rule"),
    [
        (b"", "C05"),
        (b"id = ", "C04"),
        (b"\xff\xfe", "C04"),
        (b"id = 99999999999999999999999999", "C04"),
        (b"x = " + b"[" * 5000, "C04"),
        (b"x = 1\n" * (1 << 18), "F01"),
    ],
    ids=["empty", "no value", "no text", "a long number", "deep", "large"],
)
def test_a_file_that_is_no_challenge_is_told(data, rule, tmp_path):
    path = tmp_path / "x.toml"
    path.write_bytes(data)
    assert {problem.rule for problem in problems_of(path)} == {rule}


def test_the_line_that_is_no_toml_is_named(tmp_path):
    path = tmp_path / "x.toml"
    path.write_text('id = "x"\ntitle = Title\n')
    assert [problem.line for problem in problems_of(path)] == [2]


VALUES = some.recursive(
    some.one_of(some.none(), some.booleans(), some.integers(-(2**70), 2**70), some.floats(), some.text(max_size=8)),
    lambda inner: some.one_of(
        some.lists(inner, max_size=3), some.dictionaries(some.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=6,
)
PLACES = some.lists(some.integers(0, 200), min_size=1, max_size=6)


def everywhere(value: Any) -> list[tuple[Any, Any]]:
    """Each place inside plain data, as what holds it and its key."""
    keys = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [place for key, part in keys for place in ((value, key), *everywhere(part))]


@given(some.sampled_from(sorted(CHALLENGES)), PLACES, some.lists(VALUES, min_size=6, max_size=6), some.booleans())
def test_no_file_ends_in_a_traceback(like, places, values, is_removed):
    tomli_w = pytest.importorskip("tomli_w")
    import tomllib

    content = tomllib.loads(to_toml(derive(get(like), "mine")))
    for place, value in zip(places, values, strict=False):
        found = everywhere(content)
        holder, key = found[place * 7919 % len(found)]
        if is_removed:
            del holder[key]
        else:
            holder[key] = value
    path = Path(f"{random.Random(0).choice(string.ascii_lowercase)}.toml")
    try:
        path.write_bytes(tomli_w.dumps(content).encode())
    except (TypeError, ValueError):
        return
    assert rules_of(path) <= {"C05", "C06", "C07", "C08"}


@given(some.sampled_from(sorted(CHALLENGES)), some.integers(0, 10**6), some.text(max_size=4))
def test_no_damaged_text_ends_in_a_traceback(like, place, text):
    path = Path("damaged.toml")
    whole = to_toml(derive(get(like), "damaged"))
    place %= len(whole)
    path.write_bytes((whole[:place] + text + whole[place + 3 :]).encode(errors="surrogatepass"))
    assert rules_of(path) <= {"C04", "C05", "C06", "C07", "C08"}


def test_a_challenge_is_found_by_its_path_and_then_by_its_id(tmp_path):
    path = written(tmp_path / "far" / "my-va.toml")
    assert find("my-va") is None
    challenge = get(path)
    assert get(str(path)) == get("my-va") == get("MY-VA") == find("my-va") == challenge
    assert lookup.path_of("my-va") == path
    assert "my-va" in known()


def test_a_folder_called_challenges_is_looked_into(tmp_path):
    written(tmp_path / "challenges" / "my-va.toml")
    assert get("my-va").id == "my-va"
    assert list(known())[-1] == "my-va"


def test_the_variable_names_folders_instead(tmp_path, monkeypatch):
    written(tmp_path / "challenges" / "my-va.toml")
    for name in ("one", "two"):
        written(tmp_path / name / f"my-{name}.toml")
    monkeypatch.setenv(lookup.VARIABLE, os.pathsep.join(str(tmp_path / name) for name in ("one", "two", "none")))
    assert [get(name).id for name in ("my-one", "my-two")] == ["my-one", "my-two"]
    with pytest.raises(ProblemError, match="C01"):
        get("my-va")


def test_an_unknown_id_is_answered_with_near_ones_of_your_own(tmp_path):
    written(tmp_path / "challenges" / "kitchen-va.toml")
    with pytest.raises(ProblemError, match="kitchen-va"):
        get("kitchn-va")


def test_a_file_with_the_name_of_a_packaged_challenge_is_refused_and_not_passed_over(tmp_path):
    path = written(tmp_path / "challenges" / "my-va.toml")
    path.write_text(path.read_text().replace("my-va", "abaw10-va"))
    path.rename(path.with_name("abaw10-va.toml"))
    with pytest.raises(ProblemError, match="C07"):
        get("abaw10-va")


def test_a_file_in_a_folder_has_the_name_of_its_id(tmp_path):
    path = written(tmp_path / "challenges" / "my-va.toml")
    path.rename(path.with_name("your-va.toml"))
    with pytest.raises(ProblemError, match="the name of its file"):
        get("your-va")


def test_two_files_of_one_id_are_refused_unless_they_are_the_same(tmp_path, monkeypatch):
    paths = [written(tmp_path / name / "my-va.toml") for name in ("one", "two")]
    monkeypatch.setenv(lookup.VARIABLE, os.pathsep.join(str(path.parent) for path in paths))
    assert get("my-va").id == "my-va"
    paths[1].write_text(paths[1].read_text() + "\n# another\n")
    with pytest.raises(ProblemError, match="C09"):
        get("my-va")


def test_a_file_that_changes_is_read_again(tmp_path):
    path = written(tmp_path / "challenges" / "my-va.toml")
    before = get("my-va")
    path.write_text(path.read_text().replace("Valence-Arousal Estimation", "Valence and arousal, again"))
    assert get("my-va").fingerprint != before.fingerprint


def test_a_file_at_fault_is_no_challenge_that_is_known(tmp_path):
    path = written(tmp_path / "challenges" / "my-va.toml")
    path.write_text("id = 1")
    assert known().keys() == CHALLENGES.keys()


def test_a_challenge_of_ones_own_survives_a_journey_to_another_process(tmp_path):
    challenge = get(written(tmp_path / "my-va.toml"))
    travelled = pickle.loads(pickle.dumps(challenge))
    assert travelled == challenge
    assert travelled.fingerprint == challenge.fingerprint


def test_python_makes_one_too(tmp_path):
    path = abawbench.new_challenge("my-va", "abaw10-va")
    assert path == Path("challenges/my-va.toml")
    assert abawbench.get("my-va") == abawbench.get(tmp_path / path)
    with pytest.raises(ProblemError, match="F12"):
        abawbench.new_challenge("my-va", path)
