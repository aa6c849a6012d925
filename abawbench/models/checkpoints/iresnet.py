"""Files of IResNet, the network of deepinsight/insightface."""

from __future__ import annotations

from dataclasses import replace

from abawbench.models.backbones import Overrides, iresnet
from abawbench.models.checkpoints.fit import (
    Branch,
    Detected,
    Fitted,
    Layout,
    Preset,
    any_name,
    first_and_last,
    fit_own,
    unknown_network,
)

# blocks of the third stage
_KINDS = {2: "iresnet18", 6: "iresnet34", 14: "iresnet50", 30: "iresnet100", 60: "iresnet200"}
# what insightface trains on. Source: deepinsight/insightface:python-package/insightface/utils/face_align.py
CROP = "arcface-112"
# modules that change the trunk. Source: situAI/ABAW2022_AU_SituTech:models/iresnet.py
_SITU = r"(ca_attention(_input)?|up_conv\d|ssh\d|fc_b\d|fc_t)\."


def _detect(branch: Branch) -> Detected:
    tensors = branch.tensors
    if any_name(tensors, _SITU):
        found = (
            "the IResNet of situAI/ABAW2022_AU_SituTech (ca_attention, ssh, up_conv, fc_t), which has attention inside "
            "its trunk and takes the embedding from four scales: another network with the names of this one"
        )
        fix = "name the plain network, which that program calls iresnet100_nohead, or an IResNet of insightface"
        raise unknown_network(found, "the plain IResNet of insightface", fix)
    blocks = len({name.split(".")[1] for name in tensors if name.startswith("layer3.")})
    if blocks not in _KINDS:
        expected = f"{', '.join(map(str, _KINDS))}: IResNet 18, 34, 50, 100 or 200"
        raise unknown_network(f"an IResNet with {blocks} blocks in its third stage", expected, "name another file")
    return Detected(_KINDS[blocks], "deepinsight/insightface")


def _fit(branch: Branch, detected: Detected, preset: Preset | None, overrides: Overrides) -> Fitted:
    kind = detected.kind
    embedding, _ = first_and_last(branch.tensors["fc.weight"])
    structure = replace(iresnet.STRUCTURES[kind], embedding=embedding)
    # nothing is assumed: training and inference of insightface, whatever the data, take pictures in one way
    fitted = fit_own(lambda wanted: iresnet.make(kind, structure, wanted), branch.tensors, preset, overrides)
    card = fitted.backbone.card
    fitted.backbone.card = replace(card, image_input=replace(card.image_input, crop=CROP))
    return fitted


IRESNET = Layout(
    "IResNet of insightface",
    ("layer1.0.prelu.weight", "fc.weight", "features.weight"),
    ("layer1.0.conv1.weight",),
    _detect,
    _fit,
)
