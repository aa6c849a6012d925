"""Which version this is; the only place that says it."""

from __future__ import annotations

VERSION = "0.1.0"
