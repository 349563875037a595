"""What Heron installs: the constraints and the table of sizes agree with what `pyproject.toml` asks for."""

import json
import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]
RECORD = json.loads((ROOT / "docs" / "packages.json").read_text())


def normal(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def pins():
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    return dict(line.split("==") for line in lines if not line.startswith("#"))


def asked():
    """Every requirement, with its extra, or "" for Heron alone."""
    for extra, texts in {"": PROJECT["dependencies"], **EXTRAS}.items():
        for text in texts:
            if not text.startswith("heron["):
                yield extra, Requirement(text)


def test_constraints_are_versions_and_nothing_else():
    text = (ROOT / "constraints.txt").read_text()
    assert all(re.fullmatch(r"[a-z0-9-]+==[0-9][A-Za-z0-9.+!]*", f"{n}=={v}") for n, v in pins().items())
    assert (
        "://" not in text and "@" not in text and "--" not in text.replace("--constraint constraints.txt", "")
    )


@pytest.mark.parametrize("extra,needed", list(asked()), ids=str)
def test_what_is_asked_for_is_in_the_constraints_and_allows_them(extra, needed):
    version = pins()[normal(needed.name)]
    assert needed.specifier.contains(version), (
        f"{needed} does not allow {version}: run .ci/packages.py, or widen it"
    )
    if extra != "test":
        assert normal(needed.name) in RECORD["extras"][extra], "run .ci/packages.py"


def test_each_extra_is_in_the_table_with_the_versions_of_the_constraints():
    assert set(RECORD["extras"]) == {"", *EXTRAS} - {"all", "test"}
    for name, about in RECORD["packages"].items():
        assert pins()[name] == about["version"]
        assert about["licence"] and about["bytes"] > 0


def test_ci_installs_the_tests_with_the_constraints():
    assert "'.[test]' --constraint constraints.txt" in (ROOT / ".ci" / "run").read_text()


def test_what_heron_alone_installs_stays_small():
    size = sum(RECORD["packages"][name]["bytes"] for name in RECORD["extras"][""])
    assert size < 170e6, "say in docs/installing.md what has grown, and why it stays"
