"""Records Modbus/TCP: pymodbus' client against pymodbus' server, each function once.

Source: MODBUS Application Protocol V1.1b3; MODBUS Messaging on TCP/IP V1.0b (the header: transaction, 0, length, unit).
"""

import importlib.util
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence

from csirtlab.errors import SetupError
from csirtlab.proofs.recorders.relay import Relay, Said
from csirtlab.proofs.recorders.stage import Part, ensure_own_namespaces

_PORT = 22502
_HEADER = 7  # bytes before the function code
_CALLS = (
    "read_coils(20, count=6)", "read_discrete_inputs(20, count=6)", "read_holding_registers(300, count=4)",
    "read_input_registers(500, count=4)", "write_coil(22, True)", "write_register(301, 777)",
    "write_coils(20, [True, False, True])", "write_registers(300, [710, 720])",
    "read_device_information(read_code=1)",
)  # fmt: skip
_READS, _WRITES_ONE, _WRITES_MANY, _IDENTIFIES = (1, 2, 3, 4), (5, 6), (15, 16), 43


def record() -> dict[str, dict[str, object]]:
    """Return the recordings by name. To be run as root in a network and mount namespace of its own.

    Raises:
        SetupError: pymodbus is missing.
    """
    ensure_own_namespaces("modbus")
    if importlib.util.find_spec("pymodbus") is None:
        raise SetupError("pymodbus is not installed. Install it: pip install pymodbus")
    server = subprocess.Popen([sys.executable, "-c", _SERVER])
    try:
        relay = Relay(_PORT)
        relay.start()
        time.sleep(2)
        subprocess.run([sys.executable, "-c", _CLIENT.format(port=relay.port, calls=_CALLS)], check=True, timeout=60)
        while not relay.conversations:
            time.sleep(0.05)
    finally:
        server.terminate()
        server.wait()
    version = subprocess.run(
        [sys.executable, "-c", "import pymodbus; print(pymodbus.__version__)"],
        capture_output=True, text=True, check=True,
    ).stdout.strip()  # fmt: skip
    software = f"pymodbus {version} to pymodbus {version}"
    return {
        "modbus-functions": {"protocol": "Modbus", "software": software, "turns": list(_turns(relay.conversations[0]))}
    }


_SERVER = f"""
from pymodbus import ModbusDeviceIdentification
from pymodbus.datastore import ModbusDeviceContext, ModbusSequentialDataBlock, ModbusServerContext
from pymodbus.server import StartTcpServer

bits, words = (ModbusSequentialDataBlock(1, [0] * 1000) for _ in range(2))
context = ModbusServerContext(devices=ModbusDeviceContext(di=bits, co=bits, hr=words, ir=words), single=True)
names = {{"VendorName": "vendor", "ProductCode": "product", "MajorMinorRevision": "1.0"}}
StartTcpServer(context, identity=ModbusDeviceIdentification(info_name=names), address=("127.0.0.1", {_PORT}))
"""

_CLIENT = """
import time
from pymodbus.client import ModbusTcpClient

client = ModbusTcpClient("127.0.0.1", port={port})
client.connect()
for call in {calls}:
    eval("client." + call)
    time.sleep(0.2)
client.close()
"""


def _turns(conversation: Sequence[Said]) -> Iterator[dict[str, object]]:
    """Yield the turns, each marked with its function, and with what differs each time as fields."""
    before = conversation[0].began_s
    for said in conversation:
        code = said.content[_HEADER]
        yield {
            "by": "client" if said.by_client else "server",
            "mark": f"function {code}",
            "wait_ms": round(1000 * (said.began_s - before), 3),
            "parts": [
                {"field": "transaction", "length": 2},
                {"hex": said.content[2:4].hex()},
                {"field": "length", "length": 2},
                {"field": "unit", "length": 1},
                {"hex": f"{code:02x}"},
                *_body(code, said.content[_HEADER + 1 :], by_client=said.by_client),
            ],
        }
        before = said.ended_s


def _body(code: int, body: bytes, *, by_client: bool) -> list[Part]:
    """Return the parts behind the function code."""
    address: Part = {"field": "address", "length": 2}
    if code in _READS:
        if by_client:
            return [address, {"field": "count", "length": 2}]
        return [{"field": "bytes", "length": 1}, {"field": "values", "length": body[0]}]
    if code in _WRITES_ONE:
        return [address, {"field": "values", "length": 2}]
    if code in _WRITES_MANY:
        head: list[Part] = [address, {"field": "count", "length": 2}]
        return [*head, {"field": "bytes", "length": 1}, {"field": "values", "length": body[4]}] if by_client else head
    assert code == _IDENTIFIES
    if by_client:
        return [{"hex": body.hex()}]
    # Kind, code, conformity, more, next object, their number; then each object with its id and length (6.21).
    return [{"hex": body[:6].hex()}, {"field": "objects", "length": len(body) - 6}]
