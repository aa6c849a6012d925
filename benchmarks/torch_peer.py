"""torchmetrics as a peer; it is installed by `make bench` alone."""

# pyright: reportMissingImports=false

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torchmetrics.functional.classification import multiclass_f1_score, multilabel_f1_score
from torchmetrics.functional.regression import concordance_corrcoef

from abawbench.table import Mask, Table


def score(truth: Table, prediction: Table, valid: Mapping[str, Mask]) -> float:
    """The MTL score as torchmetrics computes it."""

    def tensor(array: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(np.ascontiguousarray(array))

    keep = valid["va"]
    affect = [tensor(table.numbers("va")[keep]) for table in (prediction, truth)]
    total = float(concordance_corrcoef(*affect).mean())
    keep = valid["expression"]
    classes = [tensor(table.classes("expression")[keep]).long() for table in (prediction, truth)]
    total += float(multiclass_f1_score(*classes, num_classes=8, average="macro"))
    keep = valid["action_units"]
    units = [tensor(table.classes("action_units")[keep]).long() for table in (prediction, truth)]
    return total + float(multilabel_f1_score(*units, num_labels=12, average="macro"))
