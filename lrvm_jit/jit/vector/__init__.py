"""Native code for many lanes at once: a program's blocks over vectors, one lane in each element."""
