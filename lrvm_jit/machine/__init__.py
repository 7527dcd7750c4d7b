"""The instruction-set machine."""
