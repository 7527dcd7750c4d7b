"""Random programs for lanes that part: branches, loops and addresses that depend on the lane."""

from __future__ import annotations

import random

RAM_WORDS = 64
_SKIPS = ("ifeq", "ifnq", "ifls", "ifge", "ifgt", "ifle", "if SF", "ifn OF", "if EF", "if ZUF")
_ALU = ("add", "sub", "mul", "and", "bor", "xor", "cmp", "add", "sub", "cpy")


class ProgramWriter:
    """Writes one program. ac0 is the RAM's address, rr0 to rr5 count loops; a0 to a7 are
    whatever the lane has."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.lines: list[str] = []
        self.labels = 0
        self.functions = 0

    def program(self) -> str:
        self.functions = self.rng.randint(0, 2)
        self.lines.append("cpy ac0, 0x1000")
        self.lines.append("cpy ssp, 0x1100")
        self.statements(0, self.rng.randint(3, 8))
        self.lines.append("halt")
        for number in range(self.functions):
            self.lines.append(f"f{number}:")
            self.statements(2, 2, calls=False)
            self.lines.append("ret")
        return "\n".join(self.lines)

    def label(self) -> str:
        self.labels += 1
        return f"l{self.labels}"

    def reg(self) -> str:
        return f"a{self.rng.randrange(8)}"

    def value(self) -> str:
        return self.reg() if self.rng.random() < 0.6 else str(self.rng.choice((0, 1, 3, 7, 255)))

    def skip(self) -> None:
        if self.rng.random() < 0.8:
            self.lines.append(f"cmp {self.reg()}, {self.value()}")
        self.lines.append(self.rng.choice(_SKIPS))

    def statements(self, depth: int, count: int, calls: bool = True) -> None:
        for _ in range(count):
            self.statement(depth, calls)

    def statement(self, depth: int, calls: bool) -> None:
        kinds = [self.arithmetic] * 5 + [self.access] * 4 + [self.skipped] * 2 + [self.rare]
        if depth < 3:
            kinds += [lambda: self.either(depth, calls), lambda: self.loop(depth, calls)] * 2
        if calls and self.functions:
            kinds.append(lambda: self.lines.append(f"call f{self.rng.randrange(self.functions)}"))
        self.rng.choice(kinds)()

    def arithmetic(self) -> None:
        rng = self.rng
        kind = rng.random()
        if kind < 0.7:
            self.lines.append(f"{rng.choice(_ALU)} {self.reg()}, {self.value()}")
        elif kind < 0.85:
            count = rng.choice((1, 7, 31, 33, self.reg()))
            self.lines.append(f"{rng.choice(('shl', 'shr'))} {self.reg()}, {count}")
        elif kind < 0.95:
            mode = rng.choice((0x0A, 0x1F, 0x16, 0x00, 0x10))
            divisor = rng.choice((self.reg(), "3", "10"))
            self.lines.append(f"{rng.choice(('div', 'mod'))} {self.reg()}, {divisor}, {mode}")
        else:
            self.lines.append(f"ex {self.reg()}, {self.reg()}")

    def skipped(self) -> None:
        self.skip()
        self.arithmetic()

    def either(self, depth: int, calls: bool) -> None:
        other, end = self.label(), self.label()
        self.skip()
        self.lines.append(f"jp {other}")
        self.statements(depth + 1, self.rng.randint(0, 3), calls)
        self.lines += [f"jp {end}", f"{other}:"]
        self.statements(depth + 1, self.rng.randint(0, 3), calls)
        self.lines.append(f"{end}:")

    def loop(self, depth: int, calls: bool) -> None:
        again, counter = self.label(), f"rr{depth}"
        trips = self.reg() if self.rng.random() < 0.7 else str(self.rng.randint(1, 9))
        self.lines += [f"cpy {counter}, {trips}", f"and {counter}, 15", f"bor {counter}, 1"]
        self.lines.append(f"{again}:")
        self.statements(depth + 1, self.rng.randint(1, 4), calls)
        self.lines += [f"sub {counter}, 1", "ifnq", f"jp {again}"]

    def access(self) -> None:
        rng = self.rng
        if rng.random() < 0.7:
            self.lines += [f"cpy ac1, {self.reg()}", "and ac1, 0x7C"]
            if rng.random() < 0.75:
                self.lines.append("add ac1, ac0")
            elif rng.random() < 0.3:
                self.lines += ["if EF", "add ac1, ac0"]
            place = "ac1"
        else:
            place = "ac0"
        offset = rng.choice((0, 0, 4, 16, 128))
        self.lines.append(
            rng.choice(
                (
                    f"lsa {self.reg()}, {place}, {offset}",
                    f"lsa {self.reg()}, {place}, {offset}",
                    f"wsa ac0, {4 * rng.randrange(32)}, {self.value()}",
                    f"wsa {place}, {offset}, {self.value()}",
                    f"srm {place}, {offset}, {self.reg()}",
                    f"lea {place}, 3, 4",
                    f"wea {place}, 2, 4",
                )
            )
        )

    def rare(self) -> None:
        reg = self.reg()
        choice = self.rng.randrange(9)
        if choice == 0:
            self.lines.append(f"cpy {reg}, af")
        elif choice == 1:
            self.lines.append(f"cycles {reg}")
        elif choice == 2:
            self.lines += [f"push {reg}", f"pop {self.reg()}"]
        elif choice == 3:
            self.lines += [f"cmp {reg}, {self.value()}", "ifeq", "halt"]
        elif choice == 4:
            self.lines += [f"cmp {reg}, 5", "ifeq", "itr 7"]
        elif choice == 5:
            self.lines += [f"cmp {reg}, 3", "ifls", f"lsa {reg}, ac0, 2"]
        elif choice == 6:
            self.lines += ["cpy ac2, 0x7000", f"lsa {reg}, ac2, 0", f"wsa ac2, 0, {reg}"]
        elif choice == 7:
            self.lines.append(f"mod {reg}, {self.reg()}, 0")
        else:
            self.lines.append(f"hwd {reg}, 0, 0")


def random_program(rng: random.Random) -> str:
    """The source of a program."""
    return ProgramWriter(rng).program()
