"""Random records and conditions, with which an engine is compared with the naive one."""

from __future__ import annotations

import unicodedata
from functools import cache

from hypothesis import strategies as st

from heron.models import MediaFacts, NewFrame, NewItem

FOLDERS = ("A", "A/B", "A/B/C", "Ab", "Z_")
NUMBERS = (
    0,
    -0.0,
    1,
    2,
    -1,
    0.5,
    -1.5,
    2.5,
    2**53,
    -(2**53),
    1e308,
    -1e308,
    5e-324,
    0.1,
    1e-7,
    9007199254740991,
    123456.789,
)
TEXTS = (
    "",
    " ",
    "a",
    "A",
    "aB",
    "ab%",
    "AB_",
    "a\\b",
    "é",
    "É",
    "ß",
    "İ",
    "日本",
    "🚌",
    "z\nz",
    "%",
    "_",
    "1",
    "1.0",
    "true",
)
DATES = (
    "0001-01-01",
    "1969-12-31T23:59:59.999999Z",
    "1970-01-01",
    "2026-01-31T12:00:00+02:00",
    "9999-12-31T23:59:59.999999Z",
)
URLS = ("u:{}", "s3://lake/a%20{}", "s3://lake/a%2520{}", "file:///x/%E6%97%A5{}", "mem://b/%61{}")
UUIDS = ("8ad58157-ca74-4ae4-8f37-a0193430bcac", "00000000-0000-4000-8000-000000000000")
PLACES = ([0, 0], [90, 180], [-90, -180], [36.75, 3.06])
KEYS = {
    "city": "varchar",
    "body": "text",
    "score": "number",
    "ok": "boolean",
    "day": "datetime",
    "ref": "uuid",
    "place": "geospatial",
}

# Keys that are not in the schema are compared as text: SQLite and Python write the other numbers differently
WRITTEN_ALIKE = tuple(number for number in NUMBERS if number and "e" not in repr(number))


def maybe(values):
    return st.one_of(st.none(), st.sampled_from(values))


mixed = st.one_of(
    st.none(),
    st.sampled_from(WRITTEN_ALIKE),
    st.sampled_from(TEXTS),
    st.booleans(),
    st.just([1, "a"]),
    st.just({"x": 1.5}),
)
numbers = st.one_of(
    st.none(), st.sampled_from(NUMBERS), st.floats(allow_nan=False, allow_infinity=False, width=32)
)
texts = st.one_of(
    st.none(),
    st.sampled_from(TEXTS),
    st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=4),
)
bodies = texts.map(
    lambda text: (
        text and "".join(c for c in text if c.isascii() or not unicodedata.normalize("NFD", c)[0].isascii())
    )
)
"""Without accents on letters of ASCII: full text finds such letters by those without."""

metadata = st.fixed_dictionaries(
    {
        "city": texts, "body": bodies, "score": numbers, "ok": maybe((True, False)), "day": maybe(DATES), "ref": maybe(UUIDS),
        "place": maybe(PLACES), "kindof": maybe(("sun", "rain")), "loose": mixed, "clip": maybe(([1, 0], [0, 1])),
    }
)  # fmt: skip
frames = st.lists(
    st.tuples(st.integers(0, 9), maybe((0.0, 0.5, 4.0)), st.booleans(), maybe(("x", "é")), maybe(([1, 0],))), max_size=2,
    unique_by=lambda frame: frame[0],
)  # fmt: skip


facts = st.builds(
    MediaFacts, st.sampled_from(("image", "video")), st.just("x/y"), width=maybe((0, 1, 640, 2**53)), height=maybe((0, 1, 480)),
    fps=maybe((0.0, 25.0, 29.97)), frame_count=st.just(10), captured_at=maybe(("0001-01-01T00:00:00Z", "2026-01-31T12:00:00Z")),
    codec=maybe(("h264", "H264")), extra=st.fixed_dictionaries({"exif": st.fixed_dictionaries({"Model": mixed, "ISO": mixed})}),
)  # fmt: skip
# Strategies are made once: for each new one, hypothesis looks through all of its parts
urls, sizes = st.sampled_from(URLS), maybe((0, 2**40))
names, folders = st.sampled_from(("a", "A", "b", "é_%")), st.sampled_from(FOLDERS)


@st.composite
def new_items(draw):
    """The items of a workspace: for each its folder, whether it is deleted afterwards, whether it is in the collection and dataset."""
    made = []
    for number in range(draw(st.integers(1, 5))):
        given_facts = draw(facts)
        given = {key: value for key, value in draw(metadata).items() if value is not None}
        of_frames = [
            NewFrame(
                n,
                seconds,
                is_key,
                {k: v for k, v in (("city", city), ("clip", clip)) if v is not None} or None,
            )
            for n, seconds, is_key, city, clip in draw(frames)
        ]
        url = draw(urls).format(number)
        item = NewItem(url, given_facts, name=draw(names), metadata=given, frames=of_frames, size=draw(sizes))
        made.append(
            (
                draw(folders),
                item,
                draw(st.integers(0, 3)) == 0,
                draw(st.booleans()),
                draw(st.booleans()),
            )
        )
    return made


def quoted(text):
    return "'" + text.replace("'", "''") + "'"


def number(value):
    return repr(value)


LITERALS = {
    "text": st.sampled_from(TEXTS).map(quoted),
    "number": st.sampled_from(NUMBERS).map(number),
    "boolean": st.sampled_from(("TRUE", "FALSE")),
    "datetime": st.sampled_from(DATES).map(quoted),
}
FIELDS = {
    "text": ["city", "body", "name", "folder", "codec", "item.url", "path", "lower(city)", "upper(loose)", "upper(exif.Model)", "loose",
             "lower(body)"],
    "number": ["score", "width", "height", "fps", "size", "area", "aspect_ratio", "length(city)", "length(exif.Model)", "abs(score)",
               "round(score)", "abs(exif.ISO)", "year(day)", "month(captured_at)", "latitude(place)", "longitude(place)", "distance_km(place, 36.75, 3.06)",
               "score + width", "score - 1", "score * width", "score / width", "width % 7", "-score", "exif.ISO * 2", "score * -0.5"],
    "boolean": ["ok"],
    "datetime": ["day", "captured_at", "item.captured_at"],
    "any": ["exif.Model", "exif.ISO", "facts.exif.Model"],
}  # fmt: skip
OF_FRAMES = {"text": ["frame.city"], "number": ["frame.number", "frame.seconds", "metric.x"], "boolean": ["frame.is_key"],
             "datetime": [], "any": []}  # fmt: skip
NULLS = ["place", "clip", "kindof", "ref", *(name for names in FIELDS.values() for name in names)]
PATTERNS = st.text("aAbBé%_!\\", max_size=4)


def comparable(sort, fields):
    own = [*fields[sort], *fields["any"]]
    return st.one_of(st.sampled_from(own), LITERALS[sort]), st.sampled_from(own)


def atoms(of_frames):
    """Conditions without AND, OR and NOT."""
    fields = {sort: names + (OF_FRAMES[sort] if of_frames else []) for sort, names in FIELDS.items()}
    parts = []
    for sort in LITERALS:
        value, field = comparable(sort, fields)
        parts += [
            st.tuples(field, st.sampled_from(("=", "<>", "<", "<=", ">", ">=")), value).map(" ".join),
            st.tuples(field, st.sampled_from(("", "NOT ")), st.lists(value, min_size=1, max_size=3)).map(
                lambda given: f"{given[0]} {given[1]}IN ({', '.join(given[2])})"
            ),
            st.tuples(field, st.sampled_from(("", "NOT ")), value, value).map(
                lambda given: f"{given[0]} {given[1]}BETWEEN {given[2]} AND {given[3]}"
            ),
        ]
    liked = st.sampled_from(
        ["city", "body", "name", "folder", "path", "loose", "exif.Model", "exif.ISO", "day", "lower(city)"]
    )
    parts += [
        st.tuples(liked, st.sampled_from(("LIKE", "NOT LIKE", "ILIKE")), PATTERNS).map(lambda g: f"{g[0]} {g[1]} {quoted(g[2])}"),
        st.tuples(liked, PATTERNS.filter(lambda text: not text.endswith("!"))).map(
            lambda given: f"{given[0]} LIKE {quoted(given[1])} ESCAPE '!'"
        ),
        st.tuples(st.sampled_from(NULLS), st.sampled_from(("IS NULL", "IS NOT NULL"))).map(" ".join),
        st.tuples(
            st.sampled_from(("ok", "exif.ISO", "exif.Model")),
            st.sampled_from(("", " IS TRUE", " IS FALSE", " IS NOT TRUE", " IS NOT FALSE")),
        ).map("".join),
        st.sampled_from(
            ["kindof = 'sun'", "kindof IN ('sun', 'rain')", "kindof > 'r'", f"ref = '{UUIDS[0].upper()}'", f"ref > '{UUIDS[1]}'",
             "in_collection('C')", "NOT in_collection('C')", "in_dataset('D')", "in_project('P')", "has_file('a%')", "NOT has_file('a 1')", "in_folder('A')", "in_folder('A/B')", "in_folder('Ab')",
             "match(body, 'a')", "match(body, 'ab*')", "NOT match(body, 'A')", "kind = 'video'", "path = 's3://lake/a 1'",
             "path IN ('u:0', 's3://lake/a%202', '/x/日1')", "path NOT IN ('/x/日0', 'mem://b/%610')", "TRUE", "FALSE", "NULL"]
        ),
    ]  # fmt: skip
    return st.one_of(parts).map(lambda where: f"({where})")


@cache
def conditions(of_frames=False):
    """Conditions of the language as text, all valid."""
    return st.recursive(
        atoms(of_frames),
        lambda inner: st.one_of(
            inner.map(lambda where: f"NOT {where}"),
            st.tuples(inner, st.sampled_from(("AND", "OR")), inner).map(lambda parts: f"({' '.join(parts)})"),
        ),
        max_leaves=5,
    )


SORTED = [
    "city",
    "loose",
    "score",
    "ok",
    "day",
    "ref",
    "kindof",
    "exif.Model",
    "exif.ISO",
    "width",
    "folder",
    "path",
    "name",
    "aspect_ratio",
]


@cache
def sorts(of_frames=False):
    names = st.sampled_from(SORTED + (["frame.seconds", "frame.city", "frame.number"] if of_frames else []))
    return st.one_of(
        st.none(),
        st.lists(st.tuples(st.sampled_from(("", "-")), names).map("".join), min_size=1, max_size=2).map(
            ",".join
        ),
    )
