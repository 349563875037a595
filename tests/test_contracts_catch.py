"""For each rule of the contracts of exporters, metrics and commands, a plugin that only this rule catches."""

from __future__ import annotations

import inspect
import json
from itertools import chain

import click
import pytest
from PIL import Image, ImageStat

import heron
from heron.testing import CommandContract, ExporterContract, MetricsContract, exporters


class Lines:
    def write(self, rows, stream):
        count = 0
        for count, row in enumerate(rows, start=1):  # noqa: B007 - it is returned
            stream.write(json.dumps(row.item.url).encode() + b"\n")
        return count


class TestLines(ExporterContract):
    exporter = heron.DatasetExporter(name="lines", summary="URLs", suffix="", load=Lines)
    module = "json"

    def read(self, path):
        return [json.loads(line) for line in path.read_bytes().splitlines()]


class Copies:
    """A folder with a copy of each file, and a list of them."""

    def write_folder(self, rows, folder):
        count = 0
        with folder.create("files.jsonl") as stream:
            for count, row in enumerate(rows, start=1):  # noqa: B007 - it is returned
                name = folder.name(row, below="files")
                assert folder.copy(row.item, name)
                with folder.open(row.item) as (source, size):
                    assert len(source.read()) == size
                stream.write(json.dumps([name, row.item.name]).encode() + b"\n")
        return count


class TestCopies(ExporterContract):
    exporter = heron.DatasetExporter(
        name="copies", summary="files", suffix="", contains=["files"], writes_folder=True, load=Copies
    )
    module = "json"

    def read(self, path):
        found = [json.loads(line) for line in (path / "files.jsonl").read_bytes().splitlines()]
        for name, _ in found:
            with Image.open(path / name) as picture:
                assert picture.size == (40, 30)
        return [name for _, name in found]


def test_the_folder_of_the_contract_refuses_names_that_lead_out_of_it(tmp_path):
    (tmp_path / "new").mkdir()
    with (
        exporters._folder(tmp_path / "new") as folder,
        pytest.raises(heron.InvalidInput, match="not the name"),
    ):
        folder.create("../elsewhere")


def whole(self, rows, stream):
    return Lines().write(iter([*rows]), stream)


def skipping(self, rows, stream):
    return Lines().write((row for row in rows if "\n" not in row.item.name), stream)


def with_a_line_of_its_own(self, rows, stream):
    rows = list(rows)
    stream.write(b"" if rows else b'"nothing"\n')
    return Lines().write(iter(rows), stream)


def different(self, rows, stream, calls=[0]):  # noqa: B006 - it is meant to stay
    calls[0] += 1
    first = next(rows, None)
    if first is None:
        return 0
    stream.write(b" " * calls[0])
    return Lines().write(chain([first], rows), stream)


def swallowing(self, rows, stream):
    try:
        return Lines().write(rows, stream)
    except ZeroDivisionError:
        return 0


def spoiling(self, rows, stream):
    def spoilt():
        for row in rows:
            row.item.metadata["seen"] = True
            yield row

    return Lines().write(spoilt(), stream)


EXPORTERS = {
    "test_every_row_is_written_and_counted": skipping,
    "test_no_rows_are_an_export_too": with_a_line_of_its_own,
    "test_rows_are_taken_as_they_come": swallowing,
    "test_rows_are_left_as_they_are": spoiling,
    "test_the_same_rows_are_the_same_bytes": different,
}


def measure(picture, width, height):
    return {"red": ImageStat.Stat(picture).mean[0]}


def remembering(picture, width, height, last=[None]):  # noqa: B006 - it is meant to stay
    is_same, last[0] = last[0] is picture, picture
    return {"red": ImageStat.Stat(picture).mean[0] + is_same}


def swapping(picture, width, height):
    if picture.size == (64, 48):
        left, right = picture.getpixel((0, 0)), picture.getpixel((1, 0))
        picture.putpixel((0, 0), right)
        picture.putpixel((1, 0), left)
    return measure(picture, width, height)


def naming(picture, width, height):
    return {**measure(picture, width, height), **({"blue": 1.0} if picture.size == (64, 48) else {})}


def doubling(picture, width, height):
    return {"red": 2 * ImageStat.Stat(picture).mean[0]}


class OneAtATime:
    """It fails where two threads meet in it."""

    inside = 0

    def __call__(self, picture, width, height):
        import threading

        is_main = threading.current_thread() is threading.main_thread()
        return {"red": ImageStat.Stat(picture).mean[0] + (0 if is_main else 1)}


METRICS = {
    "test_examples_have_their_numbers": doubling,
    "test_numbers_are_those_of_the_record": naming,
    "test_a_picture_has_the_same_numbers_each_time": remembering,
    "test_pictures_are_left_alone": swapping,
    "test_it_works_in_several_threads": OneAtATime(),
}


class TestRed(MetricsContract):
    metrics = heron.QualityMetrics(name="red", summary="how red", measures=["red"], load=lambda: measure)
    examples = ((Image.new("RGB", (4, 4), (100, 0, 0)), {"red": 100.0}),)
    module = "json"


def a_command(body=lambda context, as_json: click.echo("[]"), text="Say something."):
    @click.command(help=text)
    @click.option("--json", "as_json", is_flag=True)
    @click.pass_obj
    def command(context, as_json):
        body(context, as_json)

    return command


def lenient():
    command = a_command()
    command.context_settings["ignore_unknown_options"] = True
    command.context_settings["allow_extra_args"] = True
    return command


COMMANDS = {
    "test_it_is_a_command_of_click_with_help": lambda: a_command(text=" "),
    "test_it_works_in_a_lake": lambda: a_command(lambda _, as_json: click.echo("[]") if as_json else None),
    "test_its_json_is_json": lambda: a_command(lambda _, as_json: click.echo("done [")),
    "test_an_unknown_option_is_refused": lenient,
}


class TestSay(CommandContract):
    command = heron.CliCommand(name="say", summary="Say something.", load=a_command)
    plugin = object()
    module = "json"


RECORDS = {
    "test_record_has_a_name_and_a_one_line_summary": {"summary": "how red "},
    "test_heron_takes_the_record": {"measures": ["red", "how blue"]},
    "test_record_needs_only_what_is_installed_here": {"requires": ["no-such-distribution"]},
}


def caught(contract, tmp_path):
    """The names of the rules of a contract that fail."""
    found = set()
    for number, (name, rule) in enumerate(inspect.getmembers(contract, inspect.ismethod)):
        if not name.startswith("test_") or name == "test_importing_the_plugin_imports_nothing_heavy":
            continue
        place = tmp_path / str(number)
        place.mkdir(exist_ok=True)
        try:
            rule(**({"tmp_path": place} if "tmp_path" in inspect.signature(rule).parameters else {}))
        except pytest.skip.Exception:
            continue
        except BaseException:  # noqa: BLE001 - failures of pytest too
            found.add(name)
    return found


@pytest.mark.parametrize("rule", EXPORTERS)
def test_only_this_rule_catches_the_exporter(rule, tmp_path):
    mutant = type("Mutant", (), {"write": EXPORTERS[rule]})
    contract = type(
        "Contract",
        (TestLines,),
        {"exporter": heron.DatasetExporter(name="lines", summary="URLs", suffix="", load=mutant)},
    )
    assert caught(contract(), tmp_path) == {rule}


@pytest.mark.parametrize("rule", METRICS)
def test_only_this_rule_catches_the_metrics(rule, tmp_path):
    record = heron.QualityMetrics(name="red", summary="how red", measures=["red"], load=lambda: METRICS[rule])
    assert caught(type("Contract", (TestRed,), {"metrics": record})(), tmp_path) == {rule}


@pytest.mark.parametrize("rule", COMMANDS)
def test_only_this_rule_catches_the_command(rule, tmp_path):
    record = heron.CliCommand(name="say", summary="Say something.", load=COMMANDS[rule])
    assert caught(type("Contract", (TestSay,), {"command": record})(), tmp_path) == {rule}


@pytest.mark.parametrize("rule", RECORDS)
def test_only_this_rule_catches_the_record(rule, tmp_path):
    given = {
        "name": "red",
        "summary": "how red",
        "measures": ["red"],
        "load": lambda: measure,
        **RECORDS[rule],
    }
    contract = type("Contract", (TestRed,), {"metrics": heron.QualityMetrics(**given)})()
    found = caught(contract, tmp_path)
    assert found == {rule} or (
        rule == "test_heron_takes_the_record" and found == {rule, "test_numbers_are_those_of_the_record"}
    )


def test_every_rule_has_a_mutant():
    base = {name for name in dir(MetricsContract) if name.startswith("test_")} & {
        name for name in dir(CommandContract) if name.startswith("test_")
    }
    for contract, mutants in (
        (ExporterContract, EXPORTERS),
        (MetricsContract, METRICS),
        (CommandContract, COMMANDS),
    ):
        assert {name for name in dir(contract) if name.startswith("test_")} - base == set(mutants)
    assert base - set(RECORDS) == {  # these ask the module of the record, and have tests of their own
        "test_importing_the_plugin_imports_nothing_heavy",
        "test_static_record_says_what_the_module_yields",
    }
