from __future__ import annotations

import pytest

from abawbench.models.checkpoints.left_over import check_left_over, is_known_module, is_needless

OWN = ["conv1.weight", "layer1.0.bn1.weight", "fc.weight"]


@pytest.mark.parametrize(
    "name",
    [
        *(
            "head.weight",
            "heads.va.bias",
            "au_head.fc.weight",
            "head_va.0.weight",
            "expr_classifier.weight",
            "head2.bias",
        ),
        *("classifier.1.weight", "output_layer.weight", "logits.bias", "pooler.dense.weight", "projector.0.weight"),
        *("decoder.decoder_pred.weight", "decoder_blocks.0.norm1.weight", "decoder_pos_embed", "mask_token"),
        *("criterion.weight", "loss_fn.pos_weight", "va_loss.weight", "n_averaged"),
    ],
)
def test_heads_decoders_and_losses_may_be_left_over(name):
    assert is_known_module(name)
    assert check_left_over([name], OWN, "iresnet18") == ()


@pytest.mark.parametrize(
    "name",
    [
        *("ssh1.conv.weight", "ca_attention.weight", "neck.weight", "dist_token", "norm.weight", "stem.weight"),
        *("multi_head_attention.weight", "headless.weight", "encoder.weight", "attention_head.weight"),
        *("input_projection.weight", "reg_token", "lossless.weight", "", ".head.weight", "self_attn_heads.weight"),
    ],
)
def test_other_modules_may_not(name):
    assert not is_known_module(name)
    (problem,) = check_left_over([name, "head.weight"], OWN, "iresnet18")
    assert (problem.rule, problem.count) == ("E08", 1)


def test_what_is_left_over_inside_the_network_and_beside_it_is_told_apart_and_all_at_once():
    names = [
        "layer1.0.se.weight",
        "fc.1.weight",
        "fpn.0.weight",
        "fpn.0.bias",
        "neck",
        "layer1.0.bn1.num_batches_tracked",
    ]
    inside, beside = check_left_over(names, OWN, "iresnet18")
    assert inside.found == "2 tensors that iresnet18 does not have: layer1.0.se.weight, fc.1.weight"
    assert beside.found == "modules that iresnet18 does not have: fpn (2 tensors), neck"
    assert (inside.count, beside.count) == (2, 3)


@pytest.mark.parametrize("name", ["bn1.num_batches_tracked", "embeddings.mask_token", "a.b.relative_position_index"])
def test_buffers_that_change_nothing_are_needless(name):
    assert is_needless(name)
    assert check_left_over([f"layer1.{name}"], OWN, "iresnet18") == ()
