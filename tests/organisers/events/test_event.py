"""Events: dates that mean one moment, everything that is wrong at once, and a template that passes once filled in."""

from __future__ import annotations

import re
import tempfile
import tomllib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import tomli_w
from hypothesis import given
from hypothesis import strategies as st

import abawbench
from abawbench.base.problems import ProblemError
from abawbench.challenges import CHALLENGES
from abawbench.organisers.bundles.logo import logo_png
from abawbench.organisers.events.deadlines import parse_moment, utc_text
from abawbench.organisers.events.event import EVENT_KEYS, PHASE_KEYS, notes_on, read_event
from abawbench.organisers.events.template import event_text, write_event

EVENT = """\
title = "Ambivalence 2026"
challenge = "abaw11-ah"
organisers = "D. K."
contact = "mail@example.org"
summary = "Who hesitates?"
logo = "logo.png"

[texts]
terms = "terms.md"

[[phases]]
name = "Validation"
codename = "validation"
begins = "2026-07-01 00:00:00 UTC"
ends = "2026-07-08 23:59:59 AoE"
daily = 10
private = false
split = "validation"

[[phases]]
name = "Test"
codename = "test"
begins = "2026-07-09 12:00 UTC"
ends = "2026-07-16 23:59:59 AoE"
total = 5
split = "test"
"""


def written(folder: Path, text: str = EVENT) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "logo.png").write_bytes(logo_png("x"))
    (folder / "terms.md").write_text("Be fair.")
    path = folder / "event.toml"
    path.write_text(text)
    return path


def without_none(value: Any) -> Any:
    """A value that TOML can hold."""
    if isinstance(value, dict):
        return {key: without_none(part) for key, part in value.items() if part is not None}
    if isinstance(value, list):
        return [without_none(part) for part in value if part is not None]
    return value


def rules_of(path: Path) -> list[tuple[str, int | None]]:
    with pytest.raises(ProblemError) as error:
        read_event(path)
    return [(problem.rule, problem.line) for problem in error.value.problems]


def test_an_event_is_read_with_its_dates_in_utc(tmp_path):
    event = read_event(written(tmp_path))
    assert event.challenge is CHALLENGES["abaw11-ah"]
    assert [phase.codename for phase in event.phases] == ["validation", "test"]
    assert utc_text(event.phase("test").begins) == "2026-07-09 12:00:00"
    ends = event.phase("test").ends
    assert ends is not None
    assert utc_text(ends) == "2026-07-17 11:59:59"
    assert event.logo == tmp_path / "logo.png"
    assert dict(event.texts) == {"terms": tmp_path / "terms.md"}


def test_a_test_phase_is_private_and_hides_scores_unless_it_says_otherwise(tmp_path):
    event = read_event(written(tmp_path))
    assert [(phase.is_private, phase.shows_scores) for phase in event.phases] == [(False, True), (True, False)]
    said = EVENT.replace('split = "test"', 'split = "test"\nprivate = false\nshows_scores = false')
    phase = read_event(written(tmp_path, said)).phase("test")
    assert (phase.is_private, phase.shows_scores) == (False, False)


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2026-07-16 23:59:59 AoE", "2026-07-17 11:59:59"),
        ("2026-07-16T23:59 aoe", "2026-07-17 11:59:00"),
        ("2026-07-16 23:59:59 UTC", "2026-07-16 23:59:59"),
        ("2026-07-16T23:59:59Z", "2026-07-16 23:59:59"),
        ("2026-07-16 23:59:59 +02:00", "2026-07-16 21:59:59"),
        ("2026-07-16 23:59:59-0330", "2026-07-17 03:29:59"),
        ("2026-07-16 23:59:59 Europe/London", "2026-07-16 22:59:59"),
        ("2026-01-16 23:59:59 Europe/London", "2026-01-16 23:59:59"),
    ],
)
def test_a_date_means_one_moment(text, utc):
    assert utc_text(parse_moment(text)) == utc


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("2026-07-16 23:59:59", "without a zone"),
        ("2026-07-16 AoE", "without a time"),
        ("2026-07-16", "without a time"),
        ("16 July 2026, 23:59 UTC", "no date"),
        ("2026-07-16 23:59:59 EST", "EST"),
        ("2026-07-16 23:59:59 Europe/Londn", "Europe/Londn"),
        ("2026-07-16 23:59:59 ../../etc/passwd", "no date"),
        ("2026-07-16 23:59:59 Europe/../../../etc/passwd", "no date"),
        ("2026-07-16 23:59:59 +15:00", "14 hours"),
        ("2026-02-30 12:00 UTC", "does not exist"),
        ("2026-07-16 24:00 UTC", "does not exist"),
        ("2026-03-29 01:30 Europe/London", "skips"),
        ("2026-10-25 01:30 Europe/London", "repeats"),
        ("0026-07-16 12:00 UTC", "long past"),
        ("9999-12-31 23:59:59 AoE", "does not exist"),
    ],
)
def test_a_date_that_may_mean_another_moment_is_refused(text, reason):
    with pytest.raises(ValueError, match=re.escape(reason)):
        parse_moment(text)


@given(st.datetimes(datetime(2000, 1, 2), datetime(2100, 1, 1)), st.integers(-14 * 60, 14 * 60))
def test_an_offset_is_subtracted(moment, minutes):
    local = moment.replace(microsecond=0)
    offset = f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"
    assert parse_moment(f"{local} {offset}") == (local - timedelta(minutes=minutes)).replace(tzinfo=UTC)


@given(st.text())
def test_any_other_text_is_refused_with_a_reason(text):
    with pytest.raises(ValueError, match=r"\w+"):
        parse_moment(text)


def test_everything_wrong_is_told_at_once_with_its_line(tmp_path):
    path = written(
        tmp_path,
        """\
title = "t"
trails = 5
challenge = "abaw11-ah"
organisers = "write the names of the organisers"
contact = "nobody"
logo = "event.toml"
trials = 0
[texts]
overveiw = "terms.md"
rules = "rules.txt"
data = "none.md"
[[phases]]
name = "V"
codename = "V 1"
begins = 2026-07-01T00:00:00Z
ends = "2026-07-16 AoE"
daily = -1
private = "no"
[[phases]]
name = "V"
codename = "test"
begins = "2026-07-02 00:00:00 UTC"
ends = "2026-07-01 00:00:00 UTC"
daily = 9
total = 3
split = "tset"
""",
    )
    assert sorted(rules_of(path), key=lambda one: (one[1] or 0, one[0])) == [
        ("O01", None),
        ("O01", 2),
        ("O01", 4),
        ("O04", 5),
        ("O05", 6),
        ("O06", 7),
        ("O01", 9),
        ("O05", 10),
        ("O05", 11),
        ("O04", 14),
        ("O02", 15),
        ("O02", 16),
        ("O06", 17),
        ("O01", 18),
        ("O03", 20),
        ("O03", 23),
        ("O06", 24),
        ("O01", 26),
    ]


def test_names_of_keys_and_pages_are_suggested(tmp_path):
    text = EVENT.replace("organisers", "organizers").replace("terms =", "term =")
    with pytest.raises(ProblemError) as error:
        read_event(written(tmp_path, text))
    fixes = [problem.fix for problem in error.value.problems]
    assert "did you mean organisers?" in fixes
    assert "did you mean terms?" in fixes


@pytest.mark.parametrize("line", ["begins = 2026-07-09 12:00:00 UTC", "begins = 2026-07-09 12:00:00 AoE"])
def test_a_date_without_quotes_that_is_no_toml_is_told_as_a_date(line, tmp_path):
    path = written(tmp_path, EVENT.replace('begins = "2026-07-09 12:00 UTC"', line))
    assert rules_of(path) == [("O02", 23)]


@pytest.mark.parametrize("value", ["2026-07-09", "2026-07-09 12:00:00", "12:00:00", "2026-07-09T12:00:00+02:00", "5"])
def test_a_date_that_is_no_text_is_refused(value, tmp_path):
    path = written(tmp_path, EVENT.replace('"2026-07-09 12:00 UTC"', value))
    assert rules_of(path) == [("O02", 23)]


def test_phases_may_overlap_but_that_is_told(tmp_path):
    assert notes_on(read_event(written(tmp_path))) == ()
    early = EVENT.replace("2026-07-09 12:00 UTC", "2026-07-09 11:59:59 UTC")
    (note,) = notes_on(read_event(written(tmp_path, early)))
    assert note.rule == "N75"
    endless = EVENT.replace('ends = "2026-07-08 23:59:59 AoE"\n', "")
    assert "never ends" in notes_on(read_event(written(tmp_path, endless)))[0].found


def test_phases_are_sorted_by_their_beginnings(tmp_path):
    late = EVENT.replace("2026-07-01 00:00:00 UTC", "2026-08-01 00:00:00 UTC").replace("2026-07-08", "2026-08-08")
    assert [phase.codename for phase in read_event(written(tmp_path, late)).phases] == ["test", "validation"]


@pytest.mark.parametrize(
    ("text", "rules"),
    [
        ("", {"O01", "O03"}),
        ("phases = 3", {"O01", "O03"}),
        ("phases = [1]", {"O01", "O03"}),
        ("texts = 3", {"O01", "O03"}),
        ("title = [", {"O01"}),
        ("a = " + "[" * 3000, {"O01"}),
        ("trials = 99999999999999999999999", {"O01"}),
    ],
)
def test_no_content_is_too_strange_to_be_told(text, rules, tmp_path):
    assert {rule for rule, _ in rules_of(written(tmp_path, text))} == rules


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.floats(allow_nan=False) | st.text(max_size=8) | st.datetimes(),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2),
    max_leaves=4,
).filter(lambda value: value is not None)


@given(
    st.dictionaries(st.sampled_from(EVENT_KEYS), VALUES, max_size=4),
    st.dictionaries(st.sampled_from(PHASE_KEYS), VALUES, max_size=4),
)
def test_any_values_give_an_event_or_problems(event, phase):
    whole = tomllib.loads(EVENT)
    del whole["logo"], whole["texts"]
    whole["phases"][1] |= phase
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "event.toml"
        path.write_bytes(tomli_w.dumps(without_none(whole | event)).encode("utf-8", "replace"))
        try:
            assert read_event(path).phases
        except ProblemError as error:
            assert all(problem.fix for problem in error.problems)  # noqa: PT017


def test_bytes_that_are_no_text_and_files_that_are_not_there_are_told(tmp_path):
    path = tmp_path / "event.toml"
    assert [rule for rule, _ in rules_of(path)] == ["F01"]
    path.write_bytes(b"title = '\xff'")
    assert [rule for rule, _ in rules_of(path)] == ["O01"]


def test_a_text_in_another_encoding_and_a_picture_under_another_name_are_refused(tmp_path):
    path = written(tmp_path)
    (tmp_path / "terms.md").write_bytes("fäir".encode("latin-1"))
    (tmp_path / "logo.png").write_bytes(b"\xff\xd8\xff\xe0")
    assert [rule for rule, _ in rules_of(path)] == ["O05", "O05"]
    (tmp_path / "terms.md").write_text(" \n")
    (tmp_path / "logo.png").write_text("<svg onload='alert(1)'/>")
    assert [rule for rule, _ in rules_of(path)] == ["O05", "O05"]


@pytest.mark.parametrize("place", ["file", "folder"])
def test_a_link_that_leads_out_of_the_folder_is_not_published(place, tmp_path):
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "passwords.md").write_text("root")
    path = written(tmp_path / "event", EVENT.replace("terms.md", "texts/terms.md"))
    if place == "file":
        (path.parent / "texts").mkdir()
        (path.parent / "texts" / "terms.md").symlink_to(secret / "passwords.md")
    else:
        (secret / "terms.md").write_text("root")
        (path.parent / "texts").symlink_to(secret)
    with pytest.raises(ProblemError, match="a link to") as raised:
        read_event(path)
    assert [problem.rule for problem in raised.value.problems] == ["O05"]


def test_links_inside_the_folder_and_paths_that_are_written_out_are_read(tmp_path):
    path = written(tmp_path / "real", EVENT.replace("terms.md", "../terms.md"))
    (tmp_path / "terms.md").write_text("Terms.")
    (path.parent / "other.png").write_bytes(logo_png("x"))
    (path.parent / "logo.png").unlink(missing_ok=True)
    (path.parent / "logo.png").symlink_to("other.png")
    (tmp_path / "link").symlink_to(path.parent)
    for folder in (path.parent, tmp_path / "link"):
        assert read_event(folder / path.name).logo == folder / "logo.png"


def test_an_unknown_challenge_is_told_with_everything_else(tmp_path):
    path = written(tmp_path, EVENT.replace("abaw11-ah", "abaw11-hh").replace("total = 5", "total = 0"))
    assert [rule for rule, _ in rules_of(path)] == ["C01", "O06"]


def test_the_path_of_a_challenge_of_ones_own_starts_at_the_event(tmp_path):
    abawbench.new_challenge("my-ah", "abaw11-ah", tmp_path / "rules")
    event = read_event(written(tmp_path, EVENT.replace("abaw11-ah", "rules/my-ah.toml")))
    assert event.challenge.id == "my-ah"
    assert [rule for rule, _ in rules_of(written(tmp_path, EVENT.replace("abaw11-ah", "none.toml")))] == ["F01"]


@pytest.mark.parametrize("challenge", CHALLENGES.values(), ids=list(CHALLENGES))
def test_the_template_passes_once_it_is_filled_in_and_not_before(challenge, tmp_path):
    path = tmp_path / "event.toml"
    write_event(challenge, path)
    assert {rule for rule, _ in rules_of(path)} == {"O01"}
    text = re.sub(r'"write a date, as ([^"]*)"', r'"\1"', path.read_text())
    text = text.replace('"write an e-mail address for questions"', '"me@example.org"')
    path.write_text(re.sub(r'"write [^"]*"', '"A fact"', text))
    event = read_event(path)
    assert event.challenge is challenge
    assert notes_on(event) == ()
    # what is commented out is right, too
    path.write_text(re.sub(r"^# (?=(site|counts|docker_image|total|trials) =)", "", path.read_text(), flags=re.M))
    assert read_event(path).docker_image == "codalab/codalab-legacy:py39"


def test_an_event_file_is_never_overwritten(tmp_path):
    path = written(tmp_path)
    with pytest.raises(ProblemError) as error:
        write_event(CHALLENGES["abaw11-ah"], path)
    assert error.value.problems[0].rule == "C02"
    assert path.read_text() == EVENT


def test_a_title_cannot_leave_its_comment():
    from dataclasses import replace

    text = event_text(replace(CHALLENGES["abaw11-ah"], title='x\ntitle = "y"'))
    assert text.count("\ntitle = ") == 1
