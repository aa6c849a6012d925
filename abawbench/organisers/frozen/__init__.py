"""Frozen scorers: one readable file for each challenge, which checks and scores with NumPy alone."""
