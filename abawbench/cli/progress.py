"""Progress of a long verb on standard error."""

from __future__ import annotations

import sys

import click

from abawbench.cli.output import say


class ProgressLine:
    """One line that changes on a terminal; elsewhere a new line now and then.

    Args:
        what: plural name of what is counted, as `videos`.
    """

    PAUSE_S = 10.0

    def __init__(self, what: str) -> None:
        self._what = what
        self._is_terminal = sys.stderr.isatty()
        self._shown = 0.0

    def show(self, done: tuple[int, int], frames: tuple[int, int], seconds: float) -> None:
        """Show the progress.

        Args:
            done: things done, and things in all.
            frames: frames done, and frames expected in all.
            seconds: time since the run began.
        """
        rate = frames[0] / seconds if seconds else 0.0
        left = f", about {duration((frames[1] - frames[0]) / rate)} left" if frames[1] > frames[0] and rate else ""
        text = f"{done[0]:,}/{done[1]:,} {self._what}, {frames[0]:,} frames, {rate:,.0f} frames/s{left}"
        if self._is_terminal:
            click.echo(f"\r\033[K{text}", nl=False, err=True)
            self._shown = seconds
        elif seconds - self._shown >= self.PAUSE_S:
            say(text)
            self._shown = seconds

    def end(self) -> None:
        """Clear the line."""
        if self._is_terminal and self._shown:
            click.echo("\r\033[K", nl=False, err=True)


def duration(seconds: float) -> str:
    """A time in words.

    >>> duration(42.4), duration(600), duration(7200)
    ('42 s', '10 min', '2.0 h')
    """
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
