"""Options of plugins: declared, set in the workspace or in the environment, with secrets by reference only."""

from __future__ import annotations

import json
import pickle

import pytest

import heron
from heron import deprecations
from heron.cli.main import status
from heron.errors import BadCredentials, InvalidInput, PermissionDenied, PluginError, PluginWarning
from heron.hooks import Option
from tests.test_plugin_manager import site, statuses  # noqa: F401 - fixtures

SOURCE = """
import heron
from heron import Option

QUALITY = Option("quality", "how good", type="number", default=75)
TOKEN = Option("token", "who asks", secret=True)
PLACE = Option("place", "where to ask", choices=["here", "there"])
LOUD = Option("loud", "or not", type="boolean")

def load(options):
    return options

@heron.hookimpl
def register_metadata_types():
    yield heron.MetadataType(name="tape", summary="", affinity="text", load=load, options=[QUALITY, TOKEN])
    yield heron.MetadataType(name="reel", summary="", affinity="text", load=load, options=[PLACE, LOUD, QUALITY])
    yield heron.MetadataType(name="plain", summary="", affinity="text", load=dict)

@heron.hookimpl
def register_options():
    yield heron.PluginOptions(name="all", summary="", options=[Option("room", "which", required=True)])
"""

SECRET = "x7-very-secret"


@pytest.fixture
def lake(site, tmp_path, monkeypatch):
    """A workspace with the plugin `tape`, whose options nobody has set."""
    yield from with_plugin("tape", SOURCE, site, tmp_path, monkeypatch)


def with_plugin(name, source, site, tmp_path, monkeypatch):
    site.plugin(name, source)
    monkeypatch.setenv("HERON_PLUGINS", name)
    monkeypatch.setenv("HERON_CONFIG_DIR", str(tmp_path / "config"))
    with heron.open(tmp_path / "lake") as workspace:
        yield workspace


def loaded(plugins, name):
    return plugins.load(plugins.metadata_type(name))


def test_load_gets_the_options_of_its_record_and_no_others(lake):
    assert loaded(lake.plugins, "tape") == {"quality": 75, "token": None}
    assert loaded(lake.plugins, "reel") == {"place": None, "loud": None, "quality": 75}
    assert loaded(lake.plugins, "plain") == {}


def test_stored_values_are_of_their_type_and_stay(lake):
    lake.plugins.options.set("tape", {"quality": "90", "place": "there", "loud": "yes"})
    assert loaded(lake.plugins, "reel") == {"place": "there", "loud": True, "quality": 90}
    lake.plugins.options.set("tape", {"quality": None, "room": "attic"})
    with heron.open(lake.root) as again:
        assert loaded(again.plugins, "reel") == {"place": "there", "loud": True, "quality": 75}
        assert again.plugins.options("tape")["room"] == "attic"


def test_what_another_process_has_set_stays_and_is_shown(lake):
    with heron.open(lake.root) as other:
        other.plugin_options.set("tape", {"quality": "90"})
        lake.plugins.options.set("tape", {"place": "there"})
        shown = {each.name: each.value for each in other.plugin_options.show("tape")}
    assert (shown["quality"], shown["place"]) == (90, "there")
    assert loaded(lake.plugins, "reel") == {"place": "there", "loud": None, "quality": 90}


def test_environment_comes_before_the_workspace(lake, monkeypatch):
    lake.plugins.options.set("tape", {"quality": "90"})
    monkeypatch.setenv("HERON_PLUGIN_TAPE_QUALITY", " 12 ")
    monkeypatch.setenv("HERON_PLUGIN_TAPE_TOKEN", SECRET)
    assert loaded(lake.plugins, "tape") == {"quality": 12, "token": SECRET}
    monkeypatch.setenv("HERON_PLUGIN_TAPE_QUALITY", "much")
    with pytest.raises(
        InvalidInput, match="expected a number in the environment variable HERON_PLUGIN_TAPE_QUALITY"
    ):
        loaded(lake.plugins, "tape")


def test_secret_is_stored_as_a_reference_and_read_when_it_is_loaded(lake, monkeypatch, capsys):
    with pytest.raises(InvalidInput, match="secrets are never stored") as refusal:
        lake.plugins.options.set("tape", {"token": SECRET})
    assert SECRET not in str(refusal.value)
    lake.plugins.options.set("tape", {"token": "env:TAPE_TOKEN"})
    with pytest.raises(BadCredentials, match="TAPE_TOKEN is not set"):
        loaded(lake.plugins, "tape")
    monkeypatch.setenv("TAPE_TOKEN", SECRET)
    monkeypatch.setenv("HERON_PLUGIN_TAPE_ROOM", "attic")
    assert loaded(lake.plugins, "tape")["token"] == lake.plugins.options("tape")["token"] == SECRET
    assert SECRET.encode() not in pickle.dumps(lake.plugins)
    lake.close()
    assert not any(SECRET.encode() in file.read_bytes() for file in lake.root.rglob("*") if file.is_file())
    for arguments in ([], ["--json"]):
        assert status(["-w", str(lake.root), "plugins", "configure", "tape", *arguments]) == 0
    said = capsys.readouterr().out
    assert "env:TAPE_TOKEN" in said
    assert SECRET not in said


def test_required_option_without_a_value_is_named_with_the_ways_to_set_it(lake):
    with pytest.raises(PluginError, match="option room of plugin tape has no value: which") as refusal:
        lake.plugins.options("tape")
    assert refusal.value.hint == "heron plugins configure tape room=VALUE, or set HERON_PLUGIN_TAPE_ROOM"


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"qualty": "1"}, "has no option 'qualty'.*did you mean quality"),
        ({"qualty": None}, "has no option 'qualty'"),
        ({"quality": "much"}, "expected a number"),
        ({"place": "nowhere"}, "expected here or there"),
        ({"loud": "maybe"}, "expected yes or no"),
        ({"room": ""}, "is empty"),
        ({"room": "https://a:b@example.org"}, "secrets are never stored"),
    ],
)
def test_wrong_values_are_refused_and_nothing_is_stored(lake, values, reason):
    with pytest.raises(InvalidInput, match=reason):
        lake.plugins.options.set("tape", {"quality": "1", **values})
    assert lake.plugins.options.show("tape")[0].value == 75


def test_plugin_that_is_not_there_is_refused(lake):
    with pytest.raises(PluginError, match=r"no plugin is called 'tap' \(did you mean tape\?\)"):
        lake.plugins.options.set("tap", {})


def test_values_go_to_other_processes_with_the_manager(lake, monkeypatch):
    monkeypatch.setenv("TAPE_TOKEN", SECRET)
    lake.plugins.options.set("tape", {"quality": "90", "token": "env:TAPE_TOKEN"})
    sent = pickle.dumps(lake.plugins)
    monkeypatch.setenv("HERON_CONFIG_DIR", str(lake.root / "another machine"))
    assert loaded(pickle.loads(sent), "tape") == {"quality": 90, "token": SECRET}


def test_options_that_came_with_a_workspace_get_no_secret_of_this_user_until_they_are_trusted(
    lake, monkeypatch
):
    lake.plugins.options.set("tape", {"place": "there"})
    monkeypatch.setenv("HERON_CONFIG_DIR", str(lake.root / "config of another user"))
    monkeypatch.setenv("HERON_PLUGIN_TAPE_TOKEN", SECRET)
    with heron.open(lake.root) as copied:
        for again in (copied.plugins, pickle.loads(pickle.dumps(copied.plugins))):
            with pytest.raises(BadCredentials, match=r"came with this workspace.*configure tape --trust"):
                loaded(again, "tape")
        copied.plugins.options.trust("tape")
        assert loaded(copied.plugins, "tape")["token"] == SECRET


def test_only_who_may_change_the_workspace_sets_options(lake):
    lake.users.add("bob@example.org")
    with heron.open(lake.root, user="bob@example.org") as bobs, pytest.raises(PermissionDenied):
        bobs.plugins.options.set("tape", {"quality": "1"})
    with (
        lake.open_as("bob@example.org") as bobs,
        pytest.raises(PluginError, match="open for other users too"),
    ):
        bobs.plugins.options.set("tape", {"quality": "1"})


def test_configure_sets_shows_and_removes(lake, capsys):
    def run(*arguments):
        assert status(["-w", str(lake.root), "plugins", "configure", "tape", *arguments, "--json"]) == 0
        return {
            each["name"]: (each["value"], each["source"])
            for each in json.loads(capsys.readouterr().out)["items"]
        }

    assert run()["quality"] == (75, "default")
    assert run("quality=12", "loud=no")["quality"] == (12, "workspace")
    assert run("--unset", "quality") == {
        "quality": (75, "default"), "token": (None, "nowhere"), "place": (None, "nowhere"), "loud": (False, "workspace"),
        "room": (None, "nowhere"),
    }  # fmt: skip
    assert status(["-w", str(lake.root), "plugins", "configure", "tape", SECRET]) == 2
    assert SECRET not in capsys.readouterr().err


@pytest.mark.parametrize(
    "option",
    [
        'Option("two words", "x")',
        'Option("a", "x", type="date")',
        'Option("a", "x", type="number", default="1")',
        'Option("a", "x", default=True)',
        'Option("a", "x", secret=True, default="1")',
        'Option("a", "x", choices=["b"], default="c")',
        'Option("quality", "twice")',
        '"quality"',
    ],
)
def test_option_that_is_none_is_refused_with_the_plugin(site, option):
    site.plugin("tape", SOURCE.replace("options=[QUALITY, TOKEN]", f"options=[QUALITY, {option}]"))
    assert "Options, each once, with a default of its type" in statuses(site.manager())["tape"]


def test_two_declarations_of_one_option_are_refused(site):
    site.plugin(
        "tape", SOURCE.replace("options=[QUALITY, TOKEN]", 'options=[Option("quality", "otherwise")]')
    )
    assert statuses(site.manager())["tape"] == "failed: option quality is declared in two ways"


def test_deprecated_names_work_and_warn_once_for_each_module(monkeypatch):
    monkeypatch.setattr(deprecations, "_told", set())
    with pytest.warns(PluginWarning, match=r"works until 2027-12-31 at least: write heron\.Option") as told:
        assert heron.StorageOption is heron.StorageOption is Option
        assert heron.hooks.StorageOption is Option
    assert len(told) == 1
    with pytest.raises(AttributeError, match="module 'heron' has no attribute 'StorageOptions'"):
        _ = heron.StorageOptions


@pytest.mark.parametrize("name", sorted(deprecations.DEPRECATED))
def test_each_deprecated_name_has_another_and_at_least_a_year(name):
    from datetime import date

    known = deprecations.DEPRECATED[name]
    assert date.fromisoformat(known.until) >= date(2027, 11, 30)
    assert known.instead.split(".")[-1] in dir(heron)


BOTH = """
import heron

def load(options):
    if options.get("token") != "x7-very-secret":
        raise heron.BadCredentials("the drawer is locked")
    return object()

@heron.hookimpl
def register_storage():
    options = [heron.Option("token", "the key", secret=True), heron.Option("place", "where")]
    yield heron.StorageBackend(
        name="drawer", summary="", schemes=["drawer"], options=options, load=load,
        store=lambda options: options.get("place"),
    )

def act(workspace, options):
    import json
    return json.dumps(options)

@heron.hookimpl
def register_actions():
    for name, default in (("greet", "hello"), ("part", "bye")):
        option = heron.ActionOption("word", "what to say", default=default)
        needed = heron.ActionOption("times", "how often", type="number", required=True)
        yield heron.ItemAction(
            name=name, summary="", applies_to="workspace", options=[option, needed], load=lambda: act, changes=False
        )
"""


@pytest.fixture
def both(site, tmp_path, monkeypatch):
    """A workspace with the plugin `both`, which brings a storage and two actions with options of one name."""
    yield from with_plugin("both", BOTH, site, tmp_path, monkeypatch)


def test_options_of_actions_count_where_a_run_says_nothing(both, monkeypatch):
    def said(action, **options):
        return json.loads(both.actions.run(action, options=options).said[0])

    with pytest.raises(InvalidInput, match="action greet needs the option times"):
        said("greet")
    both.plugins.options.set("both", {"greet.word": "good day", "greet.times": "2"})
    assert said("greet") == {"word": "good day", "times": 2}
    assert said("greet", word="hi", times=None) == {"word": "hi", "times": 2}
    assert said("part", times=1) == {"word": "bye", "times": 1}
    monkeypatch.setenv("HERON_PLUGIN_BOTH_PART_WORD", "so long")
    assert said("part", times=1)["word"] == "so long"
    with pytest.raises(InvalidInput, match=r"has no option 'word'"):
        both.plugins.options.set("both", {"word": "hi"})
    assert [each.name for each in both.plugins.options.show("both")] == [
        "drawer.token", "drawer.place", "greet.word", "greet.times", "part.word", "part.times"
    ]  # fmt: skip


def test_options_of_a_storage_count_without_an_integration(both, monkeypatch):
    opened = both.storage._opener
    [backend] = [each for each in both.plugins.contributions(heron.StorageBackend) if each.name == "drawer"]
    with pytest.raises(BadCredentials, match="the drawer is locked"):
        opened.load(backend, None)
    with pytest.raises(InvalidInput, match="secrets are never stored"):
        both.plugins.options.set("both", {"drawer.token": SECRET})
    both.plugins.options.set("both", {"drawer.token": "env:DRAWER", "drawer.place": "left"})
    monkeypatch.setenv("DRAWER", SECRET)
    assert opened.load(backend, None)
    assert both.storage._stores.name(backend, None) == "left"
    made = both.integrations.create("right", backend="drawer", options={"place": "right"})
    assert both.storage._stores.name(backend, made) == "right"
    with pytest.raises(BadCredentials, match="the drawer is locked"):
        opened.load(backend, made)  # an integration takes nothing of what is configured


def test_setting_options_stands_in_the_log_without_values(lake):
    lake.plugins.options.set("tape", {"quality": "90", "token": "env:TAPE_TOKEN"})
    lake.plugins.options.set("tape", {"quality": None, "token": "env:TAPE_TOKEN"})
    second, first = [line for line in lake.log.list() if line.verb == "plugin_options.set"]
    assert first.details == {"plugin": "tape", "options": ["quality", "token"]}
    assert second.details == {"plugin": "tape", "options": ["quality"]}


def test_options_are_set_for_users_who_may_change_the_workspace_also_where_it_is_open_for_others(lake):
    """As a server does for each request."""
    lake.users.add("bob@example.org")
    lake.users.add("ada@example.org")
    lake.users.update("ada@example.org", role="admin")
    with lake.open_as("ada@example.org") as adas:
        shown = {each.name: each for each in adas.plugin_options.set("tape", {"quality": 12})}
        assert (shown["quality"].value, shown["quality"].source) == (12, "workspace")
        assert lake.plugin_options.show("tape") == [*shown.values()]
        with pytest.raises(InvalidInput, match="secrets are never stored"):
            adas.plugin_options.set("tape", {"token": SECRET})
    with lake.open_as("bob@example.org") as bobs:
        for asked in (lambda: bobs.plugin_options.show("tape"), lambda: bobs.plugin_options.set("tape", {})):
            with pytest.raises(PermissionDenied):
                asked()
    assert [line.user for line in lake.log.list() if line.verb == "plugin_options.set"] == ["ada@example.org"]
