"""Lanes as threads of a GPU: `Batch(..., device="cuda")`, with the extra `cuda`."""
