"""Sequence encoders: what a frame means beside its neighbours."""
