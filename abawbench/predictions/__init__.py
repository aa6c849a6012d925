"""The prediction store: what an entry said of every frame, kept apart from any challenge."""

from __future__ import annotations

from abawbench.predictions.store import Store, is_store, open_store
from abawbench.predictions.tables import table_of

__all__ = ["Store", "is_store", "open_store", "table_of"]
