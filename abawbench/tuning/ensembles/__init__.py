"""Weighted means of several entries: their members, the search for weights, and the file of weights."""
