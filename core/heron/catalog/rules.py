"""Which right each public verb asks for first; a test compares this with what the verbs refuse. Verbs that are not here read."""

from __future__ import annotations

from collections.abc import Mapping

from heron.catalog.rights import Noun, Verb

WRITES: Mapping[tuple[Verb, Noun], str] = {
    ("create", "collection"): "collections.create",
    ("delete", "collection"): "collections.delete",
    ("update", "collection"): "collections.add collections.remove collections.update",
    ("create", "dataset"): "datasets.create",
    ("delete", "dataset"): "datasets.delete versions.delete",
    ("update", "dataset"): "datasets.add datasets.remove datasets.update versions.freeze",
    ("create", "folder"): "folders.create folders.ensure ingest.follow portable.merge",
    ("delete", "folder"): "folders.delete",
    ("share", "folder"): "roles.grant roles.revoke",
    (
        "update",
        "folder",
    ): "folders.move folders.rename folders.set_metadata folders.update synced.bind synced.release synced.set_sidecars",
    ("create", "group"): "groups.create",
    ("delete", "group"): "groups.delete",
    ("update", "group"): "groups.add groups.remove groups.update",
    ("create", "import"): "ingest.files ingest.manifest ingest.sync",
    ("update", "import"): "imports.cancel ingest.resume",
    ("create", "integration"): "integrations.create",
    ("delete", "integration"): "integrations.delete",
    ("update", "integration"): "integrations.trust",
    ("create", "item"): "items.move registration.register",
    ("delete", "item"): "items.delete",
    (
        "update",
        "item",
    ): "curation.carry_over curation.hash_missing datasets.set_metadata derive frames.add frames.delete frames.set frames.set_metadata ingest.metadata_file items.rename metadata.merge metadata.merge_all metadata.replace metadata.replace_all pictures.make storage.relocate",
    ("create", "preset"): "presets.create",
    ("delete", "preset"): "presets.delete",
    ("create", "project"): "projects.create",
    ("delete", "project"): "projects.delete",
    ("update", "project"): "annotation.send projects.add projects.remove projects.update",
    (
        "update",
        "schema",
    ): "schema.add schema.add_embedding schema.add_enum schema.add_enum_options schema.add_scalar schema.convert schema.delete_key schema.edit schema.rename_option schema.restore_key schema.set_from_dict schema.set_indexed schema.undo",
    ("create", "tag"): "tags.create",
    ("delete", "tag"): "tags.delete",
    ("update", "tag"): "tags.rename",
    ("create", "user"): "users.add",
    ("delete", "user"): "users.remove",
    ("update", "user"): "users.update",
    ("update", "credential"): "users.add_key users.create_token users.note_use",
    ("delete", "credential"): "users.remove_key users.revoke_token",
    ("create", "vector"): "embed",
    ("delete", "vector"): "vectors.delete",
    (
        "update",
        "vector",
    ): "projections.delete projections.make vector_files.import_file vectors.add vectors.adopt vectors.compact vectors.rebuild vectors.refresh vectors.remove",
    (
        "update",
        "workspace",
    ): "backup columns.rebuild columns.refresh columns.status plugin_options.set plugin_options.show",
}
"""For each right, the verbs that ask for it."""

RIGHT_OF: Mapping[str, tuple[Verb, Noun]] = {
    verb: right for right, verbs in WRITES.items() for verb in verbs.split()
}
"""The right of each verb that changes something."""
