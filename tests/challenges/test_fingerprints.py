"""Fingerprints stand in every score record: an id means one definition for ever."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from abawbench.challenges import CHALLENGES, get

PINNED: dict[str, str] = json.loads(Path(__file__).with_name("fingerprints.json").read_text())


@pytest.mark.parametrize("identifier", PINNED)
def test_a_published_record_is_never_edited(identifier):
    assert identifier in CHALLENGES, f"{identifier} is gone: scores refer to it, put it back"
    assert get(identifier).fingerprint == PINNED[identifier], (
        f"{identifier} was edited. Scores that name it would mean something else: put the record back as it was and "
        f"write the correction as a new record '{identifier}-2', with its line in tests/challenges/fingerprints.json."
    )


def test_every_record_is_pinned():
    missing = {name: challenge.fingerprint for name, challenge in CHALLENGES.items() if name not in PINNED}
    assert not missing, f"add to tests/challenges/fingerprints.json: {json.dumps(missing)}"


def test_no_two_records_share_a_fingerprint():
    assert len({challenge.fingerprint for challenge in CHALLENGES.values()}) == len(CHALLENGES)


def test_a_fingerprint_has_sixteen_hexadecimal_digits():
    assert all(len(value) == 16 and int(value, 16) >= 0 for value in PINNED.values())


def test_a_fingerprint_is_the_same_in_another_process_with_other_hashes():
    code = "from abawbench.challenges import get; print(get('abaw4-mtl').fingerprint)"
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={"PYTHONHASHSEED": "7"}
    )
    assert found.stdout.strip() == PINNED["abaw4-mtl"]


@pytest.mark.parametrize("change", [{"frame_base": 0}, {"submissions": 6}, {"sources": {}}, {"valid_rows": {}}])
def test_any_change_of_a_record_changes_its_fingerprint(change):
    record = get("abaw4-mtl")
    assert replace(record, **change).fingerprint != record.fingerprint


def test_the_order_of_a_mapping_does_not_matter():
    record = get("abaw4-mtl")
    turned = dict(reversed(record.sizes.items()))
    assert replace(record, sizes=turned).fingerprint == record.fingerprint
