"""Every registry of models and of network entries refuses a name that it does not know, and says which are near."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from safetensors.torch import load_file, save_file

from abawbench.base.problems import ProblemError
from abawbench.entries.networks.frame_encoder import FrameEncoder
from abawbench.models import backbones
from abawbench.models.backbones import Overrides
from abawbench.models.checkpoints import load_checkpoint, save_backbone
from abawbench.models.compound import parts_of
from abawbench.models.frameworks.networks import MultiTaskNetwork, Normalisation, build_network
from abawbench.models.frameworks.settings import FrameworkSettings, HeadSettings
from abawbench.models.image_input import ImageInput
from abawbench.models.relatedness_tables import expert_table
from abawbench.models.settings import FaceBehaviorSettings, MatchingOptions, SoftLabelOptions
from abawbench.models.temporal.settings import TemporalSettings
from abawbench.models.temporal.stacks import ENCODERS, private_stack, shared_stack


def network(temporal=None, framework=None, heads=None):
    parts = temporal or TemporalSettings(), framework or FrameworkSettings(), heads or HeadSettings()
    return build_network(4, {"valence": 1}, *parts, seed=0)


UNKNOWN = {
    "kind of backbone": (lambda: backbones.build("iresnet5O", seed=0), "E01", "iresnet50"),
    "model type": (lambda: backbones.build("hf:convnet", seed=0), "E01", "convnext"),
    "pooling": (lambda: backbones.build("tiny_vit", overrides=Overrides(pooling="meen")), "E17", "'mean'"),
    "pooling of an embedding": (
        lambda: backbones.build("tiny_iresnet", overrides=Overrides(pooling="embeding")),
        "E17",
        "'embedding'",
    ),
    "colour": (lambda: backbones.build("tiny_vit", overrides=Overrides(colour="RBG")), "E17", "RGB"),
    "temporal encoder": (lambda: network(TemporalSettings(encoder="grru")), "E17", "did you mean gru"),
    "mode": (lambda: network(TemporalSettings(mode="fix")), "E17", "did you mean fixed"),
    "normalisation": (lambda: network(TemporalSettings(normalise="trainin")), "E17", "did you mean training"),
    "normalisation of a layer": (lambda: Normalisation(4, "bach", "fixed"), "E17", "batch"),
    "framework": (lambda: network(framework=FrameworkSettings("shared_botom")), "E17", "did you mean shared_bottom"),
    "output of the heads": (lambda: network(heads=HeadSettings(tanh=("valense",))), "E17", "valence"),
    "compound expression": (lambda: parts_of("Sadly_Fearfull"), "E17", "Sadly_Fearful"),
    "expression": (lambda: expert_table(["Hapiness"], ["AU1"]), "E17", "Happiness"),
    "action unit": (lambda: expert_table(["Happiness"], ["AU012"]), "E17", "AU12"),
    "precision": (lambda: FrameEncoder((), ()).at("cpu", "bfloat"), "C02", "bfloat16"),
}


@pytest.mark.parametrize("what", UNKNOWN)
def test_an_unknown_name_is_refused_and_near_ones_are_named(what):
    make, rule, near = UNKNOWN[what]
    with pytest.raises(ProblemError) as caught:
        make()
    (problem,) = caught.value.problems
    assert problem.rule == rule
    assert near in f"{problem.expected} {problem.fix}"


@pytest.mark.parametrize(
    "build", [shared_stack, lambda *arguments: private_stack(*arguments, above_shared=True)], ids=["shared", "private"]
)
@pytest.mark.parametrize("layers", [0, 2])
def test_no_stack_is_built_for_an_unknown_encoder(build, layers):
    with pytest.raises(ProblemError, match="tcn"):
        build(4, TemporalSettings(encoder="tnc"), layers)


def test_every_encoder_of_the_settings_is_registered():
    from typing import get_args

    from abawbench.models.temporal.settings import Kind

    assert set(ENCODERS) == set(get_args(Kind))


def test_a_network_is_not_made_of_an_unknown_framework():
    with pytest.raises(ProblemError, match="shared_encoder"):
        MultiTaskNetwork(4, {"valence": 1}, TemporalSettings(), FrameworkSettings("shared"), HeadSettings())


def test_a_saved_backbone_of_an_unknown_kind_is_refused_with_near_kinds(tmp_path):
    path = tmp_path / "own.safetensors"
    save_backbone(backbones.build("tiny_iresnet", seed=0), path)
    with path.open("rb") as file:
        size = int.from_bytes(file.read(8), "little")
        said = json.loads(json.loads(file.read(size))["__metadata__"]["abawbench"])
    save_file(load_file(path), path, {"abawbench": json.dumps({**said, "kind": "tiny_iresnett"})})
    with pytest.raises(ProblemError, match=r"E10(.|\n)*expected 'tiny_iresnet'"):
        load_checkpoint(path)


@pytest.mark.parametrize(
    "make",
    [
        lambda: ImageInput(8, "RBG"),
        lambda: ImageInput(8, resize="cubic"),
        lambda: ImageInput(8, layout="CHWN"),
        lambda: ImageInput(8, mean=(123.7, 116.3, 103.5), std=(1.0, 1.0, 1.0)),
        lambda: ImageInput(8, mean=(0.5, 0.5, 0.5), std=(58.4, 57.1, 57.4)),
        lambda: ImageInput(8, mean=(float("nan"), 0.5, 0.5)),
        lambda: ImageInput(8, "RGB", grey="mean"),
        lambda: ImageInput(8, "grey", grey="rec2020"),
        lambda: ImageInput(8, "grey", grey=(30, 59, 11)),
        lambda: ImageInput(8, "grey", grey=(0.5, 0.5)),
        lambda: ImageInput(8, "grey", grey=(float("nan"), 0.5, 0.5)),
        lambda: replace(ImageInput(8), resize_to=4),
        lambda: MatchingOptions(form="one-sided"),
        lambda: MatchingOptions(target="label"),
        lambda: SoftLabelOptions(without_profile="one"),
        lambda: SoftLabelOptions(temperature=0.0),
        lambda: FaceBehaviorSettings(valence_arousal="tan"),
        lambda: FaceBehaviorSettings(dropout=1.0),
    ],
)
def test_options_take_no_unknown_choice_and_no_value_out_of_range(make):
    with pytest.raises(ValueError, match=r"none of|cannot be cut|for pictures in|shares|white is 1|Input should be"):
        make()
