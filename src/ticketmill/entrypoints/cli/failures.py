"""What an expected failure tells a person, and the exit code that it ends the command with."""

from __future__ import annotations

import errno
from dataclasses import dataclass

from ticketmill.domain.errors import (
    CorrectionCode,
    CorrectionRefused,
    JobFailed,
    LearningCode,
    LearningRefused,
    SetupError,
    TicketmillError,
)
from ticketmill.entrypoints.cli.output import ExitCode


@dataclass(frozen=True, slots=True)
class Failure:
    """One line for people, and the exit code for programs."""

    message: str
    code: ExitCode


_DISK_FULL = "make room, or write elsewhere"
_NO_ACCESS = "choose a path that you may use; TICKETMILL_CACHE_DIR moves ticketmill's own files"
_NEXT_STEPS = {
    errno.ENOSPC: _DISK_FULL,
    errno.EDQUOT: _DISK_FULL,
    errno.EFBIG: _DISK_FULL,
    errno.EACCES: _NO_ACCESS,
    errno.EPERM: _NO_ACCESS,
    errno.EROFS: _NO_ACCESS,
    errno.ENOTDIR: _NO_ACCESS,
    errno.EISDIR: "name a file",
    errno.ENOENT: "check the path",
    errno.ELOOP: _NO_ACCESS,
    errno.ENAMETOOLONG: _NO_ACCESS,
    errno.EIO: "check the disk",
    errno.EBADF: "a standard stream is closed: open it, or redirect it to a file",
    errno.EMFILE: "raise the limit of open files (ulimit -n)",
    errno.ENFILE: "raise the system's limit of open files",
    errno.EADDRINUSE: "choose another port",
    errno.ENOMEM: "free some memory",
}
"""What to do about errors of the environment. Any other OSError is a bug, and gets its traceback."""


_REFUSALS = {
    CorrectionCode.UNKNOWN_TICKET: ExitCode.NOT_FOUND,
    CorrectionCode.UNKNOWN_TASK: ExitCode.USAGE,
    CorrectionCode.UNKNOWN_LABEL: ExitCode.USAGE,
}
_LEARNING_REFUSALS = {
    LearningCode.UNKNOWN_TICKET: ExitCode.NOT_FOUND,
    LearningCode.UNKNOWN_VERSION: ExitCode.NOT_FOUND,
    LearningCode.UNKNOWN_DATASET: ExitCode.NOT_FOUND,
    LearningCode.UNKNOWN_TASK: ExitCode.USAGE,
    LearningCode.UNKNOWN_LABEL: ExitCode.USAGE,
    LearningCode.NAME_TAKEN: ExitCode.USAGE,
    LearningCode.UNKNOWN_JOB: ExitCode.NOT_FOUND,
    LearningCode.UNKNOWN_SURGE: ExitCode.NOT_FOUND,
}


def failure_of(error: Exception) -> Failure | None:
    """What is told about `error`; None for a bug, which keeps its traceback."""
    if isinstance(error, SetupError):
        return Failure(str(error), ExitCode.NOT_READY)
    if isinstance(error, CorrectionRefused):
        return Failure(str(error), _REFUSALS.get(error.code, ExitCode.FAULT))
    if isinstance(error, LearningRefused):
        return Failure(f"{error} [{error.code}]", _LEARNING_REFUSALS.get(error.code, ExitCode.REFUSED))
    if isinstance(error, JobFailed):
        is_refusal = error.code in {"VALIDATION", "MODEL", "DOCUMENT"}
        return Failure(str(error), ExitCode.REFUSED if is_refusal else ExitCode.FAULT)
    if isinstance(error, TicketmillError):
        return Failure(str(error), ExitCode.FAULT)
    if isinstance(error, OSError) and error.errno in _NEXT_STEPS:
        what = f"{error.filename}: " if error.filename is not None else "writing the answer: "
        return Failure(f"{what}{error.strerror}; {_NEXT_STEPS[error.errno]}", ExitCode.NOT_READY)
    if isinstance(error, MemoryError):
        return Failure("out of memory; give fewer or smaller tickets at once", ExitCode.NOT_READY)
    return None
