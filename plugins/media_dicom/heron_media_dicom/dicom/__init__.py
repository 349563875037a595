"""DICOM: headers, series and pictures; `decoder.py` combines them."""
