"""Our networks as entries, and anybody's torch module."""
