"""Stands between the server and one Space, as a process: `python -I space_child.py LOG COMMAND...`.

It does what the server could not. Its standard input ends with the server, however that comes about, SIGKILL included,
and then it ends the Space with all that the Space started; Linux's own way (PR_SET_PDEATHSIG) ends one process only,
and when a *thread* of the server ends. And whatever the Space prints, at any speed, costs the server nothing.

It stands alone, on the standard library: it is there after 20 ms, in 9 MB.
"""

import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from types import FrameType
from typing import BinaryIO

MAX_LOG = 5_000_000  # bytes; the log turns over here, and one older file is kept
_MAX_LINE = 8192  # bytes; longer ones are broken


def main(log: Path, command: list[str]) -> int:
    """Run `command` to its end; SIGTERM is passed on to it and all that it started, which get no other warning."""
    running: list[subprocess.Popen[bytes]] = []

    def pass_on(number: int, frame: FrameType | None) -> None:
        for app in running:
            _signal(app, number)
        if not running:
            sys.exit(128 + number)

    signal.signal(signal.SIGTERM, pass_on)
    pipe = subprocess.PIPE
    app = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=pipe, stderr=subprocess.STDOUT, start_new_session=True
    )
    running.append(app)
    assert app.stdout is not None
    recorder = threading.Thread(target=_record, args=(app.stdout, log), daemon=True)
    for thread in (recorder, threading.Thread(target=_end_with_server, args=(app,), daemon=True)):
        thread.start()
    code = app.wait()
    _signal(app, signal.SIGKILL)  # what it started and left behind, which would hold its output open too
    recorder.join(2)
    return code if code >= 0 else 128 - code


def _signal(app: subprocess.Popen[bytes], number: int) -> None:
    with suppress(ProcessLookupError, PermissionError):  # macOS says the latter of a group that has ended
        os.killpg(app.pid, number)  # its own session, and no other's


def _end_with_server(app: subprocess.Popen[bytes]) -> None:
    while os.read(0, 1):
        pass
    _signal(app, signal.SIGKILL)


def _record(output: BinaryIO, log: Path) -> None:
    """Write each line with its time, until nobody is left who could print one."""
    stream = log.open("ab", buffering=0)
    for line in iter(partial(output.readline, _MAX_LINE), b""):
        with suppress(OSError):  # a full disk must not stop the Space, which would wait for us to read on
            if stream.tell() > MAX_LOG:
                stream.close()
                log.replace(log.with_name(f"{log.name}.1"))
                stream = log.open("ab", buffering=0)
            moment = datetime.now(UTC)  # as clock.py writes it, which cannot be imported here
            stamp = f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03}Z "
            stream.write(stamp.encode() + line.rstrip(b"\r\n") + b"\n")


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
