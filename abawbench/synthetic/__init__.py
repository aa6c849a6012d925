"""A synthetic corpus in the official layout: free of licences, and with known truth."""

from __future__ import annotations

from abawbench.synthetic.simulation import SimulatedSplit, simulate_predictions, simulate_split

__all__ = ["SimulatedSplit", "simulate_predictions", "simulate_split"]
