"""`heron search`: find items, or frames, by a condition."""

from __future__ import annotations

import click

from heron.cli.context import Context
from heron.cli.keyframes import print_frames
from heron.cli.output import ROWS, example, json_option, print_items, print_json, say
from heron.cli.selection import combined
from heron.convert import item_to_dict


@click.command("search")
@click.option("--where", metavar="CONDITION", help="SQL condition over fields, facts and metadata.")
@click.option("--folder", metavar="PATH", help="Only this folder and those below it.")
@click.option("--sort", metavar="NAMES", help="Names with commas between; - in front for descending.")
@click.option("--limit", type=ROWS, help="Rows of the page (default 100).")
@click.option("--cursor", metavar="TEXT", help="Go on after the page that printed it.")
@click.option("--preset", metavar="NAME", help="Start from a saved query.")
@click.option(
    "--frames", is_flag=True, help="Find frames: frame.number, frame.seconds, frame.KEY, metric.NAME."
)
@click.option("--count", "only_count", is_flag=True, help="Print only how many there are.")
@json_option
@click.pass_obj
@example(
    "heron search --where \"city = 'Algiers' AND width > 1000\" --sort -captured_at\n"
    "heron search --where \"match(description, 'red bus') AND weather IN ('rain', 'fog')\"\n"
    "heron search --where \"exif.Model LIKE 'Finch%'\" --count\n"
    "heron search --frames --where \"kind = 'video' AND metric.brightness < 0.2\" --sort -metric.sharpness"
)
def command(
    context: Context,
    where: str | None,
    folder: str | None,
    sort: str | None,
    limit: int | None,
    cursor: str | None,
    preset: str | None,
    frames: bool,
    only_count: bool,
    as_json: bool,
) -> None:
    """Find items, or frames, by a condition.

    A condition is SQL: = < > LIKE IN BETWEEN IS NULL AND OR NOT, over metadata keys, item fields such as width,
    size and kind, media facts such as exif.Model or dicom.Modality, metrics such as metric.sharpness, and match(key, 'words'), in_collection('title'),
    in_folder('path'), distance_km(key, latitude, longitude).
    """
    workspace = context.workspace()
    query = combined(workspace, preset, where=where, folder=folder, sort=sort, limit=limit, cursor=cursor)
    search = workspace.search
    if only_count:
        found = search.count_frames(query) if frames else search.count(query)
        print_json({"count": found}) if as_json else say(f"{found:,}")
        return
    if frames:
        chosen = search.frames(query)
        if as_json:
            print_json({"frames": chosen.rows, "cursor": chosen.cursor})
        else:
            print_frames(workspace, chosen.rows, chosen.cursor, "No frame is like that.")
        return
    page = search(query)
    if as_json:
        print_json({"items": [item_to_dict(item) for item in page], "cursor": page.cursor})
        return
    print_items(list(page), page.cursor, "No item is like that.")
