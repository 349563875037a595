"""Scripts of a workspace, which run only with consent to their content, and the trace of calls into plugins."""

from __future__ import annotations

import json
import pickle
import sys

import pytest

import heron
from heron.cli.main import status
from heron.errors import NotFound, PluginError
from heron.hooks.tracing import Call, tracing
from heron.scripts import allow, scripts_of
from tests.test_plugin_manager import metadata_type, statuses

SCRIPT = """
import sys
import heron

sys.heron_ran = getattr(sys, "heron_ran", 0) + 1

class Codec:
    def parameters(self, given):
        return {}

    def encoder(self, parameters):
        return str

@heron.hookimpl
def register_metadata_types():
    yield heron.MetadataType(name="tape", summary="from a script", affinity="text", load=Codec)

@heron.hookimpl
def register_commands():
    def load():
        import click
        return click.Command("hello", callback=lambda: click.echo("hello from a script"))
    yield heron.CliCommand(name="hello", summary="Say hello.", load=load)

@heron.hookimpl
def items_imported(workspace, items):
    (workspace.root / "heard.txt").write_text(str(len(items)))
"""


@pytest.fixture
def lake(tmp_path, monkeypatch):
    """The folder of a workspace with the script `mine`, which nobody allowed."""
    monkeypatch.setenv("HERON_CONFIG_DIR", str(tmp_path / "config"))
    monkeypatch.delenv("HERON_PLUGINS", raising=False)
    monkeypatch.setattr(sys, "heron_ran", 0, raising=False)
    root = tmp_path / "lake"
    with heron.open(root):
        pass
    (root / ".heron" / "plugins").mkdir()
    (root / ".heron" / "plugins" / "mine.py").write_text(SCRIPT)
    return root


def state(root, name="mine"):
    with heron.open(root) as workspace:
        return statuses(workspace.plugins).get(name)


NOT_ALLOWED = "not allowed: look at it, then heron plugins allow mine"


def test_script_is_listed_and_not_run_until_it_is_allowed(lake):
    assert state(lake) == NOT_ALLOWED
    assert sys.heron_ran == 0
    [script] = allow(lake)
    assert (script.name, script.refusal) == ("mine", None)
    assert state(lake) == "loaded"
    assert sys.heron_ran == 1


def test_consent_is_for_the_content_and_the_place(lake, tmp_path):
    allow(lake)
    (lake / ".heron" / "plugins" / "mine.py").write_text(SCRIPT + "\n# changed\n")
    assert state(lake) == "changed since you allowed it: look at it, then heron plugins allow mine"
    assert sys.heron_ran == 0
    (lake / ".heron" / "plugins" / "mine.py").write_text(SCRIPT)
    assert state(lake) == "loaded"
    lake.rename(tmp_path / "moved")
    assert state(tmp_path / "moved") == NOT_ALLOWED


def test_trust_of_all_workspaces_is_no_consent_to_scripts(lake, monkeypatch):
    monkeypatch.setenv("HERON_TRUST", "all")
    assert state(lake) == NOT_ALLOWED


def test_consent_of_one_user_is_not_that_of_another(lake, tmp_path, monkeypatch):
    allow(lake)
    monkeypatch.setenv("HERON_CONFIG_DIR", str(tmp_path / "other"))
    assert state(lake) == NOT_ALLOWED


def test_allowed_script_hears_events_and_brings_types_and_commands(lake, capsys):
    allow(lake)
    (lake / "a.txt").write_text("a")
    with heron.open(lake) as workspace:
        workspace.ingest.files([lake / "a.txt"], folder="A")
        assert workspace.plugins.metadata_type("tape").summary == "from a script"
        assert (
            workspace.plugins.named(workspace.plugins.metadata_type("tape"))
            == "metadata type tape (plugin mine)"
        )
    assert (lake / "heard.txt").read_text() == "1"
    assert status(["-w", str(lake), "hello"]) == 0
    assert capsys.readouterr().out == "hello from a script\n"
    assert status(["-w", str(lake), "--help"]) == 0
    assert "Say hello." in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [{"discover": False}, {}])
def test_scripts_are_left_out_where_plugins_are(lake, arguments, monkeypatch):
    allow(lake)
    if not arguments:
        monkeypatch.setenv("HERON_PLUGINS", "storage_s3")
    with heron.open(lake, **arguments) as workspace, pytest.raises(PluginError):
        workspace.plugins.metadata_type("tape")
    assert sys.heron_ran == 0


def test_scripts_can_be_named_like_plugins(lake, monkeypatch):
    allow(lake)
    monkeypatch.setenv("HERON_PLUGINS", "mine")
    assert state(lake) == "loaded"


def test_other_processes_run_the_content_that_was_allowed(lake, monkeypatch):
    allow(lake)
    with heron.open(lake) as workspace:
        sent = pickle.dumps(workspace.plugins)
    (lake / ".heron" / "plugins" / "mine.py").write_text("raise SystemExit('another content')")
    assert pickle.loads(sent).metadata_type("tape").summary == "from a script"


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("def (", "failed: SyntaxError: "),
        ("raise SystemExit(3)", "failed: SystemExit: 3"),
        ("import heron\n@heron.hookimpl\ndef register_storge():\n    pass", "unknown hook register_storge"),
    ],
)
def test_broken_script_is_listed_with_its_reason_and_the_rest_works(lake, source, said):
    (lake / ".heron" / "plugins" / "bad.py").write_text(source)
    allow(lake)
    assert said in state(lake, "bad")
    assert state(lake) == "loaded"


def test_links_large_and_strange_files_are_refused(lake, tmp_path):
    folder = lake / ".heron" / "plugins"
    (tmp_path / "elsewhere.py").write_text(SCRIPT)
    (folder / "link.py").symlink_to(tmp_path / "elsewhere.py")
    (folder / "large.py").write_text("#" * (1024 * 1024 + 1))
    (folder / "a-b.py").write_text(SCRIPT)
    (folder / "_part.py").write_text(SCRIPT)
    found = {script.name: script.refusal for script in scripts_of(lake)}
    assert list(found) == ["a-b", "large", "link", "mine"]
    assert found["large"] == "failed: it has more than 1 MB"
    assert found["link"].startswith("failed: it cannot be read")
    assert "letters, digits" in found["a-b"]
    with pytest.raises(NotFound, match="no script 'nobody'"):
        allow(lake, ["nobody"])


def test_after_an_unknown_name_scripts_that_are_not_in_use_are_named(lake, capsys):
    asked = ["-w", str(lake), "search", "--where", "shout(name) = 'A'"]
    assert status(asked) == 1
    assert (
        "Note: script mine of this workspace is not in use (heron plugins allow --list)"
        in capsys.readouterr().err
    )
    assert status([*asked[:-1], "name = 7"]) == 1
    assert "Note" not in capsys.readouterr().err
    assert status(["-w", str(lake), "embed", "--embedder", "vowels"]) == 1
    assert "Note: script mine" in capsys.readouterr().err
    allow(lake)
    assert status(asked) == 1
    err = capsys.readouterr().err
    assert "there is no function shout" in err and "Note" not in err


def test_commands_allow_list_and_take_back(lake, capsys):
    def run(*arguments):
        assert status(["-w", str(lake), "plugins", "allow", *arguments, "--json"]) == 0
        return {each["name"]: each["status"] for each in json.loads(capsys.readouterr().out)["items"]}

    assert run("--list") == {"mine": NOT_ALLOWED}
    assert run("mine") == run("--list") == {"mine": "allowed"}
    assert run("mine", "--remove") == {"mine": NOT_ALLOWED}
    assert sys.heron_ran == 0


# The trace


class Listener:
    def __init__(self, error=None):
        self.error = error

    @heron.hookimpl
    def register_metadata_types(self):
        yield metadata_type("reel", load=lambda: "the real thing")

    @heron.hookimpl
    def items_imported(self, workspace, items):
        if self.error:
            raise self.error


def test_trace_has_every_call_with_what_and_what_came_of_it(tmp_path):
    (tmp_path / "a.txt").write_text("a")
    calls: list[Call] = []
    with (
        tracing(calls.append),
        heron.open(tmp_path / "lake", plugins=[Listener(ValueError("no"))], discover=False) as workspace,
    ):
        with pytest.warns(heron.PluginWarning):
            workspace.ingest.files([tmp_path / "a.txt"], folder="A")
            workspace.folders.create("B")
            workspace.plugins.notify("items_imported", lambda: {"workspace": workspace, "items": (1, 2)})
            import warnings

            warnings.warn("said", heron.PluginWarning, stacklevel=1)
        assert workspace.plugins.load(workspace.plugins.metadata_type("reel")) == "the real thing"
    found = {(call.verb, call.who, call.what, call.outcome) for call in calls}
    assert ("register_metadata_types", "plugin Listener#0:Listener", "", "reel") in found
    assert ("load", "metadata type reel (plugin Listener)", "", "str") in found
    assert ("probe", "decoder text", "a.txt", "") in found
    assert (
        "items_imported",
        "plugin Listener#0:Listener",
        "workspace=Workspace, items=2 int",
        "raised ValueError: no",
    ) in found
    assert all(call.milliseconds >= 0 for call in calls)
    before = len(calls)
    workspace.plugins.notify("items_imported", lambda: {"workspace": None, "items": ()})
    assert len(calls) == before


def test_trace_command_prints_calls_beside_the_output_of_the_command(lake, capsys):
    assert status(["-w", str(lake), "plugins", "trace", "schema", "types"]) == 0
    said = capsys.readouterr()
    assert "varchar" in said.out
    assert "ms  register_storage() of plugin built-in:storage -> local" in said.err
    assert status(["-w", str(lake), "plugins", "trace", "--json", "schema", "types"]) == 0
    said = capsys.readouterr()
    calls = json.loads(said.out)["items"]
    assert {"register_storage", "register_exporters"} <= {call["verb"] for call in calls}
    assert "varchar" in said.err


def test_a_type_of_a_script_that_is_changed_or_gone_is_said_to_be_its(lake):
    allow(lake)
    with heron.open(lake) as workspace:
        workspace.schema.add_scalar("reel", "tape")
    (lake / ".heron" / "plugins" / "mine.py").write_text(SCRIPT + "#")
    said = r"the metadata type tape came with the script \.heron/plugins/mine\.py, which "
    with (
        heron.open(lake) as workspace,
        pytest.raises(heron.QueryError, match=said + "cannot be used: changed since"),
    ):
        workspace.search(where="reel = 'x'")
    (lake / ".heron" / "plugins" / "mine.py").unlink()
    with heron.open(lake) as workspace, pytest.raises(heron.QueryError, match=said + "is not there now"):
        workspace.search(where="reel = 'x'")
