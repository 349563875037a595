"""What the records of this distribution load."""

import io
import struct
import zipfile
from urllib.parse import quote, unquote

import click

import heron


class ZippedStorage:
    """Reads members of zip files: `zipped:///folder/archive.zip!/member`."""

    def normalise(self, url):
        scheme, _, rest = url.partition("://")
        if scheme.lower() != "zipped" or "!" not in rest:
            raise heron.InvalidInput(f"{url} is not a zipped:///archive.zip!/member")
        return f"zipped://{quote(unquote(rest), safe='/!')}"

    def _split(self, url):
        archive, _, member = unquote(self.normalise(url).removeprefix("zipped://")).partition("!/")
        return archive, member

    def _opened(self, archive):
        try:
            return zipfile.ZipFile(archive)
        except (OSError, zipfile.BadZipFile) as error:
            raise heron.NotFound(f"{archive} is not a readable zip file: {error}") from error

    def stat(self, url):
        archive, member = self._split(url)
        with self._opened(archive) as opened:
            try:
                info = opened.getinfo(member)
            except KeyError:
                raise heron.NotFound(f"{url} is not there") from None
        return heron.StoredObject(self.normalise(url), info.file_size, etag=f"{info.CRC:08x}")

    def list(self, prefix, after=None):
        archive, member = self._split(prefix)
        with self._opened(archive) as opened:
            names = sorted(
                name for name in opened.namelist() if name.startswith(member) and not name.endswith("/")
            )
        for name in names:
            url = f"zipped://{quote(archive)}!/{quote(name)}"
            if after is None or unquote(url) > unquote(after):
                yield self.stat(url)

    def peek(self, url, count):
        return self.stat(url), self.read(url, 0, count)

    def read(self, url, start=0, end=None, *, etag=None):
        with self.open(url) as stream:
            stream.seek(start)
            return stream.read() if end is None else stream.read(max(0, end - start))

    def open(self, url):
        archive, member = self._split(url)
        with self._opened(archive) as opened:
            try:
                return io.BytesIO(opened.read(member))
            except KeyError:
                raise heron.NotFound(f"{url} is not there") from None

    def sign(self, url, expires):
        raise heron.InvalidInput("members of zip files cannot be signed")


class FarbfeldDecoder:
    """Reads farbfeld: magic, width, height, then 16-bit RGBA, all big-endian."""

    def probe(self, file):
        if len(file.head) < 16:
            raise heron.MediaError(f"{file.name} has no whole farbfeld header")
        width, height = struct.unpack_from(">II", file.head, 8)
        if file.size != 16 + 8 * width * height:
            raise heron.MediaError(f"{file.name} is truncated: {width} x {height} pixels need more bytes")
        return heron.MediaFacts(
            kind="image", media_type=file.media_type, width=width, height=height, frame_count=1
        )

    def picture(self, file, size):
        from PIL import Image

        facts = self.probe(file)
        with file.open() as stream:
            pixels = stream.read()[16::2]
        picture = Image.frombytes("RGBA", (facts.width, facts.height), pixels).convert("RGB")
        picture.thumbnail((size, size))
        return picture


class Percent:
    """A number from 0 to 100."""

    def parameters(self, given):
        if given:
            raise ValueError("takes no parameters")
        return {}

    def encoder(self, parameters):
        def encode(value):
            if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 100:
                return float(value)
            raise ValueError("expected a number from 0 to 100")

        return encode


class MeanColour:
    """The mean colour as a vector of three numbers."""

    size = 3
    revision = "1"

    def embed_images(self, images):
        import numpy

        vectors = [
            numpy.asarray(image.convert("RGB"), dtype="float32").reshape(-1, 3).mean(axis=0)
            for image in images
        ]
        return numpy.array(vectors, dtype="float32").reshape(len(images), 3)

    def turned(self, vectors, quarters, *, mirrored):
        return vectors

    def embed_texts(self, texts):
        raise heron.InvalidInput("mean-colour knows no text")


class UrlExporter:
    """One URL a line."""

    def write(self, rows, stream):
        urls = [row.item.url for row in rows]
        stream.write("".join(f"{url}\n" for url in urls).encode())
        return len(urls)


@click.command("mean-colour")
@click.argument("file", type=click.Path(exists=True))
@click.pass_obj
def mean_colour(context, file):
    """Print the mean colour of a picture, by the embedder of this distribution."""
    from PIL import Image

    plugins = context.plugins()
    embedder = plugins.load(plugins.embedder("mean-colour"))
    with Image.open(file) as image:
        click.echo(" ".join(f"{number:.0f}" for number in embedder.embed_images([image])[0]))
