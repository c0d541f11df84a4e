"""Dialogues whose turns are due at given moments, whatever the way there took."""

from csirtlab.evidence.protocols.dialogues import Payload


class Watch:
    """Remembers when a dialogue last spoke, so that its next turn can wait for a moment."""

    def __init__(self, at_ns: int = 0) -> None:
        self.at_ns = at_ns

    def note(self, content: bytes) -> Payload:
        """Return ``content`` as a payload that tells the watch when it is sent."""

        def send(at_ns: int) -> bytes:
            self.at_ns = at_ns
            return content

        return send

    def until(self, due_ns: int) -> int:
        """Return how long to think so as to speak at ``due_ns``; not at all when that has passed."""
        return max(0, due_ns - self.at_ns)
