"""One parent for the desk's processes: what dies comes back, and when the parent goes, all go."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

# Loaded here: between fork and exec nothing may be looked up.
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None
_PR_SET_PDEATHSIG = 1

# A child that lives this long has recovered: its next fall starts the back-off anew.
SETTLED_AFTER = 30.0
LONGEST_PAUSE = 15.0


def end_with_parent(parent: int, signal_number: int = signal.SIGKILL) -> None:
    """Have the kernel end this process when `parent`, which forked it, ends in any way, kill -9 too."""
    if _libc is not None:
        _libc.prctl(_PR_SET_PDEATHSIG, signal_number)
        if os.getppid() != parent:  # it went before we could ask
            os._exit(1)


def start(
    command: Sequence[str],
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    pass_fds: Sequence[int] = (),
) -> subprocess.Popen[bytes]:
    """Start `command` in a process group of its own, bound to this process's life."""
    parent = os.getpid()
    return subprocess.Popen(
        command,
        env=env,
        cwd=cwd,
        pass_fds=pass_fds,
        start_new_session=True,
        preexec_fn=lambda: end_with_parent(parent, signal.SIGTERM),
    )


def end(processes: Sequence[subprocess.Popen[bytes]], patience: float = 10.0) -> None:
    """Ask all to end, wait, then kill what is left, each with its whole group."""
    for process in processes:
        if process.poll() is None:
            process.terminate()
    deadline = time.monotonic() + patience
    for process in processes:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(max(0.0, deadline - time.monotonic()))
        # Also after a quiet end: its own children may have stayed.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@dataclass
class Child:
    """A process that should always run."""

    name: str
    command: Sequence[str]
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    falls: int = 0
    due: float = 0.0

    def look_after(self, now: float, say: Callable[[str], object]) -> None:
        """Start it if it is due; where it fell, set when it is due again."""
        if self.process is None:
            if now >= self.due:
                self.process = start(self.command)
                self.started = now
            return
        status = self.process.poll()
        if status is None:
            return
        end([self.process])  # what it left behind in its group
        self.process = None
        self.falls = 1 if now - self.started >= SETTLED_AFTER else self.falls + 1
        pause = min(LONGEST_PAUSE, 0.25 * 2**self.falls)
        self.due = now + pause
        say(f"{self.name} ended (status {status}), starting it again in {pause:g} s")


class Supervisor:
    """Keeps its children running until it is asked to end."""

    def __init__(self, children: Mapping[str, Sequence[str]], say: Callable[[str], object]) -> None:
        self.children = [Child(name, command) for name, command in children.items()]
        self.say = say
        self.ending = False

    def _asked_to_end(self, signal_number: int, frame: FrameType | None) -> None:
        self.ending = True

    def run(self, meanwhile: Callable[[], object] = lambda: None) -> None:
        """Until SIGINT, SIGTERM or SIGHUP. `meanwhile` is called about five times a second."""
        signals = [signal.SIGINT, signal.SIGTERM]
        if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # under nohup the terminal may go
            signals.append(signal.SIGHUP)
        before = {number: signal.signal(number, self._asked_to_end) for number in signals}
        try:
            while not self.ending:
                for child in self.children:
                    child.look_after(time.monotonic(), self.say)
                meanwhile()
                time.sleep(0.2)
        finally:
            end([child.process for child in self.children if child.process is not None])
            for number, handler in before.items():
                signal.signal(number, handler)
