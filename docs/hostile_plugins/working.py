"""Hostile metrics, embedders, exporters, query functions, events, executors and commands."""

from __future__ import annotations

from collections.abc import Iterator

from docs.hostile_plugins.shape import Hostile, dist, of_one_record, record_of_function

_METRICS = record_of_function(
    "register_metrics", "QualityMetrics", "measure(picture, width, height)", 'measures=["{name}"], '
)

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

_FUNCTION = record_of_function(
    "register_query_functions", "QueryFunction", "called(text)", 'arguments=["text"], result="text", '
)

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


def working() -> Iterator[Hostile]:
    """Plugins that work with pictures, conditions, exports, events and commands."""
    metric = "its metrics; the pictures stay"
    yield from of_one_record("quality metrics", "register_metrics", _METRICS, [
        ("metrics_raises", "raises for a picture", metric, "{who} failed in measure.*ValueError: no", "raise ValueError('no')", ()),
        ("metrics_crashes", "crashes for a picture", metric, "{who} failed in measure: its process ended by signal SIGSEGV", "ctypes.string_at(0)", ()),
        ("metrics_loops", "computes without end", metric, "{who} failed in measure: it (took more than 1|gave no answer for 2) s", "\n        while True: pass", ()),
        ("metrics_texts", "gives a text", metric, "{who} failed in measure: it gave 'much'", "return 'much'", ()),
        ("metrics_prints", "prints", "nothing: what it prints goes nowhere", "", "print('NOISE'); os.write(1, b'NOISE'); return {'metrics_prints': 1.0}", ()),
    ])  # fmt: skip
    poison = "\n        if any(image.getpixel((0, 0)) == (250, 0, 0) for image in images): {}\n        return numpy.ones((len(images), 3), 'float32')"
    embed = ("--where", "kind = 'image' AND name LIKE '%.png'")
    yield from of_one_record("embedder", "register_embedders", _EMBEDDER, [
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
    yield from of_one_record("exporter", "register_exporters", _EXPORTER, [
        (f"exporter_{name}", does, "the export; no file is left", says, body, (*export, f"exporter_{name}"))
        for name, does, says, body in [
            ("raises", "raises after half of the rows", "{who} failed in write with RuntimeError: torn", "next(rows); stream.write(b'half'); raise RuntimeError('torn')"),
            ("exits", "calls `sys.exit`", "{who} failed in write with SystemExit: 8", "sys.exit(8)"),
            ("sleeps", "waits without end", "{who} failed in write: it took more than 2 s", "time.sleep(10**6)"),
            ("none", "does not say how many rows it wrote", "{who} failed in write: it gave None", "return None"),
        ]
    ])  # fmt: skip
    yield from of_one_record("query function", "register_query_functions", _FUNCTION, [
        (f"function_{name}", does, "the query", says, body, ("search", "--count", "--where", f"function_{name}(name) = 'x'"))
        for name, does, says, body in [
            ("raises", "raises", "{who} failed in call with RuntimeError: no", "raise RuntimeError('no')"),
            ("exits", "calls `sys.exit`", "{who} failed in call with SystemExit: 9", "sys.exit(9)"),
            ("sleeps", "waits without end", "{who} failed in call: it took more than 2 s", "time.sleep(10**6)"),
            ("numbers", "gives a number in place of a text", "{who} returned 5, expected a text", "return 5"),
        ]
    ])  # fmt: skip
    yield from of_one_record("event", "items_imported", _EVENT, [
        (f"event_{name}", does, costs, says.replace("{plugin}", rf"plugin {dist(f'event_{name}')}:event_{name}: items_imported failed"), body, ())
        for name, does, costs, says, body in [
            ("raises", "raises", "nothing: it is a warning", "{plugin}: RuntimeError: no", "raise RuntimeError('no')"),
            ("exits", "calls `sys.exit`", "nothing: it is a warning", "{plugin}: SystemExit: 10", "sys.exit(10)"),
            ("sleeps", "waits without end", "its time, and a warning", "{plugin}: it took more than 2 s", "time.sleep(10**6)"),
            ("prints", "prints", "nothing: standard output stays clean", "", "print('NOISE'); os.write(1, b'NOISE')"),
            ("spoils", "empties what it is told of", "nothing: others get their own", "", "\n    try: items.clear()\n    except AttributeError: pass"),
        ]
    ])  # fmt: skip
    work = ("import", "in/000.txt", "--folder", "E", "--executor")
    yield from of_one_record("executor", "register_executors", _EXECUTOR, [
        (f"executor_{name}", does, "the command, which can be repeated", says, body, (*work, f"executor_{name}"))
        for name, does, says, body in [
            ("refuses", "raises for each task", "{who} has stopped working: RuntimeError: no", "raise RuntimeError('no')"),
            ("lies", "answers with texts", "worker answered with something else than results .of {who}", "f = Future(); f.set_result('done'); return f"),
            ("silent", "never answers", "did not answer within 3 s .of {who}", "return Future()"),
        ]
    ])  # fmt: skip
    yield from of_one_record("command", "register_commands", _COMMAND, [
        ("command-raises", "raises in `load`", "itself", "{who} cannot be loaded: RuntimeError: no", "raise RuntimeError('no')", ("command-raises",)),
        ("command-text", "is a text", "itself", "{who}", "return 'click'", ("command-text",)),
        ("command-fails", "raises when it runs", "itself", "{who}.*RuntimeError: torn", "\n    import click\n    @click.command()\n    def run(): raise RuntimeError('torn')\n    return run", ("command-fails",)),
    ])  # fmt: skip
