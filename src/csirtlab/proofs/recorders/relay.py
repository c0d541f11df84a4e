"""Stands between a client and a server, passes everything on, and remembers who said what when."""

import selectors
import socket
import threading
import time
from dataclasses import dataclass, field

_TOGETHER_S = 0.0015  # writes of one side nearer than this are one turn


@dataclass
class Said:
    """What one side said at a stretch."""

    by_client: bool
    began_s: float
    ended_s: float
    content: bytes


@dataclass
class Relay:
    """Listens on a port of loopback for one connection at a time, and hands it on to another port."""

    server_port: int
    listener: socket.socket = field(default_factory=lambda: socket.create_server(("127.0.0.1", 0)))
    conversations: list[list[Said]] = field(default_factory=list)

    @property
    def port(self) -> int:
        """Return the port that clients connect to."""
        number: int = self.listener.getsockname()[1]
        return number

    def start(self) -> None:
        """Serve until the process ends."""
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            client, _ = self.listener.accept()
            with client, socket.create_connection(("127.0.0.1", self.server_port)) as server:
                for end in (client, server):
                    end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                conversation: list[Said] = []
                self._pass_on(client, server, conversation)
                self.conversations.append(conversation)

    def _pass_on(self, client: socket.socket, server: socket.socket, conversation: list[Said]) -> None:
        with selectors.DefaultSelector() as ready:
            ready.register(client, selectors.EVENT_READ)
            ready.register(server, selectors.EVENT_READ)
            while True:
                for key, _ in ready.select():
                    source = key.fileobj
                    assert isinstance(source, socket.socket)
                    content = source.recv(262_144)
                    if not content:
                        return
                    (server if source is client else client).sendall(content)
                    _remember(conversation, by_client=source is client, content=content)


def _remember(conversation: list[Said], *, by_client: bool, content: bytes) -> None:
    now = time.monotonic()
    if conversation and conversation[-1].by_client == by_client and now - conversation[-1].ended_s < _TOGETHER_S:
        conversation[-1].content += content
        conversation[-1].ended_s = now
    else:
        conversation.append(Said(by_client, now, now, content))
