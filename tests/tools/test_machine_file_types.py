"""Component types: the built-in ones, and those that installed distributions add."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pytest

from lrvm_tools.machines import MachineError, component_types, load_machine

MODULE = '''
    """What a third party installs."""

    from pathlib import Path

    from lrvm_jit import Category, Component, Metadata, hardware_id
    from lrvm_tools.machines import Context


    class Timer(Component):
        """Rings after a while.

        More about it.
        """

        name = "Timer"

        def __init__(self, period: float, *, label: str = "timer", loud: bool | None = None,
                     log: Path | None = None, on_ring=print, extra: list[int] = ()) -> None:
            self.given = (period, label, loud, log)

        def metadata(self):
            return Metadata(hardware_id(self.name), 16, Category.UNCATEGORIZED, 0)


    def talker(context: Context, text: str) -> Timer:
        """Says something at once."""
        context.host.show(text)
        return Timer(1)


    class Wired(Timer):
        def __init__(self, handler: object) -> None:
            pass


    class Placed(Timer):
        def __init__(self, address: int) -> None:
            pass


    def nothing() -> None:
        return None


    def unresolved(size: "Missing") -> Timer:
        return Timer(1)


    number = 3
'''

ENTRY_POINTS = """
    [lrvm.components]
    timer = third_party:Timer
    talker = third_party:talker
    wired = third_party:Wired
    placed = third_party:Placed
    nothing = third_party:nothing
    unresolved = third_party:unresolved
    number = third_party:number
    gone = third_party:Gone
    missing = third_party.absent:Thing
    ram = third_party:Timer
"""


def install(folder: Path, name: str, entry_points: str) -> None:
    """Lay a distribution out as pip does."""
    metadata = folder / f"{name}-1.0.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(dedent(entry_points))


@pytest.fixture
def third_party(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    site = tmp_path / "site"
    install(site, "third-party", ENTRY_POINTS)
    (site / "third_party.py").write_text(dedent(MODULE))
    monkeypatch.syspath_prepend(site)
    monkeypatch.delitem(sys.modules, "third_party", raising=False)
    importlib.invalidate_caches()
    return site


@pytest.fixture
def problem(tmp_path: Path, third_party: Path) -> Callable[[str], str]:
    """What is said about a component with these lines."""

    def find(text: str) -> str:
        path = tmp_path / "machine.toml"
        path.write_text(f"[[component]]\n{text}")
        with pytest.raises(MachineError) as caught:
            load_machine(path)
        (found,) = caught.value.problems
        return found

    return find


def test_a_third_party_type(tmp_path: Path, third_party: Path) -> None:
    path = tmp_path / "machine.toml"
    path.write_text("""
        [[component]]
        type = "timer"
        period = 2
        loud = true
        log = "log.txt"
        address = 0x1000
    """)
    with load_machine(path) as machine:
        timer = machine.board.components[0]
        assert timer.given == (2.0, "timer", True, tmp_path / "log.txt")  # type: ignore[attr-defined]
        assert str(machine.board.mappings.of(0)) == "0x00001000 -> 0x0000100F"


def test_a_type_that_wants_the_host(
    tmp_path: Path, third_party: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "machine.toml"
    path.write_text("[[component]]\ntype = 'talker'\ntext = 'here I am'")
    with load_machine(path):
        assert capsys.readouterr().out == "here I am"


def test_settings_come_from_the_signature(third_party: Path) -> None:
    timer = component_types()["timer"]
    assert timer.origin == "third-party"
    assert timer.summary == "Rings after a while."
    assert [str(setting) for setting in timer.settings.values()] == [
        "period (a number, required)",
        "label (a string)",
        "loud (true or false)",
        "log (a path, as a string)",
    ]
    assert list(component_types()["talker"].settings) == ["text"]


def test_only_types_that_work_are_listed(third_party: Path) -> None:
    types = component_types()
    assert {"timer", "talker", "nothing"} <= types.keys()
    assert not {"wired", "placed", "unresolved", "number", "gone", "missing"} & types.keys()
    assert types["ram"].origin == "lrvm-jit"  # the built-in ones cannot be replaced


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "type = 'timer'",
            "(timer): setting 'period' is missing; settings of timer: period (a num",
        ),
        ("type = 'timer'\nperiod = '1'", "setting 'period' must be a number, not '1'"),
        ("type = 'timer'\nperiod = 1\nloud = 0", "setting 'loud' must be true or false, not 0"),
        ("type = 'timer'\nperiod = 1\non_ring = 'x'", "unknown setting 'on_ring'"),
        ("type = 'timr'", "unknown type 'timr' (did you mean 'timer'?); known are "),
        ("type = 'wired'", "of third-party cannot be used in a machine file: its parameter 'handl"),
        ("type = 'placed'", "of third-party has a setting 'address', a name that is taken"),
        ("type = 'nothing'", "of third-party made None, which is no component"),
        ("type = 'unresolved'", "of third-party cannot be told: name 'Missing' is not defined"),
        ("type = 'number'", "of third-party is 3, which makes no components"),
        ("type = 'gone'", "of third-party cannot be loaded: AttributeError: module 'third_party'"),
        ("type = 'missing'", "of third-party cannot be loaded: ModuleNotFoundError: No module"),
    ],
)
def test_what_is_said_about_it(problem: Callable[[str], str], text: str, message: str) -> None:
    assert message in problem(text)


def test_a_name_that_two_distributions_use(
    third_party: Path, problem: Callable[[str], str]
) -> None:
    install(third_party, "rival", "[lrvm.components]\ntimer = third_party:Timer")
    importlib.invalidate_caches()
    assert problem("type = 'timer'\nperiod = 1") == (
        "component 0 (timer): type 'timer' is provided by several: rival, third-party"
    )
