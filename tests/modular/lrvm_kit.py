"""LRVM processors that tests make machines of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lrvm_jit import Component
from lrvm_jit.modular import (
    Data,
    Good,
    Load,
    LrvmProcessor,
    Metadata,
    Peripheral,
    Port,
    Query,
    Response,
    Save,
    SharedRam,
)
from lrvm_tools.lasm import assemble
from tests.engines import EngineChoice

PORT = 0x10000
OTHER = 0x20000

LOCKED_ADDITIONS = """
turn:
  cpy a1, 1
  srm a0, 0, a1
  cmp a1, 0
  ifnq
  jp turn
  lsa a3, a0, 4
  inc a3
  wsa a0, 4, a3
  wsa a0, 0, 0
  dec a2
  cmp a2, 0
  ifnq
  jp turn
  halt
"""
"""Adds 1 to the second word behind a port, a2 times; the first word is the lock."""


def processor(
    source: str,
    engine: EngineChoice = "auto",
    port: Component | None = None,
    *,
    registers: dict[str, int] | None = None,
    ports: dict[int, Component] | None = None,
    **options: Any,
) -> LrvmProcessor:
    """A processor with a port at the address in a0, by default of 0x100 bytes to channel 0."""
    return LrvmProcessor(
        assemble(source),
        ram_size=0x1000,
        ports={PORT: port or Port(0, 0x100), **(ports or {})},
        registers={"a0": PORT, **(registers or {})},
        engine=engine,
        **options,
    )


def sharer(
    source: str, ram: SharedRam, engine: EngineChoice = "auto", **options: Any
) -> LrvmProcessor:
    """A processor with a shared RAM as plain memory at the address in a0."""
    return processor(source, engine, ram.direct(), **options)


class Scripted(Peripheral):
    """Notes every query; `answers` overrides what memory would answer."""

    knows_swap = True

    def __init__(self, answers: dict[Query, Any] | None = None) -> None:
        self.answers = answers or {}
        self.queries: list[Query] = []
        self.words: dict[int, int] = {}
        self.on_query: Callable[[Query], object] = lambda query: None

    def metadata(self) -> Metadata:
        return Metadata("Scripted")

    def handle(self, query: Query) -> Response:
        self.queries.append(query)
        self.on_query(query)
        if query in self.answers:
            answer: Response = self.answers[query]
            return answer
        old = self.words.get(query.address, 0)
        if not isinstance(query, Load):
            self.words[query.address] = query.value
        return Good() if isinstance(query, Save) else Data(old)
