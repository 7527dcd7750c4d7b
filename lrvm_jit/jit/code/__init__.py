"""Compiles, keeps, loads and installs the code of regions."""
