"""What runs when? Executors without threads: a task runs at once, or later, as the seed has it."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor, Future
from random import Random
from typing import Any


class Task(Future[Any]):
    """A call that runs when its turn comes, or when its result is asked for."""

    def __init__(self, queue: Queue, call: Callable[[], Any]) -> None:
        super().__init__()
        self._queue = queue
        self._call = call

    def run(self) -> None:
        """Runs it. What is no Exception ends the whole process, not only the task."""
        try:
            self.set_result(self._call())
        except Exception as error:  # noqa: BLE001 (as every executor does)
            self.set_exception(error)

    def result(self, timeout: float | None = None) -> Any:
        """The result, after all tasks before it have run."""
        while not self.done():
            self._queue.run_one()
        return super().result(timeout)


class Queue(Executor):
    """One thread that is none: its tasks run in order. late: how likely one waits, from 0 to 1."""

    def __init__(self, random: Random, late: float) -> None:
        self._random = random
        self._late = late
        self._tasks: list[Task] = []

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Task:
        """The task, which may have run."""
        task = Task(self, lambda: fn(*args, **kwargs))
        self._tasks.append(task)
        if self._random.random() >= self._late:
            self.run_all()
        return task

    def run_one(self) -> None:
        """Runs the first task that waits."""
        self._tasks.pop(0).run()

    def run_all(self) -> None:
        """Runs all tasks that wait."""
        while self._tasks:
            self.run_one()

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: ARG002 (Executor's)
        """Runs what waits."""
        self.run_all()
