"""Durations and sizes as a reader would say them: in a unit in which the number is not 0.00."""

import math


def duration(seconds: float) -> str:
    """Hours and minutes from an hour on, minutes and seconds from a minute on, otherwise seconds with one decimal."""
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {rest:02d} s"


def roughly(seconds: float) -> str:
    """A duration that is known to a factor only, in whole minutes, or tenths of an hour from two hours on."""
    if seconds >= 7200:
        return f"{seconds / 3600:.1f} hours"
    minutes = math.ceil(seconds / 60)
    return f"{minutes} minutes" if minutes > 1 else "1 minute"


def disk(megabytes: float) -> str:
    """Gigabytes from a tenth of a gigabyte on, otherwise megabytes (10⁶ bytes)."""
    return f"{megabytes / 1000:.2f} GB" if megabytes >= 100 else f"{megabytes:.1f} MB"
