"""The baseline tier: native code from machine code that was compiled once for each form."""
