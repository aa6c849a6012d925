"""Files of IResNet, DenseNet and DenseFace: whatever training code put round the weights, the features are the same."""

from __future__ import annotations

import argparse
import hashlib
from dataclasses import replace

import pytest
import torch

from abawbench.base.problems import ProblemError
from abawbench.models.backbones import Overrides
from abawbench.models.checkpoints import load_checkpoint
from abawbench.models.image_input import half

EXTRA = {"output_layer.weight": torch.ones(8, 7), "output_layer.bias": torch.zeros(8)}


def face_pictures():
    return torch.randn(2, 3, 112, 112, generator=torch.Generator().manual_seed(1))


def wrapped(state, how):
    """What the files of the field look like, by name."""
    return {
        "bare": lambda: state,
        "module prefix": lambda: {f"module.{name}": value for name, value in state.items()},
        "several prefixes": lambda: {f"module.backbone.student.{name}": value for name, value in state.items()},
        "encoder on all": lambda: {f"encoder.{name}": value for name, value in state.items()},
        "state_dict": lambda: {"state_dict": state, "epoch": 3},
        "state_dict_backbone": lambda: {"epoch": 3, "state_dict_backbone": state, "state_optimizer": {}},
        "model and Namespace": lambda: {"model": state, "args": argparse.Namespace(lr=0.1), "epoch": 1},
        "model_state_dict": lambda: {"model_state_dict": state},
        "net": lambda: {"net": {f"module.{name}": value for name, value in state.items()}},
    }[how]()


@torch.no_grad()
@pytest.mark.parametrize("name", ["weights.pth", "weights.pt", "weights.bin", "nothing", "weights.safetensors"])
def test_a_file_gives_the_features_of_the_network_that_was_saved_whatever_its_name(narrow, write, name):
    loaded = load_checkpoint(write(narrow.state_dict(), name))
    assert torch.equal(loaded.backbone(face_pictures()), narrow(face_pictures()))
    assert (loaded.kind, loaded.layout) == ("iresnet18", "deepinsight/insightface")
    assert (loaded.missing, loaded.unexpected, loaded.assumed) == ((), (), ())
    assert not any(module.training for module in loaded.backbone.modules())
    assert loaded.backbone.card.image_input == replace(half(112), crop="arcface-112")


@torch.no_grad()
@pytest.mark.parametrize(
    "how",
    [
        *("module prefix", "several prefixes", "encoder on all", "state_dict", "state_dict_backbone"),
        *("model and Namespace", "model_state_dict", "net"),
    ],
)
def test_wrappers_and_prefixes_change_nothing(narrow, write, how):
    loaded = load_checkpoint(write(wrapped(narrow.state_dict(), how)))
    assert torch.equal(loaded.backbone(face_pictures()), narrow(face_pictures()))


@torch.no_grad()
def test_a_file_of_the_old_form_of_torch_is_read(narrow, tmp_path):
    path = tmp_path / "old.pth"
    torch.save(narrow.state_dict(), path, _use_new_zipfile_serialization=False)
    assert torch.equal(load_checkpoint(path).backbone(face_pictures()), narrow(face_pictures()))


@torch.no_grad()
def test_weights_in_half_precision_are_used_in_single(narrow, write):
    state = narrow.state_dict()
    small = {name: value.half() if value.is_floating_point() else value for name, value in state.items()}
    backbone = load_checkpoint(write(small)).backbone
    narrow.load_state_dict({name: value.float() for name, value in small.items()})
    assert all(value.dtype == torch.float32 for value in backbone.parameters())
    assert torch.equal(backbone(face_pictures()), narrow(face_pictures()))


def test_loading_leaves_the_generator_and_the_file_alone(narrow, write):
    path = write(narrow.state_dict())
    before, bytes_before = torch.get_rng_state(), path.read_bytes()
    backbone = load_checkpoint(path).backbone
    with torch.no_grad():
        for value in backbone.parameters():
            value.add_(1)
    assert torch.equal(torch.get_rng_state(), before)
    assert path.read_bytes() == bytes_before


def test_the_scale_of_the_last_norm_is_loaded_and_not_trained(narrow, write):
    state = narrow.state_dict() | {"features.weight": torch.full((7,), 1.5)}
    backbone = load_checkpoint(write(state)).backbone
    frozen = [name for name, value in backbone.named_parameters() if not value.requires_grad]
    assert frozen == ["features.weight"]
    assert backbone.state_dict()["features.weight"].tolist() == [1.5] * 7


@torch.no_grad()
def test_a_head_after_the_features_is_listed(narrow, write):
    loaded = load_checkpoint(write(narrow.state_dict() | EXTRA))
    assert loaded.unexpected == ("output_layer.weight", "output_layer.bias")
    assert torch.equal(loaded.backbone(face_pictures()), narrow(face_pictures()))


@torch.no_grad()
def test_files_older_than_the_count_of_batches_are_read(narrow, write):
    state = {n: v for n, v in narrow.state_dict().items() if not n.endswith("num_batches_tracked")}
    loaded = load_checkpoint(write(state))
    assert len(loaded.missing) == len(narrow.state_dict()) - len(state) > 0
    assert all(name.endswith("num_batches_tracked") for name in loaded.missing)
    assert torch.equal(loaded.backbone(face_pictures()), narrow(face_pictures()))


def test_another_width_of_the_embedding_is_that_of_the_file(narrow, write):
    state = narrow.state_dict()
    state["fc.weight"], state["fc.bias"] = torch.zeros(5, state["fc.weight"].shape[1]), torch.zeros(5)
    for name in ("weight", "bias", "running_mean", "running_var"):
        state[f"features.{name}"] = torch.ones(5)
    assert load_checkpoint(write(state)).backbone.card.width == 5


def test_a_missing_tensor_is_named(narrow, write):
    state = narrow.state_dict()
    del state["layer3.0.bn1.weight"]
    with pytest.raises(ProblemError, match=r"E08.*\n.*1 tensors missing: layer3\.0\.bn1\.weight"):
        load_checkpoint(write(state))


def test_many_missing_tensors_are_counted_and_the_first_named(narrow, write):
    state = {n: v for n, v in narrow.state_dict().items() if not n.startswith("layer4.") or "tracked" in n}
    with pytest.raises(ProblemError) as caught:
        load_checkpoint(write(state))
    count = len(narrow.state_dict()) - len(state)
    assert caught.value.problems[0].count == count
    assert f"{count} tensors missing: layer4.0.bn1.weight" in str(caught.value)
    assert "layer4.1.bn3.bias" not in str(caught.value)


def test_wrong_shapes_are_named_with_what_was_found_and_expected(narrow, write):
    state = narrow.state_dict() | {"bn1.bias": torch.zeros(9), "prelu.weight": torch.zeros(1)}
    with pytest.raises(ProblemError) as caught:
        load_checkpoint(write(state))
    assert [problem.rule for problem in caught.value.problems] == ["E08", "E08"]
    assert all(str(problem.file).endswith("weights.pth") for problem in caught.value.problems)
    assert "bn1.bias of shape (9,); expected shape (3,)" in str(caught.value)


# keys of the trunk's additions. Source: situAI/ABAW2022_AU_SituTech:models/iresnet.py, models/attention/CA.py
SITU = [
    *("ca_attention_input.conv_1x1.weight", "ca_attention.F_h.weight", "up_conv1.0.weight", "up_conv3.1.bias"),
    *("ssh0.conv_3x3.0.weight", "ssh3.conv_7x7_3.1.running_mean", "fc_b0.weight", "fc_b3.bias", "fc_t.weight"),
]


@pytest.mark.parametrize("names", [SITU, *([name] for name in SITU)], ids=lambda names: names[0] + f" of {len(names)}")
def test_the_variant_of_the_situ_group_is_refused_by_name(narrow, write, names):
    state = narrow.state_dict() | EXTRA | {name: torch.ones(2) for name in names}
    for tree in (state, {"state_dict": {f"module.{name}": value for name, value in state.items()}}):
        with pytest.raises(ProblemError, match="E10") as caught:
            load_checkpoint(write(tree))
        assert "situAI/ABAW2022_AU_SituTech" in caught.value.problems[0].found
        assert "iresnet100_nohead" in caught.value.problems[0].fix


@pytest.mark.parametrize("name", ["fpn.inner.weight", "se.fc1.weight", "input_norm.weight", "attention_head.weight"])
def test_unknown_modules_at_the_top_are_refused(narrow, write, name):
    with pytest.raises(ProblemError, match=rf"E08.*\n.*modules that iresnet18 does not have: {name.split('.')[0]}"):
        load_checkpoint(write(narrow.state_dict() | {name: torch.ones(2)}))


def test_tensors_inside_the_stages_that_the_network_has_not_are_refused(narrow, write):
    state = narrow.state_dict() | {"layer1.0.se.fc1.weight": torch.zeros(3)}
    with pytest.raises(ProblemError, match=r"E08.*\n.*layer1\.0\.se\.fc1\.weight"):
        load_checkpoint(write(state))


@torch.no_grad()
@pytest.mark.parametrize("is_legacy", [False, True])
def test_densenet_of_torchvision_is_read_by_current_and_by_legacy_names(densenet, write, is_legacy):
    state = densenet.state_dict() | {"classifier.weight": torch.ones(1000, 1024), "classifier.bias": torch.ones(1000)}
    assert len(state) == 727
    if is_legacy:
        for number in "12":
            for part in ("norm", "conv"):
                state = {name.replace(f".{part}{number}.", f".{part}.{number}."): v for name, v in state.items()}
        state = {name: value for name, value in state.items() if not name.endswith("num_batches_tracked")}
        assert "features.denseblock1.denselayer1.norm.1.weight" in state
    loaded = load_checkpoint(write(state))
    pictures = torch.randn(1, 3, 224, 224, generator=torch.Generator().manual_seed(2))
    assert torch.equal(loaded.backbone(pictures), densenet(pictures))
    assert len(loaded.missing) == (121 if is_legacy else 0)
    assert loaded.unexpected == ("classifier.weight", "classifier.bias")
    assert loaded.kind == "densenet121"


@torch.no_grad()
def test_denseface_is_read(denseface, write):
    state = denseface.state_dict() | {"classifier.weight": torch.ones(8, 342), "classifier.bias": torch.ones(8)}
    loaded = load_checkpoint(write(state))
    pictures = torch.randn(2, 1, 64, 64, generator=torch.Generator().manual_seed(2))
    assert torch.equal(loaded.backbone(pictures), denseface(pictures))
    assert (loaded.kind, loaded.backbone.card.image_input.colour) == ("denseface100", "grey")


def test_the_record_holds_the_hash_and_every_value_of_the_preset(narrow, write):
    path = write(narrow.state_dict() | EXTRA)
    facts = load_checkpoint(path).facts()
    assert facts == {
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "branch": "",
        "kind": "iresnet18",
        "layout": "deepinsight/insightface",
        "size": 112,
        "colour": "RGB",
        "mean": [0.5, 0.5, 0.5],
        "std": [0.5, 0.5, 0.5],
        "crop": "arcface-112",
        "layer": -1,
        "pooling": "embedding",
        "width": 7,
        "preset": "preset of iresnet18",
        "assumed": [],
        "missing": [],
        "unexpected": ["output_layer.weight", "output_layer.bias"],
    }


def test_overrides_change_the_record_and_are_named_in_it(narrow, write):
    path = write(narrow.state_dict())
    mean, std = (0.471, 0.363, 0.333), (0.22, 0.193, 0.18)
    facts = load_checkpoint(path, overrides=Overrides(colour="BGR", mean=mean, std=std)).facts()
    changed = {name for name, value in load_checkpoint(path).facts().items() if facts[name] != value}
    assert changed == {"colour", "mean", "std", "preset"}
    assert (facts["mean"], facts["std"], facts["colour"]) == (list(mean), list(std), "BGR")
    assert facts["preset"] == "preset of iresnet18; overridden: colour, mean, std"


@torch.no_grad()
def test_a_red_picture_tells_the_order_of_the_channels(narrow, write):
    path = write(narrow.state_dict())
    red = torch.zeros(1, 112, 112, 3, dtype=torch.uint8)
    red[..., 0] = 255
    seen = {}
    for colour in ("RGB", "BGR"):
        backbone = load_checkpoint(path, overrides=Overrides(colour=colour)).backbone
        pictures = torch.from_numpy(backbone.card.image_input.pictures(red.numpy()))
        assert pictures[0, :, 0, 0].tolist() == ([1, -1, -1] if colour == "RGB" else [-1, -1, 1])
        seen[colour] = backbone(pictures)
    assert not torch.allclose(seen["RGB"], seen["BGR"], atol=1e-3)


def test_another_size_for_a_fully_connected_layer_is_refused(narrow, write):
    with pytest.raises(ProblemError, match="E17"):
        load_checkpoint(write(narrow.state_dict()), overrides=Overrides(size=224))
