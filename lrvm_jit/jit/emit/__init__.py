"""Generates the code of a region."""
