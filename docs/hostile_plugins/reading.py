"""Hostile decoders, storages and metadata types, and plugins that go wrong before they bring anything."""

from __future__ import annotations

from collections.abc import Iterator

from docs.hostile_plugins.shape import Hostile, dist

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


def decoders() -> Iterator[Hostile]:
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
            rf"decoder {name} \(plugin {name} of {dist(name)}\).*{says}",
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
        rf"decoder {name} \(plugin {name} of {dist(name)}\).*SIGSEGV",
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
        rf"decoder {name} \(plugin {name} of {dist(name)}\) cannot be loaded.*SIGSEGV",
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


def registering() -> Iterator[Hostile]:
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


def storages() -> Iterator[Hostile]:
    """Storages of a scheme each."""
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
        named = rf"storage {scheme} \(plugin {name} of {dist(name)}\)"
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


def types() -> Iterator[Hostile]:
    """Metadata types, met by a key of each."""
    for name, does, costs, says, parameters, encode in [
        ("parameters_raises", "raises for the parameters of a key", "the key, which is not added", "failed in parameters with RuntimeError: no", "raise RuntimeError('no')", "return value"),
        ("parameters_none", "gives no parameters", "the key, which is not added", "failed in parameters with TypeError", "return None", "return value"),
        ("encode_raises", "raises for a value", "the value", "failed in encode with KeyError", "return {}", "raise KeyError(value)"),
        ("encode_exits", "calls `sys.exit` for a value", "the value", "failed in encode with SystemExit: 7", "return {}", "sys.exit(7)"),
        ("encode_objects", "stores what is no text", "the value", "failed in encode: it gave <object", "return {}", "return object()"),
        ("encode_sleeps", "waits without end for a value", "the value", "failed in encode: it took more than 2 s", "return {}", "time.sleep(10**6)"),
    ]:  # fmt: skip
        name = f"type_{name}"
        pattern = rf"metadata type {name} \(plugin {name} of {dist(name)}\) {says}"
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
