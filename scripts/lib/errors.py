"""Errors that are a message to the user, never a traceback."""


class StudyError(Exception):
    """Something that the user can put right: the message names the file or key, the value, and what to do."""
