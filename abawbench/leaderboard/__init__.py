"""Leaderboards: published facts and records as ranked tables."""
