"""Records of plugins that break a rule: the plugin is listed with the reason, and everything else works."""

from __future__ import annotations

import pytest

import heron

FORMAT = {"media_type": "video/x-tape", "kind": "video", "suffixes": [".tape"], "signature": b"TAPE"}
GOOD = {
    heron.StorageBackend: {"schemes": ["tape"]},
    heron.MediaDecoder: {"formats": [heron.MediaFormat(**FORMAT)]},
    heron.MetadataType: {"affinity": "text"},
    heron.QualityMetrics: {"measures": ["noise"]},
    heron.EmbedderModel: {},
    heron.DatasetExporter: {"suffix": ".txt"},
    heron.CliCommand: {},
}
HOOKS = {
    heron.StorageBackend: "register_storage",
    heron.MediaDecoder: "register_decoders",
    heron.MetadataType: "register_metadata_types",
    heron.QualityMetrics: "register_metrics",
    heron.EmbedderModel: "register_embedders",
    heron.DatasetExporter: "register_exporters",
    heron.CliCommand: "register_commands",
}


def plugin_of(record, **fields):
    """A plugin that yields one record, as it is written in its own module."""

    class Plugin:
        pass

    def hook(self):
        yield record(**{"name": "tape", "summary": "tapes", "load": object, **GOOD[record], **fields})

    setattr(Plugin, HOOKS[record], heron.hookimpl(hook))
    return Plugin()


def form(**changes):
    return {"formats": [heron.MediaFormat(**{**FORMAT, **changes})]}


BAD = {
    "a name of two words": (heron.MetadataType, {"name": "two words"}, "name is 'two words'"),
    "no name": (heron.EmbedderModel, {"name": ""}, "name is ''"),
    "a name that is none": (heron.EmbedderModel, {"name": 7}, "name is 7"),
    "a summary in bytes": (heron.MetadataType, {"summary": b"x"}, "summary is b'x'"),
    "a summary of two lines": (heron.MetadataType, {"summary": "a\nb"}, "summary is 'a\\nb'"),
    "no function to load": (heron.MetadataType, {"load": None}, "load is None, expected a function"),
    "a requirement that is none": (heron.MetadataType, {"requires": ["a b"]}, "requires is ('a b',)"),
    "an unknown affinity": (heron.MetadataType, {"affinity": "date"}, "one of text, number, boolean, json"),
    "ordered by a word": (heron.MetadataType, {"ordered": "no"}, "ordered is 'no', expected True or False"),
    "a scheme with its colon": (heron.StorageBackend, {"schemes": ["tape://"]}, "schemes is ('tape://',)"),
    "a host that is no pattern": (heron.StorageBackend, {"hosts": ["a("]}, "the host 'a(' is no pattern"),
    "options that are none": (heron.StorageBackend, {"options": ["key"]}, "expected Options"),
    "a store that is no function": (heron.StorageBackend, {"store": "s3"}, "store is 's3'"),
    "no formats": (heron.MediaDecoder, {"formats": []}, "it has no formats"),
    "a format that is none": (heron.MediaDecoder, {"formats": ["image/png"]}, "expected a MediaFormat"),
    "a media type that is none": (heron.MediaDecoder, form(media_type="tape"), "media_type is 'tape'"),
    "a kind that is none": (heron.MediaDecoder, form(kind="My Tape"), "kind is 'My Tape'"),
    "a suffix without its dot": (heron.MediaDecoder, form(suffixes=["tape"]), "the suffix 'tape'"),
    "a suffix in upper case": (heron.MediaDecoder, form(suffixes=[".TAPE"]), "the suffix '.TAPE'"),
    "nothing to tell files by": (heron.MediaDecoder, form(suffixes=[], signature=None), "nothing tells its files"),
    "a signature that is no pattern": (heron.MediaDecoder, form(signature=b"("), "b'(' is no pattern"),
    "a signature in text": (heron.MediaDecoder, form(signature="TAPE"), "the signature is 'TAPE', expected bytes"),
    "a signature of everything": (heron.MediaDecoder, form(signature=b"(TAPE)?"), "matches every file"),
    "a signature that backtracks": (heron.MediaDecoder, form(signature=b"(?:a|aa)+[bc]"), "takes more than 50 ms"),
    "a signature that backtracks on 0": (heron.MediaDecoder, form(signature=rb"(?:\x00|\x00\x00)*[xy]"), "takes more than"),
    "metrics without a name": (heron.QualityMetrics, {"measures": []}, "measures is ()"),
    "a vector of no numbers": (heron.EmbedderModel, {"size": 0}, "size is 0, expected 1 to 4096 or None"),
    "a batch of half a picture": (heron.EmbedderModel, {"batch": 0.5}, "batch is 0.5"),
    "copies beyond a cosine": (heron.EmbedderModel, {"copies_from": 24}, "copies_from is 24, expected a cosine"),
    "turns by a word": (heron.EmbedderModel, {"turns": "all"}, "turns is 'all', expected True or False"),
    "vectors of sound": (heron.EmbedderModel, {"embeds": ["sound"]}, "embeds is ('sound',)"),
    "a file ending without its dot": (heron.DatasetExporter, {"suffix": "txt"}, "suffix is 'txt'"),
    "a command in two words": (heron.CliCommand, {"name": "Do it"}, "name is 'Do it'"),
}  # fmt: skip


@pytest.mark.parametrize("what", BAD)
def test_a_bad_record_is_listed_with_its_reason_and_harms_nothing(tmp_path, pictures, what):
    record, fields, reason = BAD[what]
    good, bad = plugin_of(heron.MetadataType, name="good"), plugin_of(record, **fields)
    with heron.open(tmp_path / "lake", plugins=[bad, good], discover=False) as workspace:
        [status] = [each for each in workspace.plugins.statuses if each.status.startswith("failed")]
        assert status.status.startswith(f"failed: {record.sort} ")
        assert reason in status.status
        assert "\n" not in status.status
        assert workspace.plugins.metadata_type("good")
        assert workspace.ingest.files([pictures], folder="A").added == 6


@pytest.mark.parametrize("record", GOOD)
def test_the_same_record_without_the_fault_is_taken(record):
    from heron.hooks import PluginManager

    [status] = PluginManager(plugins=[plugin_of(record)], discover=False).statuses
    assert (status.status, status.contributions[0]) == ("loaded", f"{record.sort} tape")


def test_a_signature_that_takes_too_long_for_one_file_is_used_no_more(tmp_path, pictures):
    """It passes on every beginning that is tried when it is registered, and backtracks on this one."""
    slow = plugin_of(
        heron.MediaDecoder, formats=[heron.MediaFormat(**{**FORMAT, "signature": rb"(?:xy|xyxy)+[zw]"})]
    )
    (pictures / "a.txt").write_text("xy" * 500)
    (pictures / "b.txt").write_text("xy" * 500)
    with heron.open(tmp_path / "lake", plugins=[slow], discover=False) as workspace:
        report = workspace.ingest.files([pictures], folder="A", ignore_errors=True)
        assert (report.added, report.failed) == (8, 0)
        [warning] = report.problems
        assert warning.reason == (
            "a.txt: the signature of video/x-tape takes too long and is not used any more (decoder tape (plugin Plugin))"
        )
