"""Lanes side by side in vector registers: groups of lanes through vector code."""
