"""The command and what hears of events keep Heron's contracts."""

import heron_diary
from heron_diary.book import entries

from heron.testing import CommandContract, EventContract


class TestCommand(CommandContract):
    plugin = heron_diary
    command = next(iter(heron_diary.register_commands()))


class TestEvents(EventContract):
    plugin = heron_diary

    def heard(self, workspace):
        return [entry["text"] for entry in entries(workspace)] == [
            "2 imported, the first is a.txt",
            "dataset D created",
        ]
