"""A workspace of a stranger, hostile in every file and column: no command writes outside of it, sends anything, runs its code, or hangs."""

import os
import sys
from pathlib import Path

import pytest

from tests.hostile import SECRET, Stage
from tests.test_json_output import LISTS, OTHERS, lines, sample

pytestmark = pytest.mark.slow

__all__ = ["sample"]

LINES = [line.replace("-o v.npy", "-o w.npy") for line in (*lines(LISTS), *lines(OTHERS), "items sign a.png")]
"""Every command that ends by itself; tests/test_json_output.py says that none is missing, and which do not."""


def closed_to_others():
    """A folder on the way to what is installed that another user cannot enter; None if there is none."""
    ways = (Path(sys.prefix), Path(__file__))
    return next((at for way in ways for at in way.parents if not at.stat().st_mode & 0o001), None)


@pytest.fixture(scope="module")
def stage(sample):
    if os.geteuid() == 0 and (closed := closed_to_others()):
        pytest.skip(f"the commands run as another user, who cannot enter {closed}")
    made = Stage(sample, LINES)
    yield made
    made.close()


@pytest.fixture(scope="module")
def plain(stage):
    """Where nothing is hostile, the commands work; so what they do not do below is not for want of trying."""
    played, changed = stage.play("plain")
    assert [(each.line, each.forbidden) for each in played if each.forbidden] == []
    failed = {each.line: each.said for each in played if each.status not in (0, 3)}
    elsewhere = {
        "manifest check m.json",
        "imports resume 3",
        "plugins record recorded_toy",
    }  # they name places of the sample
    assert failed.keys() <= {"items sign a.png", *elsewhere}, failed
    assert changed == []


def require_harmless(stage, scene, words=("Traceback", SECRET, "something unexpected")):
    played, changed = stage.play(scene)
    assert [(each.line, each.forbidden) for each in played if each.forbidden] == []
    assert changed == []
    assert stage.listener.heard == []
    assert [(each.line, each.said) for each in played if any(word in each.said for word in words)] == []
    return played


def test_files_that_are_links_pipes_folders_or_programs(stage, plain):
    played = require_harmless(stage, "files")
    assert sum(each.status in (0, 3) for each in played) > len(LINES) / 2


def test_folders_that_are_links(stage, plain):
    require_harmless(stage, "folders")


def test_a_catalogue_that_is_no_file_of_its_own_is_used_by_nothing(stage, plain):
    played = require_harmless(stage, "catalogues")
    assert sum(each.status == 1 for each in played) > len(LINES) * 0.9


def test_columns_with_values_of_other_types_and_with_places_elsewhere(stage, plain):
    """A value that has its type and still means nothing may end a command in any way that harms nobody."""
    require_harmless(stage, "columns", words=("Traceback", SECRET))


def test_references_to_secrets_and_endpoints(stage, plain):
    require_harmless(stage, "references")


def test_triggers_views_and_missing_tables(stage, plain):
    require_harmless(stage, "schemas")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files to another user")
def test_a_workspace_of_another_user_is_refused_by_every_command(stage, plain):
    played = require_harmless(stage, "foreign")
    assert sum("another user" in each.said for each in played) > len(LINES) * 0.9
