"""Folders as transformers saves them, of several vision networks."""

from __future__ import annotations

import json
import logging

import pytest
import torch

from abawbench.base.problems import ProblemError
from abawbench.models.backbones import Overrides
from abawbench.models.backbones.vision import quiet
from abawbench.models.checkpoints import load_checkpoint
from abawbench.models.image_input import ImageInput, half, imagenet

SMALL = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 64,
    "image_size": 32,
    "patch_size": 8,
}
DECODER = {
    "decoder_hidden_size": 16,
    "decoder_num_hidden_layers": 1,
    "decoder_num_attention_heads": 2,
    "decoder_intermediate_size": 16,
}


def pictures(size=32):
    return torch.randn(2, 3, size, size, generator=torch.Generator().manual_seed(4))


@pytest.fixture
def saved(tmp_path, shaken):
    """Saves a network of transformers with random weights, and gives it back with its folder."""

    def save(name, fields, **options):
        import transformers

        config = getattr(transformers, name[0])(**fields)
        network = shaken(getattr(transformers, name[1])(config)).eval()
        with quiet():
            network.save_pretrained(tmp_path / "folder", **options)
        return network, tmp_path / "folder"

    return save


@torch.no_grad()
def test_a_vit_with_a_classifier_gives_the_class_token_before_it(saved):
    network, path = saved(("ViTConfig", "ViTForImageClassification"), {**SMALL, "num_labels": 5})
    loaded = load_checkpoint(path)
    expected = network(pictures(), output_hidden_states=True)
    assert torch.allclose(network.classifier(loaded.backbone(pictures())), expected.logits, rtol=1e-5, atol=1e-5)
    assert loaded.unexpected == ("classifier.bias", "classifier.weight")
    assert loaded.layout == "transformers, folder of vit"
    assert loaded.kind == "hf:vit"


@torch.no_grad()
@pytest.mark.parametrize("name", ["ViTMAEModel", "ViTMAEForPreTraining"])
def test_a_masked_autoencoder_is_never_read_with_hidden_patches(saved, name):
    network, path = saved(("ViTMAEConfig", name), {**SMALL, **DECODER, "mask_ratio": 0.75})
    encoder = network if name == "ViTMAEModel" else network.vit
    assert encoder(pictures()).last_hidden_state.shape == (2, 1 + 4, 32)
    encoder.config.mask_ratio = 0.0
    noise = torch.arange(16.0).expand(2, 16)
    whole = encoder(pictures(), noise=noise).last_hidden_state
    backbones = [load_checkpoint(path, overrides=Overrides(pooling=p)).backbone for p in ("class", "mean")]
    assert torch.allclose(backbones[0](pictures()), whole[:, 0], rtol=1e-5, atol=1e-5)
    assert torch.allclose(backbones[1](pictures()), whole[:, 1:].mean(1), rtol=1e-5, atol=1e-5)
    assert torch.equal(backbones[0](pictures()), backbones[0](pictures()))
    unexpected = load_checkpoint(path).unexpected
    assert all(part.startswith("decoder.") for part in unexpected)
    assert bool(unexpected) == (name == "ViTMAEForPreTraining")


SURPLUS = ["encoder.layer.0.ls1.gamma", "embeddings.register_tokens", "ssh.weight", "layernorm.scale"]


@pytest.mark.parametrize("name", SURPLUS)
@pytest.mark.parametrize("prefix", ["", "vit."])
def test_tensors_that_belong_to_a_variant_of_the_network_are_refused(saved, name, prefix):
    from safetensors.torch import load_file, save_file

    task = "ViTForImageClassification" if prefix else "ViTModel"
    _, path = saved(("ViTConfig", task), SMALL)
    tensors = load_file(path / "model.safetensors") | {f"{prefix}{name}": torch.ones(3)}
    save_file(tensors, path / "model.safetensors", {"format": "pt"})
    with pytest.raises(ProblemError, match="E08") as caught:
        load_checkpoint(path)
    assert name.split(".")[0] in str(caught.value) or "layers.0.ls1.gamma" in str(caught.value)


def test_a_folder_of_a_task_may_have_any_module_beside_the_network_and_a_bare_one_heads_alone(saved):
    from safetensors.torch import load_file, save_file

    _, path = saved(("ViTConfig", "ViTForImageClassification"), SMALL)
    tensors = load_file(path / "model.safetensors")
    save_file(tensors | {"neck.weight": torch.ones(3)}, path / "model.safetensors", {"format": "pt"})
    assert "neck.weight" in load_checkpoint(path).unexpected
    bare = {name.removeprefix("vit."): value for name, value in tensors.items()}
    save_file(bare, path / "model.safetensors", {"format": "pt"})
    assert load_checkpoint(path).unexpected == ("classifier.bias", "classifier.weight")
    save_file(bare | {"neck.weight": torch.ones(3)}, path / "model.safetensors", {"format": "pt"})
    with pytest.raises(ProblemError, match=r"E08.*\n.*neck"):
        load_checkpoint(path)


TASKS = {
    ("BeitConfig", "BeitForMaskedImageModeling"): {**SMALL, "use_mask_token": True},
    ("BeitConfig", "BeitForSemanticSegmentation"): {**SMALL, "num_hidden_layers": 4, "out_indices": [1, 2, 3, 4]},
    ("DeiTConfig", "DeiTForImageClassificationWithTeacher"): SMALL,
    ("SwinConfig", "SwinForMaskedImageModeling"): {
        "embed_dim": 8, "depths": [1, 1], "num_heads": [1, 2], "window_size": 4, "image_size": 32,
    },
    ("CLIPVisionConfig", "CLIPVisionModelWithProjection"): SMALL,
}  # fmt: skip


@pytest.mark.parametrize("name", TASKS, ids=lambda name: name[1])
def test_the_networks_of_tasks_are_read_without_what_the_task_adds(saved, name):
    _, path = saved(name, TASKS[name])
    assert load_checkpoint(path).unexpected


OTHERS = {
    ("Dinov2Config", "Dinov2Model"): {k: v for k, v in SMALL.items() if k != "intermediate_size"},
    ("DINOv3ViTConfig", "DINOv3ViTModel"): {**SMALL, "num_register_tokens": 4},
    ("BeitConfig", "BeitModel"): SMALL,
    ("DeiTConfig", "DeiTModel"): SMALL,
    ("SiglipVisionConfig", "SiglipVisionModel"): SMALL,
    ("CLIPVisionConfig", "CLIPVisionModel"): SMALL,
}


@torch.no_grad()
@pytest.mark.parametrize("name", OTHERS, ids=lambda name: name[1])
def test_the_patches_of_any_vision_transformer_are_averaged(saved, name):
    network, path = saved(name, OTHERS[name])
    loaded = load_checkpoint(path, overrides=Overrides(pooling="mean"))
    tokens = network(pixel_values=pictures()).last_hidden_state
    expected = tokens[:, -16:].mean(1)
    assert torch.allclose(loaded.backbone(pictures()), expected, rtol=1e-5, atol=1e-5)
    assert loaded.kind.startswith("hf:")


CONVOLUTIONS = {
    ("ResNetConfig", "ResNetForImageClassification"): {
        "embedding_size": 8, "hidden_sizes": [8, 16], "depths": [1, 1], "layer_type": "basic",
    },
    ("ConvNextV2Config", "ConvNextV2ForImageClassification"): {
        "hidden_sizes": [8, 16], "depths": [1, 1], "num_stages": 2, "image_size": 32,
    },
    ("SwinConfig", "SwinForImageClassification"): {
        "embed_dim": 8, "depths": [1, 1], "num_heads": [1, 2], "window_size": 4, "image_size": 32,
    },
    ("RegNetConfig", "RegNetForImageClassification"): {
        "embedding_size": 8, "hidden_sizes": [8, 16], "depths": [1, 1], "groups_width": 8,
    },
}  # fmt: skip


@torch.no_grad()
@pytest.mark.parametrize("name", CONVOLUTIONS, ids=lambda name: name[1])
def test_the_vector_is_what_the_networks_own_classifier_sees(saved, name):
    network, path = saved(name, {**CONVOLUTIONS[name], "num_labels": 3})
    loaded = load_checkpoint(path, overrides=Overrides(size=32))
    logits = network(pixel_values=pictures()).logits
    assert torch.allclose(network.classifier(loaded.backbone(pictures())), logits, rtol=1e-4, atol=1e-5)
    assert loaded.unexpected
    assert loaded.missing == ()


@torch.no_grad()
def test_parts_of_a_large_folder_are_put_together(saved):
    network, path = saved(("ViTConfig", "ViTModel"), SMALL, max_shard_size="20KB")
    assert len(list(path.glob("model-*.safetensors"))) > 1
    expected = network(pictures()).last_hidden_state[:, 0]
    assert torch.allclose(load_checkpoint(path).backbone(pictures()), expected, rtol=1e-5, atol=1e-5)


@torch.no_grad()
def test_weights_in_a_pickle_are_read_from_a_folder_too(saved):
    from safetensors.torch import load_file

    network, path = saved(("ViTConfig", "ViTModel"), SMALL)
    torch.save(load_file(path / "model.safetensors"), path / "pytorch_model.bin")
    (path / "model.safetensors").unlink()
    expected = network(pictures()).last_hidden_state[:, 0]
    assert torch.allclose(load_checkpoint(path).backbone(pictures()), expected, rtol=1e-5, atol=1e-5)


@torch.no_grad()
def test_the_epsilon_of_the_configuration_is_kept(saved):
    _, path = saved(("ViTConfig", "ViTModel"), {**SMALL, "layer_norm_eps": 0.25})
    backbone = load_checkpoint(path).backbone
    assert backbone.network.layernorm.eps == 0.25


def preprocess(path, **fields):
    (path / "preprocessor_config.json").write_text(json.dumps(fields))


@pytest.mark.parametrize(
    ("fields", "image_input"),
    [
        ({"size": 32, "image_mean": [0.5] * 3, "image_std": [0.5] * 3}, half(32)),
        ({"size": {"height": 32, "width": 32}, "image_mean": [0.1] * 3, "image_std": [0.2] * 3},
         ImageInput(32, "RGB", (0.1,) * 3, (0.2,) * 3)),
        ({"size": {"shortest_edge": 40}, "crop_size": {"height": 32, "width": 32}, "do_center_crop": True,
          "image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225]}, imagenet(32)),
        ({"size": {"shortest_edge": 32}, "crop_size": 16, "do_center_crop": False, "do_normalize": False},
         ImageInput(32, "RGB", (0.0,) * 3, (1.0,) * 3)),
        ({"size": 32, "image_mean": [1.0] * 3, "image_std": [1.0] * 3, "rescale_factor": 2 / 255},
         half(32)),
    ],
)  # fmt: skip
def test_preprocessing_is_that_of_the_folder(saved, fields, image_input):
    _, path = saved(("ViTConfig", "ViTModel"), SMALL)
    preprocess(path, **fields)
    loaded = load_checkpoint(path)
    found = loaded.backbone.card.image_input
    assert (found.size, found.colour) == (image_input.size, image_input.colour)
    assert found.mean == pytest.approx(image_input.mean)
    assert found.std == pytest.approx(image_input.std)
    assert loaded.preset == "preprocessor_config.json"


def test_without_preprocessing_imagenet_is_assumed_and_said_to_be(saved):
    _, path = saved(("ViTConfig", "ViTModel"), SMALL)
    loaded = load_checkpoint(path, overrides=Overrides(mean=(0.5, 0.5, 0.5)))
    assert loaded.backbone.card.image_input == ImageInput(32, "RGB", (0.5,) * 3, imagenet(32).std)
    assert loaded.preset.startswith("assumed: no preprocessor_config.json")
    assert loaded.preset.endswith("overridden: mean")


@torch.no_grad()
def test_a_network_of_one_channel_takes_grey(saved):
    network, path = saved(("ViTConfig", "ViTModel"), {**SMALL, "num_channels": 1})
    backbone = load_checkpoint(path).backbone
    assert backbone.card.image_input == ImageInput(32, "grey", (0.5,), (0.5,))
    grey = pictures()[:, :1]
    assert torch.allclose(backbone(grey), network(grey).last_hidden_state[:, 0], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("cells", [(4, 3), (2, 6)])
def test_positions_that_are_no_square_are_refused_with_the_place_of_the_file(saved, cells):
    fields = {**SMALL, "image_size": [8 * cell for cell in cells]}
    _, path = saved(("ViTConfig", "ViTModel"), fields)
    with pytest.raises(ProblemError, match="E17") as caught:
        load_checkpoint(path)
    assert caught.value.problems[0].file == str(path)


@pytest.mark.parametrize(
    "fields",
    [
        {"image_mean": [0.5] * 3, "image_std": [0.5] * 3},
        {"size": {"height": 32, "width": 48}, "image_mean": [0.5] * 3, "image_std": [0.5] * 3},
        {"size": 32, "image_mean": [0.5], "image_std": [0.5] * 3},
        {"size": 32},
        {"size": 32, "image_mean": [0.5] * 3, "image_std": [0.5] * 3, "rescale_factor": 0},
    ],
)
def test_preprocessing_that_does_not_hold_together_is_a_problem(saved, fields):
    _, path = saved(("ViTConfig", "ViTModel"), SMALL)
    preprocess(path, **fields)
    with pytest.raises(ProblemError, match=r"E04.*\n.*preprocessor_config\.json"):
        load_checkpoint(path)


def test_the_hash_of_a_folder_covers_configuration_and_weights(saved):
    _, path = saved(("ViTConfig", "ViTModel"), SMALL)
    first = load_checkpoint(path).sha256
    assert load_checkpoint(path).sha256 == first
    config = json.loads((path / "config.json").read_text())
    (path / "config.json").write_text(json.dumps({**config, "layer_norm_eps": 0.1}))
    second = load_checkpoint(path).sha256
    weights = bytearray((path / "model.safetensors").read_bytes())
    weights[-1] ^= 1
    (path / "model.safetensors").write_bytes(weights)
    assert len({first, second, load_checkpoint(path).sha256}) == 3


def test_missing_tensors_and_wrong_shapes_of_a_folder_are_named(saved, write):
    from safetensors.torch import load_file, save_file

    _, path = saved(("ViTConfig", "ViTModel"), SMALL)
    tensors = load_file(path / "model.safetensors")
    del tensors["encoder.layer.1.output.dense.weight"]
    tensors["layernorm.bias"] = torch.zeros(5)
    save_file(tensors, path / "model.safetensors")
    with pytest.raises(ProblemError) as caught:
        load_checkpoint(path)
    assert [problem.rule for problem in caught.value.problems] == ["E08", "E08"]
    assert "1 tensors missing" in str(caught.value)
    assert "layernorm.bias of shape (5,); expected shape (32,)" in str(caught.value)


@torch.no_grad()
@pytest.mark.parametrize(
    "name", [("ViTConfig", "ViTModel"), ("DeiTConfig", "DeiTModel"), ("SiglipVisionConfig", "SiglipVisionModel")]
)
def test_another_size_of_a_folder_is_the_networks_own_interpolation(saved, name):
    network, path = saved(name, SMALL)
    backbone = load_checkpoint(path, overrides=Overrides(size=64, pooling="mean")).backbone
    tokens = network(pixel_values=pictures(64), interpolate_pos_encoding=True).last_hidden_state
    assert torch.allclose(backbone(pictures(64)), tokens[:, -64:].mean(1), rtol=1e-5, atol=1e-5)


def test_nothing_is_printed_and_the_reports_of_transformers_are_as_before(saved, capfd):
    from transformers.utils import logging as reports

    _, path = saved(("ViTMAEConfig", "ViTMAEForPreTraining"), {**SMALL, **DECODER})
    reports.enable_progress_bar()
    reports.set_verbosity(logging.INFO)
    capfd.readouterr()
    load_checkpoint(path)
    assert capfd.readouterr() == ("", "")
    assert reports.get_verbosity() == logging.INFO
    assert reports.is_progress_bar_enabled()
    reports.set_verbosity_warning()
