"""Every planted fault, mailed: the mail room tells the rules that `check` gives, and scores nothing that it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from abawbench.challenges import get
from abawbench.organisers.faults import planted
from abawbench.organisers.samples import sample
from tests.organisers.mail.mails import place_of

# files beside the predictions are left aside, as many teams send a paper along
ASIDE = {"file-more", "metadata-with-command", "code-in-the-zip", "hostile-member"}
# six trials of the same bytes are one
SAME = {"too-many-trials"}
# rules of what is left once a zip is refused as a whole
OF_THE_REST = {"T08"}


def rules(record: object) -> set[str]:
    """Every rule in a part of the journal."""
    if isinstance(record, dict):
        own = {record["rule"]} if "rule" in record else set()
        return own.union(*map(rules, record.values()))
    return set().union(*map(rules, record)) if isinstance(record, list) else set()


@pytest.mark.parametrize("name", ["abaw11-ah", "abaw3-va"])
def test_a_planted_fault_is_told_and_refused(tmp_path: Path, name: str) -> None:
    place = place_of(tmp_path, get(name))
    faults = planted(place.challenge, sample(place.challenge, units=6, rows=8))
    for fault in faults:
        for path, data in fault.files.items():
            place.put(f"{fault.name}/{path}", data)
    outputs = place.run()
    scored = {one.team for one in outputs.board.standings}
    journal = json.loads((place.room / "journal.json").read_text())
    told = {team["team"]: rules(team) for team in journal["teams"]}
    for fault in faults:
        if fault.name in ASIDE | SAME:
            assert fault.name in scored
            assert told[fault.name] & {"N80", "O41"}
            continue
        assert (fault.name not in scored) == fault.is_refused, fault.name
        refusing = {rule for rule in fault.rules if not rule.startswith("N")}
        assert refusing - OF_THE_REST <= told[fault.name], fault.name
