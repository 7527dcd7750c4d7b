# ruff: noqa: E501 - C and LASM, a statement a line
"""C and LASM together, other machines, checks, errors, what the debugger is told."""

from __future__ import annotations

import functools
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

import lrvm_tools.cc.compile as compiling
from lrvm_tools.cc import CompileError, compile_c, frontend
from lrvm_tools.cc.backend import compile_module
from lrvm_tools.cc.listing import to_lasm
from lrvm_tools.cli.app import cli
from lrvm_tools.executable import Executable, MachineDescription
from lrvm_tools.lasm import assemble_program
from tests.cc.generator import program
from tests.cc.support import ENGINES, LIMIT, build, native, output

ABI_C = """
#include <stdio.h>
struct pair { int a; long long b; };
long long mix(int a, long long b, int c, int d, int e, int f, int g, int h, long long i);
struct pair swap(struct pair p); double half(double x); int call_back(int (*f)(int), int x);
int twice(int x) { return 2 * x; }
long long weigh(int a, long long b, int c, int d, int e, int f, int g, int h, long long i)
{ return a + 2 * b + 3 * c + 4 * d + 5 * e + 6 * f + 7 * g + 8 * h + 9 * i; }
int add_all(int n, ...) { __builtin_va_list l; __builtin_va_start(l, n); int s = 0;
  while (n--) s += __builtin_va_arg(l, int); __builtin_va_end(l); return s; }
int from_lasm(void);
int main(void) {
  printf("%lld\\n", mix(1, 1ll << 33, 3, 4, 5, 6, 7, 8, -9));
  struct pair p = swap((struct pair){7, 1ll << 40}); printf("%d %lld\\n", p.a, p.b);
  printf("%d %d\\n", call_back(twice, 20), from_lasm()); return 0; }
"""
ABI_LASM = """
mix:                            ; a0, a1:a2, a3 ... a7 and three words on the stack: h, i
    push rr0
    lsa rr0, ssp, 8             ; h, behind what was pushed and the return address
    lsa ac0, ssp, 12            ; i, low word first
    lsa c0, ssp, 16
    add a0, rr0
    add a1, a0                  ; the low word of b is 0: no carry
    add a1, ac0
    ifls
    inc a2
    add a2, c0
    cpy a0, a1
    cpy a1, a2
    pop rr0
    ret
swap:                           ; a0: where the result goes; a1: filled; a2 ... a5: the struct's words
    add a2, 1
    wsa a0, 0, a2
    wsa a0, 8, a4
    wsa a0, 12, a5
    ret
call_back:                      ; f(x) + 2, with the stack a multiple of 8 where it is called
    sub ssp, 4
    cpy ac0, a0
    cpy a0, a1
    call ac0
    add a0, 2
    add ssp, 4
    ret
from_lasm:                      ; add_all(3, 10, 20, 12): variable arguments in memory, c0 tells where
    sub ssp, 20
    cpy a0, 10
    wsa ssp, 4, a0
    cpy a0, 20
    wsa ssp, 8, a0
    cpy a0, 12
    wsa ssp, 12, a0
    cpy c0, ssp
    add c0, 4
    cpy a0, 3
    call add_all
    add ssp, 20
    ret
"""


def test_c_calls_lasm_and_lasm_calls_c(tmp_path: Path) -> None:
    (tmp_path / "abi.c").write_text(ABI_C)
    (tmp_path / "abi.lasm").write_text(ABI_LASM)
    executable = compile_c([tmp_path / "abi.c", tmp_path / "abi.lasm"])
    assert output(executable) == b"8589934592\n8 1099511627776\n42 42\n"


def test_code_beyond_64_kib(tmp_path: Path) -> None:
    """Far calls, addresses and jump tables, and a function too long for relative jumps."""
    step = "x = x * 13 + y; y ^= x >> 3; if (x == 77) goto out; v[x & 7] += y; "
    functions = "\n".join(
        f"static __attribute__((noinline)) unsigned f{n}(unsigned x, unsigned y) {{ {step * 9} "
        f"switch (x & 7) {{ case 0: return y; case 1: return x + {n}; case 2: y++; break; "
        f"case 5: return {n}; case 6: x ^= y; }} out: return x - y; }}"
        for n in range(150)
    )
    calls = " ".join(f"s = s * 31 + f{n}(s, {n});" for n in range(150))
    source = (
        f"#include <stdio.h>\nstatic unsigned v[8];\n{functions}\nint main(int argc, char **argv) {{ "
        f"unsigned s = argc, x = argc, y = 5; {calls} for (int i = 0; i < 2; i++) {{ {step * 700} }} "
        'out: printf("%u %u %u %u\\n", s, x, y, v[3]); return 0; }'
    )
    executable = build(tmp_path, source, level="0", check=False)
    assert len(executable.words) > 60_000
    expected = native(tmp_path, source)
    if expected is not None:
        assert output(executable, "translator") == expected[1]
    assert assemble_program(to_lasm(executable)).words.tolist() == executable.words.tolist()


@pytest.mark.parametrize("level", ["0", "2", "s"])
@pytest.mark.parametrize("seed", range(70_000, 70_004))
def test_random_programs(tmp_path: Path, seed: int, level: str) -> None:
    """As by the system's compiler, if there is one; the same on both engines."""
    source = program(seed)
    executable = build(tmp_path, source, level=level)
    runs = [executable.run(max_cycles=LIMIT, engine=engine) for engine in ENGINES]
    assert runs[0].fault is None
    assert (runs[0].stdout, runs[0].cycles) == (runs[1].stdout, runs[1].cycles)
    expected = native(tmp_path, source)
    if expected is not None:
        assert (runs[0].status, runs[0].stdout) == expected


@pytest.mark.parametrize("seed", range(80_000, 80_003))
def test_four_registers_suffice(tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    source = program(seed)
    wide = build(tmp_path, source).run(max_cycles=LIMIT)
    few = functools.partial(compile_module, pool=(10, 9, 13, 14))
    monkeypatch.setattr(compiling, "compile_module", few)
    narrow = build(tmp_path, source).run(max_cycles=LIMIT)
    assert (narrow.status, narrow.stdout) == (wide.status, wide.stdout)
    assert narrow.cycles > wide.cycles


# Errors and faults.


def test_faults_name_function_and_line(tmp_path: Path) -> None:
    source = (
        "static volatile int zero;\nstatic int *volatile null;\n\n"
        "static int divide(int a) {\n    return a / zero;\n}\n"
        "static int store(void) {\n    *null = 1;\n    return 0;\n}\n"
        "static int read(void) {\n    return *null;\n}\n"
        "static int deep(int n) {\n    volatile char room[1000];\n    room[0] = 1;\n"
        "    return deep(n + 1) + room[0];\n}\n"
        "int main(int argc, char **argv) {\n"
        "    switch (argv[1][0]) {\n    case 'd': return divide(4);\n    case 's': return store();\n"
        "    case 'r': return read();\n    default: return deep(1);\n    }\n}\n"
    )
    executable = build(tmp_path, source, level="0", debug=True)
    for argument, function, line in (
        ("d", "divide", 5),
        ("s", "store", 8),
        ("r", "read", 12),
        ("x", "deep", 14),
    ):
        done = executable.run([argument], max_cycles=LIMIT)
        assert done.status == 134
        # The front end names files from the folder that they have in common with the working one.
        assert f"in {function} at " in str(done.fault)
        assert f"/program.c:{line} " in f"{done.fault} "


def test_debug_information(tmp_path: Path) -> None:
    source = (
        "struct point { int x, y; } origin = {1, 2};\n"
        "int add(int left, struct point *p) {\n    int sum = left + p->x;\n    return sum;\n}\n"
        "int main(void) {\n    return add(1, &origin) - 2;\n}\n"
    )
    executable = build(tmp_path, source, level="0", debug=True)
    executable.save(tmp_path / "program.elf")
    loaded = Executable.load(tmp_path / "program.elf")
    add = next(function for function in loaded.functions if function.name == "add")
    assert [(v.name, v.is_parameter) for v in add.variables] == [
        ("left", True),
        ("p", True),
        ("sum", False),
    ]
    assert all(variable.places for variable in add.variables)
    assert [variable.name for variable in loaded.globals] == ["origin"]
    assert add.line == 2
    place = loaded.lines.locate(add.address + add.size - 8)
    assert place is not None
    assert place.line in (4, 5)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("int other(void); int main(void) { return other(); }", "other is not defined (used in main)"),
        ("int main(void) { return 1 }", "expected ';'"),
        ('int main(void) {\n\n asm("nonsense %0" : : "r"(1)); }', "program.c:3: assembly: unknown"),
        ("int x; __attribute__((section(\"@1x\"))) int y; int main(void) { return y++ + x; }", "@1x"),
        ("static char big[20 << 20]; int main(int c, char **v) { return big[c]++; }", "--ram"),
        ("int main(void) { __builtin_unreachable(); }\nint main(void);int f;float f;", "redefinition"),
    ],
)  # fmt: skip
def test_errors_say_what_and_where(tmp_path: Path, source: str, message: str) -> None:
    with pytest.raises(CompileError) as error:
        build(tmp_path, source)
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("what is this", "LLVM refuses the IR"),
        ("", "main is not defined"),
        ('target datalayout = "e-m:e-p:32:32"\ndefine i32 @main() { ret i32 0 }', "little-endian"),
        ("define fp128 @main() {\n ret fp128 0xL00000000000000000000000000000000\n}", "fp128"),
    ],
)
def test_bad_ir_is_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(CompileError) as error:
        build(tmp_path, text, "bad.ll")
    assert message in str(error.value)


def test_without_a_front_end_both_ways_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frontend, "_ziglang", lambda: None)
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(CompileError, match=r"lrvm-jit\[cc\].*--clang"):
        frontend.find_front_end()
    with pytest.raises(CompileError, match="there is no clang at nowhere"):
        frontend.find_front_end("nowhere")


def test_a_newer_clang_is_refused(tmp_path: Path) -> None:
    clang = tmp_path / "clang"
    clang.write_text("#!/bin/sh\necho clang version 99.1.0\n")
    clang.chmod(0o755)
    with pytest.raises(CompileError, match=r"clang 99\.1, whose IR llvmlite \(with LLVM"):
        frontend.find_front_end(clang)


def test_a_clang_without_the_target_is_refused(tmp_path: Path) -> None:
    clang = tmp_path / "clang"
    clang.write_text(
        "#!/bin/sh\necho clang version 15.0.7\n[ $1 = --version ] || echo '  x86 - x'\n"
    )
    clang.chmod(0o755)
    with pytest.raises(CompileError, match="without the target mips"):
        frontend.find_front_end(clang)


# Machines and the command.


def test_linking_for_another_machine(tmp_path: Path) -> None:
    (tmp_path / "machine.toml").write_text(
        '[[component]]\ntype = "rom"\naddress = 0\nsize = 0x8000\n'
        '[[component]]\ntype = "host"\naddress = 0x8000\n'
        '[[component]]\ntype = "ram"\naddress = 0x20000\nsize = 0x8000\n'
    )
    machine = MachineDescription.of_file(tmp_path / "machine.toml")
    executable = build(
        tmp_path, '#include <stdio.h>\nint main(void) { puts("there"); }', machine=machine
    )
    assert output(executable) == b"there\n"


def test_assembly_as_editors_save_it(tmp_path: Path) -> None:
    """With a byte order mark and any line ends, as everywhere; what is not UTF-8 is told."""
    main = tmp_path / "main.c"
    main.write_text("int f(int); int main(void) { return f(20); }")
    assembly = tmp_path / "f.lasm"
    for text in ("f: add a0, a0\nret\n", "\ufefff:\r\nadd a0, a0\r\nret", "f: add a0, a0\rret\r"):
        assembly.write_bytes(text.encode())
        assert compile_c([main, assembly], level=3).run().status == 40
    assembly.write_bytes(b"f:\n ret ; gr\xfc\xdfe\n")
    with pytest.raises(CompileError, match=r"f.lasm:2: .* not UTF-8 text: byte 0xFC at offset 12"):
        compile_c([main, assembly])


def test_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.c").write_text('#include "b.h"\nint main(void) { return f() + N; }')
    Path("b.c").write_text("int f(void) { return 40; }")
    Path("include").mkdir()
    Path("include/b.h").write_text("int f(void);")
    runner = CliRunner()
    arguments = ["cc", "a.c", "b.c", "-Os", "-DN=2", "-I", "include", "-lm", "--ram", "64K"]
    done = runner.invoke(cli, arguments)
    assert done.exit_code == 0, done.output
    assert runner.invoke(cli, ["run", "a.elf"]).exit_code == 42
    assert runner.invoke(cli, [*arguments, "-S"]).exit_code == 0
    words = assemble_program(Path("a.lasm").read_text()).words
    assert words.tolist() == Executable.load("a.elf").words.tolist()
    failed = runner.invoke(cli, ["cc", "a.c", "-I", "include", "-DN=1", "-o", "x.elf"])
    assert failed.exit_code == 2
    assert "f is not defined (used in main)" in failed.output
    assert not Path("x.elf").exists()
    assert runner.invoke(cli, ["cc", "a.c", "-o", "a.c"]).exit_code == 2
    assert runner.invoke(cli, ["cc", "a.c", "-lcurses"]).exit_code == 2
