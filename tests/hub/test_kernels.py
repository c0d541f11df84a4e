"""A kernel behind walls listens to nothing that its neighbours can reach."""

import os
import subprocess
import sys
from pathlib import Path

from csirtlab.settings import content_root

KERNEL = """
import sys
from jupyter_client import KernelManager
manager = KernelManager(transport="ipc", kernel_name="python3")
manager.start_kernel(stdout=-3, stderr=-3)
client = manager.client()
client.start_channels()
client.wait_for_ready(timeout=60)
told = []
client.execute_interactive(sys.argv[1], timeout=60, output_hook=lambda said: told.append(str(said["content"])))
client.stop_channels()
manager.shutdown_kernel(now=True)
print("".join(told))
"""


def run_in_kernel(tmp_path: Path, code: str) -> str:
    """Run code in a kernel that reads our configuration, as from /etc/ipython inside the walls."""
    folder = tmp_path / ".ipython" / "profile_default"
    folder.mkdir(parents=True)
    ours = content_root() / "hub_config" / "etc" / "ipython" / "ipython_kernel_config.py"
    (folder / ours.name).write_bytes(ours.read_bytes())
    environment = {**os.environ, "HOME": str(tmp_path), "JUPYTER_RUNTIME_DIR": str(tmp_path / "runtime")}
    return subprocess.check_output([sys.executable, "-W", "ignore", "-c", KERNEL, code], text=True, env=environment)


def test_the_kernel_listens_to_no_tcp_port(tmp_path: Path) -> None:
    code = """
import os
own = {os.readlink(f"/proc/self/fd/{n}") for n in os.listdir("/proc/self/fd") if os.path.islink(f"/proc/self/fd/{n}")}
tcp = [line.split() for line in open("/proc/net/tcp").read().splitlines()[1:]]
print("ports:", sum(words[3] == "0A" and f"socket:[{words[9]}]" in own for words in tcp))
"""
    assert "ports: 0" in run_in_kernel(tmp_path, code)


def test_what_a_forked_process_prints_is_still_shown(tmp_path: Path) -> None:
    code = """
import os
child = os.fork()
if not child:
    print("said by the child", flush=True)
    os._exit(0)
os.waitpid(child, 0)
import time
time.sleep(0.5)
"""
    assert "said by the child" in run_in_kernel(tmp_path, code)
