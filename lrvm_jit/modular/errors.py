"""What can go wrong with channels and machines."""

from __future__ import annotations


class ModularError(Exception):
    """Base class of the errors of this package."""


class ChannelError(ModularError):
    """Something is wrong with the use of a channel."""


class EmptyError(ChannelError):
    """`try_recv` found nothing. The other end is still there, and more may come."""


class DisconnectedError(ChannelError):
    """The other end is gone, and everything it had sent has been received."""


class DeadlockError(ChannelError):
    """`recv` was called where no item can ever come."""


class MachineError(ModularError):
    """A machine or its handle was used in a way that it does not allow."""


class Unwind(BaseException):
    """Raised inside a part that has been ended from outside, to leave its method.

    A part that is asked to end, or whose `handle` failed while its own instruction waited, has
    nothing to go on for. Not an `Exception`, so that a part does not catch it by accident.
    """
