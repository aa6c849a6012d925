"""Exports of records and entries in the forms that other projects read."""
