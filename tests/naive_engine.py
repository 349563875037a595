"""An engine that evaluates the tree of a condition in plain Python, row by row: slow and short, the reference for other engines."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from datetime import datetime
from functools import cmp_to_key

import numpy as np

from heron.models import utc_iso
from heron.search import tree
from heron.search.tally import Bins, Extent, Spans, Values

BIGGEST = 2**63 - 1


def keep_within_64_bits(number):
    """A whole number that 64 bits do not hold is a float, as in SQL."""
    if isinstance(number, int) and abs(number) > BIGGEST:
        return float(number)
    return number


def stored(value):
    """A value of JSON as a condition sees it: truth values are 1 and 0, lists and objects are text."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, list | dict):
        return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    if isinstance(value, datetime):
        return utc_iso(value)
    return keep_within_64_bits(value)


def is_text(value):
    return isinstance(value, str)


def at(value, path):
    for name in path:
        if not isinstance(value, dict):
            return None
        value = value.get(name)
    return value


def negation(value):
    return None if value is None else not value


def conjunction(values):
    values = list(values)
    if False in values:
        return False
    return None if None in values else True


def disjunction(values):
    return negation(conjunction(negation(value) for value in values))


def ascii_case(text, name):
    return "".join(getattr(c, name)() if c.isascii() else c for c in text)


def like(pattern, escape, text):
    rule, rest = "", iter(pattern)
    for character in rest:
        if character == escape:
            following = next(rest, None)
            if following is None:
                return False  # a pattern that ends with the escape fits nothing
            rule += re.escape(ascii_case(following, "lower"))
        else:
            rule += {"%": ".*", "_": "."}.get(character, re.escape(ascii_case(character, "lower")))
    return re.fullmatch(rule, ascii_case(text, "lower"), re.DOTALL) is not None


def calculated(operator, left, right):
    if operator == "/":
        return float(left) / right if right else None
    if operator == "%":
        left, right = (min(max(int(side), -(2**63)), BIGGEST) for side in (left, right))
        return math.copysign(1, left) * (abs(left) % abs(right)) if right else None
    operate = {"+": lambda a, b: a + b, "-": lambda a, b: a - b, "*": lambda a, b: a * b}[operator]
    result = operate(left, right)
    if isinstance(result, int) and not -(2**63) <= result <= BIGGEST:
        result = operate(float(left), float(right))
    return None if math.isnan(result) else result


def rounded(number):
    if abs(number) >= 2**52:
        return float(number)
    return float(int(number + math.copysign(0.5, number)))


def distance_km(place, latitude, longitude):
    if not isinstance(place, dict) or None in (latitude, longitude) or math.inf in (latitude, longitude):
        return None
    phi, theta = math.radians(place["latitude"]), math.radians(latitude)
    half = math.radians(longitude - place["longitude"]) / 2
    square = math.sin((theta - phi) / 2) ** 2 + math.cos(phi) * math.cos(theta) * math.sin(half) ** 2
    return 2 * 6371.0088 * math.asin(math.sqrt(min(1.0, square)))


def words_of(text):
    return re.findall(r"\w+", text.lower())


def matches(text, wanted):
    if text is None:
        return False
    there = words_of(text)
    for phrase, word in re.findall(r'"([^"]*)"|(\S+)', wanted):
        sought = words_of(phrase or word)
        if not sought:
            continue
        starts = range(len(there) - len(sought) + 1)
        if word.endswith("*"):
            is_there = any(
                there[n : n + len(sought) - 1] == sought[:-1]
                and there[n + len(sought) - 1].startswith(sought[-1])
                for n in starts
            )
        else:
            is_there = any(there[n : n + len(sought)] == sought for n in starts)
        if not is_there:
            return False
    return True


class NaiveEngine:
    """Evaluates plans over the records of a workspace as they were when the engine was made.

    `rows` of items and frames are dictionaries of `item`, `frame` (None for items), `collections` and `vectors`.
    """

    def __init__(self, workspace):
        everything = list(workspace.items.list(deleted=True))
        rows_of = {}
        for dataset in workspace.datasets.list():
            for row in workspace.datasets.rows(dataset):
                rows_of.setdefault(row.item.uuid, set()).add(dataset.title)
        members = {item.uuid: set(item.tags) for item in everything}
        vectors = {
            key: {
                (thing.id, getattr(thing, "number", None)): True
                for item in everything
                for thing in [item, *workspace.frames.list(item)]
                if workspace.vectors.find(key, thing) is not None
            }
            for key in workspace.schema.current().vector_keys()
        }
        self.rows = {"items": {}, "frames": {}}
        projects = workspace.projects.list()
        for item in everything:
            row = {"item": item, "frame": None, "collections": members[item.uuid], "vectors": vectors}
            row["datasets"] = rows_of.get(item.uuid, set())
            row["projects"] = {project.title for project in projects if row["datasets"] & {*project.datasets}}
            self.rows["items"][item.id] = row
            for frame in workspace.frames.list(item):
                self.rows["frames"][frame.id] = {**row, "frame": frame}

    # The protocol

    def ids(self, plan):
        return np.array(
            [id for id, row in self._seen(plan) if self.holds(plan.condition, row) is True], np.int64
        )

    def mask(self, plan, size):
        return np.isin(np.arange(size), self.ids(plan))

    def quick_mask(self, plan, size):
        return self.mask(plan, size)

    def count(self, plan):
        return len(self.ids(plan))

    def keeps(self, plan, ids):
        return np.isin(ids, self.ids(plan))

    def page(self, plan, limit, after=None):
        found = []
        for id in self.ids(plan).tolist():
            row = self.rows[plan.table][id]
            found.append((id, tuple(self.field(term.field, row) for term in plan.sort)))
        key = cmp_to_key(lambda one, other: self._order(plan, one, other))
        if after is not None:
            found = [row for row in found if self._order(plan, row, after) > 0]
        return sorted(found, key=key)[:limit]

    def order(self, plan):
        return np.array([id for id, _ in self.page(plan, None)], np.int64)

    def values(self, table, fields, ids):
        rows = [self.rows[table].get(id) for id in ids]
        return [[None if row is None else self.field(field, row) for row in rows] for field in fields]

    def tallies(self, plan, tallies, further=lambda counts: ()):
        return [self._tally(plan, tally) for tally in tallies]

    def _tally(self, plan, tally):
        ids = self.ids(plan).tolist()
        values = [self.field(tally.field, self.rows[plan.table][id]) for id in ids]
        there = [value for value in values if value is not None]
        ordered = sorted(there, key=lambda value: (is_text(value), value))
        if isinstance(tally, Extent):
            ends = (ordered[0], ordered[-1]) if ordered else (None, None)
            return [(None, len(values) - len(there)), (ends[0], len(set(there))), (ends[1], len(there))]
        if isinstance(tally, Bins):
            width = tally.high - tally.low
            there = [
                min(int((value - tally.low) * tally.count / width), tally.count - 1) for value in ordered
            ]
        elif isinstance(tally, Spans):
            there = [value[: tally.length] for value in ordered]
        counts = list(Counter(sorted(there, key=lambda value: (is_text(value), value))).items())
        if isinstance(tally, Values):
            counts = sorted(counts, key=lambda entry: -entry[1])[: tally.most]
        return counts

    def _seen(self, plan):
        return sorted(
            (id, row) for id, row in self.rows[plan.table].items() if row["item"].deleted_at is None
        )

    def _order(self, plan, one, other):
        for term, left, right in zip(plan.sort, one[1], other[1], strict=True):
            if left is None or right is None:
                if left is not right:
                    return 1 if left is None else -1
                continue
            left, right = (is_text(left), left), (is_text(right), right)  # numbers come before texts
            if left != right:
                return -1 if (left < right) != term.descending else 1
        return one[0] - other[0]

    # Conditions: True, False, or None for unknown

    def holds(self, node, row):
        match node:
            case None:
                return True
            case tree.All(parts):
                return conjunction(self.holds(part, row) for part in parts)
            case tree.Any(parts):
                return disjunction(self.holds(part, row) for part in parts)
            case tree.Not(part):
                return negation(self.holds(part, row))
            case tree.Comparison(operator, left, right):
                return self.compared(operator, self.value(left, row), self.value(right, row))
            case tree.InList(left, values):
                here = self.value(left, row)
                return disjunction(self.compared("=", here, self.value(value, row)) for value in values)
            case tree.Between(left, low, high):
                here = self.value(left, row)
                bounds = ((">=", low), ("<=", high))
                return conjunction(
                    self.compared(sign, here, self.value(bound, row)) for sign, bound in bounds
                )
            case tree.Like(left, pattern, escape):
                text = self.value(left, row)
                return like(pattern, escape, text) if is_text(text) else None
            case tree.IsNull(left):
                return self.value(left, row) is None
            case tree.IsTruth(left, wanted):
                return self.value(left, row) == wanted
            case tree.Truth(left):
                return self.compared("=", self.value(left, row), 1)
            case tree.Match(field, words):
                return matches(self.field(field, row), words)
            case tree.InCollection(title):
                return title in row["collections"]
            case tree.InDataset(title):
                return title in row["datasets"]
            case tree.InProject(title):
                return title in row["projects"]
            case tree.HasFile(name):
                return like("%/" + name.replace("!", "!!").replace("_", "!_"), "!", f"/{row['item'].path}")
            case tree.InFolder(path, recursive):
                here = row["item"].folder_path
                return here == path or (recursive and here.startswith(f"{path}/"))
            case tree.Among("items", ids):
                return row["item"].id in set(ids)
            case tree.Among("frames", ids):
                return row["frame"].id in set(ids)
        raise AssertionError(node)

    def compared(self, operator, left, right):
        """Texts and numbers cannot be compared with each other."""
        if left is None or right is None or is_text(left) != is_text(right):
            return None
        return {
            "=": left == right, "<>": left != right, "<": left < right, "<=": left <= right,
            ">": left > right, ">=": left >= right,
        }[operator]  # fmt: skip

    # Values: None where there is none

    def value(self, node, row):
        match node:
            case tree.FieldRef(field):
                return self.field(field, row)
            case tree.Value(value):
                return int(value) if isinstance(value, bool) else value
            case tree.Arithmetic(operator, left, right):
                sides = [self.value(left, row), self.value(right, row)]
                if any(side is None or is_text(side) for side in sides):
                    return None
                return calculated(operator, *sides)
            case tree.Call():
                return self.called(node, row)
        raise AssertionError(node)

    def called(self, node, row):
        name = node.name
        if name in ("latitude", "longitude", "distance_km"):
            field = node.arguments[0].field
            place = at(self._metadata(field, row), field.path)
            if field.form and not field.form.fits(place):
                return None
            if name == "distance_km":
                return distance_km(place, *(self.value(argument, row) for argument in node.arguments[1:]))
            return at(place, [name])
        value = self.value(node.arguments[0], row)
        if name in ("year", "month"):
            return None if value is None else int(value.split("-")[0 if name == "year" else 1])
        if value is None or is_text(value) != (name in ("lower", "upper", "length")):
            return None
        if name in ("lower", "upper"):
            return ascii_case(value, name)
        return {"length": len, "abs": abs, "round": rounded}[name](value)

    def _metadata(self, field, row):
        return row["frame"].metadata if field.home == "frame metadata" else row["item"].metadata

    def field(self, field, row):
        item, frame = row["item"], row["frame"]
        name = field.path[0]
        if field.home == "column":
            return stored(getattr(item.facts if hasattr(item.facts, name) else item, name))
        if field.home == "frame":
            return stored(getattr(frame, name))
        if field.home == "frame metric":
            return stored(frame.metrics.get(name))
        if field.home in ("vector", "frame vector"):
            owner = (item.id, None) if field.home == "vector" else (frame.id, frame.number)
            return row["vectors"][name].get(owner)
        if field.home in ("metadata", "frame metadata"):
            value = self._metadata(field, row).get(name)
            if field.form and not field.form.fits(value):
                return None
            if field.type == "loose" and value is not None and not is_text(value):
                return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
            return stored(value)
        if field.home == "fact":
            return stored(at(item.facts.extra, field.path))
        width, height = item.facts.width, item.facts.height
        if name in ("folder", "path"):
            return item.folder_path if name == "folder" else item.path
        if width is None or height is None:
            return None
        return calculated("*" if name == "area" else "/", width, height)
