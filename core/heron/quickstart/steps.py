"""The steps of the quickstart: a description of each, and its commands."""

from __future__ import annotations

from attrs import frozen


@frozen
class Step:
    """One step: a title, one or two sentences, command lines, and what they need.

    `packages` are packages of the extra `plot`.
    """

    title: str
    words: str
    commands: tuple[str, ...]
    decoders: tuple[str, ...] = ()
    embedders: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()


STEPS = (
    Step(
        "Make a workspace",
        "A workspace is one catalogue in a folder called .heron. Files stay where they are; nothing is "
        "copied.",
        ("heron init",),
    ),
    Step(
        "Say what you want to filter by",
        "The schema gives each metadata key a type, so that wrong values are refused.",
        (
            "heron schema add city varchar",
            "heron schema add weather enum --option sun --option rain --option fog --option snow",
            "heron schema add captured_at datetime",
            "heron schema add night boolean",
            "heron schema add temperature number",
            "heron schema add description text",
            "heron schema add location geospatial",
            "heron schema add shot_id uuid",
            "heron schema show",
        ),
    ),
    Step(
        "Make a folder",
        "Folders contain items and other folders. An item is always in exactly one folder.",
        ("heron folders create Lake --description 'Three cities by day and night'",),
    ),
    Step(
        "Import the lake",
        "Heron reads the facts of each file. Two files are broken on purpose: with --ignore-errors the "
        "others are imported, and the report says what was wrong. Files that no installed plugin reads are "
        "imported with their kind only.",
        (
            "heron import lake --folder Lake --ignore-errors --hash --thumbnails",
            "heron imports",
            "heron items --limit 5",
        ),
    ),
    Step(
        "Look at it",
        "A contact sheet shows everything. The import also measured every image, so you can find the "
        "sharpest ones.",
        (
            "heron contact-sheet --folder Lake -o lake.png --columns 11 --size 160",
            "heron search --where \"kind = 'image'\" --sort -metric.sharpness --limit 5",
            'heron search --where "metric.brightness < 0.2" --count',
        ),
    ),
    Step(
        "Make one item of many pictures",
        "Views of one street are a group, numbered pictures a sequence. Each picture is a frame of its item.",
        (
            "heron import views --folder Lake/Views --as group",
            "heron import timelapse --folder Lake/Time-lapse --as sequence",
            "heron contact-sheet --frames --folder Lake/Time-lapse -o timelapse.png --columns 3",
        ),
    ),
    Step(
        "See film and sound",
        "The import sampled one frame a second. You can choose others by time or number. Frames have "
        "pictures and metrics too, so you can find the dark ones. The picture of a sound is its waveform.",
        (
            "heron show ferry.avi -o ferry.png",
            "heron keyframes set ferry.avi 2.5 7.5 --seconds",
            "heron keyframes list ferry.avi",
            "heron thumbnails --where \"kind = 'video'\" --frames",
            'heron search --frames --where "metric.brightness < 0.3"',
            "heron show foghorn.wav -o foghorn.png",
        ),
        decoders=("video", "audio"),
    ),
    Step(
        "Find scans",
        "The slices of a DICOM series are one item, in the order of the body and not of their names, also "
        "inside a zip. You can search by their tags. A NIfTI volume gives its orientation; its slices are "
        "frames too.",
        (
            "heron search --where \"dicom.Modality = 'CT' AND dicom.SliceThickness <= 20\"",
            "heron search --where \"dicom.BodyPartExamined = 'HEAD'\" --sort -frame_count",
            "heron contact-sheet --frames --where \"dicom.Modality = 'CT'\" -o head.png --columns 4 --size "
            "128",
            "heron search --where \"nifti.orientation = 'LPS'\"",
            "heron contact-sheet --frames --where \"kind = 'nifti'\" -o volume.png --columns 8 --size 64",
        ),
        decoders=("dicom", "nifti"),
    ),
    Step(
        "Read a document",
        "The pages of a PDF are frames, and you can search its text.",
        (
            "heron search --where \"pdf.text LIKE '%ferry Heron%'\"",
            "heron show logbook.pdf --frame 0 -o logbook.png",
            "heron show logbook.pdf --text",
        ),
        decoders=("pdf",),
    ),
    Step(
        "Add metadata",
        "A metadata file says what the pictures show. Every value is checked against the schema.",
        ("heron metadata import metadata.jsonl --by name", "heron metadata verify"),
    ),
    Step(
        "Find the best of it",
        "A condition is like SQL. It may use metadata, facts of the files, and words in text keys.",
        (
            "heron search --where \"city = 'Algiers' AND night\" --sort -captured_at --limit 5",
            "heron search --where \"match(description, 'red bus') AND weather IN ('rain', 'fog')\" --limit 5",
            "heron search --where \"distance_km(location, 59.91, 10.75) < 50 AND exif.Model LIKE 'Finch%'\" "
            "--count",
        ),
    ),
    Step(
        "Find what looks alike",
        "The built-in embedder visual describes colours, layout and edges, and needs no model. With it you "
        "find pictures by a picture, find copies and near copies, and choose a few pictures that show the "
        "variety of all.",
        (
            "heron embed",
            "heron search --like lisbon-003.jpg --where 'NOT night' --limit 5",
            "heron duplicates --near 0.97 --key visual --folder Lake",
            "heron select --diverse 12 --key visual --folder Lake --collect 'Something of everything' -o "
            "variety.png",
        ),
    ),
    Step(
        "Find what pictures show",
        "A model with pictures and texts in one space finds pictures by a sentence. This one is tiny, comes "
        "with Heron and knows only scenes like these; for your own pictures, use the embedder clip. The "
        "ferry is a film: the result names the frame that fits best.",
        (
            "heron embed --embedder clip-mini --frames",
            "heron search 'a red bus in the rain' --limit 5",
            "heron search 'a ferry at night' --where \"kind = 'video'\"",
            "heron search 'night' --where \"city = 'Algiers'\" --like algiers-001.jpg --sort -captured_at "
            "--nearest 5",
            "heron contact-sheet 'snow in the city' --limit 12 --columns 4 --size 160 -o snow.png",
        ),
        embedders=("clip-mini",),
    ),
    Step(
        "See all of it at once",
        "A map of the lake: similar pictures are close together. You can also get the points as a table.",
        (
            "heron plot clip-mini --color weather --thumbnails -o map.png",
            "heron plot clip-mini -o map.csv",
        ),
        embedders=("clip-mini",),
        packages=("matplotlib",),
    ),
    Step(
        "Keep it as a collection",
        "A collection is a named set of items, here those that a preset finds.",
        (
            "heron presets create nights --where night --sort -captured_at",
            "heron collections create 'City nights' --preset nights --description 'For the night model'",
            "heron collections list",
        ),
    ),
    Step(
        "Export it as a dataset",
        "A dataset is an ordered list of items for training or annotation. Exporters write it as JSON, CSV "
        "and more.",
        (
            "heron datasets create nights-1 --collection 'City nights'",
            "heron datasets show nights-1 --limit 4",
            "heron datasets export nights-1 -o nights-1.csv",
        ),
    ),
)

ELSEWHERE = Step(
    "Open the export with another library",
    "What leaves Heron is made for the next tool: here WebDataset shards, which are tar files. Python's own library opens them.",
    ("heron datasets export nights-1 -o nights-1 --format webdataset",),
)

CLOUD = (
    Step(
        "Point Heron at a bucket",
        "A server in this process serves the same lake as the bucket s3://lake. An integration is a named "
        "way to reach a store; the catalogue keeps a reference to a secret, never the secret itself.",
        (
            "heron integrations add tour --backend s3 -o endpoint={endpoint} -o access_key_id=guest "
            "-o secret_access_key=env:HERON_TOUR_SECRET",
            "heron integrations check tour s3://lake/",
        ),
    ),
    Step(
        "Sync a folder with the bucket",
        "A sync keeps one item for each object: it adds new objects, reads changed ones again, and marks "
        "items whose objects vanished. A second sync finds nothing to do.",
        (
            "heron folders create Bucket --sync s3://lake/ --integration tour",
            "heron sync",
            "heron sync",
        ),
    ),
    Step(
        "Import what a manifest lists",
        "A manifest is a file of URLs, optionally with titles and metadata. Here one is written from the "
        "objects of the bucket.",
        (
            "heron manifest create s3://lake/ -o bucket.json --integration tour",
            "heron manifest check bucket.json",
            "heron import --manifest bucket.json --folder Listed --integration tour --ignore-errors",
            "heron imports",
        ),
    ),
)
"""The steps with a bucket, for when the extra `s3` is installed."""

NEXT = (
    "heron explore",
    "heron search --where \"weather = 'snow'\"",
    "heron import YOUR-PICTURES --folder Mine",
    "heron plugins",
    "heron --help",
)
