"""Reading the text of LLVM IR.

llvmlite checks and prints the modules that come here, so this reader trusts the grammar, and
raises CompileError for what it does not know. The speed of compiling depends on it: each line is
cut into tokens by one regular expression.
"""

from __future__ import annotations

from ..errors import CompileError, UnsupportedError
from .instructions import InstructionReader
from .module import Block, Function, Module, Variable
from .reader import LINKAGES, name_of, unescape
from .types import (
    Type,
)

_DEBUG_RECORD = "    #dbg_"


def parse_module(text: str) -> Module:
    """The module of an IR text. Raises CompileError for what it cannot read."""
    return _Parser().module(text)


class _Parser(InstructionReader):
    def module(self, text: str) -> Module:
        module = Module()
        lines = text.split("\n")
        # Types first: whatever uses them may stand before them.
        for line in lines:
            if line.startswith("%"):
                name, found, rest = line.partition(" = type ")
                if found:
                    self.type_texts[name_of(name)] = rest
        number = 0
        try:
            while number < len(lines):
                line = lines[number]
                number += 1
                if line.startswith("define"):
                    end = lines.index("}", number)
                    function = self._function(line, lines[number:end])
                    module.functions[function.name] = function
                    number = end + 1
                elif line.startswith("@"):
                    self._global(line, module)
                elif line.startswith("declare"):
                    self._start(line)
                    self.at = 1
                    linkage = self._linkage()
                    while not self.tokens[self.at].startswith("@"):
                        self.at += 1
                    module.declared[name_of(self._next())] = linkage
                elif line.startswith("!"):
                    name, _, rest = line.partition(" = ")
                    module.metadata[name] = rest
                elif line.startswith("module asm"):
                    raise UnsupportedError("assembly outside of functions is not supported")
        except (IndexError, ValueError, KeyError) as error:
            shown = lines[number - 1].strip()[:200]
            raise CompileError(f"cannot read the IR ({error}): {shown}") from None
        return module

    def _linkage(self) -> str:
        if self.tokens[self.at] in LINKAGES:
            return self._next()
        return ""

    def _global(self, line: str, module: Module) -> None:
        self._start(line)
        name = name_of(self._next())
        self._expect("=")
        linkage = self._linkage()
        while (word := self._next()) not in ("global", "constant", "alias", "ifunc"):
            if word == "thread_local" or not word:
                break
            if self._accept("("):
                self._skip_group()
        if word == "thread_local":  # one thread: a variable like others
            if self._accept("("):
                self._skip_group()
            while (word := self._next()) not in ("global", "constant"):
                pass
        if word == "ifunc":
            raise UnsupportedError(f"{name}: functions chosen at start-up are not supported")
        type_ = self._type()
        if word == "alias":
            self._expect(",")
            module.aliases[name] = (self._operand(), linkage)
            return
        initial = None
        if linkage not in ("external", "extern_weak"):
            initial = self._value(type_)
        section, align, debug = "", type_.align, ""
        while self._accept(","):
            word = self._next()
            if word == "section":
                section = unescape(self._next()[1:-1]).decode()
            elif word == "align":
                align = int(self._next())
            elif word == "!dbg":
                debug = self._next()
        if name == "llvm.used" or name == "llvm.compiler.used":
            return
        module.variables[name] = Variable(
            name,
            type_,
            initial,
            word == "constant" or " constant " in line[:200],
            linkage,
            section,
            align,
            debug,
        )

    def _function(self, line: str, body: list[str]) -> Function:
        self._start(line)
        self.at = 1
        linkage = self._linkage()
        while self.tokens[self.at] not in ("(",) and not self._is_type():
            self._skip_attribute()
        result = self._type()
        name = name_of(self._next())
        self._expect("(")
        parameters: list[tuple[Type, str]] = []
        variadic = False
        while not self._accept(")"):
            if self._accept("..."):
                variadic = True
                continue
            type_ = self._type()
            self._skip_attributes(("%",))
            token = self.tokens[self.at]
            if token.startswith("%"):
                self.at += 1
                parameters.append((type_, name_of(token)))
            else:
                parameters.append((type_, str(len(parameters))))
            self._accept(",")
        section = debug = ""
        while (token := self._next()) and token != "{":
            if token == "section":
                section = unescape(self._next()[1:-1]).decode()
            elif token == "!dbg":
                debug = self._next()
            elif token == "personality":
                raise UnsupportedError(f"{name}: language exceptions are not supported")
        function = Function(name, result, parameters, variadic, linkage, section, [], debug)
        # The first block may have no label line; its implicit number is not used by anyone but
        # by phis, which count it after the parameters.
        count = sum(parameter.isdigit() for _, parameter in parameters)
        block = Block(str(count))
        function.blocks.append(block)
        waiting = ""
        for text in body:
            if not text.startswith("  "):
                if not text or text[0] == ";":
                    continue
                label = text.partition(";")[0].rstrip()
                label = label[:-1]
                if label.startswith('"'):
                    label = unescape(label[1:-1]).decode()
                if block.instructions or len(function.blocks) > 1:
                    block = Block(label)
                    function.blocks.append(block)
                else:
                    block.label = label
                continue
            if text.startswith(_DEBUG_RECORD):
                function.records.append((block.label, len(block.instructions), text.strip()))
                continue
            if waiting:
                waiting += text
                if text.startswith("  ]"):
                    text, waiting = waiting, ""
                else:
                    continue
            elif text.endswith("["):
                waiting = text
                continue
            block.instructions.append(self._instruction(text))
        return function
