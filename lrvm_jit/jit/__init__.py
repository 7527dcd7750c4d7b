"""The translator: native code for hot guest code."""
