"""Inside the walls: leads from this server's own loopback to the hub and the exchange, which speak over a socket."""

import asyncio
import contextlib
import threading
from concurrent.futures import Future
from pathlib import Path

PIECE_B = 64 * 1024


def forward(to: Path) -> int:
    """Listen on 127.0.0.1 in a thread of its own, and lead whoever connects to the socket ``to``; return the port.

    Hints, nbgrader's plug-ins and the server itself speak TCP.
    """
    port: Future[int] = Future()
    threading.Thread(target=lambda: asyncio.run(_serve(to, port)), name="forwarder", daemon=True).start()
    return port.result()


async def _serve(to: Path, port: "Future[int]") -> None:
    async def lead(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            from_hub, to_hub = await asyncio.open_unix_connection(str(to))
            await asyncio.gather(_pump(reader, to_hub), _pump(from_hub, writer), return_exceptions=True)
        writer.close()

    try:
        server = await asyncio.start_server(lead, "127.0.0.1", 0)
    except OSError as error:
        port.set_exception(error)
        return
    port.set_result(server.sockets[0].getsockname()[1])
    await server.serve_forever()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while piece := await reader.read(PIECE_B):
            writer.write(piece)
            await writer.drain()
    finally:
        writer.close()
