"""Finds a host that two patterns of hosts both match: their automata are walked side by side, the shortest host first."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable
from re import _constants, _parser  # type: ignore[attr-defined]
from typing import Any

_CHARACTERS = "abcdefghijklmnopqrstuvwxyz0123456789-._"
_MOST_COPIES = 70
"""A part that may be repeated more often may be repeated without end: labels of hosts have 63 characters."""

_MOST_PAIRS = 20_000
"""The most pairs of states that are looked at."""

_AROUND = (
    _constants.AT_BEGINNING,
    _constants.AT_BEGINNING_STRING,
    _constants.AT_END,
    _constants.AT_END_STRING,
)

States = frozenset[int]


def common_host(one: str, other: str) -> str | None:
    """The shortest host that both patterns match as a whole; None if there is none, if too many pairs of states would have to be seen, or if a
    pattern is not followed, as one that looks around.
    """
    try:
        first, second = _Automaton(one), _Automaton(other)
    except (NotImplementedError, re.error, RecursionError):
        return None
    begin = (first.begin, second.begin)
    before: dict[tuple[States, States], tuple[tuple[States, States], str] | None] = {begin: None}
    waiting = deque([begin])
    while waiting and len(before) < _MOST_PAIRS:
        pair = waiting.popleft()
        if first.end in pair[0] and second.end in pair[1]:
            return _spelt(pair, before)
        for character in _CHARACTERS:
            following = (first.after(pair[0], character), second.after(pair[1], character))
            if all(following) and following not in before:
                before[following] = (pair, character)
                waiting.append(following)
    return None


def _spelt(pair: Any, before: Any) -> str:
    found = []
    while before[pair] is not None:
        pair, character = before[pair]
        found.append(character)
    return "".join(reversed(found))


class _Automaton:
    """The states of a pattern, and what leads from each to which; raises NotImplementedError for what is no regular expression."""

    def __init__(self, pattern: str) -> None:
        self._steps: list[list[tuple[frozenset[str], int]]] = []
        self._free: list[list[int]] = []
        first = self._new()
        self.end = self._sequence(_parser.parse(pattern), first)
        self.begin = self._with_free([first])

    def after(self, states: States, character: str) -> States:
        """The states after a character."""
        return self._with_free(
            target for state in states for characters, target in self._steps[state] if character in characters
        )

    def _with_free(self, states: Iterable[int]) -> States:
        found, waiting = set(), list(states)
        while waiting:
            state = waiting.pop()
            if state not in found:
                found.add(state)
                waiting += self._free[state]
        return frozenset(found)

    def _new(self) -> int:
        self._steps.append([])
        self._free.append([])
        return len(self._steps) - 1

    def _sequence(self, parts: Any, state: int) -> int:
        for operation, argument in parts:
            state = self._part(operation, argument, state)
        return state

    def _part(self, operation: Any, argument: Any, state: int) -> int:
        """The state behind a part of the pattern that begins in a state."""
        if operation is _constants.AT and argument in _AROUND:
            return state
        if operation is _constants.SUBPATTERN:
            return self._sequence(argument[-1], state)
        if operation is _constants.BRANCH:
            end = self._new()
            for branch in argument[1]:
                self._free[self._sequence(branch, self._behind(state))].append(end)
            return end
        if operation in (_constants.MAX_REPEAT, _constants.MIN_REPEAT):
            least, most, repeated = argument
            return self._repeated(least, most, repeated, state)
        end = self._new()
        self._steps[state].append((_characters(operation, argument), end))
        return end

    def _repeated(self, least: int, most: Any, part: Any, state: int) -> int:
        for _ in range(min(least, _MOST_COPIES)):
            state = self._sequence(part, state)
        end = self._new()
        self._free[state].append(end)
        if most is _constants.MAXREPEAT or most > _MOST_COPIES:
            begin = self._behind(state)
            again = self._sequence(part, begin)
            self._free[again] += [begin, end]
            return end
        for _ in range(most - least):
            state = self._sequence(part, state)
            self._free[state].append(end)
        return end

    def _behind(self, state: int) -> int:
        found = self._new()
        self._free[state].append(found)
        return found


def _characters(operation: Any, argument: Any) -> frozenset[str]:
    """The characters of hosts that one step takes."""
    if operation is _constants.ANY:
        return frozenset(_CHARACTERS)
    if operation is _constants.LITERAL:
        return frozenset(chr(argument)) & frozenset(_CHARACTERS)
    if operation is _constants.NOT_LITERAL:
        return frozenset(_CHARACTERS) - {chr(argument)}
    if operation is _constants.RANGE:
        return frozenset(each for each in _CHARACTERS if argument[0] <= ord(each) <= argument[1])
    if operation is _constants.CATEGORY:
        written = {"DIGIT": r"\d", "WORD": r"\w", "SPACE": r"\s"}
        name = str(argument).removeprefix("CATEGORY_")
        sign = written.get(name.removeprefix("NOT_"))
        if sign is not None:
            matching = frozenset(each for each in _CHARACTERS if re.match(sign, each))
            return frozenset(_CHARACTERS) - matching if name.startswith("NOT_") else matching
    if operation is _constants.IN:
        negated = bool(argument) and argument[0][0] is _constants.NEGATE
        found = frozenset[str]().union(*(_characters(*each) for each in argument[negated:]))
        return frozenset(_CHARACTERS) - found if negated else found
    raise NotImplementedError(f"{operation} is not followed")
