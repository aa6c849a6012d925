"""Baselines without a network: the classical entry and the negative controls."""
