"""Facts of data sets: layout, labels, splits, licence. One door for what is in `data_manifests/`."""

from __future__ import annotations

from abawbench.datasets.manifests.catalogue import Catalogue, get_manifest, manifests
from abawbench.datasets.manifests.parse import read_manifest

__all__ = ["Catalogue", "get_manifest", "manifests", "read_manifest"]
