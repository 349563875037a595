"""The vocabulary of the miniature CLIP: English words, and the pictures for which they are true."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from attrs import frozen

Facts = Mapping[str, str]
"""What a picture shows, by field: always `kind`; for scenes `city`, `place`, `time`, `weather` and `subject` too."""

KINDS = ("scene", "scan", "page", "waveform", "map")
CITIES = ("algiers", "oslo", "lisbon")
PLACES = ("street", "landscape", "harbour")
TIMES = ("day", "dusk", "night")
WEATHERS = ("sun", "rain", "fog", "snow")
VEHICLES = ("red bus", "yellow tram", "yellow taxi", "blue car", "white van")
BOATS = ("sailing boat", "white ferry", "fishing boat")

FIELDS: Mapping[str, tuple[str, ...]] = {
    "kind": KINDS,
    "city": CITIES,
    "place": PLACES,
    "time": TIMES,
    "weather": WEATHERS,
    "subject": (*VEHICLES, *BOATS),
}
"""The values of each field."""


@frozen
class Meaning:
    """For which pictures some words are true: for each field, the values of which a picture must have one."""

    allowed: Mapping[str, frozenset[str]]

    def holds(self, facts: Facts) -> bool:
        """Whether the words are true for a picture."""
        return all(facts.get(field) in values for field, values in self.allowed.items())

    def __and__(self, other: Meaning) -> Meaning:
        """The meaning of both at once."""
        both = dict(self.allowed)
        for field, values in other.allowed.items():
            both[field] = both.get(field, values) & values
        return Meaning(both)


@frozen
class Concept:
    """A few words with one meaning. `sort` says what they are in a sentence: a key of `_TABLES`."""

    words: str
    sort: str
    meaning: Meaning


def meaning(written: str) -> Meaning:
    """The meaning of, for instance, `place=street time=dusk,night`; a value of two words has a hyphen in it."""
    allowed = {}
    for part in written.split():
        field, _, values = part.partition("=")
        allowed[field] = frozenset(value.replace("-", " ") for value in values.split(","))
        if unknown := allowed[field] - set(FIELDS[field]):
            raise ValueError(f"{field} is never {', '.join(sorted(unknown))}")
    return Meaning(allowed)


_TABLES = {
    "thing": """
        bus, red bus, city bus, coach, red vehicle: subject=red-bus
        tram, yellow tram, streetcar, trolley, tramway: subject=yellow-tram
        taxi, cab, yellow taxi, yellow cab, yellow car, taxicab: subject=yellow-taxi
        blue car, blue automobile, blue vehicle: subject=blue-car
        car, automobile, motor car: subject=blue-car,yellow-taxi
        van, white van, delivery van, minivan, white vehicle: subject=white-van
        yellow vehicle: subject=yellow-tram,yellow-taxi
        vehicle: subject=red-bus,yellow-tram,yellow-taxi,blue-car,white-van
        ferry, white ferry, ferryboat, passenger ship, white ship, big ship, steamer: subject=white-ferry
        sailing boat, sailboat, yacht, sailing ship, boat with sails: subject=sailing-boat
        fishing boat, trawler, blue boat, fishing vessel, fisherman: subject=fishing-boat
        boat, ship, vessel: subject=sailing-boat,white-ferry,fishing-boat
        street, city street, town, city, downtown street: place=street
        road: place=street,landscape
        country road, landscape, rural road, hill, field: place=landscape
        harbour, harbor, port, bay, coast, marina: place=harbour
        lighthouse: place=harbour city=algiers
        town hall, brick building with two towers: place=harbour city=oslo
        bridge, red bridge, suspension bridge: place=harbour city=lisbon
        palm, palm tree: place=street,landscape city=algiers
        spruce, fir tree, spruce tree, conifer: place=street,landscape city=oslo
        tree: place=street,landscape
        white house: city=algiers
        wooden house: city=oslo
        street lamp, street light: place=street time=dusk,night
        sunset: time=dusk weather=sun
        scan, head scan, brain scan, medical image, slice of a head, brain, head: kind=scan
        page, document, page of text, printed page, text file, pdf page, letter, note: kind=page
        waveform, sound wave, sound, recording, audio file: kind=waveform
        map, chart, sea chart: kind=map
    """,
    "stuff": """
        rain, raining, rainfall, drizzle, rainy weather, raindrops: weather=rain
        wet road, reflections on a wet road, puddles: weather=rain place=street,landscape
        fog, mist, haze, foggy weather: weather=fog
        snow, snowing, winter, snowfall, ice, cold, snowflakes, snowstorm, winter weather: weather=snow
        sunshine, sun, sunny weather: weather=sun time=day,dusk
        clear sky, clear weather: weather=sun
        blue sky, nice weather, good weather, summer: weather=sun time=day
        bad weather, grey sky, overcast sky, clouds: weather=rain,fog,snow
        night, darkness, night time, midnight: time=night
        dusk, twilight, evening, nightfall: time=dusk
        day, daylight, daytime: time=day
        stars, moon, starry sky, moonlight, moon and stars: weather=sun time=night
        fishing: subject=fishing-boat
        sea, water, ocean, sea and boats, waves: place=harbour
        countryside, nature, hills, fields: place=landscape
        houses along a street, buildings, houses: place=street
        traffic, traffic on a road: place=street,landscape
        public transport: subject=red-bus,yellow-tram
        sails, sailing: subject=sailing-boat
        algiers, algeria, north africa: city=algiers
        oslo, norway, scandinavia: city=oslo
        lisbon, portugal: city=lisbon
        red roofs, tiled roofs: city=lisbon place=street,harbour weather=sun,rain,fog
        text, writing, words on paper: kind=page
        audio, music: kind=waveform
        geography, cartography: kind=map
        ct, mri, anatomy, x-ray: kind=scan
    """,
    "adjective": """
        rainy, wet: weather=rain
        foggy, misty, hazy: weather=fog
        snowy, snow-covered, wintry, white winter: weather=snow
        sunny, sunlit: weather=sun time=day,dusk
        dark, nightly: time=night
        evening, dim: time=dusk
        bright: time=day
    """,
    "circumstance": """
        in the rain, in rain, while it rains, on a rainy day, in pouring rain: weather=rain
        in the fog, in fog, in the mist, on a foggy day, in thick fog: weather=fog
        in the snow, in snow, in winter, while it snows, on a snowy day, in a snowstorm: weather=snow
        in the sun, in sunshine, in sunny weather: weather=sun time=day,dusk
        under a clear sky: weather=sun
        on a sunny day, under a blue sky: weather=sun time=day
        in bad weather: weather=rain,fog,snow
        at night, by night, in the dark, after dark, in the night, late at night: time=night
        at dusk, in the evening, at twilight, at nightfall: time=dusk
        at sunset, at sundown: time=dusk weather=sun
        by day, during the day, in daylight: time=day
        under the stars, in the moonlight: weather=sun time=night
        in a street, in the street, in town, in the city, on a city street, between houses: place=street
        on the road: place=street,landscape
        on a country road, in the country, in the countryside, in the hills, out of town: place=landscape
        in the harbour, in the harbor, at sea, on the sea, on the water, in port, in the bay: place=harbour
        in algiers, in algeria, near algiers: city=algiers
        in oslo, in norway, near oslo: city=oslo
        in lisbon, in portugal, near lisbon: city=lisbon
    """,
}
"""By sort, lines of words that mean the same. A `thing` takes an article and has a plural, `stuff` has neither."""


def concepts() -> list[Concept]:
    """All concepts. A concept that does not name a kind is true only for scenes."""
    return [
        Concept(words.strip(), sort, meant)
        for sort, table in _TABLES.items()
        for line in table.strip().splitlines()
        for meant in [_of_scenes(meaning(line.partition(":")[2]))]
        for words in line.partition(":")[0].split(",")
    ]


def _of_scenes(meant: Meaning) -> Meaning:
    return meant if "kind" in meant.allowed else meant & meaning("kind=scene")


def true_for(facts: Facts, known: Iterable[Concept]) -> dict[str, list[Concept]]:
    """The concepts that are true for a picture, by sort."""
    found: dict[str, list[Concept]] = {sort: [] for sort in _TABLES}
    for concept in known:
        if concept.meaning.holds(facts):
            found[concept.sort].append(concept)
    return found
