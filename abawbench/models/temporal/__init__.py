"""Sequence encoders: vectors of frames in the context of their neighbours."""
