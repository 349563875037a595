"""What a piece of work costs, in counts that are the same on a slow machine and on a busy one."""

import sys


def statements(database, work):
    """The SQL statements that a catalogue runs for some work."""
    asked = []
    database.connection.set_trace_callback(asked.append)
    try:
        work()
    finally:
        database.connection.set_trace_callback(None)
    return asked


def steps(database, work):
    """How many instructions SQLite runs for some work, to the nearest 100 for each statement."""
    count = 0

    def further():
        nonlocal count
        count += 100

    database.connection.set_progress_handler(further, 100)
    try:
        work()
    finally:
        database.connection.set_progress_handler(None, 0)
    return count


def calls(work):
    """How many functions of Python and of C some work calls: the same for every size if no loop of Python goes over it."""
    count = 0

    def look(frame, event, argument):
        nonlocal count
        count += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(look)
    try:
        work()
    finally:
        sys.setprofile(before)
    return count
