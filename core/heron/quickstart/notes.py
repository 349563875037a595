"""The texts of the sample lake: plain text, Markdown, HTML, JSON, CSV and XML."""

from __future__ import annotations

NOTES = {
    "trip-algiers.txt": """\
Algiers, three days in spring.

The bay is best seen from the casbah early in the morning, when the white houses are still in the shade.
Buses are red and full; taxis are yellow and share the ride. It rained on the second night, and the lamps
along the front stood upside down in the wet road.
""",
    "trip-oslo.md": """\
# Oslo in February

- **Snow** from the first day to the last, minus nine degrees at night.
- The *town hall* has two brick towers; the ferries leave right in front of it.
- Take the road up to the hills: spruce trees, fog, and hardly a car.
""",
    "index.html": """\
<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Notes of three trips</title></head>
<body>
<h1>Notes of three trips</h1>
<ul>
<li><a href="trip-algiers.txt">Algiers</a>: white houses above the bay</li>
<li><a href="trip-oslo.md">Oslo</a>: snow, ferries and spruce trees</li>
<li>Lisbon: yellow trams and the red bridge over the Tagus</li>
</ul>
</body>
</html>
""",
    "sensors.json": """\
{
  "station": "harbour wall",
  "unit": {"temperature": "Celsius", "wind": "metres per second"},
  "readings": [
    {"at": "2024-02-11T08:00:00+01:00", "temperature": -6.5, "wind": 3.1},
    {"at": "2024-02-11T12:00:00+01:00", "temperature": -3.0, "wind": 4.4},
    {"at": "2024-02-11T16:00:00+01:00", "temperature": -4.5, "wind": 6.0}
  ]
}
""",
    "stations.csv": """\
station,city,latitude,longitude,height
Casbah,algiers,36.7853,3.0603,118
Harbour wall,oslo,59.9052,10.7351,2
Riverside,lisbon,38.6972,-9.1712,4
""",
    "route.xml": """\
<?xml version="1.0" encoding="UTF-8"?>
<route name="Around the lake">
  <stop city="Algiers" latitude="36.7729" longitude="3.0588"/>
  <stop city="Lisbon" latitude="38.7118" longitude="-9.1365"/>
  <stop city="Oslo" latitude="59.9133" longitude="10.7389"/>
</route>
""",
}
"""By file name."""
