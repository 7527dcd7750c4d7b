"""The benchmark: `python -m lrvm_jit.bench`."""
