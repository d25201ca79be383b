# SPDX-License-Identifier: GPL-3.0-or-later
"""What Ctrl-C and the request to end do to a job in the terminal.

The first Ctrl-C stops optimising and keeps what there is; before the first step it ends the command. A second one, or
SIGTERM, ends it at once; the checkpoint stays. Python hears a signal only between two of its own instructions, and one
call of a library may take minutes: so a thread listens (the system's own handler writes to its pipe), and ends the
process itself where the main thread does not come to it in time.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Self

from rich.console import Console
from rich.progress import Progress

from ..job import EXIT_STATUS
from .console_reporter import ConsoleReporter

PATIENCE = 1.2
"""Seconds that the main thread has to come to an end of its own."""
TERMINATED = 128 + signal.SIGTERM
"""Exit status after SIGTERM, as shells have it."""


class InterruptibleReporter(ConsoleReporter):
    """A reporter that can be told to finish or to end."""

    def __init__(self, progress: Progress, console: Console) -> None:
        super().__init__(progress, console)
        self.stage_name = ""
        """The stage that the job is in."""
        self.begun = False
        """Whether there is something to keep: the steps have begun."""
        self.finishing = False
        """Whether the job was told to bake what there is."""
        self.ending = False
        """Whether it was told to end at once."""

    def stage(self, name: str, label: str) -> None:
        if self.ending:
            raise KeyboardInterrupt
        self.stage_name, self.begun = name, self.begun or name == "optimise"
        super().stage(name, label)

    def should_finish(self) -> bool:
        return self.finishing or self.ending


class Interruptions:
    """While this context is entered, signals go to ``reporter``. Only the main thread may enter it.

    The block is left by ``KeyboardInterrupt`` when the command is to end at once.
    """

    def __init__(
        self, reporter: InterruptibleReporter, say: Callable[[str], None], give_up: Callable[[], None]
    ) -> None:
        """Nothing is heard yet.

        Args:
            reporter: told what to do.
            say: shows a line to the person.
            give_up: called, from another thread, before the process is ended from there; what it raises is dropped.
        """
        self.status = EXIT_STATUS["cancelled"]
        """Exit status after the block was left by ``KeyboardInterrupt``."""
        self._reporter, self._say, self._give_up = reporter, say, give_up
        self._raised = False
        self._left = threading.Event()
        self._main = threading.get_ident()

    def __enter__(self) -> Self:
        self._reading, self._writing = os.pipe()
        if sys.platform != "win32":
            os.set_blocking(self._writing, False)
        self._pipe_before = signal.set_wakeup_fd(self._writing, warn_on_full_buffer=False)
        # What is ignored stays so: a shell starts what runs in the background without an ear for Ctrl-C.
        heard = [number for number in (signal.SIGINT, signal.SIGTERM) if signal.getsignal(number) != signal.SIG_IGN]
        self._before = {number: signal.signal(number, self._between_instructions) for number in heard}
        self._unraisable_before, sys.unraisablehook = sys.unraisablehook, self._drop_unraisable
        self._listener = threading.Thread(target=self._listen, name="interruptions", daemon=True)
        self._listener.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._left.set()
        signal.set_wakeup_fd(self._pipe_before)
        for number, handler in self._before.items():
            signal.signal(number, handler)
        sys.unraisablehook = self._unraisable_before
        os.close(self._writing)
        self._listener.join()
        os.close(self._reading)
        if self._reporter.ending and isinstance(error, Exception):
            # What was broken off says so in words of its own (a half-loaded module, say).
            raise KeyboardInterrupt from error

    def _drop_unraisable(self, unraisable: sys.UnraisableHookArgs) -> None:
        """Where nothing can be raised (at an object's end, say), the listener ends the process, and that is no news."""
        if not (self._reporter.ending and issubclass(unraisable.exc_type, KeyboardInterrupt)):
            self._unraisable_before(unraisable)

    def _between_instructions(self, number: int, frame: FrameType | None) -> None:
        """Runs in the main thread, some time after the signal."""
        # Once, or it would break into what ends the command.
        if self._reporter.ending and self._reporter.stage_name != "optimise" and not self._raised:
            self._raised = True
            raise KeyboardInterrupt

    def _listen(self) -> None:
        while number := os.read(self._reading, 1):
            if number[0] in self._before and not self._reporter.ending:
                self._obey(number[0])

    def _obey(self, number: int) -> None:
        reporter = self._reporter
        if number == signal.SIGINT and reporter.begun and not reporter.finishing:
            reporter.finishing = True
            doing = "Stopping, and baking what there is" if reporter.stage_name == "optimise" else "Almost there"
            self._say(f"{doing}. Ctrl-C again ends at once; the same command then goes on from the checkpoint.")
            return
        if number == signal.SIGTERM:
            self.status = TERMINATED
        reporter.ending = True
        # While optimising it ends after the step, when the checkpoint is saved; else the main thread is woken.
        if reporter.stage_name != "optimise":
            self._wake()
        if self._left.wait(PATIENCE):
            return
        try:
            self._give_up()
        finally:
            os._exit(self.status)

    def _wake(self) -> None:
        if sys.platform == "win32":
            import _thread

            _thread.interrupt_main()
        else:
            signal.pthread_kill(self._main, signal.SIGINT)
