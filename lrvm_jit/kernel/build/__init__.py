"""How kernel functions are compiled, kept on disk and loaded."""
