"""Captions for pictures: a few concepts that are true, worded as people write queries."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from functools import reduce
from operator import and_
from string import ascii_lowercase

from miniclip.concepts import Concept, Facts, Meaning, concepts, true_for

_OPENINGS = (
    "a photo of", "a picture of", "an image of", "photo of", "picture of", "photos of", "pictures of", "show me", "find",
    "a drawing of", "a view of", "there is", "this is", "images with",
)  # fmt: skip
_PRAISE = ("big", "small", "old", "new", "beautiful", "lonely", "single")
"""Words that are true for anything."""

_FILLERS = (
    "is it",
    "it is",
    "that is",
    "with",
    "some",
    "many",
    "goes",
    "stands",
    "drives",
    "through",
    "and",
    "very",
    "please",
)


class Captioner:
    """Writes captions. The same random generator gives the same captions."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._known = concepts()
        self._true: dict[tuple[tuple[str, str], ...], dict[str, list[Concept]]] = {}

    def caption(self, facts: Facts) -> tuple[str, Meaning]:
        """A caption that is true for a picture, and its meaning, which tells for which other pictures it is true."""
        way = self._rng.random()
        true = self._concepts(facts)
        if facts["kind"] == "scene" and way < 0.2 and "subject" in facts:
            return describe(facts)
        said, meant = self._keywords(true) if way < 0.4 else self._phrase(true)
        return (self._with_filler(said) if self._chance(0.1) else said), meant

    def words(self) -> list[str]:
        """Each concept alone, in singular and plural, for the tokenizer."""
        return [said for c in self._known for said in (c.words, *([_plural(c.words)] * (c.sort == "thing")))]

    def _concepts(self, facts: Facts) -> Mapping[str, list[Concept]]:
        key = tuple(sorted(facts.items()))
        if key not in self._true:
            self._true[key] = true_for(facts, self._known)
        return self._true[key]

    def _keywords(self, true: Mapping[str, list[Concept]]) -> tuple[str, Meaning]:
        """Bare words in any order."""
        pool = [*true["thing"], *true["stuff"], *true["adjective"]]
        chosen = self._apart(pool, self._rng.choice((1, 1, 2, 2, 3)))
        said = [_plural(c.words) if c.sort == "thing" and self._chance(0.2) else c.words for c in chosen]
        return self._rng.choice((" ", " ", ", ")).join(said), _all(chosen)

    def _phrase(self, true: Mapping[str, list[Concept]]) -> tuple[str, Meaning]:
        """Something, how it is, and where and when."""
        rng = self._rng
        things = [c for c in true["thing"] if "subject" in c.meaning.allowed] if self._chance(0.6) else []
        head = rng.choice(things or true["thing" if self._chance(0.75) else "stuff"])
        more = self._apart(true["circumstance"], rng.choice((0, 0, 1, 1, 2, 3)), head)
        said, chosen = head.words, [head, *more]
        if head.sort == "thing":
            before = self._apart(true["adjective"], self._chance(0.25), *chosen)
            chosen += before
            praise = [rng.choice(_PRAISE)] if self._chance(0.06) else []
            said = self._numbered(" ".join([*praise, *(c.words for c in before), said]))
        if self._chance(0.2):
            said = f"{rng.choice(_OPENINGS)} {said}"
        circumstances = [c.words for c in more]
        if circumstances and self._chance(0.12):
            first, *rest = circumstances
            return " ".join([f"{first},", said, *rest]), _all(chosen)
        return " ".join([said, *circumstances]), _all(chosen)

    def _with_filler(self, said: str) -> str:
        """A caption with one or two words without meaning, so that the model learns to ignore them."""
        words, rng = said.split(), self._rng
        unknown = "".join(rng.choices(ascii_lowercase, k=rng.randint(3, 8)))
        place = rng.randint(0, len(words))
        return " ".join([*words[:place], rng.choice((*_FILLERS, unknown)), *words[place:]])

    def _apart(self, pool: Sequence[Concept], count: int, *taken: Concept) -> list[Concept]:
        """Some of the concepts, each of which says something that the others and those taken do not."""
        chosen: list[Concept] = []
        so_far = _all(taken)
        for concept in self._rng.sample(pool, len(pool)):
            if len(chosen) == count:
                break
            if so_far & concept.meaning != so_far:
                chosen.append(concept)
                so_far &= concept.meaning
        return chosen

    def _numbered(self, words: str) -> str:
        """A noun with an article, or in the plural."""
        way = self._rng.random()
        if way < 0.6:
            return f"{'an' if words[0] in 'aeiou' else 'a'} {words}"
        return _plural(words) if way < 0.75 else f"the {words}" if way < 0.82 else words

    def _chance(self, share: float) -> bool:
        return self._rng.random() < share


def describe(facts: Facts) -> tuple[str, Meaning]:
    """All of a scene in one sentence, and what it means."""
    clear = {"day": "in the sun", "dusk": "at sunset", "night": "under a clear sky at night"}
    times = {"day": "by day", "dusk": "at dusk", "night": "at night"}
    places = {"street": "in", "harbour": "in the harbour of", "landscape": "on a country road near"}
    time, weather = facts["time"], facts["weather"]
    sky = clear[time] if weather == "sun" else f"in the {weather} {times[time]}"
    said = f"a {facts['subject']} {sky} {places[facts['place']]} {facts['city']}"
    return said, Meaning({field: frozenset((value,)) for field, value in facts.items()})


def _all(chosen: Sequence[Concept]) -> Meaning:
    return reduce(and_, (concept.meaning for concept in chosen), Meaning({}))


def _plural(words: str) -> str:
    """The plural of the noun at the end of the words, or before `of` or `with`."""
    for link in (" of ", " with "):
        head, found, rest = words.partition(link)
        if found:
            return _plural(head) + found + rest
    if words.endswith("y") and words[-2] not in "aeiou":
        return f"{words[:-1]}ies"
    if words.endswith("man"):
        return f"{words[:-3]}men"
    return words + ("es" if words.endswith(("s", "ch", "x")) else "s")
