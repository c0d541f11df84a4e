"""The reference solution of ``iot-worm-and-plc``: for each question, the source of its answer cell.

It sees the evidence and nothing else, so it has to find the answers of every case. The cells are run in
the order of the lab, in one kernel; the first one of each half defines what the others use.
"""

CREDENTIAL_PAIR = '''\
import re
from collections import defaultdict

import pandas as pd

FETCH = re.compile(r"wget -q http://(?P<loader>[\\d.]+)/(?P<file>\\S+)")


def typed_lines(case):
    """What clients typed over telnet on both of its ports, without negotiation: (stream, device) -> lines."""
    frames = case.table(
        ["tcp.stream", "ip.dst", "tcp.payload"],
        "tcp.dstport in {23, 2323} && tcp.len > 0 && !tcp.analysis.retransmission",
    )
    typed = defaultdict(list)
    for stream, device, payload in frames.itertuples(index=False):
        content = bytes.fromhex(payload.replace(":", ""))
        if not content.startswith(b"\\xff"):
            typed[stream, device].append(content.decode("utf-8", "replace").strip())
    return typed


def followed_orders(case):
    """One row per order to fetch a file that its device followed, in the order of the requests."""
    asked = case.table(["frame.time_epoch", "ip.src", "ip.dst", "http.request.uri"], "http.request")
    rows = []
    for (_, device), said in typed_lines(case).items():
        for found in filter(None, map(FETCH.match, said)):
            mine = asked[(asked["ip.src"] == device) & (asked["ip.dst"] == found["loader"])]
            mine = mine[mine["http.request.uri"] == f"/{found['file']}"]
            if len(mine):
                at = mine["frame.time_epoch"].min()
                rows.append({"at": at, "device": device, "loader": found["loader"], "pair": ":".join(said[:2])})
    return pd.DataFrame(rows).sort_values("at", ignore_index=True)


chain = followed_orders(case)
case.answer("credential_pair", chain["pair"].iloc[0])
'''

INFECTED_DEVICES = """\
case.answer("infected_devices", set(chain["device"]))
"""

LOADER_ADDRESS = """\
case.answer("loader_address", chain["loader"].iloc[0])
"""

FIRST_FETCH = """\
case.answer("first_fetch", chain["at"].min())
"""

FUNCTION_CODES = '''\
import struct


def read_tags(case):
    """The list of tags, with the address of each controller."""
    addresses = pd.read_csv(case.path("assets.csv")).set_index("hostname")["address"]
    return pd.read_csv(case.path("tags.csv")).assign(plc=lambda found: found["plc"].map(addresses))


def modbus_requests(case):
    """All requests to controllers, in their order: at, master, plc, function, register, value."""
    frames = case.table(
        ["frame.time_epoch", "ip.src", "ip.dst", "tcp.payload"],
        "modbus && tcp.dstport == 502 && !tcp.analysis.retransmission",
    ).set_axis(["at", "master", "plc", "payload"], axis=1)
    messages = frames.pop("payload").str.replace(":", "").map(bytes.fromhex)
    frames["function"] = messages.str[7]
    # Behind the function code: address and value, but for function 16 address, count, number of bytes and values.
    frames["register"] = [struct.unpack_from(">H", each, 8)[0] for each in messages]
    frames["value"] = [
        struct.unpack_from(">H", each, 13 if each[7] == 16 else 10)[0] if each[7] in (5, 6, 16) else -1
        for each in messages
    ]
    return frames


def forbidden_among(requests, tags):
    """The writes to holding registers whose values the list of tags does not allow, in their order."""
    limits = tags.loc[tags["table"] == "holding", ["plc", "register", "tag", "low", "high"]]
    writes = requests[requests["function"].isin([6, 16])].merge(limits, on=["plc", "register"])
    return writes[(writes["value"] < writes["low"]) | (writes["value"] > writes["high"])].sort_values("at")


every_tag, requests_of_all = read_tags(case), modbus_requests(case)
first = forbidden_among(requests_of_all, every_tag).iloc[0]
case.answer("function_codes", set(requests_of_all.loc[requests_of_all["master"] == first["master"], "function"]))
'''

WRITTEN_VALUE = """\
case.answer("written_value", first["value"])
"""

PROCESS_EXTREME = '''\
def values_read(case, plc, function, register):
    """What a controller told about one register to whoever asked: time -> value."""
    frames = case.table(
        ["frame.time_epoch", "modbus.regnum16", "modbus.regval_uint16"],
        f"ip.src == {plc} && tcp.srcport == 502 && modbus.func_code == {function}",
        every=True,
    )
    found = {}
    for (at,), registers, values in frames.itertuples(index=False):
        if str(register) in registers:
            found[float(at)] = int(values[registers.index(str(register))])
    return pd.Series(found).sort_index()


measured = every_tag[(every_tag["plc"] == first["plc"]) & (every_tag["tag"] == first["tag"].replace(".SP", ".PV"))]
setpoints = values_read(case, first["plc"], 3, first["register"])
course_of_loop = values_read(case, first["plc"], 4, measured["register"].iloc[0])
held = setpoints[setpoints.index < first["at"]].iloc[-1]
later = course_of_loop[course_of_loop.index > first["at"]]
case.answer("process_extreme", later.loc[(later - held).abs().idxmax()])
'''

FIND_ROGUE_MASTER = """\
def find_rogue_master(case):
    return forbidden_among(modbus_requests(case), read_tags(case))["master"].iloc[0]


case.method("find_rogue_master", find_rogue_master)
"""

OPERATOR_NOTE = """\
**TLP:AMBER** · for the shift supervisor · all times UTC

**A camera in your network has changed a setpoint of yours, and the process followed.** I am sure of the writes and of their effect; \
that whoever controls the worm also made them is very likely, not proven.

**Process.** The loop (tag, value, time and extreme as in my answers 5 to 7, times `scale`) was set outside its limits, several times with the same value. \
The measured value followed within minutes and was still out there when the recording ended. Your engineer's writes were all within limits.

**Network.** A worm from outside logged in to a camera with a maker's password, made it fetch a program, and went on from camera to camera. \
One of the infected cameras asked every controller who it is, and then wrote to one.

**Not known.** What happened before this hour, and on wires that pass no switch.

**In this order.** 1. You: keep the loop by hand, check it at the instrument or by a sample, set the setpoint back in your usual way. \
2. Network staff, on your word: isolate at the switch the camera that wrote, then the other infected ones; leave them powered for us. \
3. Router: block telnet and the loader's address. 4. CSIRT: secure the cameras' memory; only then clean, new passwords, a network of their own.

**Please do not** scan, read controllers to test, switch cameras off and on, or cut off SCADA and historian: they are your eyes.
"""

ANSWERS: dict[str, str] = {
    "credential_pair": CREDENTIAL_PAIR,
    "infected_devices": INFECTED_DEVICES,
    "loader_address": LOADER_ADDRESS,
    "first_fetch": FIRST_FETCH,
    "function_codes": FUNCTION_CODES,
    "written_value": WRITTEN_VALUE,
    "process_extreme": PROCESS_EXTREME,
    "find_rogue_master": FIND_ROGUE_MASTER,
    "operator_note": OPERATOR_NOTE,
}
"""Question id to the source of its answer cell; of a report, its Markdown text."""
