"""Notes on the weights of an entry: on its card, and said by `check` and `predict`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner

from abawbench.base.problems import ProblemError
from abawbench.cli import main
from abawbench.entries import load_entry
from abawbench.entries.model import Card, Weights
from abawbench.entries.network_notes import network_notes
from tests.inference.conftest import write_crops
from tests.models.checkpoints.conftest import draw_mae

ENTRY = """\
name = "2026_test_net"
title = "a test"
kind = "network"
vocabulary = "abaw4-mtl"
trained_on = ["a test"]
sees_truth = false
licence = "Apache-2.0"

[picture]
size = 112
colour = "RGB"
crop = "arcface-112"

[settings]
seed = 3

[settings.heads]
hidden = [16]

[[settings.backbones]]
weights = {file = "vit.pth", licence = "a test"}
"""


def an_entry(root: Path, more: str) -> Path:
    folder = root / "2026_test_net"
    folder.mkdir(exist_ok=True)
    state = {**draw_mae(), "head.weight": torch.ones(8, 192), "n_averaged": torch.tensor(3)}
    torch.save({"model": state, "model_ema": dict(state)}, folder / "vit.pth")
    (folder / "entry.toml").write_text(ENTRY + more)
    return folder


def rules(card: Card) -> list[str]:
    return [note.rule for note in network_notes(card)]


def test_the_branch_of_an_entry_is_named_in_its_settings(tmp_path):
    with pytest.raises(ProblemError, match="E10") as caught:
        load_entry(an_entry(tmp_path, ""))
    assert 'branch = "model"' in caught.value.problems[0].fix
    card = load_entry(an_entry(tmp_path, 'branch = "model_ema"\n')).card
    assert card.networks[0]["branch"] == "model_ema"
    assert card.networks[0]["assumed"] == ["mean", "std"]
    assert rules(card) == ["N60", "N61"]
    assert {note.file for note in network_notes(card)} == {"vit.pth"}


def test_the_lines_that_the_note_gives_settle_the_pictures(tmp_path):
    card = load_entry(an_entry(tmp_path, 'branch = "model"\n')).card
    lines = network_notes(card)[1].fix.removeprefix("write ").partition(" beside")[0].replace("], std", "]\nstd")
    card = load_entry(an_entry(tmp_path, f'branch = "model"\n{lines}\n')).card
    assert rules(card) == ["N60"]
    assert card.networks[0]["mean"] == [0.485, 0.456, 0.406]


def test_a_branch_without_weights_is_refused(tmp_path):
    folder = an_entry(tmp_path, "")
    with_weights, _, _ = (folder / "entry.toml").read_text().rpartition("weights")
    (folder / "entry.toml").write_text(f'{with_weights}kind = "tiny_vit"\nbranch = "model"\n')
    with pytest.raises(ProblemError, match=r"E17.*\n.*branch = model"):
        load_entry(folder)


def test_check_and_predict_say_the_notes_and_succeed(tmp_path):
    folder = an_entry(tmp_path, 'branch = "model"\n')
    crops = write_crops(tmp_path / "crops", {"one": 3}, side=112)
    for arguments in (["check", folder], ["predict", folder, crops, "-o", tmp_path / "store"]):
        result = CliRunner().invoke(main, [str(argument) for argument in arguments])
        assert result.exit_code == 0, result.output
        assert "N60" in result.output
        assert "N61" in result.output
        result = CliRunner().invoke(main, [*map(str, arguments), "--json"])
        answer = json.loads(result.stdout)
        assert answer["ok"]
        assert [problem["rule"] for problem in answer["problems"]][:2] == ["N60", "N61"]


def test_networks_without_files_and_with_whole_ones_have_no_notes():
    network = {"kind": "tiny_vit", "intake": {}}
    whole = {"role": "trunk", "kind": "x", "layout": "y", "unexpected": [], "missing": [], "assumed": []}
    assert network_notes(Card("2026_a_b", "", (), None, networks=(network, whole))) == ()


def test_counters_that_are_missing_are_told_by_their_last_name_and_the_file_by_its_role():
    names = ["bn1.num_batches_tracked", "layer1.0.bn1.num_batches_tracked"]
    network = {"role": "second", "kind": "iresnet18", "layout": "insightface", "unexpected": [], "missing": names}
    weights = (Weights("first", "a.pth", "", "", ""), Weights("second", "b.pth", "", "", ""))
    (note,) = network_notes(Card("2026_a_b", "", (), None, weights=weights, networks=(network,)))
    assert (note.rule, note.file) == ("N60", "b.pth")
    assert note.found == "iresnet18 from insightface; not in the file: num_batches_tracked (2 tensors)"


def test_the_values_of_the_fix_are_whole_and_those_of_the_message_short():
    network = {
        "kind": "vggface",
        "mean": [129.1863 / 255],
        "std": [1 / 255],
        "colour": "BGR",
        "layout": "",
        "preset": "",
    }
    card = Card("2026_a_b", "", (), None, networks=({**network, "assumed": ["colour", "mean", "std"]},))
    (note,) = network_notes(card)
    assert "colour BGR, mean 0.5066, std 0.003922" in note.found
    assert f'colour = "BGR", mean = [{129.1863 / 255}], std = [{1 / 255}]' in note.fix
    assert f"--colour BGR --mean {129.1863 / 255} --std {1 / 255}" in note.fix
