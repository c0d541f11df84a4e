"""IPython's shell, with everything it shows going to a recorder."""

from typing import Any

from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.interactiveshell import InteractiveShell
from traitlets import Type

from csirtlab_grader.recorder import Recorder


class RecordingPublisher(DisplayPublisher):
    """Takes what ``display`` shows."""

    recorder: Recorder | None = None

    def publish(
        self,
        data: dict[str, Any],
        metadata: dict[str, Any] | None = None,
        *_: object,
        transient: dict[str, Any] | None = None,
        update: bool = False,
        **__: object,
    ) -> None:
        """Record what is displayed, or put it in the place of what bears the same display id."""
        if self.recorder is None:
            return
        display_id = (transient or {}).get("display_id")
        if update:
            self.recorder.update(data, metadata, display_id)
        else:
            self.recorder.display(data, metadata, display_id)

    def clear_output(self, wait: bool = False) -> None:
        """Drop the outputs of this cell."""
        if self.recorder is not None:
            self.recorder.clear(wait)


class RecordingHook(DisplayHook):
    """Takes the value of a cell's last expression."""

    recorder: Recorder | None = None

    def write_output_prompt(self) -> None:
        """Write no prompt: the count stands in the output."""

    def write_format_data(self, format_dict: dict[str, Any], md_dict: dict[str, Any] | None = None) -> None:
        """Record the value."""
        if self.recorder is not None:
            self.recorder.result(self.prompt_count, format_dict, md_dict)

    def finish_displayhook(self) -> None:
        """Clean up as the base class, without its line break."""
        self._is_active = False


class BoxShell(InteractiveShell):
    """A shell without a terminal: one per worker, inherited by every fork."""

    display_pub_class = Type(RecordingPublisher)
    displayhook_class = Type(RecordingHook)
    recorder: Recorder | None = None

    def record(self, recorder: Recorder) -> None:
        """Send everything that is shown from now on to ``recorder``."""
        self.recorder = recorder
        for part in (self.display_pub, self.displayhook):
            assert isinstance(part, RecordingPublisher | RecordingHook)
            part.recorder = recorder

    def ask_exit(self) -> None:
        """Do nothing: ``exit`` in a cell does not take the next cell's answers away."""

    def _showtraceback(self, etype: type[BaseException], evalue: BaseException, stb: Any) -> None:
        if self.recorder is not None:
            lines = stb if isinstance(stb, list) else str(stb).splitlines()
            self.recorder.error(etype.__name__, str(evalue), [str(line) for line in lines])
