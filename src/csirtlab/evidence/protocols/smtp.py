"""Mail handed over from server to server in clear text: recorded dialogues of Postfix and of Python's smtplib."""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import ClassVar

from csirtlab.evidence.protocols.dialogues import Closing, Turn
from csirtlab.evidence.protocols.recordings import recording

SMTP = 25


@dataclass(frozen=True, slots=True)
class Handover:
    """One message handed over on a connection of its own."""

    is_script: bool  # a program of somebody's own hands it over, not a mail server
    client: str  # as it greets
    server: str
    sender: str  # of the envelope
    recipients: tuple[str, ...]
    refused: tuple[str, ...]  # those of them that the server does not know
    message: bytes  # with CRLF, as it is sent
    queue_id: str
    greeting_ns: int  # the server looks up who calls
    judging_ns: int  # it looks up who may send for the sender
    keeping_ns: int  # it looks up signatures and policies
    closing: Closing
    keeps_records: ClassVar[bool] = False

    @property
    def is_refused(self) -> bool:
        """Say whether no recipient is left."""
        return set(self.recipients) == set(self.refused)

    @property
    def recording(self) -> str:
        """Return what it was recorded as."""
        return f"smtp-{'script' if self.is_script else 'relay'}{'-refused' if self.is_refused else ''}"

    @property
    def arrival(self) -> int:
        """Return in which turn the message gets its queue id, and its time in ``Received``."""
        return next(number for number, turn in enumerate(recording(self.recording).turns) if turn.mark == "arrival")

    def turns(self, rng: Random) -> Iterator[Turn]:
        """Yield what both say; the server takes its time to look things up."""
        values = {
            "client": self.client, "server": self.server, "sender": self.sender, "size": str(len(self.message)),
            "recipients": "".join(self.recipient_lines()), "queue_id": self.queue_id,
            "recipient_replies": "".join(self.reply_lines()),
        }  # fmt: skip
        packed = {name: value.encode() for name, value in values.items()}
        packed["letter"] = b"".join(
            # RFC 5321, 4.5.2: a dot at the beginning of a line is doubled.
            b"." + line if line.startswith(b".") else line
            for line in self.message.splitlines(keepends=True)
        )
        turns = recording(self.recording).turns
        last_word = next(
            (number for number, turn in enumerate(turns) if any(part.field == "queue_id" for part in turn.parts)), -1
        )
        slow = {0: self.greeting_ns, self.arrival: self.judging_ns, last_word: self.keeping_ns}
        for number, turn in enumerate(turns):
            wait = int(turn.wait_ns * (0.7 + 0.9 * rng.random())) + slow.get(number, 0)
            yield Turn(turn.by_client, turn.payload(rng, packed), wait)

    def recipient_lines(self) -> Iterator[str]:
        """Yield the lines with which the client names the recipients."""
        for recipient in self.recipients:
            extra = "" if self.is_script else f" ORCPT=rfc822;{recipient}"
            yield f"{'rcpt' if self.is_script else 'RCPT'} TO:<{recipient}>{extra}\r\n"

    def reply_lines(self) -> Iterator[str]:
        """Yield what the server answers to each."""
        unknown = "Recipient address rejected: User unknown in virtual mailbox table"
        for recipient in self.recipients:
            yield f"550 5.1.1 <{recipient}>: {unknown}\r\n" if recipient in self.refused else "250 2.1.5 Ok\r\n"
