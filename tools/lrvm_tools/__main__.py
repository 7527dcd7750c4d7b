"""`python -m lrvm_tools` is the command `lrvm`."""

from .cli import main

main()
