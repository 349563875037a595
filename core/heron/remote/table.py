"""The routes of Heron's own API: which method and path answers which verb. Both the server and the client are made from it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, Literal

from attrs import field, frozen

How = Literal["call", "rows", "job", "picture", "bytes", "text", "upload", "download", "columns", "edit"]
"""How a route answers: `call` with the result as JSON; `rows` with a page of them, or a stream of lines; `job` starts the work and
gives the job; `picture` and `bytes` give a PNG and a JPEG; `text` a stream of text; `upload` takes a file as the body, and
`download` gives one; `columns` gives binary columns; `edit` and the record of an item know its version (`ETag`, `If-Match`).
"""


@frozen
class Route:
    """One route: a verb of the Python API, with the parameters of its signature.

    Parameters whose names are in the path are taken from there; for GET and DELETE the others are in the query, for other
    methods they are a JSON object. The parameter `body` is the whole body instead, and `fixed` ones are given by the route.
    """

    method: str
    path: str
    verb: str
    how: How = "call"
    body: str | None = None
    fixed: Mapping[str, Any] = field(factory=dict, hash=False)
    status: int = 200

    @property
    def in_path(self) -> list[str]:
        """The names of the parameters in the path."""
        return [part[1:-1] for part in self.path.split("/") if part.startswith("{")]


def _routes(lines: str, how: How = "call", **more: Any) -> list[Route]:
    """A route for each line: method, path, verb."""
    return [Route(*line.split(), how=how, **more) for line in lines.strip().splitlines()]  # type: ignore[arg-type, misc]


ROUTES: tuple[Route, ...] = (
    Route("PUT", "/schema", "schema.set_from_dict", body="data"),
    Route("GET", "/items/{ref}", "items.get", how="edit"),
    Route("PUT", "/items/{items}/metadata", "metadata.replace_all", how="edit", body="metadata"),
    Route("PATCH", "/items/{items}/metadata", "metadata.merge_all", how="edit", body="metadata"),
    Route("PUT", "/folders/{ref}/metadata", "folders.set_metadata", body="metadata", fixed={"merge": False}),
    Route("PATCH", "/plugins/{plugin}/options", "plugin_options.set", body="values"),
    Route("PATCH", "/folders/{ref}/metadata", "folders.set_metadata", body="metadata", fixed={"merge": True}),
    Route(
        "PUT",
        "/items/{item}/frames/{number}/metadata",
        "frames.set_metadata",
        body="metadata",
        fixed={"merge": False},
    ),
    Route(
        "PATCH",
        "/items/{item}/frames/{number}/metadata",
        "frames.set_metadata",
        body="metadata",
        fixed={"merge": True},
    ),
    *_routes(
        """
        POST /folders                             folders.create
        POST /items                               registration.register
        POST /schema/keys                         schema.add
        POST /schema/scalars                      schema.add_scalar
        POST /schema/enums                        schema.add_enum
        POST /schema/embeddings                   schema.add_embedding
        POST /integrations                        integrations.create
        POST /presets                             presets.create
        POST /collections                         collections.create
        POST /datasets                            datasets.create
        POST /datasets/{dataset}/versions         versions.freeze
        POST /projects                            projects.create
        POST /tags                                tags.create
        POST /users                               users.add
        POST /groups                              groups.create
        POST /keys                                users.add_key
        POST /tokens                              users.create_token
        """,
        status=201,
    ),
    *_routes(
        """
        GET    /schema                            schema.to_dict
        GET    /schema/not-fitting                schema.not_fitting
        POST   /schema/keys/{name}/options        schema.add_enum_options
        POST   /schema/keys/{name}/rename-option  schema.rename_option
        POST   /schema/keys/{name}/restore        schema.restore_key
        POST   /schema/keys/{name}/undo           schema.undo
        POST   /schema/keys/{name}/index          schema.set_indexed
        DELETE /schema/keys/{name}                schema.delete_key
        POST   /folders:ensure                    folders.ensure
        GET    /folders/{ref}                     folders.get
        PATCH  /folders/{ref}                     folders.update
        DELETE /folders/{ref}                     folders.delete
        GET    /folders/{ref}/contents            folders.contents
        POST   /folders/{ref}/rename              folders.rename
        POST   /folders/{ref}/move                folders.move
        GET    /folders/{folder}/synced           synced.get
        PUT    /folders/{folder}/synced           ingest.follow
        DELETE /folders/{folder}/synced           synced.release
        POST   /folders/{folder}/synced/bind      synced.bind
        POST   /folders/{folder}/synced/sidecars  synced.set_sidecars
        GET    /items                             search.__call__
        GET    /items:page                        items.page
        GET    /items:count                       items.count
        POST   /items:move                        items.move
        POST   /items:delete                      items.delete
        DELETE /items/{refs}                      items.delete
        POST   /items/{ref}/rename                items.rename
        GET    /items/{ref}/integration           storage.of
        GET    /items/{ref}/url                   storage.sign
        GET    /items/{item}/times                pictures.times
        GET    /items/{item}/viewing              pictures.viewing
        GET    /items/{thing}/vectors             vectors.of
        GET    /items/{thing}/vectors/{key}       vectors.get
        GET    /items/{thing}/vector-sizes        vectors.sizes
        POST   /items/{item}/frames               frames.set
        POST   /items/{item}/frames:add           frames.add
        POST   /items/{item}/frames:delete        frames.delete
        GET    /items/{item}/frames/{number}      frames.get
        POST   /metadata:replace                  metadata.replace
        POST   /metadata:merge                    metadata.merge
        POST   /metadata:replace-all              metadata.replace_all
        POST   /metadata:merge-all                metadata.merge_all
        POST   /vectors/{key}                     vectors.add
        DELETE /vectors/{key}                     vectors.delete
        POST   /vectors/{key}/remove              vectors.remove
        POST   /vectors/{key}/adopt               vectors.adopt
        POST   /vectors/{key}/refresh             vectors.refresh
        POST   /vectors/{key}/compact             vectors.compact
        GET    /imports/{ref}                     imports.get
        GET    /imports/{ref}/report              imports.report
        POST   /imports/{ref}/cancel              imports.cancel
        GET    /integrations/{ref}                integrations.get
        DELETE /integrations/{ref}                integrations.delete
        POST   /integrations/{ref}/trust          integrations.trust
        GET    /storage:normalise                 storage.normalise
        GET    /columns                           columns.status
        GET    /plugins/{plugin}/options          plugin_options.show
        POST   /columns:refresh                   columns.refresh
        GET    /presets/{ref}                     presets.get
        DELETE /presets/{ref}                     presets.delete
        GET    /collections/{ref}                 collections.get
        PATCH  /collections/{ref}                 collections.update
        DELETE /collections/{ref}                 collections.delete
        POST   /collections/{ref}/items           collections.add
        POST   /collections/{ref}/items:remove    collections.remove
        POST   /collections:match-names           collections.match_names
        GET    /datasets/{ref}                    datasets.get
        PATCH  /datasets/{ref}                    datasets.update
        DELETE /datasets/{ref}                    datasets.delete
        POST   /datasets/{ref}/items              datasets.add
        POST   /datasets/{ref}/items:remove       datasets.remove
        POST   /datasets/{ref}/rows/{position}/metadata  datasets.set_metadata
        GET    /versions/{ref}                    versions.get
        DELETE /versions/{ref}                    versions.delete
        POST   /versions:diff                     versions.diff
        GET    /projects/{ref}                    projects.get
        PATCH  /projects/{ref}                    projects.update
        DELETE /projects/{ref}                    projects.delete
        POST   /projects/{ref}/add                projects.add
        POST   /projects/{ref}/remove             projects.remove
        GET    /tags/{ref}                        tags.get
        DELETE /tags/{ref}                        tags.delete
        POST   /tags/{ref}/rename                 tags.rename
        GET    /users/{ref}                       users.get
        PATCH  /users/{ref}                       users.update
        DELETE /users/{ref}                       users.remove
        DELETE /keys/{ref}                        users.remove_key
        DELETE /tokens/{ref}                      users.revoke_token
        GET    /groups/{ref}                      groups.get
        PATCH  /groups/{ref}                      groups.update
        DELETE /groups/{ref}                      groups.delete
        POST   /groups/{ref}/add                  groups.add
        POST   /groups/{ref}/remove               groups.remove
        POST   /roles                             roles.grant
        POST   /roles:revoke                      roles.revoke
        POST   /roles:allowed                     roles.allowed
        POST   /search                            search.__call__
        POST   /search:window                     search.window
        POST   /search:frames                     search.frames
        POST   /search:explain                    search.explain
        POST   /count                             search.count
        POST   /count:frames                      search.count_frames
        POST   /curation/carry-over               curation.carry_over
        GET    /projections/{key}                 projections.get
        DELETE /projections/{key}                 projections.delete
        """
    ),
    *_routes(
        """
        GET    /schema/keys                       schema.show
        GET    /schema/names                      schema.keys
        GET    /schema/unknown                    schema.unknown_keys
        GET    /folders                           folders.list
        GET    /items:list                        items.list
        GET    /items:named                       items.by_name
        POST   /items:get                         items.get_all
        GET    /items/{ref}/members               items.members
        POST   /items:uses                        items.uses
        GET    /items/{refs}/uses                 items.uses
        GET    /folders/{ref}/uses                folders.uses
        GET    /items/{item}/frames               frames.list
        GET    /metadata:verify                   metadata.verify
        GET    /vectors                           vectors.status
        GET    /vectors:adoptable                 vectors.adoptable
        POST   /vectors/{key}/verify              vectors.verify
        GET    /imports                           imports.list
        GET    /imports/{ref}/problems            imports.problems
        GET    /integrations                      integrations.list
        POST   /integrations/{ref}/check          storage.check
        GET    /storage:list                      storage.list
        GET    /synced                            synced.list
        GET    /presets                           presets.list
        GET    /collections                       collections.list
        GET    /collections/{ref}/items           collections.items
        GET    /datasets                          datasets.list
        GET    /datasets/{ref}/rows               datasets.rows
        GET    /versions                          versions.list
        GET    /versions/{ref}/rows               versions.rows
        GET    /versions/{ref}/verify             versions.verify
        GET    /projects                          projects.list
        GET    /sent                              annotation.sent
        GET    /sent/{sent}/items                 annotation.items
        GET    /tags                              tags.list
        GET    /users                             users.list
        GET    /keys                              users.keys
        GET    /tokens                            users.tokens
        GET    /groups                            groups.list
        GET    /roles                             roles.list
        GET    /log                               log.list
        GET    /search:names                      search.names
        POST   /search:values                     search.values
        POST   /search:notes                      search.notes
        POST   /facets                            facets.__call__
        POST   /stats                             stats.__call__
        POST   /compare                           compare.__call__
        POST   /embed:chosen                      embed.chosen
        GET    /derive                            derive.list
        GET    /actions                           actions.list
        POST   /derive:chosen                     derive.chosen
        GET    /projections                       projections.list
        """,
        how="rows",
    ),
    *_routes(
        """
        POST   /schema:convert                    schema.convert
        POST   /folders/{folder}/sync             ingest.sync
        POST   /imports                           ingest.files
        POST   /imports/{job}/resume              ingest.resume
        POST   /pictures:make                     pictures.make
        POST   /embed                             embed.__call__
        POST   /derive                            derive.__call__
        POST   /actions/{action}                  actions.run
        POST   /vectors/{key}/rebuild             vectors.rebuild
        POST   /storage:relocate                  storage.relocate
        POST   /columns:rebuild                   columns.rebuild
        POST   /columns:push                      columns.push
        POST   /curation/exact-duplicates         curation.exact_duplicates
        POST   /curation/near-duplicates          curation.near_duplicates
        POST   /curation/hash-missing             curation.hash_missing
        POST   /curation/uniqueness               curation.uniqueness
        POST   /curation/diverse                  curation.diverse
        POST   /curation/sample                   curation.sample
        POST   /curation/leakage                  curation.leakage
        POST   /projections                       projections.make
        """,
        how="job",
        status=202,
    ),
    *_routes(
        """
        GET    /items/{item}/picture              pictures.picture
        GET    /items/{thing}/portrait            pictures.portrait
        POST   /pictures:contact-sheet            pictures.contact_sheet
        POST   /curation/sheet                    curation.sheet
        """,
        how="picture",
    ),
    *_routes(
        """
        GET    /items/{thing}/thumbnail           pictures.thumbnail
        GET    /items/{item}/thumbnail/stored     thumbnails.find
        GET    /frames/{frame}/thumbnail          frames.thumbnail
        """,
        how="bytes",
    ),
    Route("GET", "/items/{item}/text", "pictures.text", how="text"),
    Route("POST", "/manifests", "ingest.manifest", how="upload", body="file", status=202),
    Route("POST", "/manifests:check", "ingest.check_manifest", how="upload", body="file"),
    Route("POST", "/metadata:file", "ingest.metadata_file", how="upload", body="file"),
    Route("POST", "/vectors/{key}/file", "vector_files.import_file"),
    Route("POST", "/pictures:of-file", "pictures.picture_of", how="upload", body="file"),
    Route("GET", "/vectors/{key}/file", "vector_files.export_file", how="download", body="file"),
    Route("GET", "/manifests", "ingest.write_manifest", how="download", body="file"),
    Route("GET", "/datasets/{dataset}/export", "export", how="download", body="file"),
    Route("POST", "/portable:describe", "portable.describe", how="upload", body="path"),
    Route("POST", "/portable:merge", "portable.merge", how="upload", body="path"),
    Route("POST", "/portable", "portable.export", how="download", body="path"),
    Route("POST", "/projects/{project}/send", "annotation.send", how="download", body="file"),
    Route("GET", "/projections/{key}/plot", "projections.plot", how="download", body="file"),
    Route("GET", "/projections/{key}/points", "projections.points", how="columns"),
    Route("GET", "/vectors/{key}/columns", "vectors.stored", how="columns"),
)
"""Every route that is a verb; the server adds those for media, uploads, jobs, plugins and the workspace itself."""

COMPOSED: Mapping[str, str] = {
    "items.stream": "pages of items.page",
    "search.all": "pages of search.__call__",
    "log.stream": "log.list, as a stream of lines",
    "frames.stream": "frames.list, as a stream of lines",
    "storage.stream": "storage.list, as a stream of lines",
    "schema.current": "the keys of schema.show",
    "pictures.frames": "one pictures.picture for each frame",
    "pictures.write_frames": "pictures.frames, written where the client runs",
}
"""Verbs that need no route, since the client makes them of others. So is every `find`, of its `get`."""

ABSENT: Mapping[str, str] = {
    "users.note_use": "the server itself finds out whose key or token a request has; GET /workspace tells who asks",
    "users.of_key": "the server itself finds out whose key or token a request has; GET /workspace tells who asks",
    "users.of_token": "the server itself finds out whose key or token a request has; GET /workspace tells who asks",
    "schema.edit": "a transaction cannot stay open between two requests; send the whole schema by set_from_dict",
    "atomic": "a transaction cannot stay open between two requests; a verb on many items is one for each batch of 1,000",
    "backup.__call__": "a backup is written on the disk of the server; run heron backup there",
    "storage.open": "an open store cannot be sent; GET /items/{ref}/media gives the bytes of a file, and any range of them",
}
"""Verbs that cannot work over HTTP, with the reason and what to do instead."""


@cache
def route_of(verb: str) -> Route:
    """The route that a client uses for a verb: the first one of the table that is not a shorthand."""
    shorthands = {
        "search.__call__": "POST",
        "items.delete": "POST",
        "items.uses": "POST",
        "metadata.replace_all": "POST",
        "metadata.merge_all": "POST",
    }
    return next(
        route for route in ROUTES if route.verb == verb and shorthands.get(verb, route.method) == route.method
    )
