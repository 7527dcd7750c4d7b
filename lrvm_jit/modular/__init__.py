"""Machines made of processors and peripherals that talk over channels.

docs/modular.md teaches how to write parts and put them together.

>>> from lrvm_jit.modular import Data, Load, Machine, Peripheral, Processor, Terminate
>>> class Seven(Peripheral):
...     def handle(self, query):
...         return Data(7)
>>> class Asker(Processor):
...     def exe_ins(self, channels):
...         self.answer = channels[0].query(Load(0)).value
...         raise Terminate(0)
>>> asker = Asker()
>>> _ = Machine([Seven()], [asker]).run("cooperative").join()
>>> asker.answer
7
"""

from .channel import TwoWayChannel
from .contexts import PartStatus
from .errors import (
    ChannelError,
    DeadlockError,
    DisconnectedError,
    EmptyError,
    MachineError,
    ModularError,
)
from .handle import MachineHandle
from .lrvm import ComponentPeripheral, LrvmProcessor, Port
from .machine import Machine, NodeMachine, ProcessorNetwork
from .messages import Data, Fail, Good, Load, Metadata, Query, Response, Save, Swap, Terminate
from .parts import Channels, Node, Peripheral, Processor, ProcessorNode
from .shared_ram import SharedRam

__all__ = [
    "ChannelError",
    "Channels",
    "ComponentPeripheral",
    "Data",
    "DeadlockError",
    "DisconnectedError",
    "EmptyError",
    "Fail",
    "Good",
    "Load",
    "LrvmProcessor",
    "Machine",
    "MachineError",
    "MachineHandle",
    "Metadata",
    "ModularError",
    "Node",
    "NodeMachine",
    "PartStatus",
    "Peripheral",
    "Port",
    "Processor",
    "ProcessorNetwork",
    "ProcessorNode",
    "Query",
    "Response",
    "Save",
    "SharedRam",
    "Swap",
    "Terminate",
    "TwoWayChannel",
]
