"""The SQL that makes tables and triggers, a script for each migration; a released one is never edited."""

from __future__ import annotations

from heron.catalog.columns.scripts import COLUMN_CHANGES, COLUMNS, COLUMNS_ANEW, FRAME_COLUMNS
from heron.catalog.derived_scripts import DERIVED, DERIVED_FRAMES
from heron.catalog.mirror_scripts import MIRRORS
from heron.catalog.organisation.scripts import CREDENTIALS, ORGANISATION
from heron.catalog.organisation.sent_scripts import SENT
from heron.catalog.plugin_scripts import PLUGINS
from heron.catalog.versions.scripts import VERSIONS

FIRST = """
CREATE TABLE folders (
    id INTEGER PRIMARY KEY,
    uuid TEXT NOT NULL UNIQUE,
    parent_id INTEGER REFERENCES folders(id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    path TEXT NOT NULL UNIQUE,
    description TEXT NOT NULL DEFAULT '',
    metadata TEXT NOT NULL DEFAULT '{}',
    created_at TEXT NOT NULL,
    created_by TEXT NOT NULL
);
CREATE INDEX folders_parent ON folders(parent_id);

CREATE TABLE imports (
    id INTEGER PRIMARY KEY,
    uuid TEXT NOT NULL UNIQUE,
    source TEXT NOT NULL,
    folder_id INTEGER REFERENCES folders(id) ON DELETE SET NULL,
    options TEXT NOT NULL DEFAULT '{}',
    state TEXT NOT NULL,
    process TEXT NOT NULL DEFAULT '',
    position INTEGER NOT NULL DEFAULT 0,
    added INTEGER NOT NULL DEFAULT 0,
    updated INTEGER NOT NULL DEFAULT 0,
    skipped INTEGER NOT NULL DEFAULT 0,
    failed INTEGER NOT NULL DEFAULT 0,
    warnings INTEGER NOT NULL DEFAULT 0,
    started_at TEXT NOT NULL,
    finished_at TEXT,
    created_by TEXT NOT NULL
);

CREATE TABLE import_problems (
    id INTEGER PRIMARY KEY,
    import_id INTEGER NOT NULL REFERENCES imports(id) ON DELETE CASCADE,
    severity TEXT NOT NULL,
    place TEXT NOT NULL,
    url TEXT NOT NULL,
    reason TEXT NOT NULL
);
CREATE INDEX import_problems_import ON import_problems(import_id);

CREATE TABLE items (
    id INTEGER PRIMARY KEY,
    uuid TEXT NOT NULL UNIQUE,
    folder_id INTEGER NOT NULL REFERENCES folders(id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    url TEXT NOT NULL,
    kind TEXT NOT NULL,
    media_type TEXT NOT NULL,
    size INTEGER,
    width INTEGER,
    height INTEGER,
    frame_count INTEGER,
    fps REAL,
    duration REAL,
    codec TEXT,
    sample_rate INTEGER,
    channels INTEGER,
    pages INTEGER,
    captured_at TEXT,
    facts TEXT NOT NULL DEFAULT '{}',
    metadata TEXT NOT NULL DEFAULT '{}',
    content_hash TEXT,
    etag TEXT,
    modified_at TEXT,
    note TEXT,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    deleted_at TEXT,
    created_by TEXT NOT NULL
);
CREATE INDEX items_folder ON items(folder_id);
CREATE INDEX items_url ON items(url);
CREATE INDEX items_name ON items(name);
CREATE INDEX items_content_hash ON items(content_hash) WHERE content_hash IS NOT NULL;

CREATE TABLE frames (
    id INTEGER PRIMARY KEY,
    item_id INTEGER NOT NULL REFERENCES items(id) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    seconds REAL,
    is_key INTEGER NOT NULL DEFAULT 0,
    metadata TEXT NOT NULL DEFAULT '{}',
    UNIQUE (item_id, number)
);

CREATE TABLE thumbnails (
    item_id INTEGER PRIMARY KEY REFERENCES items(id) ON DELETE CASCADE,
    jpeg BLOB NOT NULL
);

CREATE TABLE schema_keys (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    type TEXT NOT NULL,
    parameters TEXT NOT NULL DEFAULT '{}',
    state TEXT NOT NULL,
    indexed INTEGER NOT NULL DEFAULT 0,
    position INTEGER NOT NULL
);

CREATE TABLE unknown_keys (
    name TEXT PRIMARY KEY
) WITHOUT ROWID;

CREATE TABLE collections (
    id INTEGER PRIMARY KEY,
    uuid TEXT NOT NULL UNIQUE,
    title TEXT NOT NULL UNIQUE,
    description TEXT NOT NULL DEFAULT '',
    created_at TEXT NOT NULL,
    created_by TEXT NOT NULL
);

CREATE TABLE collection_items (
    collection_id INTEGER NOT NULL REFERENCES collections(id) ON DELETE CASCADE,
    item_id INTEGER NOT NULL REFERENCES items(id) ON DELETE CASCADE,
    PRIMARY KEY (collection_id, item_id)
) WITHOUT ROWID;
CREATE INDEX collection_items_item ON collection_items(item_id);

CREATE TABLE datasets (
    id INTEGER PRIMARY KEY,
    uuid TEXT NOT NULL UNIQUE,
    title TEXT NOT NULL UNIQUE,
    description TEXT NOT NULL DEFAULT '',
    backing_folder_id INTEGER UNIQUE REFERENCES folders(id) ON DELETE SET NULL,
    created_at TEXT NOT NULL,
    created_by TEXT NOT NULL
);

CREATE TABLE dataset_rows (
    id INTEGER PRIMARY KEY,
    dataset_id INTEGER NOT NULL REFERENCES datasets(id) ON DELETE CASCADE,
    item_id INTEGER NOT NULL REFERENCES items(id) ON DELETE CASCADE
);
CREATE INDEX dataset_rows_dataset ON dataset_rows(dataset_id, id);
CREATE INDEX dataset_rows_item ON dataset_rows(item_id);

CREATE TRIGGER mirror_moved_item AFTER UPDATE OF folder_id ON items WHEN NEW.folder_id <> OLD.folder_id BEGIN
    DELETE FROM dataset_rows WHERE item_id = NEW.id
        AND dataset_id IN (SELECT id FROM datasets WHERE backing_folder_id = OLD.folder_id);
    INSERT INTO dataset_rows (dataset_id, item_id)
    SELECT id, NEW.id FROM datasets WHERE backing_folder_id = NEW.folder_id;
END;

CREATE TABLE presets (
    name TEXT PRIMARY KEY,
    description TEXT NOT NULL DEFAULT '',
    query TEXT NOT NULL,
    created_at TEXT NOT NULL,
    created_by TEXT NOT NULL
);
"""

CLOUD = """
CREATE TABLE integrations (
    id INTEGER PRIMARY KEY,
    uuid TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL UNIQUE,
    backend TEXT NOT NULL,
    options TEXT NOT NULL DEFAULT '{}',
    created_at TEXT NOT NULL,
    created_by TEXT NOT NULL
);

ALTER TABLE items ADD COLUMN integration_id INTEGER REFERENCES integrations(id) ON DELETE SET NULL;

CREATE TABLE members (
    item_id INTEGER NOT NULL REFERENCES items(id) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    url TEXT NOT NULL,
    size INTEGER,
    etag TEXT,
    PRIMARY KEY (item_id, position)
) WITHOUT ROWID;

CREATE TABLE synced_folders (
    folder_id INTEGER PRIMARY KEY REFERENCES folders(id) ON DELETE CASCADE,
    prefix TEXT NOT NULL,
    integration_id INTEGER REFERENCES integrations(id) ON DELETE SET NULL,
    sidecar_suffix TEXT,
    sidecars_paused INTEGER NOT NULL DEFAULT 0,
    synced_at TEXT
);

CREATE TABLE sidecars (
    item_id INTEGER PRIMARY KEY REFERENCES items(id) ON DELETE CASCADE,
    url TEXT NOT NULL,
    size INTEGER NOT NULL,
    etag TEXT,
    modified_at TEXT
);
CREATE INDEX sidecars_url ON sidecars(url);

ALTER TABLE imports ADD COLUMN restored INTEGER NOT NULL DEFAULT 0;
ALTER TABLE imports ADD COLUMN removed INTEGER NOT NULL DEFAULT 0;
"""

MEDIA = """
ALTER TABLE frames ADD COLUMN metrics TEXT NOT NULL DEFAULT '{}';

CREATE TABLE frame_thumbnails (
    frame_id INTEGER PRIMARY KEY REFERENCES frames(id) ON DELETE CASCADE,
    jpeg BLOB NOT NULL
);

ALTER TABLE members ADD COLUMN frame_count INTEGER NOT NULL DEFAULT 1;
CREATE INDEX members_url ON members(url);

CREATE TABLE series_parts (
    id INTEGER PRIMARY KEY,
    import_id INTEGER NOT NULL REFERENCES imports(id) ON DELETE CASCADE,
    decoder TEXT NOT NULL,
    series TEXT NOT NULL,
    url TEXT NOT NULL,
    size INTEGER NOT NULL,
    etag TEXT,
    header TEXT NOT NULL,
    metadata TEXT,
    UNIQUE (import_id, url)
);
CREATE INDEX series_parts_series ON series_parts(import_id, decoder, series);
"""

VECTOR_SUMS = """
CREATE TABLE vector_sums (
    set_id INTEGER NOT NULL REFERENCES vector_sets(id) ON DELETE CASCADE,
    block INTEGER NOT NULL,
    crc INTEGER NOT NULL,
    PRIMARY KEY (set_id, block)
) WITHOUT ROWID;
"""

VECTORS = """
CREATE TABLE vector_sets (
    id INTEGER PRIMARY KEY,
    key TEXT NOT NULL UNIQUE,
    size INTEGER NOT NULL,
    dtype TEXT NOT NULL,
    file TEXT NOT NULL,
    row_count INTEGER NOT NULL DEFAULT 0,
    embedder TEXT,
    model TEXT,
    revision TEXT,
    takes_text INTEGER NOT NULL DEFAULT 0
);

CREATE TABLE vectors (
    set_id INTEGER NOT NULL REFERENCES vector_sets(id) ON DELETE CASCADE,
    row INTEGER NOT NULL,
    item_id INTEGER NOT NULL REFERENCES items(id) ON DELETE CASCADE,
    frame_id INTEGER NOT NULL DEFAULT 0,
    mark INTEGER,
    PRIMARY KEY (set_id, row)
) WITHOUT ROWID;
CREATE UNIQUE INDEX vectors_owner ON vectors(item_id, frame_id, set_id);

CREATE TABLE vector_gaps (
    set_id INTEGER NOT NULL REFERENCES vector_sets(id) ON DELETE CASCADE,
    row INTEGER NOT NULL,
    PRIMARY KEY (set_id, row)
) WITHOUT ROWID;

CREATE TRIGGER vectors_gap AFTER DELETE ON vectors WHEN EXISTS (SELECT 1 FROM vector_sets WHERE id = OLD.set_id) BEGIN
    INSERT OR IGNORE INTO vector_gaps (set_id, row) VALUES (OLD.set_id, OLD.row);
    DELETE FROM projection_points WHERE item_id = OLD.item_id AND frame_id = OLD.frame_id
        AND projection_id IN (SELECT id FROM projections WHERE set_id = OLD.set_id);
END;

CREATE TRIGGER vectors_of_frame AFTER DELETE ON frames BEGIN
    DELETE FROM vectors WHERE item_id = OLD.item_id AND frame_id = OLD.id;
END;

CREATE TABLE projections (
    id INTEGER PRIMARY KEY,
    set_id INTEGER NOT NULL REFERENCES vector_sets(id) ON DELETE CASCADE,
    method TEXT NOT NULL,
    query TEXT NOT NULL,
    file TEXT NOT NULL,
    row_count INTEGER NOT NULL,
    point_count INTEGER NOT NULL,
    created_at TEXT NOT NULL,
    UNIQUE (set_id, method)
);

CREATE TABLE projection_points (
    projection_id INTEGER NOT NULL REFERENCES projections(id) ON DELETE CASCADE,
    item_id INTEGER NOT NULL REFERENCES items(id) ON DELETE CASCADE,
    frame_id INTEGER NOT NULL DEFAULT 0,
    x REAL NOT NULL,
    y REAL NOT NULL,
    PRIMARY KEY (projection_id, item_id, frame_id)
) WITHOUT ROWID;
CREATE INDEX projection_points_item ON projection_points(item_id);
"""

CONVERSIONS = """
CREATE TABLE conversions (
    key TEXT PRIMARY KEY,
    before TEXT,
    created_at TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE converted_values (
    id INTEGER PRIMARY KEY,
    key TEXT NOT NULL REFERENCES conversions(key) ON DELETE CASCADE,
    item_id INTEGER REFERENCES items(id) ON DELETE CASCADE,
    frame_id INTEGER REFERENCES frames(id) ON DELETE CASCADE,
    folder_id INTEGER REFERENCES folders(id) ON DELETE CASCADE,
    old TEXT NOT NULL,
    new TEXT NOT NULL
);
CREATE INDEX converted_values_key ON converted_values(key);
CREATE INDEX converted_values_item ON converted_values(item_id) WHERE item_id IS NOT NULL;
CREATE INDEX converted_values_frame ON converted_values(frame_id) WHERE frame_id IS NOT NULL;
CREATE INDEX converted_values_folder ON converted_values(folder_id) WHERE folder_id IS NOT NULL;
"""

STORES = """
CREATE TABLE stores (
    id INTEGER PRIMARY KEY,
    scheme TEXT NOT NULL,
    name TEXT,
    integration_id INTEGER REFERENCES integrations(id) ON DELETE SET NULL,
    is_default INTEGER NOT NULL DEFAULT 0,
    UNIQUE (scheme, name)
);

ALTER TABLE items ADD COLUMN store_id INTEGER REFERENCES stores(id);

INSERT INTO stores (scheme, integration_id, is_default)
SELECT DISTINCT substr(url, 1, instr(url, ':') - 1), integration_id, integration_id IS NULL AND NOT EXISTS (
    SELECT 1 FROM imports WHERE json_valid(options) AND json_extract(options, '$.integration') IS NOT NULL
    AND json_extract(options, '$.integration') NOT IN (SELECT uuid FROM integrations)
)
FROM items WHERE url LIKE '%://%' AND url NOT LIKE 'file:%';

UPDATE items SET store_id = (
    SELECT id FROM stores WHERE stores.integration_id IS items.integration_id
    AND scheme = substr(items.url, 1, instr(items.url, ':') - 1)
)
WHERE url LIKE '%://%' AND url NOT LIKE 'file:%';
"""

WAITING = """
CREATE TABLE import_waiting (
    id INTEGER PRIMARY KEY,
    import_id INTEGER NOT NULL REFERENCES imports(id) ON DELETE CASCADE,
    place TEXT NOT NULL,
    url TEXT NOT NULL,
    reason TEXT NOT NULL,
    unit TEXT NOT NULL
);
CREATE INDEX import_waiting_url ON import_waiting(import_id, url);

ALTER TABLE imports ADD COLUMN is_read INTEGER NOT NULL DEFAULT 0;
"""

IDENTITY = """
CREATE TABLE workspace (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    uuid TEXT NOT NULL
);
"""

SCRIPTS = "".join([
    FIRST, CLOUD, MEDIA, VECTORS, COLUMNS, CONVERSIONS, STORES, WAITING, COLUMN_CHANGES, ORGANISATION, IDENTITY, MIRRORS,
    VERSIONS, CREDENTIALS, FRAME_COLUMNS, DERIVED, COLUMNS_ANEW, DERIVED_FRAMES, VECTOR_SUMS, PLUGINS, SENT,
])  # fmt: skip
"""All of them."""
