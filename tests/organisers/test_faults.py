"""Planted faults: at least forty for every challenge, each refused or accepted by the rules that it names."""

from __future__ import annotations

import zipfile

import pytest

from abawbench.challenges import CHALLENGES, get
from abawbench.formats.check import check
from abawbench.formats.layout import layouts
from abawbench.organisers.faults import planted
from abawbench.organisers.faults.in_zips import EXECUTED
from abawbench.organisers.samples import sample, write

MADE = {name: sample(get(name), units=2, rows=8) for name in CHALLENGES}
# one challenge of each form of files and tasks
FORMS = tuple(
    {
        tuple(
            (layout.format, layout.frame_base, [type(task) for task in challenge.tasks], len(challenge.tasks[0].labels))
            for role in ("truth", "prediction", "list")
            for layout in layouts(challenge, role)
        ).__repr__(): name
        for name, challenge in CHALLENGES.items()
    }.values()
)


@pytest.mark.parametrize("challenge_id", FORMS)
def test_each_fault_breaks_the_rules_that_it_names(tmp_path, challenge_id, monkeypatch):
    monkeypatch.chdir(tmp_path)
    challenge = get(challenge_id)
    template = write(MADE[challenge_id].template, tmp_path / "list")
    for fault in planted(challenge, MADE[challenge_id]):
        problems = check(challenge, write(fault.files, tmp_path / fault.name), template)
        assert (fault.name, {problem.rule for problem in problems}) == (fault.name, fault.rules)
        assert fault.is_refused == any(not problem.is_note for problem in problems)
    assert not (tmp_path / EXECUTED).exists()


@pytest.mark.parametrize("challenge_id", CHALLENGES)
def test_every_challenge_has_forty_faults_and_some_oddities_that_are_accepted(challenge_id):
    faults = planted(get(challenge_id), MADE[challenge_id])
    assert sum(fault.is_refused for fault in faults) >= 40
    assert sum(not fault.is_refused for fault in faults) >= 10
    assert len({fault.name for fault in faults}) == len(faults)
    assert all(fault.files != MADE[challenge_id].prediction for fault in faults)


def test_the_bomb_is_small_and_unpacks_to_more_than_is_unpacked_without_suspicion(tmp_path):
    faults = {fault.name: fault for fault in planted(get("abaw11-ah"), MADE["abaw11-ah"])}
    path = write(faults["zip-bomb"].files, tmp_path)
    (member,) = zipfile.ZipFile(path).infolist()
    assert path.stat().st_size < 1 << 18
    assert member.file_size > 64 << 20


def test_faults_are_the_same_each_time():
    assert planted(get("abaw4-mtl"), MADE["abaw4-mtl"]) == planted(get("abaw4-mtl"), MADE["abaw4-mtl"])
