"""De-identifies the files of one export: the same UID, and the same patient, is replaced by the same one in all of them."""

from __future__ import annotations

import hashlib
import hmac
from collections import Counter
from secrets import token_bytes
from typing import Any

from pydicom import DataElement, Dataset, Sequence
from pydicom.datadict import keyword_for_tag
from pydicom.dataset import FileMetaDataset

from heron_export_dicom.judging import KEY, WELL_KNOWN, check
from heron_export_dicom.profile import DUMMIES, METHOD, PROFILE, Action, action_of, is_plausible
from heron_export_dicom.reading import BadFile, bytes_of_pixels, understood


class Deidentification:
    """Treats files, and counts what is done; a key that is never written decides what replaces each UID."""

    def __init__(self) -> None:
        self._key = token_bytes(32)
        self._done: dict[str, Counter[str]] = {}
        self._files = 0
        self._refused: Counter[str] = Counter()
        self._silent: list[str] = []

    def __call__(self, dataset: Dataset, said: object = None) -> tuple[Dataset, bool]:
        """The dataset, treated in place, and whether it is known that no text is burnt into it.

        `said` is what the user says of that. Raises BadFile, and counts why.
        """
        try:
            with understood():
                burnt = check(dataset, said)
                patient = str(dataset.get("PatientID") or dataset.get("StudyInstanceUID") or "")
                done: dict[str, Counter[str]] = {}
                self._treat(dataset, done)
                _trim(dataset, done)
                self._mark(dataset, patient)
                if burnt == "NO":
                    dataset.BurnedInAnnotation = "NO"
        except BadFile as error:
            self.refused(error)
            raise
        for action, found in done.items():
            self._done.setdefault(action, Counter()).update(found)
        return dataset, burnt == "NO"

    def refused(self, error: BadFile) -> None:
        """Note why a file is not in the export."""
        reason = error.message.partition(": ")[0]  # what follows may be a value of the file
        self._refused[reason.partition("'")[0].strip()] += 1

    def written(self, name: str, is_safe: bool) -> None:
        """Note a file of the export, and whether it is known that no text is burnt into it."""
        self._files += 1
        if not is_safe:
            self._silent.append(name)

    def report(self) -> dict[str, Any]:
        """What was done: numbers of attributes by keyword, over all files, and the files that somebody should look at."""
        return {
            "profile": PROFILE,
            "files": self._files,
            "refused": dict(sorted(self._refused.items())),
            "burned_in_annotation": {
                "said to be absent": self._files - len(self._silent),
                "not said": len(self._silent),
                "look at these pictures": self._silent,
                "then": f"set {KEY} of the item to false or true",
            },
            **{action: dict(sorted(found.items())) for action, found in sorted(self._done.items())},
        }

    def _mark(self, dataset: Dataset, patient: str) -> None:
        """Say that the file is treated; replace what a DICOMDIR needs."""
        name = "P" + self._digest(patient).hex()[:15].upper()
        dataset.PatientID, dataset.PatientName = name, name
        dataset.StudyID, dataset.StudyDate, dataset.StudyTime = "1", DUMMIES["DA"], DUMMIES["TM"]
        dataset.PatientIdentityRemoved = "YES"
        dataset.DeidentificationMethod = [*METHOD]
        code = Dataset()
        code.CodeValue, code.CodingSchemeDesignator = "113100", "DCM"
        code.CodeMeaning = METHOD[0]
        dataset.DeidentificationMethodCodeSequence = Sequence([code])
        dataset.LongitudinalTemporalInformationModified = "REMOVED"
        dataset.preamble = bytes(128)
        syntax = dataset.file_meta.TransferSyntaxUID
        meta = dataset.file_meta = FileMetaDataset()
        meta.TransferSyntaxUID, meta.MediaStorageSOPClassUID = syntax, dataset.SOPClassUID
        meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID

    def _treat(self, dataset: Dataset, done: dict[str, Counter[str]]) -> None:
        """Treat one level, and those below."""
        for tag in [*dataset.keys()]:
            element = dataset[tag]  # raises what a damaged element raises
            action = action_of(element)
            if element.VR == "SQ" and action in (None, "UID replaced"):
                for part in element.value:
                    self._treat(part, done)
            elif action is not None:
                self._change(dataset, element, action, done)
            elif not is_plausible(element):
                raise BadFile(f"its {element.keyword} is damaged")

    def _change(
        self, dataset: Dataset, element: DataElement, action: Action, done: dict[str, Counter[str]]
    ) -> None:
        if element.VR == "UI" and action == "replaced":
            action = "UID replaced"
        if action == "UID replaced" and element.VR != "UI":
            action = "emptied"
        if action == "UID replaced":
            value = element.value
            given = [str(each) for each in ([value] if isinstance(value, str) else value or ()) if each]
            new = [self._uid(uid) for uid in given]
            if new == given:
                return
            element.value = new if len(new) > 1 else new[0]
        elif action == "removed":
            del dataset[element.tag]
        elif element.VR == "SQ":
            element.value = Sequence()
        else:
            element.value = DUMMIES.get(element.VR) if action == "replaced" else None
        name = "private" if element.tag.is_private else keyword_for_tag(element.tag) or "unknown"
        done.setdefault(action, Counter())[name] += 1

    def _uid(self, uid: str) -> str:
        """Another UID; those of the standard itself stay."""
        if uid.startswith(WELL_KNOWN):
            return uid
        return f"2.25.{int.from_bytes(self._digest(uid)[:16], 'big')}"

    def _digest(self, text: str) -> bytes:
        return hmac.new(self._key, text.encode(), hashlib.sha256).digest()


def _trim(dataset: Dataset, done: dict[str, Counter[str]]) -> None:
    """Remove what stands behind the pixels of a picture."""
    wanted = bytes_of_pixels(dataset)
    if wanted is not None and len(dataset.PixelData) > wanted + wanted % 2:
        dataset.PixelData = dataset.PixelData[: wanted + wanted % 2]
        done.setdefault("removed", Counter())["bytes behind the pixels"] += 1
