"""Optimised C programs in the debugger: what is shown of a variable is its value."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from lrvm_jit.debug import Debugger, EventKind, ExpressionError
from lrvm_tools.cc.locations import ValueRecord, value_record
from lrvm_tools.cli.run import open_machine
from lrvm_tools.debugging import Commands
from lrvm_tools.machines import Host
from tests.cc.support import build

SOURCE = """\
volatile int sink;
struct node { int value; struct node *next; };
struct node nodes[6];

__attribute__((noinline)) void use(int number) { sink = number; }

__attribute__((noinline)) int length(const struct node *list) {
    int count = 0;
    while (list) {
        use(list->value);
        count++;
        list = list->next;
    }
    return count;
}

__attribute__((noinline)) long long mix(long long wide, int factor, unsigned char small) {
    long long result = wide * factor;
    for (int i = 0; i < 3; i++) {
        result += small;
        use(i);
    }
    return result;
}

__attribute__((noinline)) int many(int a, int b, int c, int d, int e, int f) {
    int g = a * b, h = b * c, i = c * d, j = d * e, k = e * f, l = f * a;
    use(a); use(b); use(c); use(d); use(e); use(f);
    use(g); use(h); use(i); use(j); use(k); use(l);
    return a + b * c - d * e + f - g + h * i - j * k + l;
}

__attribute__((noinline)) int fib(int n) {
    if (n < 2)
        return n;
    int before = fib(n - 2);
    use(before);
    return fib(n - 1) + before;
}

int main(void) {
    for (int k = 0; k < 6; k++) {
        nodes[k].value = 10 * k;
        nodes[k].next = k ? &nodes[k - 1] : 0;
    }
    int r = length(&nodes[5]);
    r += mix(-5, 3, 250);
    r += many(2, 3, 4, 5, 6, 7);
    return r + fib(6);
}
"""


@pytest.fixture(scope="module", params=["1", "2"])
def program(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("c")
    path = folder / "program.elf"
    build(folder, SOURCE, level=request.param, debug=True).save(path)
    return path


@pytest.fixture
def debugger(program: Path) -> Iterator[Debugger]:
    with (
        open_machine(program, None, Host(), None) as machine,
        Debugger(machine.board, machine.program) as made,
    ):
        Commands(made)  # knows the variables of C
        yield made


def known(debugger: Debugger, *names: str) -> dict[str, int]:
    """The variables that have a value here."""
    found = {}
    for name in names:
        with suppress(ExpressionError):
            found[name] = debugger.evaluate(name)
    return found


def stops(debugger: Debugger, count: int) -> Iterator[int]:
    for number in range(count):
        assert debugger.run().kind is EventKind.BREAKPOINT
        yield number


def line_of(text: str) -> str:
    number = next(n for n, line in enumerate(SOURCE.splitlines(), 1) if text in line)
    return f":{number}"


def test_parameters_at_the_beginning(debugger: Debugger) -> None:
    debugger.break_at("mix")
    debugger.break_at("many")
    list(stops(debugger, 1))
    assert known(debugger, "factor", "small") == {"factor": 3, "small": 250}
    assert known(debugger, "wide").get("wide", -5) == -5
    list(stops(debugger, 1))
    names = {"a": 2, "b": 3, "c": 4, "d": 5, "e": 6, "f": 7}
    found = known(debugger, *names)
    assert len(found) >= 4
    assert found.items() <= names.items()


def test_a_loop_over_a_list(debugger: Debugger) -> None:
    """Before each call, the variables of the loop: they share registers with what follows."""
    debugger.break_at(line_of("use(list->value)"))
    symbols = debugger.program.symbols
    seen = 0
    for number in stops(debugger, 6):
        found = known(debugger, "count", "list")
        expected = {"count": number, "list": symbols["nodes"] + 8 * (5 - number)}
        assert found.items() <= expected.items()
        seen += len(found)
    assert seen >= 6


def test_a_value_that_lives_across_calls(debugger: Debugger) -> None:
    debugger.break_at(line_of("use(before)"))
    values = [known(debugger, "before").get("before", 0) for _ in stops(debugger, 6)]
    assert max(values) <= 3
    assert values.count(0) <= 4


@pytest.mark.parametrize("function", ["many", "mix", "length", "fib"])
def test_what_is_shown_is_right_everywhere(debugger: Debugger, function: str) -> None:
    """At every instruction of the function, a variable has one of its values, or none."""
    a, b, c, d, e, f = 2, 3, 4, 5, 6, 7
    nodes = debugger.program.symbols["nodes"]
    values: dict[str, dict[str, set[int]]] = {
        "many": {
            **{name: {value} for name, value in zip("abcdef", (a, b, c, d, e, f), strict=True)},
            "g": {a * b},
            "h": {b * c},
            "i": {c * d},
            "j": {d * e},
            "k": {e * f},
            "l": {f * a},
        },
        "mix": {
            "wide": {-5},
            "factor": {3},
            "small": {250},
            "i": {0, 1, 2, 3},
            "result": {-15, 235, 485, 735},
        },
        "length": {
            "count": set(range(7)),
            "list": {0, *range(nodes, nodes + 48, 8)},
        },
        "fib": {"n": set(range(7)), "before": {0, 1, 2, 3}},
    }
    expected = values[function]
    symbols = debugger.program.symbols
    begin = symbols[function]
    debugger.break_at(function)
    assert debugger.run().kind is EventKind.BREAKPOINT
    seen: set[str] = set()
    for _ in range(300):
        if debugger.program.function(debugger.pc) == (function, begin):
            for name, value in known(debugger, *expected).items():
                assert value in expected[name], (name, value, debugger.program.name(debugger.pc))
                seen.add(name)
        if debugger.step().kind is not EventKind.STEP:
            break
    assert len(seen) * 2 >= len(expected), seen


def test_a_condition_without_a_value_stops_and_says_why(debugger: Debugger) -> None:
    debugger.break_at("use", condition="before == 2")
    event = debugger.run()
    assert event.kind is EventKind.BREAKPOINT
    assert "'before == 2' of 1 has no value here" in event.notes[0]


@pytest.mark.parametrize(
    ("text", "record"),
    [
        ("i32 %x, !4, !DIExpression(), !5", ValueRecord("!4", "x", None)),
        ('ptr %"a b", !4, !DIExpression(), !5', ValueRecord("!4", "a b", None)),
        ("i32 -1, !4, !DIExpression(), !5", ValueRecord("!4", None, 0xFFFF_FFFF)),
        ("i64 -1, !4, !DIExpression(), !5", ValueRecord("!4", None, 2**64 - 1)),
        ("i1 true, !4, !DIExpression(), !5", ValueRecord("!4", None, 1)),
        ("ptr null, !4, !DIExpression(), !5", ValueRecord("!4", None, 0)),
        ("i32 poison, !4, !DIExpression(), !5", ValueRecord("!4", None, None)),
        ("double 1.0, !4, !DIExpression(), !5", ValueRecord("!4", None, None)),
        ("i32 %x, !4, !DIExpression(DW_OP_plus_uconst, 1), !5", ValueRecord("!4", None, None)),
        ("!DIArgList(i32 %x, i32 %y), !4, !DIExpression(), !5", ValueRecord("!4", None, None)),
        ("i32 %x, !4, !DIExpression(), !6", None),
    ],
)
def test_records(text: str, record: ValueRecord | None) -> None:
    metadata = {"!5": "!DILocation(line: 1)", "!6": "!DILocation(line: 1, inlinedAt: !5)"}
    assert value_record(f"#dbg_value({text})", metadata) == record
    assert value_record("#dbg_label(!1, !5)", metadata) is None
