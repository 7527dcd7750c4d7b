"""The CustomASM language (version 0.13.9), for any instruction set that rules describe.

The specification that the modules cite by its sections is `docs/spec/customasm.md`.
"""
