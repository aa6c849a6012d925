"""Repairs of single kinds of error, and what each would add to the score."""
