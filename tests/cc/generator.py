"""Random C programs without undefined behaviour, each printing checksums of what it computes.

The same seed gives the same text. Signed arithmetic is done in unsigned types and converted back
(which gcc and clang define), shifts and indices are masked, divisors are never 0, loops are
bounded, and every variable is initialised.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field

_BITS = {"i8": 8, "u8": 8, "i16": 16, "u16": 16, "i32": 32, "u32": 32, "i64": 64, "u64": 64}
_FLOATS = ("f32", "f64")
_TYPES = (*_BITS, *_FLOATS)
_PROLOGUE = """\
typedef signed char i8; typedef unsigned char u8; typedef short i16; typedef unsigned short u16;
typedef int i32; typedef unsigned u32; typedef long long i64; typedef unsigned long long u64;
typedef float f32; typedef double f64;
int putchar(int);
void *memcpy(void *, const void *, __SIZE_TYPE__);
static u32 sum = 1, fuel;
static void add(u64 x) {
	for (int i = 0; i < 8; i++, x >>= 8)
		sum = (sum << 5 | sum >> 27) ^ (u32)(x & 255) * 2654435761u;
}
static void addf(f64 x) {
	u64 b = x != x ? 7 : 0;
	if (b == 0 && x != 0) memcpy(&b, &x, 8); /* gcc folds 0.0 - x to -x, which is wrong for 0 */
	add(b);
}
static void show(void) {
	for (int i = 28; i >= 0; i -= 4) putchar("0123456789abcdef"[sum >> i & 15]);
	putchar(10);
}
static i64 toi(f64 x) { return x > -1e9 && x < 1e9 ? (i64)x : 0; }
"""


@dataclass
class _Scope:
    variables: list[tuple[str, str]] = field(default_factory=list)
    loops: int = 0
    depth: int = 0


class _Writer:
    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.lines: list[str] = []
        self.count = 0
        self.functions: list[tuple[str, str, list[str]]] = []
        self.globals: list[tuple[str, str]] = []
        self.arrays: list[tuple[str, str, int]] = []
        self.structs: list[tuple[str, list[tuple[str, str, int]]]] = []
        self.records: list[tuple[str, int]] = []

    def name(self, kind: str) -> str:
        self.count += 1
        return f"{kind}{self.count}"

    def literal(self, type_: str) -> str:
        choose = self.random
        if type_ in _FLOATS:
            value = choose.choice([0.0, 1.0, -1.5, 0.1, 3e5, -2e-3, choose.uniform(-1e4, 1e4)])
            return f"({type_}){value!r}"
        bits = _BITS[type_]
        value = choose.choice(
            [0, 1, -1, 2, 7, 255, 256, 0x7FFF, 0x8000, 0xFFFF, 0x10000, 1 << 31, (1 << 31) - 1,
             choose.getrandbits(bits), choose.getrandbits(8), 1 << choose.randrange(bits)]
        )  # fmt: skip
        return f"({type_}){value & ((1 << bits) - 1)}ull"

    def place(self, scope: _Scope, depth: int = 2) -> tuple[str, str]:
        """Something that can be assigned to, and its type."""
        choose = self.random
        kind = choose.randrange(10)
        if kind < 5 or not self.arrays:
            choices = [*scope.variables, *self.globals]
            if choices:
                return choose.choice(choices)
        if kind < 8 or not self.records:
            name, element, size = choose.choice(self.arrays)
            return f"{name}[{self.index(scope, size, depth)}]", element
        record, number = choose.choice(self.records)
        field_name, field_type, _ = choose.choice(self.structs[number][1])
        return f"{record}.{field_name}", field_type

    def index(self, scope: _Scope, size: int, depth: int) -> str:
        if depth <= 0:
            return str(self.random.randrange(size))
        return f"(u32)({self.value(scope, 'u32', depth - 1)}) & {size - 1}"

    def value(self, scope: _Scope, type_: str, depth: int) -> str:
        """An expression of a type."""
        choose = self.random
        if depth <= 0 or choose.random() < 0.2:
            if choose.random() < 0.35:
                return self.literal(type_)
            name, other = self.place(scope, depth - 1)
            return self.convert(name, other, type_)
        if type_ in _FLOATS:
            return self.float_value(scope, type_, depth)
        kind = choose.randrange(14)
        a = self.value(scope, type_, depth - 1)
        b = self.value(scope, type_, depth - 1)
        unsigned = "u" + type_[1:] if _BITS[type_] >= 32 else "u32"
        if kind < 5:
            operator = choose.choice(["+", "-", "*", "^", "&", "|"])
            return f"({type_})(({unsigned})({a}) {operator} ({unsigned})({b}))"
        if kind < 6:
            count = choose.choice(
                [str(choose.randrange(_BITS[type_])), f"(({b}) & {_BITS[type_] - 1})"]
            )
            if choose.random() < 0.5:
                return f"({type_})(({unsigned})({a}) << {count})"
            return f"({type_})(({type_})({a}) >> {count})"
        if kind < 7:
            if type_[0] == "i":
                wide = "i64" if _BITS[type_] == 64 else "i32"
                divisor = f"((({wide})({b}) & 0xffff) + 1)"
                return f"({type_})(({wide})({a}) {choose.choice('/%')} {divisor})"
            return f"({type_})(({unsigned})({a}) {choose.choice('/%')} (({unsigned})({b}) | 1))"
        if kind < 9:
            other = choose.choice(_TYPES)
            x, y = self.value(scope, other, depth - 2), self.value(scope, other, depth - 2)
            comparison = choose.choice(["<", "<=", ">", ">=", "==", "!="])
            test = f"({other})({x}) {comparison} ({other})({y})"
            if choose.random() < 0.4:
                return f"({type_})({test})"
            return f"(({test}) ? ({type_})({a}) : ({type_})({b}))"
        if kind < 10:
            return f"({type_})({choose.choice(['~', '-', '!'])}({unsigned})({a}))"
        if kind < 11:
            return f"({type_})(({a}) {choose.choice(['&&', '||'])} ({b}))"
        other = choose.choice(_TYPES)
        return self.convert(f"({self.value(scope, other, depth - 1)})", other, type_)

    def float_value(self, scope: _Scope, type_: str, depth: int) -> str:
        choose = self.random
        kind = choose.randrange(8)
        a = self.value(scope, type_, depth - 1)
        b = self.value(scope, type_, depth - 1)
        if kind < 4:
            return f"({type_})(({type_})({a}) {choose.choice('+-*')} ({type_})({b}))"
        if kind < 5:
            return f"({type_})(({type_})({a}) / (({type_})({b}) * ({type_})({b}) + 1))"
        if kind < 6:
            return f"(({a}) < ({b}) ? ({type_})({a}) : -({type_})({b}))"
        other = choose.choice(_TYPES)
        return self.convert(f"({self.value(scope, other, depth - 1)})", other, type_)

    def convert(self, text: str, source: str, target: str) -> str:
        if source in _FLOATS and target not in _FLOATS:
            return f"({target})toi({text})"
        return f"({target})({text})"

    def call(self, scope: _Scope, type_: str, depth: int) -> str:
        name, result, parameters = self.random.choice(self.functions)
        arguments = [self.value(scope, parameter, depth) for parameter in parameters]
        return self.convert(f"{name}({', '.join(arguments)})", result, type_)

    # Statements.

    def statement(self, scope: _Scope, indent: str, depth: int) -> None:
        choose = self.random
        kind = choose.randrange(16)
        out = self.lines.append
        if kind < 3 and self.functions:
            # Calls have effects, and C leaves open in which order operands are evaluated.
            type_, name = choose.choice(_TYPES), self.name("v")
            out(f"{indent}{{ {type_} {name} = {self.call(scope, type_, 2)};")
            out(f"{indent}{'addf' if type_ in _FLOATS else 'add'}({name}); }}")
        elif kind < 7 or depth <= 0:
            name, type_ = self.place(scope)
            operator = choose.choice(["=", "=", "=", "^=", "+="])
            if operator != "=" and (type_ in _FLOATS or type_ in ("i32", "i64")):
                operator = "="
            out(f"{indent}{name} {operator} {self.value(scope, type_, 3)};")
        elif kind < 9:
            out(f"{indent}if ({self.value(scope, 'i32', 3)}) {{")
            self.block(scope, indent + "\t", depth - 1)
            if choose.random() < 0.5:
                out(f"{indent}}} else {{")
                self.block(scope, indent + "\t", depth - 1)
            out(f"{indent}}}")
        elif kind < 12 and scope.loops < 2:
            counter = self.name("n")
            limit = choose.randrange(1, 12)
            type_ = choose.choice(["i32", "u8", "i16", "u32", "i64"])
            if choose.random() < 0.7:
                out(f"{indent}for ({type_} {counter} = 0; {counter} < {limit}; {counter}++) {{")
            else:
                out(f"{indent}for ({type_} {counter} = {limit}; {counter} > 0; {counter}--) {{")
            out(f"{indent}\tif (++fuel > 20000) break;")
            inner = _Scope([*scope.variables], scope.loops + 1, scope.depth)
            # The counter can be read but must not be assigned to: a copy is what others see.
            copy = self.name("v")
            out(f"{indent}\t{type_} {copy} = {counter};")
            inner.variables.append((copy, type_))
            self.block(inner, indent + "\t", depth - 1)
            if choose.random() < 0.3:
                way = choose.choice(["break", "continue"])
                out(f"{indent}\tif ({self.value(inner, 'i32', 2)}) {way};")
            out(f"{indent}}}")
        elif kind < 13:
            mask = choose.choice([3, 7, 15, 31])
            out(f"{indent}switch ({self.value(scope, 'i32', 2)} & {mask}) {{")
            for case in sorted(choose.sample(range(16), choose.randrange(1, 9))):
                out(f"{indent}case {case}:")
                self.statement(scope, indent + "\t", depth - 2)
                if choose.random() < 0.8:
                    out(f"{indent}\tbreak;")
            out(f"{indent}default: ;")
            out(f"{indent}}}")
        elif kind < 14:
            type_ = choose.choice(_TYPES)
            names = [one for one in (*scope.variables, *self.globals) if one[1] == type_]
            if names:
                pointer = self.name("p")
                first, second = choose.choice(names)[0], choose.choice(names)[0]
                test = self.value(scope, "i32", 2)
                out(f"{indent}{{ {type_} *{pointer} = ({test}) & 1 ? &{first} : &{second};")
                out(f"{indent}*{pointer} = {self.value(scope, type_, 2)}; }}")
        elif kind < 15 and self.records:
            target, kind_of = choose.choice(self.records)
            other, kind_of_other = choose.choice(self.records)
            if kind_of == kind_of_other:
                out(f"{indent}{target} = pass{kind_of}({other}, {self.value(scope, 'i32', 2)});")
        else:
            name, type_ = self.place(scope)
            out(f"{indent}{'addf' if type_ in _FLOATS else 'add'}({name});")

    def block(self, scope: _Scope, indent: str, depth: int) -> None:
        inner = _Scope([*scope.variables], scope.loops, scope.depth)
        for _ in range(self.random.randrange(1, 4)):
            if self.random.random() < 0.3:
                type_, name = self.random.choice(_TYPES), self.name("v")
                self.lines.append(f"{indent}{type_} {name} = {self.value(inner, type_, 3)};")
                inner.variables.append((name, type_))
            self.statement(inner, indent, depth)

    def function(self) -> None:
        choose = self.random
        result = choose.choice(_TYPES)
        types = [choose.choice(_TYPES) for _ in range(choose.randrange(0, 8))]
        name = self.name("fn")
        names = [self.name("a") for _ in types]
        text = ", ".join(f"{t} {n}" for t, n in zip(types, names, strict=True)) or "void"
        static = "static " if choose.random() < 0.6 else ""
        attribute = "__attribute__((noinline)) " if choose.random() < 0.5 else ""
        self.lines.append(f"{static}{attribute}{result} {name}({text}) {{")
        self.lines.append("\tif (++fuel > 20000) return 0;")
        scope = _Scope(list(zip(names, types, strict=True)), depth=2)
        for _ in range(choose.randrange(1, 5)):
            self.statement(scope, "\t", 2)
        self.lines.append(f"\treturn {self.value(scope, result, 3)};")
        self.lines.append("}")
        self.functions.append((name, result, types))

    def struct(self) -> None:
        choose = self.random
        number = len(self.structs)
        fields = []
        text = []
        for _ in range(choose.randrange(1, 7)):
            type_, name = choose.choice(_TYPES), self.name("m")
            width = 0
            if type_ in ("i32", "u32", "u8", "i16", "u64") and choose.random() < 0.35:
                width = choose.randrange(1, _BITS[type_])
            text.append(f"{type_} {name}{f' : {width}' if width else ''};")
            fields.append((name, type_, width))
        packed = " __attribute__((packed))" if choose.random() < 0.2 else ""
        self.lines.append(f"struct s{number} {{ {' '.join(text)} }}{packed};")
        self.structs.append(("s", fields))
        lines = [f"x.{fields[0][0]} = ({fields[0][1]})k;"]
        lines += [
            f"add{'f' if type_ in _FLOATS else ''}(x.{name});" for name, type_, _ in fields[:3]
        ]
        self.lines.append(
            f"static __attribute__((noinline)) struct s{number} pass{number}"
            f"(struct s{number} x, i32 k) {{ {' '.join(lines)} return x; }}"
        )

    def program(self) -> str:
        choose = self.random
        for _ in range(choose.randrange(1, 4)):
            self.struct()
        for _ in range(choose.randrange(2, 6)):
            type_, name = choose.choice(_TYPES), self.name("g")
            volatile = choose.choice(["", "", "volatile "])
            self.lines.append(f"{volatile or 'static '}{type_} {name} = {self.literal(type_)};")
            if not volatile:
                self.globals.append((name, type_))
        for _ in range(choose.randrange(1, 4)):
            type_, name, size = choose.choice(_TYPES), self.name("t"), choose.choice([4, 8, 16, 64])
            values = ", ".join(self.literal(type_) for _ in range(min(size, 5)))
            self.lines.append(f"{type_} {name}[{size}] = {{{values}}};")
            self.arrays.append((name, type_, size))
        for number in range(len(self.structs)):
            for _ in range(2):
                name = self.name("r")
                self.lines.append(f"static struct s{number} {name};")
                self.records.append((name, number))
        for _ in range(choose.randrange(1, 5)):
            self.function()
        self.lines.append("int main(void) {")
        scope = _Scope()
        for _ in range(3):
            type_, name = choose.choice(_TYPES), self.name("v")
            self.lines.append(f"\t{type_} {name} = {self.literal(type_)};")
            scope.variables.append((name, type_))
        for _ in range(choose.randrange(4, 10)):
            self.statement(scope, "\t", 3)
            self.lines.append("\tshow();")
        for name, type_ in (*self.globals, *scope.variables):
            self.lines.append(f"\tadd{'f' if type_ in _FLOATS else ''}({name});")
        for name, type_, size in self.arrays:
            add = "addf" if type_ in _FLOATS else "add"
            self.lines.append(f"\tfor (i32 i = 0; i < {size}; i++) {add}({name}[i]);")
        self.lines.append("\tshow();\n\treturn sum & 63;\n}")
        return _PROLOGUE + "\n".join(self.lines) + "\n"


def program(seed: int) -> str:
    """The C program of a seed."""
    return _Writer(seed).program()
