"""The checks that every entry passes."""
