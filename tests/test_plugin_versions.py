"""Versions: of the hook API, of Heron as a distribution requires it, and of the packages that records require."""

from __future__ import annotations

from importlib.metadata import version

import pytest

from heron import hooks
from heron._version import __version__
from heron.errors import PluginError
from heron.hooks import versions
from heron.hooks.versions import refused_heron, unmet
from tests.test_plugin_manager import RECORD, Given, bare, metadata_type, site, statuses  # noqa: F401 - fixtures

TYPE = RECORD.format(name="tape", origin="x", requires=[])


@pytest.fixture
def apis(monkeypatch):
    """A Heron with the hook APIs 2 to 3."""
    monkeypatch.setattr(versions, "OLDEST_HOOK_API", 2)
    monkeypatch.setattr(versions, "HOOK_API", 3)


@pytest.mark.parametrize("api", [2, 3])
def test_plugin_for_an_api_that_heron_has_is_loaded(site, apis, api):
    site.plugin("good", TYPE + f"\nHOOK_API = {api}\n")
    assert statuses(site.manager()) == {"good": "loaded"}


@pytest.mark.parametrize(
    ("api", "said"),
    [
        (
            1,
            f"too old: it is written for hook API 1, and Heron {__version__} has 2 to 3: install a newer release of it",
        ),
        (
            4,
            f"too new: it is written for hook API 4, and Heron {__version__} has 2 to 3: pip install -U heron",
        ),
        ("'two'", "failed: HOOK_API is 'two', expected a whole number such as 3"),
        (True, "failed: HOOK_API is True, expected a whole number such as 3"),
    ],
)
def test_plugin_for_another_api_is_listed_with_the_reason_and_brings_nothing(site, apis, api, said):
    site.plugin("other", TYPE + f"\nHOOK_API = {api}\n")
    manager = site.manager()
    assert statuses(manager) == {"other": said}
    with pytest.raises(PluginError, match="no metadata type"):
        manager.metadata_type("tape")


def test_distribution_that_requires_another_heron_is_listed_with_the_reason_and_not_imported(site):
    site.plugin("tape", "raise SystemExit('imported')")
    [info] = site.folder.glob("*.dist-info")
    with (info / "METADATA").open("a") as stream:
        stream.write(
            "Requires-Dist: attrs\nRequires-Dist: heron>=99\n\nA description with Requires-Dist: heron<0\n"
        )
    assert statuses(site.manager()) == {"tape": f"too new: it requires heron >=99, and this is {__version__}"}


@pytest.mark.parametrize(
    ("required", "age"),
    [
        ("heron", None),
        ("heron>=0.1", None),
        ("heron-extras>=99", None),
        ("heron.extras>=99", None),
        ("heron>=99; extra == 'test'", None),
        ("heron[media]>=99", "too new"),
        ("heron (>=99)", "too new"),
        ("heron<0.0.5", "too old"),
        ("heron==0.0.5", "too old"),
        ("heron==99.*", "too new"),
        ("heron~=98.1", "too new"),
    ],
)
def test_required_heron_is_read_as_pip_reads_it(required, age):
    refusal = refused_heron([required])
    assert (
        refusal is None if age is None else refusal is not None and refusal.startswith(f"{age}: it requires")
    )


def test_requirements_are_read_with_their_specifiers():
    attrs = version("attrs")
    assert (
        unmet(["attrs>=1", "attrs", "numpy; python_version < '3'", "tapelib>=1; sys_platform == 'none'"])
        == []
    )
    assert unmet(["attrs>=999", "tapelib>=2"]) == [f"attrs>=999 ({attrs} is installed)", "tapelib>=2"]


def test_package_that_is_too_old_is_listed_and_named_with_the_install_command(site):
    site.plugin("tape", RECORD.format(name="tape", origin="x", requires=["attrs>=1", "attrs>=999"]))
    manager = site.manager()
    assert statuses(manager) == {"tape": f"needs attrs>=999 ({version('attrs')} is installed)"}
    with pytest.raises(PluginError) as refusal:
        manager.load(manager.metadata_type("tape"))
    assert refusal.value.hint == 'pip install "attrs>=1" "attrs>=999"'


@pytest.mark.parametrize("requires", ["numpy>", "a b", "", "x @ https://example.org/x.whl", 7])
def test_requirement_that_is_none_is_refused_with_its_record(requires):
    manager = bare(plugins=[Given(metadata_type("tape", requires=[requires]))])
    assert "expected requirements as pip knows them" in statuses(manager)["Given"]


def test_the_versions_of_the_hook_api_are_public():
    assert hooks.HOOK_API >= 1
