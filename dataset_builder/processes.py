"""Worker processes that do not outlive who started them."""

import os
from multiprocessing import parent_process
from multiprocessing.connection import wait
from threading import Thread


def end_with_parent() -> None:
    """As the initializer of a pool: a worker whose starter was killed would go on, in the midst of the next run."""
    parent = parent_process()
    assert parent is not None

    def waiting() -> None:
        wait([parent.sentinel])
        os._exit(1)

    Thread(target=waiting, daemon=True).start()
