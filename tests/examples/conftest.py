from __future__ import annotations

import sys
from pathlib import Path

# an example imports its neighbours, as `python examples/...` lets it
sys.path.insert(0, str(Path(__file__).parents[2] / "examples"))
