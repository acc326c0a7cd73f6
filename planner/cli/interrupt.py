"""Ctrl-C: the first one asks a command to end with what it has, the second one ends it."""

import signal
import threading

import click


def stop_on_interrupt(kept: str = "the best plan found is kept") -> threading.Event:
    """An event that the first Ctrl-C sets; the second one interrupts as usual.

    Parameters
    ----------
    kept : str
        What the command then makes of what it has, as it is told.
    """
    stop = threading.Event()

    def soft_stop(signum: int, frame: object) -> None:
        stop.set()
        signal.signal(signal.SIGINT, signal.default_int_handler)
        click.echo(f"stopping: {kept}; Ctrl-C again gives up", err=True)

    signal.signal(signal.SIGINT, soft_stop)
    return stop
