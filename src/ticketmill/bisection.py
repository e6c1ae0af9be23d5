"""Finding the one item that fails: a batch that fails is halved until the fault stands alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


class NativePanic(Exception):
    """A native library panicked. Its own exception is no Exception, so that nobody catches it by chance."""


def as_failure(error: BaseException) -> Exception:
    """`error` as the failure of one item; raises it again where it is meant to end the process.

    Libraries in Rust (tokenizers, obstore) turn a panic into pyo3's PanicException, a BaseException. It has
    no module to import it from, so its name tells it apart from KeyboardInterrupt and SystemExit.
    """
    if isinstance(error, Exception):
        return error
    if type(error).__name__ != "PanicException":
        raise error
    return NativePanic(type(error).__name__).with_traceback(error.__traceback__)


def bisect(
    items: Sequence[Item], work: Callable[[Sequence[Item]], Sequence[Result]]
) -> list[Result | Exception]:
    """The results of `work`, in order; an item that fails on its own gives its exception instead.

    k bad items among n cost about k·log2(n) more calls.
    """
    if not items:
        return []
    try:
        return list(work(items))
    except BaseException as error:  # noqa: BLE001 - whatever fails, only the item that causes it may pay
        failure = as_failure(error)
        if len(items) == 1:
            return [failure]
    middle = len(items) // 2
    return bisect(items[:middle], work) + bisect(items[middle:], work)
