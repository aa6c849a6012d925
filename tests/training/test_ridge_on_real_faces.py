"""A probe of public networks' features on 102 real people, each of whom it answers for without having seen them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from abawbench.clips.clip import clips_of_units
from abawbench.clips.crop import Crop
from abawbench.clips.features import clips_of_features, write_features
from abawbench.entries import load_entry
from abawbench.entries.loading import find_entry_file
from abawbench.formats.write import write_annotations
from abawbench.inference.extract import extract
from abawbench.inference.feature_maker import feature_maker
from abawbench.training.sources import Source
from abawbench.training.train import train
from examples.london import CHALLENGE, CLASSES, crop_faces, evaluate, folds, labels_of, people_of
from examples.real_data import NETWORKS, public_network, real_data

pytestmark = pytest.mark.real_data

PROBE = find_entry_file("2026_abawbench_ridge-probe", root=Path(__file__).parents[2] / "submissions")


def five_folds(features: Path, out: Path) -> dict[str, np.ndarray]:
    """Probabilities of both pictures of each person, by the probe that was fitted to the other four folds."""
    assert PROBE is not None
    clips = {clip.video: clip for clip in clips_of_features(features)}
    answers: dict[str, np.ndarray] = {}
    for number, held_out in enumerate(folds(sorted(clips))):
        labels, run = out / f"{number}.txt", out / f"fold{number}"
        out.mkdir(exist_ok=True)
        write_annotations(CHALLENGE, labels_of([person for person in sorted(clips) if person not in held_out]), labels)
        train(PROBE, Source((features,), train=labels), run)
        entry = load_entry(run)
        answers |= {person: entry.answer(clips[person].vectors(), clips[person])["expression"] for person in held_out}
    return answers


@pytest.mark.parametrize("name", NETWORKS)
def test_a_probe_tells_smiling_from_neutral_people(tmp_path, name):
    entry = public_network(name, tmp_path)
    picture = load_entry(entry).card.picture
    assert picture is not None
    crop_faces(real_data(), people_of(real_data()), tmp_path / "crops", Crop.named(picture.crop, picture.size))
    features = tmp_path / "features"
    extract(feature_maker(str(entry)), clips_of_units(tmp_path / "crops"), features)
    answers = five_folds(features, tmp_path / "probe")
    result = evaluate(answers)
    assert len(answers) == 102
    assert result.right.mean() >= 0.86
    assert result.ranked.mean() >= 0.97
    # its probabilities mean what they say: even odds would cost 0.69
    odds = np.stack([given[[0, 1], CLASSES] for given in answers.values()])
    assert -np.log(odds).mean() < 0.4
    # as many random numbers know nothing, and do not pretend to
    random = np.random.default_rng(0)
    (tmp_path / "noise").mkdir()
    for clip in clips_of_features(features):
        noise = random.normal(size=(len(clip), clip.width)).astype(np.float32)
        write_features(tmp_path / "noise" / f"{clip.video}.safetensors", clip.frame, noise)
    control = five_folds(tmp_path / "noise", tmp_path / "control")
    assert 0.35 < evaluate(control).right.mean() < 0.65
    assert -np.log(np.stack([given[[0, 1], CLASSES] for given in control.values()])).mean() < 0.8
