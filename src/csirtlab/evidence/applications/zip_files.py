"""Files that come in a ZIP archive, stored as they are (PKWARE's APPNOTE 6.3.3, 4.3)."""

import struct
import zlib

_DATE = (2026 - 1980) << 9 | 1 << 5 | 1  # 1 January 2026, as MS-DOS says it


def zip_archive(name: str, content: bytes) -> bytes:
    """Return an archive that holds one file; zipfile's own bytes differ between Python versions."""
    packed = name.encode()
    # Version 2.0, no flags, stored, midnight.
    common = struct.pack(
        "<HHHHHIIIHH", 20, 0, 0, 0, _DATE, zlib.crc32(content), len(content), len(content), len(packed), 0
    )
    local = b"PK\x03\x04" + common + packed
    central = b"PK\x01\x02" + struct.pack("<H", 20) + common + struct.pack("<HHHII", 0, 0, 0, 0, 0) + packed
    end = b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, 1, 1, len(central), len(local) + len(content), 0)
    return local + content + central + end
