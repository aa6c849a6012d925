"""The prediction store: what an entry said of every frame, kept apart from any challenge."""
