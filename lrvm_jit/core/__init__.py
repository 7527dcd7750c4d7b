"""The machine's state and rules, without an engine."""
