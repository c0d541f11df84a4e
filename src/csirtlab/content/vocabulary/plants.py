"""Words for the controllers of a plant: masters that poll them, people who set them, somebody who should not."""

from collections.abc import Mapping

from csirtlab.content.labs import Form
from csirtlab.content.vocabulary.words import READING, TAGS, Parameter, Texts, Verb

VERBS: Mapping[str, Verb] = {
    "poll-plant": Verb(
        "a master reads every controller over Modbus/TCP, again and again; most connections were open before",
        {
            "interval_s": Parameter(0.5, 600, "seconds from one round to the next"),
            "reconnects": Parameter(0, 6, "how often each connection is closed and opened again in the window"),
        },
        target=("group",),
        lists={"reads": Texts("what one round reads: coils, setpoints, values", READING)},
    ),
    "operate-plant": Verb(
        "somebody opens a session to a controller, reads it, and writes setpoints that are allowed, or a coil",
        {
            "sessions": Parameter(1, 60, "sessions in the window"),
            "writes": Parameter(0, 10, "writes in one session"),
        },
        target=("group",),
    ),
    "tamper": Verb(
        "a device that is no master looks for controllers, identifies and reads them, and writes one register of one "
        "of them, again and again, to a value that is not allowed (T0846, T0888, T0836, T1692.001)",
        {
            "knocks": Parameter(0, 1, "share of the other hosts at whose Modbus port it knocks"),
            "wait_s": Parameter(5, 1800, "seconds from the last look to the first write"),
            "writes": Parameter(1, 30, "how often it writes the value"),
            "gap_s": Parameter(2, 300, "seconds from one write to the next"),
        },
        target=("host",),
        source=("host",),
        others={"controllers": ("group",)},
        facts={
            "functions": Form.SET, "register": Form.COUNT, "value": Form.COUNT, "first_write": Form.TIME,
            "value_before": Form.COUNT, "extreme": Form.COUNT,
        },
    ),
    "list-tags": Verb(
        "the plant's list of tags lies beside the capture: which register is what, and which setpoints are allowed",
        {},
        target=("group",),
        source=("group",),
        connects=False,
        writes=(TAGS,),
    ),
}  # fmt: skip

WITNESSES: Mapping[str, str] = {
    "rogue.master": "the device that writes over Modbus although the asset list calls it a camera",
    "rogue.target": "the controller that it writes to",
    "rogue.functions": "the function codes of its requests",
    "rogue.register": "the holding register that it writes",
    "rogue.value": "the value that it writes there",
    "rogue.first_write": "when its first write passes",
    "rogue.value_before": "the last value of that register that anybody had read before",
    "rogue.extreme": "of the values measured afterwards under the same tag, the one furthest from that",
    "operator.master": "who else writes over Modbus",
}

GUESSES: Mapping[str, str] = {
    "most-writes.source": "who sends the most writes over Modbus",
    "first-write.source": "who sends the first",
    "first-write.register": "the register that the first of them goes to",
    "largest-write.value": "the largest value that is written to a register",
    "most-written.target": "the controller that most writes go to",
}

READS: Mapping[str, tuple[str, ...]] = {
    "rogue.extreme": (TAGS,),
}
