"""The trigger that keeps datasets with a backing folder up to date when items move, and the rows that those of before lack."""

from __future__ import annotations

MIRRORS = """
DROP TRIGGER mirror_moved_item;

CREATE TRIGGER mirror_moved_item AFTER UPDATE OF folder_id ON items WHEN NEW.folder_id <> OLD.folder_id BEGIN
    DELETE FROM dataset_rows WHERE item_id = NEW.id AND dataset_id IN (
        SELECT datasets.id FROM datasets JOIN folders AS top ON top.id = datasets.backing_folder_id
        JOIN folders AS place ON place.id = NEW.folder_id
        WHERE place.id <> top.id AND substr(place.path, 1, length(top.path) + 1) <> top.path || '/'
    );
    INSERT INTO dataset_rows (dataset_id, item_id)
    SELECT datasets.id, NEW.id FROM datasets JOIN folders AS top ON top.id = datasets.backing_folder_id
    JOIN folders AS place ON place.id = NEW.folder_id
    WHERE (place.id = top.id OR substr(place.path, 1, length(top.path) + 1) = top.path || '/')
    AND NOT EXISTS (SELECT 1 FROM dataset_rows AS r WHERE r.dataset_id = datasets.id AND r.item_id = NEW.id);
END;

INSERT INTO dataset_rows (dataset_id, item_id)
SELECT datasets.id, items.id FROM datasets JOIN folders AS top ON top.id = datasets.backing_folder_id
JOIN folders AS place ON substr(place.path, 1, length(top.path) + 1) = top.path || '/'
JOIN items ON items.folder_id = place.id
WHERE items.deleted_at IS NULL
AND NOT EXISTS (SELECT 1 FROM dataset_rows AS r WHERE r.dataset_id = datasets.id AND r.item_id = items.id)
ORDER BY items.id;
"""
