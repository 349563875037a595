"""The Python functions that SQL statements call, and Ctrl-C within them, which SQLite turns into an error of its own."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from typing import Any


class Functions:
    """Deterministic functions by their names, for each connection that is opened."""

    def __init__(self) -> None:
        self._functions: dict[str, tuple[int, Callable[..., Any]]] = {}
        self._raised: dict[int, BaseException] = {}
        """What a function has raised last, by thread."""

    def keep(self, name: str, arguments: int, function: Callable[..., Any]) -> None:
        """Keep a function for the connections that are opened from now on."""

        def called(*values: Any) -> Any:
            try:
                return function(*values)
            except BaseException as error:
                self._raised[threading.get_ident()] = error
                raise

        self._functions[name] = (arguments, called)

    def define(self, connection: sqlite3.Connection, *names: str) -> None:
        """Define the functions of these names for a connection, or all functions."""
        for name in names or self._functions:
            arguments, called = self._functions[name]
            connection.create_function(name, arguments, called, deterministic=True)

    def were_interrupted(self, error: sqlite3.Error) -> bool:
        """Whether Ctrl-C made a statement of this thread fail with the error.

        A signal can also come before the function has begun its work, and is then raised where the function cannot see it.
        """
        raised = self._raised.pop(threading.get_ident(), None)
        if raised is None and str(error) == "user-defined function raised exception":
            return threading.current_thread() is threading.main_thread()
        return isinstance(raised, KeyboardInterrupt)
