"""Batches of any length: inputs and outputs in chunks, checkpoints, clusters."""
