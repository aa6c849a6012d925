"""A small version of the example: a few people, one network, commands in this process."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from abawbench.cli import main
from abawbench.clips.crop import ARCFACE, WIDE
from examples import real_faces_pretrained
from examples.london import people_of
from examples.real_data import public_network, real_data
from examples.real_faces_pretrained import crop_of, crops_of, extract, predicted, probed

pytestmark = pytest.mark.real_data

NAME = "2018_muehler_face-api-expression"


@pytest.fixture(autouse=True)
def in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    def abawbench(*words: object) -> str:
        done = CliRunner().invoke(main, [str(word) for word in words], catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return done.stdout

    monkeypatch.setattr(real_faces_pretrained, "abawbench", abawbench)


@pytest.fixture(scope="module")
def people() -> tuple[str, ...]:
    return people_of(real_data())[:12]


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("pretrained")


def test_a_network_ranks_people_by_their_smiles_and_less_so_on_crops_it_does_not_expect(people, out):
    shares: list[float] = []
    for entry in (public_network(NAME, out / "entries"), public_network(NAME, out / "wide", WIDE)):
        crops = crops_of(people, crop_of(entry), out)
        shares.append(predicted(entry, crops, out / "stores" / entry.parent.name).right.mean())
    assert shares[0] > shares[1] >= 0.5


def test_a_probe_learns_what_its_labels_say(people, out):
    features = out / "features"
    entry = public_network(NAME, out / "entries")
    extract(entry, crops_of(people, ARCFACE, out), features)
    assert probed(features, out / "probe", people).ranked.mean() >= 0.9
    assert probed(features, out / "exchanged", people, exchanged=people).ranked.mean() <= 0.1
