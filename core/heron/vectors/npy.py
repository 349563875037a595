"""Reading NumPy files from outside: memory-mapped, and never unpickled."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from heron.errors import InvalidInput, NotFound
from heron.vectors.matrix import Array


def read_npy(path: Path) -> Array:
    """The array of a `.npy` file, memory-mapped; raises NotFound, and InvalidInput if it is no array of
    numbers.
    """
    try:
        found = np.load(path, mmap_mode="r", allow_pickle=False)
    except FileNotFoundError:
        raise NotFound(f"{path} is not there") from None
    except (OSError, ValueError, EOFError, TypeError, SyntaxError) as error:
        raise InvalidInput(
            f"{path} is not an array that NumPy can read: {str(error).splitlines()[0] if str(error) else 'cut short'}",
            hint="numpy.save writes such a file",
        ) from error
    if not isinstance(found, np.ndarray) or found.dtype.kind not in "fiu":
        raise InvalidInput(
            f"{path} does not contain an array of numbers", hint="numpy.save writes such a file"
        )
    array: Array = found
    return array


def header(dtype: str, shape: tuple[int, int]) -> bytes:
    """The beginning of a `.npy` file (NEP 1, version 1.0) with numbers of a type, little-endian in C order."""
    from io import BytesIO

    stream = BytesIO()
    descr = np.lib.format.dtype_to_descr(np.dtype(dtype).newbyteorder("<"))
    np.lib.format.write_array_header_1_0(stream, {"descr": descr, "fortran_order": False, "shape": shape})
    return stream.getvalue()
