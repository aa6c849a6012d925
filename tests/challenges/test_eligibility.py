"""Data that a challenge forbids as training data: a field of its record."""

from __future__ import annotations

import pytest

from abawbench.challenges import CHALLENGES, get
from abawbench.challenges.eligibility import forbidden_training


def test_the_11th_multi_task_track_forbids_aff_wild2_but_not_its_own_set():
    found = forbidden_training(get("abaw11-mtl"), ["AffectNet", "s-Aff-Wild2: 257 videos", "A/V Aff-Wild2", "affwild"])
    assert [(problem.rule, problem.found.rpartition(" on ")[2]) for problem in found] == [
        ("D29", "A/V Aff-Wild2"),
        ("D29", "affwild"),
    ]
    assert "11th edition" in found[0].expected


def test_earlier_editions_only_note_it_and_say_that_the_rule_is_assumed():
    for identifier in ("abaw3-mtl", "abaw4-mtl", "abaw7-mtl", "abaw4-lsd"):
        (note,) = forbidden_training(get(identifier), ["Aff-Wild2"])
        assert note.is_note
        assert note.expected.startswith("assumed")


def test_tracks_on_aff_wild2_itself_allow_it():
    for challenge in CHALLENGES.values():
        if not challenge.forbidden_data:
            assert forbidden_training(challenge, ["Aff-Wild2"]) == ()


def test_every_challenge_on_frames_of_aff_wild2_has_a_rule():
    on_frames = {
        name
        for name, challenge in CHALLENGES.items()
        if challenge.track in {"mtl", "lsd"} and "Aff-Wild2" in challenge.dataset
    }
    assert on_frames - {"abaw1-mtl", "abaw2-mtl"} == {
        name for name, challenge in CHALLENGES.items() if challenge.forbidden_data
    }


@pytest.mark.parametrize(
    ("name", "is_meant"),
    [
        ("Aff-Wild2", True),
        ("aff_wild2_3", True),
        ("AffWild", True),
        ("s-Aff-Wild2", False),
        ("S_AffWild2", False),
        ("s-Aff-Wild2 and Aff-Wild2", True),
        ("models Aff-Wild2", True),
        ("AffectNet", False),
        ("", False),
    ],
)
def test_names_of_aff_wild2(name, is_meant):
    assert bool(forbidden_training(get("abaw11-mtl"), [name])) == is_meant
