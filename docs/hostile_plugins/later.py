"""Hostile derivers, importers, actions, samplers, projections, tables, routes and viewers."""

from __future__ import annotations

from collections.abc import Iterator

from docs.hostile_plugins.shape import Hostile, of_one_record, record_of_function

_DERIVER = record_of_function(
    "register_derivers",
    "MetadataDeriver",
    "derived(item, content)",
    'keys=[heron.DerivedKey("{name}", "varchar")], version="1", reads="facts", ',
)

_IMPORTER = """
class Importer:
    def entries(self, source):
        yield heron.ImportEntry("line 1", "001.txt")
        {body}

@heron.hookimpl
def register_importers():
    yield heron.DatasetImporter(name="{name}", summary="hostile", load=Importer)
"""

_ACTION = record_of_function("register_actions", "ItemAction", "act(workspace, item, options)")

_SAMPLER = record_of_function(
    "register_samplers", "Sampler", "sample(vectors, count, seed)", "", "import numpy"
)

_PROJECTION = record_of_function(
    "register_projections", "ProjectionMethod", "project(vectors, seed)", "", "import numpy"
)

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


def later() -> Iterator[Hostile]:
    """Plugins that work with items, vectors, tables and the server."""
    one = ("--where", "name = '000.txt'")
    yield from of_one_record("deriver", "register_derivers", _DERIVER, [
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
    yield from of_one_record("importer", "register_importers", _IMPORTER, [
        (f"importer_{name}", does, costs, says, body, (*manifest, f"importer_{name}", "--ignore-errors", "--format", f"importer_{name}"))
        for name, does, costs, says, body in [
            ("raises", "raises after the first entry", "the entries behind it", "{who} failed in entries with RuntimeError: torn", "raise RuntimeError('torn')"),
            ("exits", "calls `sys.exit` after the first entry", "the entries behind it", "{who} failed in entries with SystemExit: 12", "sys.exit(12)"),
            ("texts", "gives a text in place of an entry", "the entries behind it", "{who} failed in entries.*yielded str", "yield '002.txt'"),
            ("leaves", "names a file outside of the dataset", "that entry", "line 2: .*'../../secret.txt' leads out of its folder", "yield heron.ImportEntry('line 2', '../../secret.txt')"),
            ("sleeps", "waits without end", "the entries behind it", "{who} failed in entries: it took more than 2 s", "time.sleep(10**6)"),
        ]
    ])  # fmt: skip
    yield from of_one_record("action", "register_actions", _ACTION, [
        (f"action-{name}", does, costs, says, body, ("run", f"action-{name}", *one))
        for name, does, costs, says, body in [
            ("raises", "raises for an item", "that item", "000.txt.*{who} failed in act with RuntimeError: no", "raise RuntimeError('no')"),
            ("exits", "calls `sys.exit` for an item", "that item", "000.txt.*{who} failed in act with SystemExit: 13", "sys.exit(13)"),
            ("numbers", "gives a number in place of a text", "that item", "000.txt.*{who} failed in act.*returned int", "return 5"),
            ("sleeps", "waits without end", "that item", "000.txt.*{who} failed in act: it took more than 2 s", "time.sleep(10**6)"),
            ("prints", "prints", "nothing: standard output stays clean", "", "print('NOISE'); os.write(1, b'NOISE')"),
        ]
    ])  # fmt: skip
    yield from of_one_record("sampler", "register_samplers", _SAMPLER, [
        (f"sampler-{name}", does, "the choice", says, body, ("select", "--sample", "2", "--sampler", f"sampler-{name}"))
        for name, does, says, body in [
            ("raises", "raises", "{who} failed in sample with RuntimeError: no", "raise RuntimeError('no')"),
            ("repeats", "chooses one item twice", "{who} .*twice", "return [0] * count"),
            ("beyond", "chooses items that are not there", "{who} .*one that is not there", "return numpy.arange(count) + 10000"),
            ("sleeps", "waits without end", "{who} failed in sample: it took more than 2 s", "time.sleep(10**6)"),
        ]
    ])  # fmt: skip
    yield from of_one_record("projection", "register_projections", _PROJECTION, [
        (f"projection-{name}", does, "the plot; no file is left", says, body, ("plot", "--method", f"projection-{name}", "-o", f"projection-{name}.svg"))
        for name, does, says, body in [
            ("raises", "raises", "{who} failed in project with RuntimeError: no", "raise RuntimeError('no')"),
            ("exits", "calls `sys.exit`", "{who} failed in project with SystemExit: 14", "sys.exit(14)"),
            ("flat", "gives an array of another shape", "{who} .*shape", "return numpy.ones(len(vectors))"),
            ("nowhere", "gives points that are nowhere", "{who} .*(NaN|finite|nan)", "return numpy.full((len(vectors), 2), numpy.nan)"),
        ]
    ])  # fmt: skip
    yield from of_one_record("tables", "register_tables", _TABLES, [
        (f"tables{name}", does, costs, says, body, (f"tables{name}",))
        for name, does, costs, says, body in [
            ("torn", "has a migration that fails", "its tables, which stay as they were", "{who}: migration 1 failed", "'CREATE TABLE a (b); NONSENSE'"),
            ("attach", "attaches the catalogue", "its tables, which stay as they were", "{who}: migration 1 failed: not authorized", "\"ATTACH '.heron/catalog.db' AS c\""),
            ("commit", "commits in the middle of a migration", "its tables, which stay as they were", "{who}: migration 1 failed", "'CREATE TABLE a (b);\\nCOMMIT;\\nCREATE TABLE c (d);'"),
        ]
    ])  # fmt: skip
    yield from of_one_record("routes", "register_routes", _ROUTES, [
        (f"routes-{name}", does, "the server, which does not start", says, body, ("serve", "--port", "0"))
        for name, does, says, body in [
            ("raises", "raises when the server starts", "{who}.*RuntimeError: no", "raise RuntimeError('no')"),
            ("exits", "calls `sys.exit` when the server starts", "{who}.*SystemExit: 15", "sys.exit(15)"),
            ("texts", "gives texts in place of routes", "{who}.*'/x'", "return ['/x']"),
            ("sleeps", "waits without end when the server starts", "{who}.*it took more than 2 s", "time.sleep(10**6)"),
        ]
    ])  # fmt: skip
    yield from of_one_record("viewer", "register_viewers", _VIEWER, [
        ("viewer-text", "names its module by a path that means another file elsewhere", "itself: it is listed as failed", "viewer-text .*failed: .*an absolute path", "'viewer.js'", ("plugins",)),
    ])  # fmt: skip
