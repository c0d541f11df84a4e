"""What a cell prints and shows, kept in the order in which it happens, in the shape of nbformat."""

import base64
import io
from typing import Any

FINDING = "application/vnd.csirtlab.finding+json"
CUT = "\n[... output cut here: there was too much of it ...]\n"
_FINDINGS_ROOM = 4 * 2**20  # findings have room of their own, so that chatter cannot push them out


class Recorder:
    """The outputs of one cell after the other; ``room`` is how many bytes all of them may take."""

    def __init__(self, room: int) -> None:
        self.outputs: list[dict[str, Any]] = []
        self._room = room
        self._findings_room = _FINDINGS_ROOM
        self._wait_to_clear = False

    def next_cell(self) -> list[dict[str, Any]]:
        """Return the outputs since the last call and begin anew."""
        outputs, self.outputs = self.outputs, []
        self._wait_to_clear = False
        return outputs

    def stream(self, name: str, text: str) -> None:
        """Add printed text; what follows on the same stream is joined to it."""
        text = self._fitted(text)
        if not text:
            return
        self._clear_if_waiting()
        last = self.outputs[-1] if self.outputs else None
        if last and last["output_type"] == "stream" and last["name"] == name:
            last["text"] += text
        else:
            self.outputs.append({"output_type": "stream", "name": name, "text": text})

    def display(self, bundle: dict[str, Any], metadata: dict[str, Any] | None, display_id: str | None = None) -> None:
        """Add something displayed: a mapping of mime type to content."""
        data = self._bundle(bundle)
        if not data:
            return
        self._clear_if_waiting()
        output: dict[str, Any] = {"output_type": "display_data", "data": data, "metadata": metadata or {}}
        if display_id:
            output["display_id"] = display_id
        self.outputs.append(output)

    def update(self, bundle: dict[str, Any], metadata: dict[str, Any] | None, display_id: str | None) -> None:
        """Replace what was displayed in this cell under ``display_id``."""
        for output in self.outputs:
            if display_id and output.get("display_id") == display_id:
                output["data"], output["metadata"] = self._bundle(bundle), metadata or {}

    def result(self, count: int, bundle: dict[str, Any], metadata: dict[str, Any] | None) -> None:
        """Add the value of the cell's last expression."""
        if data := self._bundle(bundle):
            self._clear_if_waiting()
            self.outputs.append(
                {"output_type": "execute_result", "execution_count": count, "data": data, "metadata": metadata or {}}
            )

    def error(self, name: str, value: str, traceback: list[str]) -> None:
        """Add an exception."""
        self._clear_if_waiting()
        lines = [self._fitted("\n".join(traceback))]
        self.outputs.append({"output_type": "error", "ename": name, "evalue": value[:2000], "traceback": lines})

    def clear(self, wait: bool) -> None:
        """Drop the cell's outputs, at once or when the next one comes; findings stay."""
        if wait:
            self._wait_to_clear = True
        else:
            self.outputs = [output for output in self.outputs if FINDING in output.get("data", {})]

    def _clear_if_waiting(self) -> None:
        if self._wait_to_clear:
            self._wait_to_clear = False
            self.clear(wait=False)

    def _fitted(self, text: str) -> str:
        if self._room <= 0:
            return ""
        if len(text) > self._room:
            text = text[: self._room] + CUT
        self._room -= len(text)
        return text

    def _bundle(self, bundle: dict[str, Any]) -> dict[str, Any]:
        data = {mime: _plain(content) for mime, content in bundle.items()}
        size = sum(len(str(content)) for content in data.values())
        if FINDING in data:
            self._findings_room -= size
            return data if self._findings_room > 0 else {}
        if size > self._room:
            self.stream("stdout", CUT)
            return {}
        self._room -= size
        return data


def _plain(content: object) -> object:
    if isinstance(content, bytes):
        return base64.b64encode(content).decode("ascii")
    return content


class RecordedStream(io.TextIOBase):
    """``sys.stdout`` or ``sys.stderr`` of a submission."""

    encoding = "utf-8"
    errors = "replace"

    def __init__(self, recorder: Recorder, name: str, descriptor: int) -> None:
        super().__init__()
        self._recorder, self.name, self._descriptor = recorder, name, descriptor

    def write(self, text: str) -> int:
        """Record ``text``."""
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        self._recorder.stream(self.name, text)
        return len(text)

    def writable(self) -> bool:
        """Return True."""
        return True

    def fileno(self) -> int:
        """Return the descriptor that programs started from here inherit."""
        return self._descriptor
