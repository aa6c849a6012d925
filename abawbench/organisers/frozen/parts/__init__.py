"""The parts of a frozen scorer: plain programs for Python 3.8 and NumPy, joined by the generator."""
