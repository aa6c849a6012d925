"""The layouts of checkpoints that can be read: one entry for each project's names of a network's tensors."""

from __future__ import annotations

from abawbench.models.checkpoints.densenet import DENSENET
from abawbench.models.checkpoints.fit import Layout
from abawbench.models.checkpoints.iresnet import IRESNET
from abawbench.models.checkpoints.vgg import VGG
from abawbench.models.checkpoints.vit import MAE, TRANSFORMERS

LAYOUTS: tuple[Layout, ...] = (IRESNET, MAE, TRANSFORMERS, DENSENET, *VGG)
