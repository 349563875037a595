"""Derivers of day and night by the picture, and of the number of words."""

from __future__ import annotations

import heron

LIGHT = heron.DerivedKey("light", "enum", {"options": ["day", "night"]})


def light(item, picture):
    from PIL import ImageStat

    return {"light": "night" if ImageStat.Stat(picture.convert("L")).mean[0] < 60 else "day"}


def words(item, text):
    return {"words": sum(len(piece.split()) for piece in text)}


def record(derive=light, **given):
    fields = {"name": "light", "summary": "Day or night", "keys": [LIGHT], "reads": "picture", "version": "1"}
    return heron.MetadataDeriver(load=lambda: derive, **{**fields, **given})


WORDS = record(words, name="words", keys=[heron.DerivedKey("words", "number")], reads="text")
