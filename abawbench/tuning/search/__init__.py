"""Searches over additive statistics, and their cross-fitting."""
