"""DICOM: headers, series and pictures; `decoder.py` puts them together."""
