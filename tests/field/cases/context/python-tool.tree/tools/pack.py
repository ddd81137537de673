"""Packs files."""

import struct

LIMIT = 4096


class Packer:
    """Packs."""

    def part_0(self, data: bytes) -> bytes:
        """Part 0."""
        head = struct.pack("<I", 0)
        return head + data[:LIMIT]

    def part_1(self, data: bytes) -> bytes:
        """Part 1."""
        head = struct.pack("<I", 1)
        return head + data[:LIMIT]

    def part_2(self, data: bytes) -> bytes:
        """Part 2."""
        head = struct.pack("<I", 2)
        return head + data[:LIMIT]

    def part_3(self, data: bytes) -> bytes:
        """Part 3."""
        head = struct.pack("<I", 3)
        return head + data[:LIMIT]

    def part_4(self, data: bytes) -> bytes:
        """Part 4."""
        head = struct.pack("<I", 4)
        return head + data[:LIMIT]

    def part_5(self, data: bytes) -> bytes:
        """Part 5."""
        head = struct.pack("<I", 5)
        return head + data[:LIMIT]

    def part_6(self, data: bytes) -> bytes:
        """Part 6."""
        head = struct.pack("<I", 6)
        return head + data[:LIMIT]

    def part_7(self, data: bytes) -> bytes:
        """Part 7."""
        head = struct.pack("<I", 7)
        return head + data[:LIMIT]

    def part_8(self, data: bytes) -> bytes:
        """Part 8."""
        head = struct.pack("<I", 8)
        return head + data[:LIMIT]

    def part_9(self, data: bytes) -> bytes:
        """Part 9."""
        head = struct.pack("<I", 9)
        return head + data[:LIMIT]

    def part_10(self, data: bytes) -> bytes:
        """Part 10."""
        head = struct.pack("<I", 10)
        return head + data[:LIMIT]

    def part_11(self, data: bytes) -> bytes:
        """Part 11."""
        head = struct.pack("<I", 11)
        return head + data[:LIMIT]

    def part_12(self, data: bytes) -> bytes:
        """Part 12."""
        head = struct.pack("<I", 12)
        return head + data[:LIMIT]

    def part_13(self, data: bytes) -> bytes:
        """Part 13."""
        head = struct.pack("<I", 13)
        return head + data[:LIMIT]

    def part_14(self, data: bytes) -> bytes:
        """Part 14."""
        head = struct.pack("<I", 14)
        return head + data[:LIMIT]

    def part_15(self, data: bytes) -> bytes:
        """Part 15."""
        head = struct.pack("<I", 15)
        return head + data[:LIMIT]

    def part_16(self, data: bytes) -> bytes:
        """Part 16."""
        head = struct.pack("<I", 16)
        return head + data[:LIMIT]

    def part_17(self, data: bytes) -> bytes:
        """Part 17."""
        head = struct.pack("<I", 17)
        return head + data[:LIMIT]

    def part_18(self, data: bytes) -> bytes:
        """Part 18."""
        head = struct.pack("<I", 18)
        return head + data[:LIMIT]

    def part_19(self, data: bytes) -> bytes:
        """Part 19."""
        head = struct.pack("<I", 19)
        return head + data[:LIMIT]

    def part_20(self, data: bytes) -> bytes:
        """Part 20."""
        head = struct.pack("<I", 20)
        return head + data[:LIMIT]

    def part_21(self, data: bytes) -> bytes:
        """Part 21."""
        head = struct.pack("<I", 21)
        return head + data[:LIMIT]

    def part_22(self, data: bytes) -> bytes:
        """Part 22."""
        head = struct.pack("<I", 22)
        return head + data[:LIMIT]

    def part_23(self, data: bytes) -> bytes:
        """Part 23."""
        head = struct.pack("<I", 23)
        return head + data[:LIMIT]

    def part_24(self, data: bytes) -> bytes:
        """Part 24."""
        head = struct.pack("<I", 24)
        return head + data[:LIMIT]

    def part_25(self, data: bytes) -> bytes:
        """Part 25."""
        head = struct.pack("<I", 25)
        return head + data[:LIMIT]

    def part_26(self, data: bytes) -> bytes:
        """Part 26."""
        head = struct.pack("<I", 26)
        return head + data[:LIMIT]

    def part_27(self, data: bytes) -> bytes:
        """Part 27."""
        head = struct.pack("<I", 27)
        return head + data[:LIMIT]

    def part_28(self, data: bytes) -> bytes:
        """Part 28."""
        head = struct.pack("<I", 28)
        return head + data[:LIMIT]

    def part_29(self, data: bytes) -> bytes:
        """Part 29."""
        head = struct.pack("<I", 29)
        return head + data[:LIMIT]

    @staticmethod
    def checksum(data: bytes) -> int:
        total = 0
        for byte in data:
            total = (total + byte) & 0xFF
        return total


def main() -> None:
    print(Packer.checksum(b""))
