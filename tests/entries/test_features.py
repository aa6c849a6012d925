"""Which features an entry answers from: of its own networks, or of those that it was trained on."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path

import pytest

from abawbench.base.problems import ProblemError
from abawbench.clips.clip import clips_of_units
from abawbench.clips.feature_index import FeatureOrigin, join_origins, origin_of
from abawbench.clips.features import FeatureClip, clips_of_features
from abawbench.entries import load_entry
from abawbench.entries.features import feature_misfit
from abawbench.inference.extract import extract
from abawbench.inference.feature_maker import feature_maker
from abawbench.models.backbones import build
from abawbench.models.checkpoints import save_backbone
from abawbench.training.sources import Source
from abawbench.training.train import train
from tests.inference.conftest import write_crops
from tests.training.runs import CROPS, FACEBEHAVIOR, HEAD, TRAINING, a_corpus, an_entry

HEADS = "[settings.heads]\nhidden = []\ndropout = 0.0\n"
OF_FEATURES = HEAD.format(kind="network") + "[settings]\nfeatures = 0\n" + HEADS
RIDGE = "[settings.temporal]\nnormalise = 'training'\n[training.ridge]\nfolds = 2\n"
ONE_EPOCH = TRAINING.replace("epochs = 3", "epochs = 1")
OTHER = FeatureOrigin("another 12345678", "12345678" * 8)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory) -> Path:
    return a_corpus(tmp_path_factory.mktemp("data") / "corpus")


@pytest.fixture(scope="module")
def features(corpus, tmp_path_factory) -> Path:
    return extracted(corpus, tmp_path_factory.mktemp("features") / "vit", seed=0)


def extracted(corpus: Path, out: Path, name: str = "tiny_vit", **options) -> Path:
    extract(feature_maker(name, **options), clips_of_units(corpus / "cropped_aligned"), out, dtype="float32")
    return out


def of_origin(clip: FeatureClip, origin: FeatureOrigin | None) -> FeatureClip:
    return replace(clip, origin=origin)


def test_clips_know_the_networks_that_made_their_features(features):
    clip = clips_of_features(features)[0]
    identity = feature_maker("tiny_vit", seed=0).identity
    assert clip.origin == origin_of(identity)
    assert clip.origin is not None
    assert clip.origin.networks == "tiny_vit seed 0 layer -1 class"


def test_features_end_to_end_come_from_all_of_their_networks():
    one = FeatureOrigin("one", "1")
    assert join_origins([one]) == one
    assert join_origins([one, None]) is None
    joined = join_origins([one, OTHER])
    assert joined is not None
    assert joined.networks == "one + another 12345678"
    assert joined != join_origins([OTHER, one])


@pytest.mark.parametrize("training", [ONE_EPOCH, RIDGE])
def test_an_entry_trained_on_features_takes_those_of_the_same_networks_alone(tmp_path, corpus, features, training):
    train(an_entry(tmp_path, OF_FEATURES + training), Source((features,), corpus), tmp_path / "run")
    entry = load_entry(tmp_path / "run")
    clip = clips_of_features(features)[0]
    assert entry.origins == (clip.origin,)
    assert "on features of tiny_vit seed 0 layer -1 class" in entry.card.notes
    assert feature_misfit(entry, clip) is None
    # nothing is known of a folder without an index
    assert feature_misfit(entry, of_origin(clip, None)) is None
    misfit = feature_misfit(entry, of_origin(clip, OTHER))
    assert misfit is not None
    assert misfit[0] == "32 features a frame of another 12345678"
    assert misfit[1] == "32 as tiny_vit seed 0 layer -1 class makes them"


def test_other_weights_of_the_same_width_are_told_apart(tmp_path, corpus, features):
    other = extracted(corpus, tmp_path / "other", seed=1)
    entry = an_entry(tmp_path, CROPS + HEADS + "[training]\nepochs = 1\n")
    with pytest.raises(ProblemError, match=r"(?s)E19.*32 features a frame of tiny_vit seed 1.*tiny_vit seed 0"):
        train(entry, Source((other,), corpus), tmp_path / "run")
    train(entry, Source((features,), corpus), tmp_path / "run")


@pytest.mark.parametrize("text", [CROPS + HEADS, FACEBEHAVIOR])
def test_a_training_of_frozen_backbones_takes_the_features_of_the_entry_it_began_with(tmp_path, corpus, features, text):
    text += "[training]\nepochs = 1\nfreeze_backbone = true\n"
    train(an_entry(tmp_path, text), Source((corpus,)), tmp_path / "run")
    entry = load_entry(tmp_path / "run")
    own = clips_of_features(extracted(corpus, tmp_path / "own", str(tmp_path / "run")))[0]
    for clip in (clips_of_features(features)[0], own):
        assert feature_misfit(entry, clip) is None
    assert feature_misfit(entry, of_origin(own, OTHER)) is not None


def test_a_training_that_changes_its_backbones_takes_no_features_from_before(tmp_path, corpus, features):
    text = CROPS + HEADS + "[training]\nepochs = 1\n"
    train(an_entry(tmp_path, text), Source((corpus,)), tmp_path / "run")
    assert feature_misfit(load_entry(tmp_path / "run"), clips_of_features(features)[0]) is not None


def test_a_checkpoint_and_an_entry_of_the_same_file_make_the_same_features(tmp_path):
    save_backbone(build("tiny_vit", seed=3), tmp_path / "vit.safetensors")
    text = CROPS.replace('kind = "tiny_vit"', 'weights = {file = "../vit.safetensors"}') + HEADS
    entry = load_entry(an_entry(tmp_path, text.replace("[[", "[settings]\nseed = 0\n[[", 1)).parent)
    assert entry.origins == (origin_of(feature_maker(str(tmp_path / "vit.safetensors")).identity),)


def test_an_entry_on_top_of_another_takes_the_features_of_that_one(tmp_path):
    name = "2021_kollias_facebehaviornet-compound/tiny"
    crops = write_crops(tmp_path / "crops", {"one": 3}, side=112)
    extract(feature_maker(name), clips_of_units(crops), tmp_path / "cache", dtype="float32")
    (clip,) = clips_of_features(tmp_path / "cache")
    assert feature_misfit(load_entry(name), clip) is None
    assert feature_misfit(load_entry(name), of_origin(clip, OTHER)) is not None


def test_a_file_may_name_the_origin_by_hand(tmp_path):
    origin = "".join(f'{name} = "{value}"\n' for name, value in asdict(OTHER).items())
    text = OF_FEATURES.replace("= 0\n", "= 3\nseed = 0\n", 1) + f"[settings.feature_origin]\n{origin}"
    assert load_entry(an_entry(tmp_path, text).parent).origins == (OTHER,)
