"""The schedulers that tests run on: a machine does the same under both."""

from lrvm_jit.modular.machine import SchedulerName

SCHEDULERS: tuple[SchedulerName, ...] = ("threads", "cooperative")

__all__ = ["SCHEDULERS", "SchedulerName"]
