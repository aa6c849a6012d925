"""Entries built on networks: those of this package, and any torch module."""
