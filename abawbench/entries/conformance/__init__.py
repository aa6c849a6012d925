"""Conformance: the checks that every entry must pass."""
