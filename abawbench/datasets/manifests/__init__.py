"""Facts of data sets: layout, labels, splits, licence, checked when they are read.

How facts are read: `read_manifest` (parse) turns a TOML file of `data_manifests/` into a `Manifest`
(model) and reports every fault with its line. The `Catalogue` does so for each id on demand. facts puts a
manifest into words and tables, croissant into the exchange format of data set descriptions.
"""

from __future__ import annotations

from abawbench.datasets.manifests.catalogue import Catalogue, get_manifest, manifests, origin_of
from abawbench.datasets.manifests.parse import read_manifest

__all__ = ["Catalogue", "get_manifest", "manifests", "origin_of", "read_manifest"]
