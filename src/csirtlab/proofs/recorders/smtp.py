"""Records mail being handed over: Postfix and Python's smtplib to Postfix, in clear text.

Source: RFC 5321 (SMTP), RFC 2920 (pipelining), RFC 3461 (ORCPT).
"""

import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from csirtlab.errors import SetupError
from csirtlab.proofs.recorders.relay import Relay, Said

_CLIENT, _SERVER = "client.recorded.example", "server.recorded.example"
_FROM, _TO, _NOBODY = "from@client.recorded.example", "to@recorded.example", "nobody@recorded.example"
_PORT = 22525
# Debian's defaults, but for names and places; TLS is off at both ends, as the sensor wants it.
_COMMON = """
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
mail_owner = postfix
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
smtp_tls_security_level = none
smtpd_tls_security_level = none
maillog_file = /dev/stdout
maillog_file_prefixes = /dev
"""
_RECEIVES = """
myhostname = {server}
mydestination =
virtual_mailbox_domains = recorded.example
virtual_mailbox_maps = inline:{{ {{ {to} = yes }} }}
virtual_transport = discard:
smtpd_recipient_restrictions = reject_unauth_destination
"""
_SENDS = """
myhostname = {client}
mydestination =
relayhost = [127.0.0.1]:{port}
bounce_queue_lifetime = 0
"""
_MASTER = """
{smtpd}
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
smtp unix - - n - - smtp
error unix - - n - - error
discard unix - - n - - discard
proxymap unix - - n - - proxymap
anvil unix - - n - 1 anvil
pickup unix n - n 1 1 pickup
postlog unix-dgram n - n - 1 postlogd
"""
_LETTER = "From: {sender}\nTo: {to}\nSubject: recorded\n\nrecorded\n"
Part = dict[str, object]


def record() -> dict[str, dict[str, object]]:
    """Return the recordings by name. To be run as root in a network and mount namespace of its own.

    Raises:
        SetupError: A program is missing; the message names its package.
    """
    if os.geteuid() != 0 or [name for _, name in socket.if_nameindex()] != ["lo"]:
        raise SetupError(
            "recording needs a network and a mount namespace of its own: "
            "sudo unshare --net --mount csirtlab evidence record smtp"
        )
    for program in ("postfix", "sendmail"):
        if shutil.which(program, path=f"{os.environ['PATH']}:/usr/sbin") is None:
            raise SetupError(f"{program} is not installed. Install postfix.")
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    with tempfile.TemporaryDirectory() as aside:
        folder = Path(aside)
        folder.chmod(0o755)
        relay = Relay(_PORT)
        receives = _instance(
            folder / "receives", _RECEIVES.format(server=_SERVER, to=_TO), f"{_PORT} inet n - n - - smtpd"
        )
        sends = _instance(folder / "sends", _SENDS.format(client=_CLIENT, port=relay.port), "")
        try:
            relay.start()
            time.sleep(1)
            conversations = {}
            for name, (command, letter) in _clients(sends, relay.port):
                done = len(relay.conversations)
                subprocess.run(command, input=letter, text=True, capture_output=True, check=False, timeout=60)
                while len(relay.conversations) == done:
                    time.sleep(0.05)
                conversations[name] = relay.conversations[done]
        finally:
            for configuration in (receives, sends):
                subprocess.run(["postfix", "-c", str(configuration), "stop"], check=False, capture_output=True)
    version = subprocess.run(["postconf", "-h", "mail_version"], capture_output=True, text=True, check=True)
    server = f"Postfix {version.stdout.strip()}"
    return {
        f"smtp-{name}": {
            "protocol": "SMTP",
            "software": f"{'smtplib of Python ' + sys.version.split()[0] if 'script' in name else server} to {server}",
            "turns": _marked(list(_turns(conversation))),
        }
        for name, conversation in conversations.items()
    }


def _instance(folder: Path, settings: str, smtpd: str) -> Path:
    """Start a Postfix of its own; return the folder of its configuration."""
    folder.mkdir()
    (folder / "queue").mkdir()
    (folder / "data").mkdir()
    shutil.chown(folder / "data", "postfix")
    (folder / "main.cf").write_text(_COMMON.format(folder=folder) + settings)
    (folder / "master.cf").write_text(_MASTER.format(smtpd=smtpd))
    subprocess.run(["postfix", "-c", str(folder), "start"], check=True, capture_output=True)
    return folder


def _clients(sends: Path, port: int) -> Iterator[tuple[str, tuple[Sequence[str], str]]]:
    """Yield what each recording is called, the command that hands a letter over, and the letter."""
    for name, to in (("script", _TO), ("script-refused", _NOBODY)):
        script = _SMTPLIB.format(port=port, client=_CLIENT, sender=_FROM, to=to)
        yield name, ([sys.executable, "-c", script], _LETTER.format(sender=_FROM, to=to))
    # The refused one last: Postfix hands its news over in a conversation of its own, which nobody waits for.
    for name, to in (("relay", _TO), ("relay-refused", _NOBODY)):
        command = ["sendmail", "-C", str(sends), "-f", _FROM, to]
        yield name, (command, _LETTER.format(sender=_FROM, to=to))


_SMTPLIB = """
import smtplib, sys
with smtplib.SMTP("127.0.0.1", {port}, local_hostname="{client}") as server:
    server.sendmail("{sender}", ["{to}"], sys.stdin.read())
"""

# What differs each time, in the order in which it is looked for. The lines about recipients are one field, so
# that a letter can have several.
_FIELDS = (
    ("recipients", r"(?im)^RCPT TO:.*\r\n(?:RCPT TO:.*\r\n)*"),
    ("size", r"(?i)(?<= size=)\d+"),
    ("sender", re.escape(_FROM)),
    ("client", re.escape(_CLIENT)),
    ("server", re.escape(_SERVER)),
    ("queue_id", r"(?<=queued as )\w+"),
    ("recipient_replies", r"(?m)^(?:250 2\.1\.5 Ok|550 5\.1\.1 .*)\r\n"),
)


def _turns(conversation: list[Said]) -> Iterator[dict[str, object]]:
    in_letter = False
    before = conversation[0].began_s
    for said in conversation:
        text = said.content.decode()
        if in_letter and said.by_client:
            letter, dot, rest = text.partition("\r\n.\r\n")
            parts: list[Part] = [{"field": "letter", "length": len(letter) + 2}, {"text": f"{dot[2:]}{rest}"}]
            in_letter = False
        else:
            parts = list(_parts(text))
        in_letter = in_letter or (not said.by_client and "354 " in text)
        yield {
            "by": "client" if said.by_client else "server",
            "wait_ms": round(1000 * (said.began_s - before), 3),
            "parts": parts,
        }
        before = said.ended_s


def _parts(text: str) -> Iterator[Part]:
    """Yield what is sent as it is, and the fields in between."""
    found = [(match.start(), match.end(), name) for name, pattern in _FIELDS for match in re.finditer(pattern, text)]
    at = 0
    for start, end, name in sorted(found):
        if start < at:
            continue  # it lies within a field that is longer
        if start > at:
            yield {"text": text[at:start]}
        yield {"field": name, "length": end - start}
        at = end
    if at < len(text):
        yield {"text": text[at:]}


def _marked(turns: list[dict[str, object]]) -> list[dict[str, object]]:
    """Mark the turn in which the server judges the recipients: from then on the letter has its queue id."""
    next(turn for turn in turns if _names_recipients(turn))["mark"] = "arrival"
    return turns


def _names_recipients(turn: dict[str, object]) -> bool:
    parts = turn["parts"]
    assert isinstance(parts, list)
    return any(part.get("field") == "recipient_replies" for part in parts)
