"""Hostile plugins, each with what it does and what that costs: the table of `docs/hostile-plugins.md` is made from them, and a test installs all."""

from __future__ import annotations

from collections.abc import Iterator

from attrs import frozen


@frozen
class Hostile:
    """One plugin. Its module is `code`; `says` is a pattern of what is said of it, and must name it and its distribution.

    `tried` are the arguments of `heron` with which it is met; without them, it is met by the import of the folder `in`, to which
    it adds the file `NAME.SUFFIX`, if it is a decoder.
    """

    name: str
    sort: str
    does: str
    costs: str
    says: str
    code: str
    tried: tuple[str, ...] = ()
    ends: bool = False
    """Whether it ends the process of the command, so that nothing can be said by Heron itself."""


_DECODER = """
import ctypes, os, sys, threading, time
import heron
from PIL import Image

def facts(file):
    return heron.MediaFacts(kind="image", media_type=file.media_type, width=8, height=8)

class Hostile:
    def probe(self, file):
        {probe}

    def picture(self, file, size):
        {picture}

@heron.hookimpl
def register_decoders():
    form = heron.MediaFormat(media_type="image/x-{name}", kind="image", suffixes=[".{name}"], signature=b"{name}:")
    yield heron.MediaDecoder(name="{name}", summary="hostile", formats=[form], load={load})
"""

_GOOD_PICTURE = 'return Image.new("RGB", (8, 8))'


def _decoders() -> Iterator[Hostile]:
    """Name, what it does, code of `probe`, of `picture`, and what is said."""
    its_file = "its file"
    table = [
        ("raises", "raises in `probe`", 'raise ValueError("no tape")', "", "ValueError: no tape"),
        ("exits", "calls `sys.exit` in `probe`", "sys.exit(3)", "", "SystemExit: 3"),
        ("ends", "ends its process", "os._exit(3)", "", "ended by itself with code 3"),
        ("crashes", "crashes as libraries in C do", "ctypes.string_at(0)", "", "ended by signal SIGSEGV"),
        ("aborts", "aborts", "os.abort()", "", "ended by signal SIGABRT"),
        ("killed", "is killed", "os.kill(os.getpid(), 9)", "", "its process was killed"),
        ("loops", "computes without end", "\n        while True: pass", "", "it (took more than 1|gave no answer for 2) s"),
        ("sleeps", "waits without end", "time.sleep(10**6)", "", "it gave no answer for 2 s"),
        ("floods", "takes all memory", "x = [bytearray(1 << 28) for _ in range(64)]", "", "it needs more than 512 MB of memory"),
        ("closes", "closes all descriptors", "os.closerange(0, 64); time.sleep(10**6)", "", "its process closed the connection"),
        ("garbles", "writes noise where its answer goes", "\n        for n in range(3, 9):\n            try: os.write(n, bytes([255]) * 64)\n            except OSError: pass", "", "its process sent what is no answer"),
        ("none", "answers with nothing", "return None", "", "it gave None"),
        ("texts", "answers with a text", 'return "facts"', "", "it gave 'facts'"),
        ("huge", "gives facts of a gigabyte", "\n        import attrs\n        return attrs.evolve(facts(file), extra={'huge': {'a': 'x' * 2_000_000}})", "", "at most 1,000,000 are kept"),
        ("recurses", "calls itself without end", "return self.probe(file)", "", "RecursionError"),
    ]  # fmt: skip
    for name, does, probe, picture, says in table:
        name = f"decoder_{name}"
        code = _DECODER.format(name=name, probe=probe, picture=picture or _GOOD_PICTURE, load="Hostile")
        yield Hostile(
            name,
            "decoder",
            does,
            its_file,
            rf"decoder {name} \(plugin {name} of {_dist(name)}\).*{says}",
            code,
        )
    prints = "print('NOISE'); print('NOISE', file=sys.stderr); os.write(1, b'NOISE'); os.write(2, b'NOISE'); return facts(file)"
    name = "decoder_prints"
    yield Hostile(
        name,
        "decoder",
        "prints",
        "nothing: what it prints goes nowhere",
        "",
        _DECODER.format(name=name, probe=prints, picture=_GOOD_PICTURE, load="Hostile"),
    )
    name = "decoder_paints"
    code = _DECODER.format(
        name=name, probe="return facts(file)", picture="ctypes.string_at(0)", load="Hostile"
    )
    yield Hostile(
        name,
        "decoder",
        "crashes in `picture`",
        "the thumbnail of its file",
        rf"decoder {name} \(plugin {name} of {_dist(name)}\).*SIGSEGV",
        code,
    )
    name = "decoder_loads"
    code = _DECODER.format(
        name=name, probe="return facts(file)", picture=_GOOD_PICTURE, load="lambda: ctypes.string_at(0)"
    )
    yield Hostile(
        name,
        "decoder",
        "crashes in `load`",
        "the facts of its file, which lands as it is",
        rf"decoder {name} \(plugin {name} of {_dist(name)}\) cannot be loaded.*SIGSEGV",
        code,
    )
    for name, does, says, code in [
        (
            "signature_broken",
            "has a signature that is no pattern",
            "is no pattern",
            'heron.MediaFormat(media_type="image/x-a", kind="image", suffixes=[], signature=b"(")',
        ),
        (
            "signature_endless",
            "has a signature that backtracks",
            "takes more than 50 ms",
            'heron.MediaFormat(media_type="image/x-a", kind="image", suffixes=[], signature=b"(?:a|aa)+[bc]")',
        ),
        (
            "signature_greedy",
            "has a signature that all files match",
            "matches every file",
            'heron.MediaFormat(media_type="image/x-a", kind="image", suffixes=[], signature=b".*")',
        ),
    ]:
        whole = f"import heron\n\n@heron.hookimpl\ndef register_decoders():\n    yield heron.MediaDecoder(name='{name}', summary='hostile', formats=[{code}], load=dict)\n"
        yield Hostile(
            name, "decoder", does, "itself: it is listed as failed", f"failed: .*{says}", whole, ("plugins",)
        )


def _registering() -> Iterator[Hostile]:
    """Plugins that go wrong before they bring anything."""
    hook = "import os, sys, time\nimport heron\n\n@heron.hookimpl\ndef register_storage():\n    {}\n"
    for name, does, says, code in [
        ("import_raises", "raises when it is imported", "ZeroDivisionError", "1 / 0"),
        ("import_exits", "calls `sys.exit` when it is imported", "SystemExit: 4", "import sys\nsys.exit(4)"),
        ("import_sleeps", "waits without end when it is imported", "it took more than 2 s", "import time\ntime.sleep(10**6)"),
        ("import_panics", "raises no `Exception` when it is imported", "Panic: unwrap", "class Panic(BaseException): pass\nraise Panic('unwrap')"),
        ("hook_raises", "raises in a hook", "RuntimeError: no", hook.format("raise RuntimeError('no')")),
        ("hook_exits", "calls `sys.exit` in a hook", "SystemExit: 5", hook.format("sys.exit(5)")),
        ("hook_loops", "computes without end in a hook", "it took more than 2 s", hook.format("\n    while True: pass")),
        ("hook_texts", "yields texts in place of records", "yielded str", hook.format("yield 'storage'")),
        ("hook_misspelt", "misspells a hook", "did you mean register_storage", "import heron\n\n@heron.hookimpl\ndef register_storages(): pass"),
        ("record_empty", "yields a record without a name", "name is ''", hook.format("yield heron.StorageBackend(name='', summary='x', schemes=['a'], load=dict)")),
    ]:  # fmt: skip
        yield Hostile(
            name, "plugin", does, "itself: it is listed as failed", f"failed: .*{says}", code, ("plugins",)
        )
    yield Hostile(
        "import_prints", "plugin", "prints when it is imported and in its hook", "nothing: standard output stays clean", "",
        "import os\nimport heron\nprint('NOISE'); os.write(1, b'NOISE')\n\n@heron.hookimpl\ndef register_storage():\n    print('NOISE')\n    return []\n",
    )  # fmt: skip


_STORAGE = """
import os, sys, time
import heron

class Place:
    def normalise(self, url): return url
    def stat(self, url): return heron.StoredObject(url, 5)
    def list(self, prefix, after=None):
        {list}
    def peek(self, url, count):
        {peek}
    def read(self, url, start=0, end=None, *, etag=None): return b"words"[start:end]
    def open(self, url):
        import io
        return io.BytesIO(b"words")
    def sign(self, url, expires): return url

@heron.hookimpl
def register_storage():
    yield heron.StorageBackend(name="{scheme}", summary="hostile", schemes=["{scheme}"], load={load})
"""


def _storages() -> Iterator[Hostile]:
    fine = "yield from (heron.StoredObject(prefix + f'{n}.txt', 5) for n in range(3))"
    peek = "return heron.StoredObject(url, 5), b'words'[:count]"
    load = "lambda options: Place()"
    for name, does, costs, says, listing, peeking, loading in [
        ("load_raises", "raises in `load`", "the import from there", "cannot be loaded: OSError: no tape", fine, peek, "lambda options: (_ for _ in ()).throw(OSError('no tape'))"),
        ("list_raises", "raises in the middle of a listing", "the rest of the listing", "failed in list with ValueError: page 2", fine + "; raise ValueError('page 2')", peek, load),
        ("list_exits", "calls `sys.exit` in a listing", "the rest of the listing", "failed in list with SystemExit: 6", fine + "; sys.exit(6)", peek, load),
        ("list_sleeps", "waits without end in a listing", "the rest of the listing", "failed in list: it took more than 2 s", fine + "; time.sleep(10**6)", peek, load),
        ("list_texts", "lists texts in place of objects", "the rest of the listing", "failed in list: it gave 'a'", "yield 'a'", peek, load),
        ("peek_raises", "raises when an object is read", "that object", "failed in peek with KeyError", fine, "raise KeyError(url)", load),
        ("peek_sleeps", "waits without end when an object is read", "that object", "was given up: its worker did not answer within 3 s", fine, "\n        if '1' in url: time.sleep(10**6)\n        " + peek, load),
        ("peek_texts", "gives texts in place of bytes", "that object", "failed in peek: it gave 'words'", fine, "return heron.StoredObject(url, 5), 'words'", load),
        ("peek_prints", "prints when an object is read", "nothing: standard output stays clean", "", fine, "\n        print('NOISE'); os.write(1, b'NOISE')\n        " + peek, load),
    ]:  # fmt: skip
        scheme = name.replace("_", "")
        name = f"storage_{name}"
        named = rf"storage {scheme} \(plugin {name} of {_dist(name)}\)"
        pattern = rf"{named}.*{says}|{says}.*{named}" if says else ""
        code = _STORAGE.format(scheme=scheme, list=listing, peek=peeking, load=loading)
        yield Hostile(
            name,
            "storage",
            does,
            costs,
            pattern,
            code,
            ("import", f"{scheme}://a/", "--folder", name, "--ignore-errors"),
        )


_TYPE = """
import sys, time
import heron

class Codec:
    def parameters(self, given):
        {parameters}
    def encoder(self, parameters):
        def encode(value):
            {encode}
        return encode

@heron.hookimpl
def register_metadata_types():
    yield heron.MetadataType(name="{name}", summary="hostile", affinity="text", load=Codec)
"""


def _types() -> Iterator[Hostile]:
    for name, does, costs, says, parameters, encode in [
        ("parameters_raises", "raises for the parameters of a key", "the key, which is not added", "failed in parameters with RuntimeError: no", "raise RuntimeError('no')", "return value"),
        ("parameters_none", "gives no parameters", "the key, which is not added", "failed in parameters with TypeError", "return None", "return value"),
        ("encode_raises", "raises for a value", "the value", "failed in encode with KeyError", "return {}", "raise KeyError(value)"),
        ("encode_exits", "calls `sys.exit` for a value", "the value", "failed in encode with SystemExit: 7", "return {}", "sys.exit(7)"),
        ("encode_objects", "stores what is no text", "the value", "failed in encode: it gave <object", "return {}", "return object()"),
        ("encode_sleeps", "waits without end for a value", "the value", "failed in encode: it took more than 2 s", "return {}", "time.sleep(10**6)"),
    ]:  # fmt: skip
        name = f"type_{name}"
        pattern = rf"metadata type {name} \(plugin {name} of {_dist(name)}\) {says}"
        tried = (
            ("schema", "add", "key", name)
            if "parameters" in name
            else ("metadata", "merge", f"{name}=a", "--where", "name = '000.txt'")
        )
        yield Hostile(
            name,
            "metadata type",
            does,
            costs,
            pattern,
            _TYPE.format(name=name, parameters=parameters, encode=encode),
            tried,
        )


def _simple(
    sort: str, hook: str, record: str, table: list[tuple[str, str, str, str, str, tuple[str, ...]]]
) -> Iterator[Hostile]:
    """Plugins of one record each; the body stands for `{body}` in `record`, and the name for `{name}`."""
    for name, does, costs, says, body, tried in table:
        code = f"import ctypes, os, sys, time\nimport heron\n{record.replace('{body}', body).replace('{name}', name)}"
        named = rf"{sort} {name} \(plugin {name} of {_dist(name)}\)"
        pattern = says.replace("{who}", named)
        yield Hostile(name, sort, does, costs, pattern, f"{code}\n".replace("{hook}", hook), tried)


_METRICS = """
def load():
    def measure(picture, width, height):
        {body}
    return measure

@heron.hookimpl
def register_metrics():
    yield heron.QualityMetrics(name="{name}", summary="hostile", measures=["{name}"], load=load)
"""

_EMBEDDER = """
class Model:
    size, revision = 3, "1"
    def embed_images(self, images):
        import numpy
        {body}
    def embed_texts(self, texts):
        raise heron.InvalidInput("no texts")

@heron.hookimpl
def register_embedders():
    yield heron.EmbedderModel(name="{name}", summary="hostile", size=3, load=Model)
"""

_EXPORTER = """
class Exporter:
    def write(self, rows, stream):
        {body}

@heron.hookimpl
def register_exporters():
    yield heron.DatasetExporter(name="{name}", summary="hostile", suffix="", load=Exporter)
"""

_FUNCTION = """
def load():
    def called(text):
        {body}
    return called

@heron.hookimpl
def register_query_functions():
    yield heron.QueryFunction(name="{name}", summary="hostile", arguments=["text"], result="text", load=load)
"""

_EXECUTOR = """
def load(address):
    from concurrent.futures import Executor, Future
    class Hostile(Executor):
        def submit(self, call, /, *arguments, **named):
            {body}
    return Hostile()

@heron.hookimpl
def register_executors():
    yield heron.ExecutorBackend(name="{name}", summary="hostile", load=load)
"""

_EVENT = """
@heron.hookimpl
def items_imported(workspace, items):
    {body}
"""

_COMMAND = """
def load():
    {body}

@heron.hookimpl
def register_commands():
    yield heron.CliCommand(name="{name}", summary="hostile", load=load)
"""


def _others() -> Iterator[Hostile]:
    metric = "its metrics; the pictures stay"
    yield from _simple("quality metrics", "register_metrics", _METRICS, [
        ("metrics_raises", "raises for a picture", metric, "{who} failed in measure.*ValueError: no", "raise ValueError('no')", ()),
        ("metrics_crashes", "crashes for a picture", metric, "{who} failed in measure: its process ended by signal SIGSEGV", "ctypes.string_at(0)", ()),
        ("metrics_loops", "computes without end", metric, "{who} failed in measure: it (took more than 1|gave no answer for 2) s", "\n        while True: pass", ()),
        ("metrics_texts", "gives a text", metric, "{who} failed in measure: it gave 'much'", "return 'much'", ()),
        ("metrics_prints", "prints", "nothing: what it prints goes nowhere", "", "print('NOISE'); os.write(1, b'NOISE'); return {'metrics_prints': 1.0}", ()),
    ])  # fmt: skip
    poison = "\n        if any(image.getpixel((0, 0)) == (250, 0, 0) for image in images): {}\n        return numpy.ones((len(images), 3), 'float32')"
    embed = ("--where", "kind = 'image' AND name LIKE '%.png'")
    yield from _simple("embedder", "register_embedders", _EMBEDDER, [
        (f"embedder_{name}", does, costs, says, body, ("embed", "--embedder", f"embedder_{name}", *embed))
        for name, does, costs, says, body in [
            ("crashes", "crashes for one picture", "that picture", "red.png.*{who} failed in embed_images: its process ended by signal SIGSEGV", poison.format("ctypes.string_at(0)")),
            ("raises", "raises for one picture", "that picture", "red.png.*{who} failed in embed_images with ValueError: red", poison.format("raise ValueError('red')")),
            ("sleeps", "waits without end for one picture", "that picture", "red.png.*{who} failed in embed_images: it gave no answer for 2 s", poison.format("time.sleep(10**6)")),
            ("flat", "gives vectors of another shape", "the run", "{who} returned an array of shape", "return numpy.ones(len(images))"),
            ("exits", "calls `sys.exit`", "the run", "{who} failed in embed_images.*SystemExit", "sys.exit(1)"),
            ("prints", "prints", "nothing: what it prints goes nowhere", "", "print('NOISE'); os.write(1, b'NOISE'); return numpy.ones((len(images), 3), 'float32')"),
        ]
    ])  # fmt: skip
    export = ("datasets", "export", "D", "-o", "out", "--format")
    yield from _simple("exporter", "register_exporters", _EXPORTER, [
        (f"exporter_{name}", does, "the export; no file is left", says, body, (*export, f"exporter_{name}"))
        for name, does, says, body in [
            ("raises", "raises after half of the rows", "{who} failed in write with RuntimeError: torn", "next(rows); stream.write(b'half'); raise RuntimeError('torn')"),
            ("exits", "calls `sys.exit`", "{who} failed in write with SystemExit: 8", "sys.exit(8)"),
            ("sleeps", "waits without end", "{who} failed in write: it took more than 2 s", "time.sleep(10**6)"),
            ("none", "does not say how many rows it wrote", "{who} failed in write: it gave None", "return None"),
        ]
    ])  # fmt: skip
    yield from _simple("query function", "register_query_functions", _FUNCTION, [
        (f"function_{name}", does, "the query", says, body, ("search", "--count", "--where", f"function_{name}(name) = 'x'"))
        for name, does, says, body in [
            ("raises", "raises", "{who} failed in call with RuntimeError: no", "raise RuntimeError('no')"),
            ("exits", "calls `sys.exit`", "{who} failed in call with SystemExit: 9", "sys.exit(9)"),
            ("sleeps", "waits without end", "{who} failed in call: it took more than 2 s", "time.sleep(10**6)"),
            ("numbers", "gives a number in place of a text", "{who} returned 5, expected a text", "return 5"),
        ]
    ])  # fmt: skip
    yield from _simple("event", "items_imported", _EVENT, [
        (f"event_{name}", does, costs, says.replace("{plugin}", rf"plugin {_dist(f'event_{name}')}:event_{name}: items_imported failed"), body, ())
        for name, does, costs, says, body in [
            ("raises", "raises", "nothing: it is a warning", "{plugin}: RuntimeError: no", "raise RuntimeError('no')"),
            ("exits", "calls `sys.exit`", "nothing: it is a warning", "{plugin}: SystemExit: 10", "sys.exit(10)"),
            ("sleeps", "waits without end", "its time, and a warning", "{plugin}: it took more than 2 s", "time.sleep(10**6)"),
            ("prints", "prints", "nothing: standard output stays clean", "", "print('NOISE'); os.write(1, b'NOISE')"),
            ("spoils", "empties what it is told of", "nothing: others get their own", "", "\n    try: items.clear()\n    except AttributeError: pass"),
        ]
    ])  # fmt: skip
    work = ("import", "in/000.txt", "--folder", "E", "--executor")
    yield from _simple("executor", "register_executors", _EXECUTOR, [
        (f"executor_{name}", does, "the command, which can be repeated", says, body, (*work, f"executor_{name}"))
        for name, does, says, body in [
            ("refuses", "raises for each task", "{who} has stopped working: RuntimeError: no", "raise RuntimeError('no')"),
            ("lies", "answers with texts", "worker answered with something else than results .of {who}", "f = Future(); f.set_result('done'); return f"),
            ("silent", "never answers", "did not answer within 3 s .of {who}", "return Future()"),
        ]
    ])  # fmt: skip
    yield from _simple("command", "register_commands", _COMMAND, [
        ("command-raises", "raises in `load`", "itself", "{who} cannot be loaded: RuntimeError: no", "raise RuntimeError('no')", ("command-raises",)),
        ("command-text", "is a text", "itself", "{who}", "return 'click'", ("command-text",)),
        ("command-fails", "raises when it runs", "itself", "{who}.*RuntimeError: torn", "\n    import click\n    @click.command()\n    def run(): raise RuntimeError('torn')\n    return run", ("command-fails",)),
    ])  # fmt: skip


_DERIVER = """
def load():
    def derived(item, content):
        {body}
    return derived

@heron.hookimpl
def register_derivers():
    yield heron.MetadataDeriver(
        name="{name}", summary="hostile", keys=[heron.DerivedKey("{name}", "varchar")], version="1", load=load, reads="facts"
    )
"""

_IMPORTER = """
class Importer:
    def entries(self, source):
        yield heron.ImportEntry("line 1", "001.txt")
        {body}

@heron.hookimpl
def register_importers():
    yield heron.DatasetImporter(name="{name}", summary="hostile", load=Importer)
"""

_ACTION = """
def load():
    def act(workspace, item, options):
        {body}
    return act

@heron.hookimpl
def register_actions():
    yield heron.ItemAction(name="{name}", summary="hostile", load=load)
"""

_SAMPLER = """
def load():
    def sample(vectors, count, seed):
        import numpy
        {body}
    return sample

@heron.hookimpl
def register_samplers():
    yield heron.Sampler(name="{name}", summary="hostile", load=load)
"""

_PROJECTION = """
def load():
    def project(vectors, seed):
        import numpy
        {body}
    return project

@heron.hookimpl
def register_projections():
    yield heron.ProjectionMethod(name="{name}", summary="hostile", load=load)
"""

_TABLES = """
@heron.hookimpl
def register_tables():
    yield heron.PluginTables(name="{name}", summary="hostile", migrations=[{body}])

def load():
    import click
    @click.command()
    @click.option("--json", is_flag=True)
    @click.pass_obj
    def run(context, json):
        with context.workspace().tables.open("{name}") as database:
            print(database.execute("SELECT 1").fetchone())
    return run

@heron.hookimpl
def register_commands():
    yield heron.CliCommand(name="{name}", summary="hostile", load=load)
"""

_ROUTES = """
def load():
    from starlette.routing import Route
    from starlette.responses import PlainTextResponse
    def routes(site):
        {body}
    return routes

@heron.hookimpl
def register_routes():
    yield heron.Routes(name="{name}", summary="hostile", load=load)
"""

_VIEWER = """
from pathlib import Path

@heron.hookimpl
def register_viewers():
    yield heron.Viewer(name="{name}", summary="hostile", suffixes=[".x"], module={body})
"""


def _newer() -> Iterator[Hostile]:
    """Plugins that work with items, vectors, tables and the server."""
    one = ("--where", "name = '000.txt'")
    yield from _simple("deriver", "register_derivers", _DERIVER, [
        (f"deriver_{name}", does, costs, says, body, ("derive", f"deriver_{name}", *one))
        for name, does, costs, says, body in [
            ("raises", "raises for an item", "that item", "000.txt.*{who} failed in derive with RuntimeError: no", "raise RuntimeError('no')"),
            ("exits", "calls `sys.exit` for an item", "that item", "000.txt.*{who} failed in derive with SystemExit: 11", "sys.exit(11)"),
            ("texts", "gives a text in place of values", "that item", "000.txt.*{who} failed in derive.*returned str", "return 'values'"),
            ("strange", "gives a value for a key of others", "that item", "000.txt.*{who}.*city", "return {'city': 'X'}"),
            ("sleeps", "waits without end", "that item", "000.txt: derive of {who} took more than 2 s, and cannot be ended", "time.sleep(10**6)"),
            ("prints", "prints", "nothing: standard output stays clean", "", "print('NOISE'); os.write(1, b'NOISE'); return {'deriver_prints': 'a'}"),
        ]
    ])  # fmt: skip
    manifest = ("import", "--manifest", "in/000.txt", "--root", "in", "--folder")
    yield from _simple("importer", "register_importers", _IMPORTER, [
        (f"importer_{name}", does, costs, says, body, (*manifest, f"importer_{name}", "--ignore-errors", "--format", f"importer_{name}"))
        for name, does, costs, says, body in [
            ("raises", "raises after the first entry", "the entries behind it", "{who} failed in entries with RuntimeError: torn", "raise RuntimeError('torn')"),
            ("exits", "calls `sys.exit` after the first entry", "the entries behind it", "{who} failed in entries with SystemExit: 12", "sys.exit(12)"),
            ("texts", "gives a text in place of an entry", "the entries behind it", "{who} failed in entries.*yielded str", "yield '002.txt'"),
            ("leaves", "names a file outside of the dataset", "that entry", "line 2: .*'../../secret.txt' leads out of its folder", "yield heron.ImportEntry('line 2', '../../secret.txt')"),
            ("sleeps", "waits without end", "the entries behind it", "{who} failed in entries: it took more than 2 s", "time.sleep(10**6)"),
        ]
    ])  # fmt: skip
    yield from _simple("action", "register_actions", _ACTION, [
        (f"action-{name}", does, costs, says, body, ("run", f"action-{name}", *one))
        for name, does, costs, says, body in [
            ("raises", "raises for an item", "that item", "000.txt.*{who} failed in act with RuntimeError: no", "raise RuntimeError('no')"),
            ("exits", "calls `sys.exit` for an item", "that item", "000.txt.*{who} failed in act with SystemExit: 13", "sys.exit(13)"),
            ("numbers", "gives a number in place of a text", "that item", "000.txt.*{who} failed in act.*returned int", "return 5"),
            ("sleeps", "waits without end", "that item", "000.txt.*{who} failed in act: it took more than 2 s", "time.sleep(10**6)"),
            ("prints", "prints", "nothing: standard output stays clean", "", "print('NOISE'); os.write(1, b'NOISE')"),
        ]
    ])  # fmt: skip
    yield from _simple("sampler", "register_samplers", _SAMPLER, [
        (f"sampler-{name}", does, "the choice", says, body, ("select", "--sample", "2", "--sampler", f"sampler-{name}"))
        for name, does, says, body in [
            ("raises", "raises", "{who} failed in sample with RuntimeError: no", "raise RuntimeError('no')"),
            ("repeats", "chooses one item twice", "{who} .*twice", "return [0] * count"),
            ("beyond", "chooses items that are not there", "{who} .*one that is not there", "return numpy.arange(count) + 10000"),
            ("sleeps", "waits without end", "{who} failed in sample: it took more than 2 s", "time.sleep(10**6)"),
        ]
    ])  # fmt: skip
    yield from _simple("projection", "register_projections", _PROJECTION, [
        (f"projection-{name}", does, "the plot; no file is left", says, body, ("plot", "--method", f"projection-{name}", "-o", f"projection-{name}.svg"))
        for name, does, says, body in [
            ("raises", "raises", "{who} failed in project with RuntimeError: no", "raise RuntimeError('no')"),
            ("exits", "calls `sys.exit`", "{who} failed in project with SystemExit: 14", "sys.exit(14)"),
            ("flat", "gives an array of another shape", "{who} .*shape", "return numpy.ones(len(vectors))"),
            ("nowhere", "gives points that are nowhere", "{who} .*(NaN|finite|nan)", "return numpy.full((len(vectors), 2), numpy.nan)"),
        ]
    ])  # fmt: skip
    yield from _simple("tables", "register_tables", _TABLES, [
        (f"tables{name}", does, costs, says, body, (f"tables{name}",))
        for name, does, costs, says, body in [
            ("torn", "has a migration that fails", "its tables, which stay as they were", "{who}: migration 1 failed", "'CREATE TABLE a (b); NONSENSE'"),
            ("attach", "attaches the catalogue", "its tables, which stay as they were", "{who}: migration 1 failed: not authorized", "\"ATTACH '.heron/catalog.db' AS c\""),
            ("commit", "commits in the middle of a migration", "its tables, which stay as they were", "{who}: migration 1 failed", "'CREATE TABLE a (b);\\nCOMMIT;\\nCREATE TABLE c (d);'"),
        ]
    ])  # fmt: skip
    yield from _simple("routes", "register_routes", _ROUTES, [
        (f"routes-{name}", does, "the server, which does not start", says, body, ("serve", "--port", "0"))
        for name, does, says, body in [
            ("raises", "raises when the server starts", "{who}.*RuntimeError: no", "raise RuntimeError('no')"),
            ("exits", "calls `sys.exit` when the server starts", "{who}.*SystemExit: 15", "sys.exit(15)"),
            ("texts", "gives texts in place of routes", "{who}.*'/x'", "return ['/x']"),
            ("sleeps", "waits without end when the server starts", "{who}.*it took more than 2 s", "time.sleep(10**6)"),
        ]
    ])  # fmt: skip
    yield from _simple("viewer", "register_viewers", _VIEWER, [
        ("viewer-text", "names its module by a path that means another file elsewhere", "itself: it is listed as failed", "viewer-text .*failed: .*an absolute path", "'viewer.js'", ("plugins",)),
    ])  # fmt: skip


def _dist(name: str) -> str:
    """The distribution of a plugin."""
    return f"hostile-{name.replace('_', '-')}"


HOSTILE = (*_decoders(), *_registering(), *_storages(), *_types(), *_others(), *_newer())
"""All of them."""
