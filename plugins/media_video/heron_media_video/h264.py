"""Reads from H.264 sequence parameters whether pictures can be coded as two fields (ITU-T H.264, 7.3.2.1)."""

from __future__ import annotations

_WITH_CHROMA = (100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135)
"""Profiles whose parameters describe the chroma format."""


def has_only_frames(configuration: bytes) -> bool:
    """Whether a decoder configuration (avcC: ISO/IEC 14496-15, 5.3.3.1) says that every picture is coded as a frame.

    False if it is not certain.
    """
    if len(configuration) < 8 or not configuration[5] & 31:
        return False
    length = int.from_bytes(configuration[6:8], "big")
    parameters = configuration[8 : 8 + length].replace(b"\0\0\3", b"\0\0")
    try:
        return _frame_mbs_only(_Bits(parameters[1:]))
    except IndexError:
        return False


def _frame_mbs_only(bits: _Bits) -> bool:
    profile = bits.read(8)
    bits.read(16)
    bits.exponential()
    if profile in _WITH_CHROMA:
        _skip_chroma(bits)
    bits.exponential()
    order_type = bits.exponential()
    if order_type == 0:
        bits.exponential()
    elif order_type == 1:
        bits.read(1)
        bits.exponential()
        bits.exponential()
        for _ in range(bits.exponential()):
            bits.exponential()
    bits.exponential()
    bits.read(1)
    bits.exponential()
    bits.exponential()
    return bits.read(1) == 1


def _skip_chroma(bits: _Bits) -> None:
    chroma = bits.exponential()
    if chroma == 3:
        bits.read(1)
    bits.exponential()
    bits.exponential()
    bits.read(1)
    if bits.read(1):
        for number in range(12 if chroma == 3 else 8):
            if bits.read(1):
                _skip_scaling_list(bits, 16 if number < 6 else 64)


def _skip_scaling_list(bits: _Bits, size: int) -> None:
    last = following = 8
    for _ in range(size):
        if following:
            code = bits.exponential()
            following = (last + ((code + 1) // 2 if code % 2 else -(code // 2))) % 256
        last = following or last


class _Bits:
    """Bits of a byte string from the highest; reading beyond the end raises IndexError."""

    def __init__(self, content: bytes) -> None:
        self._value = int.from_bytes(content, "big")
        self._left = 8 * len(content)

    def read(self, count: int) -> int:
        """The next bits as a number."""
        self._left -= count
        if self._left < 0:
            raise IndexError("the parameters end early")
        return self._value >> self._left & (1 << count) - 1

    def exponential(self) -> int:
        """An unsigned Exp-Golomb code (9.1)."""
        zeros = 0
        while not self.read(1):
            zeros += 1
        return (1 << zeros) - 1 + self.read(zeros)
