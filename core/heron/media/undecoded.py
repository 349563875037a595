"""Names of formats that people have and no decoder of Heron reads, so that an import can say what a file is."""

from __future__ import annotations

_NAMES = {
    "JPEG XL": ".jxl",
    "Photoshop": ".psb",
    "OpenEXR": ".exr",
    "Radiance HDR": ".hdr",
    "PAM": ".pam",
    "a camera's raw format": ".dng .cr2 .cr3 .nef .arw .raf .orf .rw2 .pef .srw",
    "Encapsulated PostScript": ".eps .ps .ai",
    "a Windows metafile": ".wmf .emf",
    "a Word document": ".doc",
    "Rich Text": ".rtf",
    "a spreadsheet": ".xlsx .xls .ods",
    "a presentation": ".pptx .ppt .odp",
    "an electronic book": ".epub .mobi",
    "a 3D model": ".stl .glb .ply .fbx",
    "a point cloud": ".las .laz .pcd",
    "an array of numbers": ".npy .npz .h5 .hdf5 .mat .zarr",
}

_BY_SUFFIX = {suffix: name for name, suffixes in _NAMES.items() for suffix in suffixes.split()}


def undecoded(name: str) -> str:
    """What a file without a decoder seems to be by its name, as a note for people."""
    _, dot, suffix = name.lower().rpartition(".")
    known = _BY_SUFFIX.get(dot + suffix)
    if known is None:
        return "no known format, catalogued by its name and size alone"
    return f"no decoder reads {dot}{suffix} ({known}), catalogued by its name and size alone; a plugin can bring one"
