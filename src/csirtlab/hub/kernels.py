"""Kernels behind walls: nothing of them listens on the network, which all servers share."""

import os
import tempfile
from pathlib import Path
from typing import Any


def keep_off_the_network() -> None:
    """Make ipykernel take what forked processes print over a socket file instead of a TCP port.

    Whoever can reach that port, every neighbour on the machine, could put words into a kernel's
    output ("Bad pipe message: ...") and fill its memory. To be called before the kernel is set up.

    Source: ipykernel 7.4.0, iostream.py, ``IOPubThread``.
    """
    import zmq
    from ipykernel.iostream import IOPubThread
    from zmq.eventloop.zmqstream import ZMQStream

    def setup_pipe_in(thread: Any) -> None:
        thread._pipe_uuid = os.urandom(16)
        thread._pipe_folder = tempfile.TemporaryDirectory(prefix="kernel-", ignore_cleanup_errors=True)
        thread._pipe_port = f"ipc://{Path(thread._pipe_folder.name) / 'printed'}"
        pipe_in = thread.socket.context.socket(zmq.PULL)
        pipe_in.linger = 0
        pipe_in.bind(thread._pipe_port)
        thread._pipe_in = ZMQStream(pipe_in, thread.io_loop)
        thread._pipe_in.on_recv(thread._handle_pipe_msg)

    def setup_pipe_out(thread: Any) -> tuple[Any, Any]:
        context = zmq.Context()  # a new one: this is after a fork
        pipe_out = context.socket(zmq.PUSH)
        pipe_out.linger = 3000  # milliseconds
        pipe_out.connect(thread._pipe_port)
        return context, pipe_out

    # Not the methods by other names: should ipykernel do without them one day, this does no harm.
    patched: Any = IOPubThread
    patched._setup_pipe_in = setup_pipe_in
    patched._setup_pipe_out = setup_pipe_out
