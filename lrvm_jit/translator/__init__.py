"""The translator: hot guest code becomes native code."""
