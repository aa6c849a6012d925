from __future__ import annotations

import pytest
import torch

from abawbench.base.problems import ProblemError
from abawbench.models.backbones import build
from abawbench.models.checkpoints.branches import find_branch
from abawbench.models.checkpoints.densenet import current_name
from abawbench.models.checkpoints.layouts import LAYOUTS
from abawbench.models.checkpoints.vit import mae_shapes


def of(names, shape=(1,)):
    return {name: torch.empty(shape, device="meta") for name in names}


def detect(tensors):
    layout, branch = find_branch(tensors, LAYOUTS)
    return layout.detect(branch)


def iresnet(blocks):
    names = ["layer1.0.prelu.weight", "fc.weight", "features.weight"]
    return of([*names, *(f"layer3.{i}.bn1.weight" for i in range(blocks))])


def mae(width, depth, patch, *more):
    blocks = [f"blocks.{i}.attn.qkv.weight" for i in range(depth)]
    return of([*blocks, *more]) | {"patch_embed.proj.weight": torch.empty(width, 3, patch, patch, device="meta")}


def vit(width, depth, patch, *more):
    blocks = [f"encoder.layer.{i}.layernorm_before.weight" for i in range(depth)]
    kernel = torch.empty(width, 3, patch, patch, device="meta")
    names = [*blocks, "embeddings.position_embeddings", *more]
    return of(names) | {"embeddings.patch_embeddings.projection.weight": kernel}


def densenet(blocks, stem=(64, 3, 7, 7), norm="norm1"):
    names = [
        f"features.denseblock{b}.denselayer{i}.{norm}.weight"
        for b, layers in enumerate(blocks, start=1)
        for i in range(1, layers + 1)
    ]
    return of(names) | {"features.conv0.weight": torch.empty(stem, device="meta")}


KNOWN = {
    "iresnet18": iresnet(2),
    "iresnet34": iresnet(6),
    "iresnet50": iresnet(14),
    "iresnet100": iresnet(30),
    "iresnet200": iresnet(60),
    "mae_vit_b": mae(768, 12, 16),
    "mae_vit_l": mae(1024, 24, 16, "mask_token", "decoder_pred.weight"),
    "mae_vit_h": mae(1280, 32, 14, "fc_norm.weight"),
    "vit_b": vit(768, 12, 16),
    "mae_vit_b ": vit(768, 12, 16, "decoder.decoder_pred.weight"),
    "hf:vit": vit(768, 12, 32),
    "densenet121": densenet((6, 12, 24, 16)),
    "densenet121 ": densenet((6, 12, 24, 16), norm="norm.1"),
    "denseface100": densenet((16, 16, 16), stem=(24, 1, 3, 3)),
}


@pytest.mark.parametrize("kind", KNOWN)
def test_each_layout_is_told_from_its_names(kind):
    assert detect(KNOWN[kind]).kind == kind.strip()


@pytest.mark.parametrize(
    ("tensors", "described"),
    [
        (mae(768, 12, 16), "facebookresearch/mae or timm, encoder"),
        (mae(768, 12, 16, "mask_token", "decoder_embed.weight"), "facebookresearch/mae, full, with decoder"),
        (mae(768, 12, 16, "decoder_blocks.0.norm1.weight"), "facebookresearch/mae, full, with decoder"),
        (mae(768, 12, 16, "fc_norm.weight", "head.weight"), "facebookresearch/mae or timm, fine-tuned"),
    ],
)
def test_parts_of_a_masked_autoencoder_are_told_apart(tensors, described):
    assert detect(tensors).described == described


@pytest.mark.parametrize(
    ("tensors", "said"),
    [
        (iresnet(3), "an IResNet with 3 blocks in its third stage"),
        (densenet((6, 12, 32, 32)), "densenet169"),
        (densenet((6, 12, 48, 32)), "densenet201"),
        (densenet((6, 12, 36, 24), stem=(96, 3, 7, 7)), "densenet161"),
        (densenet((6, 12, 24, 16), stem=(64, 1, 7, 7)), "(64, 1, 7, 7)"),
        (densenet((2, 2)), "blocks of [2, 2]"),
        (of(["input_layer.0.weight", "body.0.res_layer.0.weight"]), "older IR or IR-SE"),
        (of(["layers.0.attention.q_proj.weight"]), "save_pretrained"),
        (of(["network.layers.0.attention.q_proj.weight"]), "save_backbone"),
        (
            of(["embeddings.patch_embeddings.projection.weight", "encoder.layer.0.norm1.weight"]),
            "give the whole folder",
        ),
    ],
)
def test_what_is_not_read_is_refused_by_name(tensors, said):
    with pytest.raises(ProblemError, match="E10") as caught:
        detect(tensors)
    assert said in str(caught.value)


@pytest.mark.parametrize("module", ["base_encoder", "momentum_encoder"])
def test_the_small_vit_of_moco_is_refused_since_its_heads_are_others_and_its_base_is_not(module):
    def under(tensors):
        return {f"module.{module}.{name}": tensor for name, tensor in tensors.items()}

    with pytest.raises(ProblemError, match=r"E10.*\n.*MoCo v3"):
        detect(under(mae(384, 12, 16)))
    assert detect(under(mae(768, 12, 16))).kind == "mae_vit_b"


def test_unknown_tensors_are_refused_with_the_first_ten_names():
    with pytest.raises(ProblemError, match="E10") as caught:
        detect(of([f"part{i}.weight" for i in range(12)]))
    assert "12 tensors, first part0.weight, " in str(caught.value)
    assert "part9.weight;" in str(caught.value)
    assert "part10" not in str(caught.value)


def test_unknown_tensors_are_refused_with_the_nearest_layout_and_what_it_lacks():
    resnet = of(["conv1.weight", "layer1.0.conv1.weight", "layer1.0.bn1.weight", "fc.weight"])
    with pytest.raises(ProblemError, match=r"E10(.|\n)*nearest to IResNet of insightface, but lacks layer1\.0\.prelu"):
        detect(resnet)


@pytest.mark.parametrize(
    ("width", "depth", "patch", "hidden", "entries", "parameters"),
    [
        (768, 12, 16, 3072, 150, 85_798_656),
        (1024, 24, 16, 4096, 294, 303_301_632),
        (1280, 32, 14, 5120, 390, 630_764_800),
    ],
)
def test_files_of_masked_autoencoders_have_the_entries_of_facebookresearch(
    width, depth, patch, hidden, entries, parameters
):
    tokens = 1 + (224 // patch) ** 2
    shapes = mae_shapes(width, depth, patch=patch, tokens=tokens, hidden=hidden, has_fc_norm=False)
    assert len(shapes) == entries
    assert sum(torch.Size(shape).numel() for shape in shapes.values()) == parameters


def test_legacy_names_of_densenet_become_the_727_current_ones_and_stay_them():
    with torch.device("meta"):
        names = [*build("densenet121").state_dict(), "classifier.weight", "classifier.bias"]
    legacy = [
        name.replace(".norm1.", ".norm.1.")
        .replace(".norm2.", ".norm.2.")
        .replace(".conv1.", ".conv.1.")
        .replace(".conv2.", ".conv.2.")
        for name in names
    ]
    assert sum(old != new for old, new in zip(legacy, names, strict=True)) == 58 * (2 * 5 + 2)
    assert [current_name(name) for name in legacy] == names
    assert len(set(names)) == 727
    assert [current_name(name) for name in names] == names
