"""C on the machine: `lrvm cc`.

Front ends (`frontend`) make LLVM IR; `optimise` links it by llvmlite; `ir` reads its text; `select`
chooses instructions on virtual registers; `allocate`, `peephole` and `emit` make words of them;
`link` adds what is needed of the `library` and lays everything out.
"""

from .compile import compile_c
from .errors import CompileError

__all__ = ["CompileError", "compile_c"]
