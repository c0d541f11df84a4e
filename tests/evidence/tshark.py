"""What tshark, which shares no code with the generator, sees in a capture."""

import subprocess
from collections.abc import Sequence
from pathlib import Path

# On: tshark trusts checksums otherwise, since network cards compute them late.
_CHECKSUMS = [word for layer in ("ip", "tcp", "udp") for word in ("-o", f"{layer}.check_checksum:TRUE")]


def see(capture: Path, fields: Sequence[str], keep: str = "") -> list[dict[str, str]]:
    """Return the fields of every frame that the display filter ``keep`` lets pass."""
    command = ["tshark", "-n", "-r", str(capture), *_CHECKSUMS, "-T", "fields", "-E", "occurrence=a"]
    if keep:
        command += ["-Y", keep]
    for field in fields:
        command += ["-e", field]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return [dict(zip(fields, line.split("\t"), strict=True)) for line in done.stdout.splitlines()]


def nanoseconds(epoch: str) -> int:
    """Return tshark's decimal seconds as whole nanoseconds; a float would lose the last digits."""
    seconds, _, fraction = epoch.partition(".")
    return int(seconds) * 10**9 + int(fraction.ljust(9, "0"))
