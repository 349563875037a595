"""The acting user: `heron.open(path, user=…)` and `heron --as EMAIL`; a workspace has one user today, its owner."""

import pytest

import heron
from heron.cli.main import status
from tests.conftest import draw

REFUSED = "'ada@example.org' is not a user of this workspace: it has one user, 'owner'"


@pytest.mark.parametrize("user", [None, "owner"])
def test_a_workspace_is_opened_as_its_owner(tmp_path, user):
    with heron.open(tmp_path, user=user, discover=False) as workspace:
        assert workspace.user == heron.User("owner", "owner")
        workspace.folders.create("A")


def test_another_user_is_refused_before_anything_is_made(tmp_path):
    with pytest.raises(heron.PermissionDenied) as refusal:
        heron.open(tmp_path, user="ada@example.org")
    assert refusal.value.message == REFUSED
    assert list(tmp_path.iterdir()) == []


def test_commands_work_as_a_user(workspace, monkeypatch, capsys):
    monkeypatch.chdir(workspace.root)
    assert status(["--no-plugins", "--as", "owner", "folders", "create", "A"]) == 0
    capsys.readouterr()
    for line in (["items"], ["init", "new"], ["plugins"]):
        assert status(["--no-plugins", "--as", "ada@example.org", *line]) == 1
        assert capsys.readouterr().err.startswith(f"Error: {REFUSED}")
    assert not (workspace.root / "new").exists()


def test_both_options_of_that_name_can_be_given(workspace, monkeypatch):
    monkeypatch.chdir(workspace.root)
    for seed in range(2):
        draw(workspace.root / "in" / f"{seed}.png", seed=seed)
    line = ["--no-plugins", "--as", "owner", "import", "in", "--as", "group", "--folder", "A"]
    assert status(line) == 0
    assert [item.kind for item in workspace.items.list()] == ["image_group"]
