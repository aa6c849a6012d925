"""Entries whose tasks have streams: what their cards say, and everything that is wrong in their files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from abawbench.base.problems import ProblemError
from abawbench.entries import load_entry
from abawbench.entries.entry_file import FILE
from abawbench.models.sharing.streams import StreamTrunk
from abawbench.models.sizes import size_of
from tests.entries.networks.test_facebehaviornet import HEAD, TRUNK, a_clip

ALL = 'streams = [["va"], ["expression", "action_units"]]\n'
NETWORK = HEAD.replace("facebehaviornet", "network") + '[[settings.backbones]]\nkind = "tiny_resnet"\n'
STATIC = '[settings.temporal]\nencoder = "none"\n'


def load(root: Path, text: str):
    folder = root / "2026_test_fbn"
    folder.mkdir(exist_ok=True)
    (folder / FILE).write_text(text)
    return load_entry(folder)


def sharing(streams: str = ALL, unit: str = 'kind = "convflu"\n') -> str:
    return f"[settings.sharing]\n{streams}[settings.sharing.unit]\n{unit}"


def problems_of(root: Path, text: str) -> list[str]:
    with pytest.raises(ProblemError) as raised:
        load(root, text)
    return [f"{problem.rule} {problem.found} | {problem.fix}" for problem in raised.value.problems]


@pytest.mark.parametrize("head", [HEAD + TRUNK, NETWORK + STATIC], ids=["facebehaviornet", "network"])
def test_each_task_is_answered_from_its_stream_alone(tmp_path, head):
    entry, clip = load(tmp_path, head + sharing()), a_clip()
    features = entry.encode(clip.frames)
    before = entry.answer(features, clip)
    (facts,) = entry.card.networks
    (va, others) = (slice(*stream["columns"]) for stream in facts["sharing"]["streams"])
    assert (va, others) == (slice(0, 32), slice(32, 64))
    changed = features.copy()
    changed[:, others] = np.random.default_rng(1).normal(size=(len(clip), 32))
    after = entry.answer(changed, clip)
    np.testing.assert_array_equal(before["va"], after["va"])
    assert np.abs(before["expression"] - after["expression"]).max() > 1e-4
    assert np.abs(before["action_units"] - after["action_units"]).max() > 1e-4


def test_without_streams_named_each_task_has_its_own(tmp_path):
    entry = load(tmp_path, HEAD + TRUNK + sharing(""))
    (facts,) = entry.card.networks
    assert [stream["tasks"] for stream in facts["sharing"]["streams"]] == [["va"], ["expression"], ["action_units"]]
    assert facts["kind"] == "tiny_resnet in 3 streams, convflu after 1"
    assert facts["width"] == entry.width == 96


def test_the_size_counts_every_copy_and_unit(tmp_path):
    entry, alone = load(tmp_path, HEAD + TRUNK + sharing()), load(tmp_path, HEAD + TRUNK)
    trunk = entry.network.trunk
    assert isinstance(trunk, StreamTrunk)
    assert entry.size == size_of(trunk, torch.zeros(1, 3, 32, 32))
    assert entry.size.parameters == 2 * alone.size.parameters + 12 * 16**2


def test_other_units_are_other_networks_to_features(tmp_path):
    first = load(tmp_path, HEAD + TRUNK + sharing())
    second = load(tmp_path, HEAD + TRUNK + sharing(unit='kind = "convflu"\nleak_bias = -2.0\n'))
    assert first.origins != second.origins


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        (sharing('streams = [["va"], ["expresion"]]\n'), "E02 sharing.streams: expresion | did you mean expression?"),
        (
            sharing('streams = [["va"], ["va", "expression"]]\n'),
            "E02 sharing.streams with va 2 times, action_units 0 times | put each task into one stream",
        ),
        (sharing("after = [3]\n"), "E17 sharing.after = [3] of tiny_resnet | correct the setting"),
        (sharing(unit='kind = "convflo"\n'), "E02 settings.sharing.unit.kind = 'convflo' | did you mean convflu?"),
        (
            sharing(unit='kind = "nddr"\nkernl = 3\n'),
            "E02 field settings.sharing.unit.nddr.kernl | remove it",
        ),
        (sharing(unit="own = 0.5\n"), "E02 no field settings.sharing.unit.kind | correct settings.sharing.unit.kind"),
        (sharing(unit='kind = "hard"\n') + "[settings.sharing.x]\n", "E02 field settings.sharing.x | remove it"),
    ],
)
def test_everything_wrong_in_the_table_is_a_problem(tmp_path, text, wrong):
    assert wrong in problems_of(tmp_path, HEAD + TRUNK + text)


def test_units_without_weights_and_seed_are_missing(tmp_path):
    assert any(
        found.startswith("E11 no weights for trunk")
        for found in problems_of(tmp_path, (HEAD + TRUNK + sharing()).replace("seed = 2", ""))
    )


def test_a_network_shares_one_backbone_under_heads_alone(tmp_path):
    gru = '[settings.temporal]\nencoder = "gru"\nwidth = 8\nlayers = 1\n'
    assert any(
        "streams of features with the encoder gru" in found
        for found in problems_of(tmp_path, NETWORK + gru + sharing())
    )
    two = NETWORK + '[[settings.backbones]]\nkind = "tiny_vit"\n' + STATIC + sharing()
    assert any("settings.sharing with 2 backbones" in found for found in problems_of(tmp_path, two))
