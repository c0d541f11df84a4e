"""The exchange's errors: what was refused or is damaged, each with its HTTP status."""

from csirtlab.errors import ExchangeError


class Refusal(ExchangeError):  # noqa: N818  refusing is no failure
    """A request that cannot be granted; ``status`` is the HTTP status that says so."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


class StorageError(ExchangeError):
    """The disk did not take what it was given; nothing was acknowledged."""

    status = 507  # Insufficient Storage, RFC 4918


class LogError(ExchangeError):
    """The log is damaged or was altered."""

    exit_code = 1


class ReceiptError(ExchangeError):
    """A receipt is not what it claims to be."""

    exit_code = 1
