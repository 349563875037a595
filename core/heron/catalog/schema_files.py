"""The schema as a file: JSON or TOML, by the suffix of the file."""

from __future__ import annotations

import tomllib
from pathlib import Path

import orjson

from heron.errors import InvalidInput, NotFound
from heron.models import Json


def write_schema(file: Path, data: dict[str, Json]) -> None:
    """Write a schema to a `.json` or `.toml` file; raises InvalidInput for another suffix."""
    if _is_toml(file):
        import tomli_w

        content = tomli_w.dumps(data).encode()
    else:
        content = orjson.dumps(data, option=orjson.OPT_INDENT_2) + b"\n"
    try:
        file.write_bytes(content)
    except OSError as error:
        raise InvalidInput(f"{file} cannot be written: {error.strerror or error}") from error


def read_schema(file: Path) -> dict[str, Json]:
    """Read a schema from a `.json` or `.toml` file; raises NotFound and InvalidInput."""
    is_toml = _is_toml(file)
    try:
        content = file.read_bytes()
        data = tomllib.loads(content.decode()) if is_toml else orjson.loads(content)
    except FileNotFoundError:
        raise NotFound(f"{file} is not there") from None
    except OSError as error:
        raise InvalidInput(f"{file} cannot be read: {error.strerror or error}") from error
    except ValueError as error:
        raise InvalidInput(f"{file} is not valid {'TOML' if is_toml else 'JSON'}: {error}") from error
    if not isinstance(data, dict):
        raise InvalidInput(
            f"{file} does not contain a table of keys and types", hint='such as {"city": "varchar"}'
        )
    return data


def _is_toml(file: Path) -> bool:
    suffix = file.suffix.lower()
    if suffix not in (".json", ".toml"):
        raise InvalidInput(f"{file}: a schema file ends with .json or .toml")
    return suffix == ".toml"
