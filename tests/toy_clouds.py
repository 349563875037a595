"""A small format of point clouds, with facts in a namespace of its own, as a plugin of someone else would bring it."""

from __future__ import annotations

import json

import heron


def cloud(path, **head):
    """Write a cloud: a mark and its header as JSON, such as `points=1000`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("CLOUD" + json.dumps(head))
    return path


class CloudDecoder:
    """Reads clouds, of which there are no pictures."""

    def probe(self, file):
        return heron.MediaFacts("point_cloud", file.media_type, extra={"las": self.header(file)})

    def header(self, file):
        with file.open() as stream:
            text = stream.read().decode(errors="replace")
        try:
            return dict(json.loads(text[5:]))
        except (TypeError, ValueError) as error:
            raise heron.MediaError(f"{file.name} is truncated") from error

    def picture(self, file, size):
        return None


class ToyClouds:
    """The plugin that brings them."""

    @heron.hookimpl
    def register_kinds(self):
        yield heron.MediaKind(
            name="point_cloud", summary="points in space", arrays=["point_clouds"], media_type="application/x-cloud",
            visual=False,
        )  # fmt: skip

    @heron.hookimpl
    def register_decoders(self):
        clouds = heron.MediaFormat(
            media_type="application/x-cloud", kind="point_cloud", suffixes=[".cloud"], signature=rb"CLOUD\{"
        )
        yield heron.MediaDecoder(
            name="clouds", summary="point clouds", formats=[clouds], load=CloudDecoder, namespaces=["las"]
        )
