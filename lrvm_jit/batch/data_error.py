"""The error for inputs that cannot be read."""

from __future__ import annotations


class DataError(ValueError):
    """A file of inputs that is damaged, cut short, or of another kind than its name says."""
