"""Labels of data sets, each in the form its owners publish."""

from __future__ import annotations

# name of a reader in the manifests -> module:function, imported when it is used
READERS: dict[str, str] = {}
