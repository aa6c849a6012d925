"""The inbox: mails, zips and files are found in any nesting, and what is none of them is told."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from abawbench.organisers.mail.inbox import Delivery, deliveries
from tests.organisers.mail.mails import AH, VA, Place, mail, zipped


def found(place: Place) -> dict[str, Delivery]:
    return {one.place: one for one in deliveries(place.challenge, place.inbox)[0]}


def test_mails_zips_and_files_are_told_apart(place: Place) -> None:
    place.put("deep/er/1.eml", mail([]))
    place.put("Maildir/cur/1751364000.M1P2.host:2,S", mail([]))
    place.put("blue/submission.zip", zipped({"trial-0.txt": b"1"}))
    place.put("blue/wrong name", zipped({"trial-0.txt": b"1"}))
    place.put("red/trial.txt", place.trial())
    assert {name: one.kind for name, one in found(place).items()} == {
        "deep/er/1.eml": "mail",
        "Maildir/cur/1751364000.M1P2.host:2,S": "mail",
        "blue/submission.zip": "zip",
        "blue/wrong name": "zip",
        "red/trial.txt": "files",
    }
    assert [one.folder for one in found(place).values()] == ["Maildir", "blue", "blue", "deep", "red"]


def test_litter_is_passed_over_silently(place: Place) -> None:
    for name in ("__MACOSX/._1.eml", "blue/.DS_Store", "Thumbs.db", "._a.zip", ".hidden/1.eml"):
        place.put(name, mail([]))
    assert deliveries(AH, place.inbox) == ([], ())


def test_trials_of_one_folder_come_by_themselves(place: Place) -> None:
    place.put("blue/a.txt", place.trial(0))
    place.put("blue/b.txt", place.trial(1))
    assert list(found(place)) == ["blue/a.txt", "blue/b.txt"]


def test_files_of_units_in_one_folder_are_one_delivery(of_units: Place) -> None:
    for name, data in of_units.best.items():
        of_units.put(f"blue/first/{name}", data)
    (one,) = found(of_units).values()
    assert (one.place, one.folder, len(one.files)) == ("blue/first", "blue", len(of_units.best))


def test_a_single_file_of_a_unit_lies_in_its_folder(of_units: Place) -> None:
    of_units.put("blue/101.txt", b"valence,arousal\n0.1,0.2\n")
    assert [one.folder for one in found(of_units).values()] == ["blue"]


def test_a_prediction_in_parts_is_one_delivery(place: Place) -> None:
    lines = place.trial().splitlines(keepends=True)
    place.put("blue/a.txt", b"".join(lines[:20]))
    place.put("blue/b.txt", b"".join(lines[20:]))
    (one,) = found(place).values()
    assert (one.place, one.folder, len(one.files)) == ("blue", "blue", 2)


def test_links_pipes_and_mailboxes_are_told(place: Place, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "passwords.txt").write_text("x")
    place.put("a/1.eml", mail([]))
    (place.inbox / "link.txt").symlink_to(secret / "passwords.txt")
    (place.inbox / "folder").symlink_to(secret)
    (place.inbox / "endless").symlink_to(place.inbox)
    os.mkfifo(place.inbox / "pipe")
    place.put("all.mbox", b"From a\n")
    place.put("outlook.msg", b"\xd0\xcf")
    one, problems = deliveries(AH, place.inbox)
    assert [delivery.place for delivery in one] == ["a/1.eml"]
    assert sorted((problem.rule, problem.file) for problem in problems) == [
        ("F01", "endless"),
        ("F01", "folder"),
        ("F01", "link.txt"),
        ("F01", "pipe"),
        ("O34", "all.mbox"),
        ("O34", "outlook.msg"),
    ]


def test_a_name_that_is_no_text_is_told(place: Place) -> None:
    try:
        Path(os.fsdecode(bytes(place.inbox) + b"/\xff.eml")).write_bytes(mail([]))
    except OSError:
        pytest.skip("this file system takes UTF-8 alone")
    _, (problem,) = deliveries(AH, place.inbox)
    assert problem.rule == "F19"
    str(problem.file).encode()


def test_the_hash_of_a_folder_is_that_of_names_and_contents(of_units: Place) -> None:
    of_units.put("a/101.txt", b"1")
    of_units.put("a/102.txt", b"2")
    of_units.put("b/101.txt", b"2")
    of_units.put("b/102.txt", b"1")
    one, two = deliveries(VA, of_units.inbox)[0]
    assert one.sha256 != two.sha256
