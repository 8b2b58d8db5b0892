"""A process under the supervisor: any module, run as a program that ends when the supervisor is no more.

`python -m connector.child MODULE ARGUMENT…` is what `supervisor.py` starts for the worker, the pages and the demo's
desk. A supervisor that is told to stop stops them itself; one that was killed cannot, and what it left would hold the
worker's lock and the ports. Each of them already ends well at SIGTERM, so that is what it is sent.
"""

from __future__ import annotations

import os
import runpy
import signal
import sys
import threading
import time

PARENT = "CONNECTOR_SUPERVISOR"
"""The variable that names the supervisor's process."""
_EVERY = 1.0  # seconds


def stop_with(parent: int) -> None:
    """Have this process stop soon after that one is not its parent any more."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(_EVERY)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, name="watch the supervisor", daemon=True).start()


def main() -> None:
    module, *arguments = sys.argv[1:]
    if parent := os.environ.get(PARENT):
        stop_with(int(parent))
    sys.argv[:] = [module, *arguments]  # `run_module` puts the file's own name first
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
