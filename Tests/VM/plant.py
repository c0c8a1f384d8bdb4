"""The plant of the tests: a line whose stations differ only in the devices that are bound to them."""
import json

from guest import path_of

_PLANT = """
departments: [{ code: electronics, name: Electronics }]
teams: [{ code: line, name: Line 1, department: electronics }]
routings: [{ code: board, stages: [{ name: assembly }, { name: testing, verdict: required }] }]
labels:
  - { name: small, zpl: "^XA^FO40,30^A0N,40^FD{{serial}}^FS^XZ" }
  - { name: large, zpl: LARGE }
products:
  - code: BOARD
    name: Board
    type: pcb
    routing: board
    label: LABEL
    serial: { pattern: "B-{seq:4}", per: product }
stations:
"""
# Of so many bytes that a printer can be unplugged in the middle.
_LARGE_LABEL = "^XA" + "".join(f"^FO10,{10 * row}^A0N,8^FDLine {row:04d} of a long label^FS" for row in range(600))
_LARGE_LABEL += "^FO40,30^A0N,40^FD{{serial}}^FS^XZ"


def site(label: str = "small", **stations: str) -> str:
    """A site file. Stations are named by their mode (`PASS_1`, `LABEL_1`, `LOOKUP_1`); the value is what is bound to them,
    as made by `scanner` and `printer`."""
    text = _PLANT.replace("LARGE", json.dumps(_LARGE_LABEL)).replace("label: LABEL", f"label: {label}")
    for name, devices in stations.items():
        mode = name.split("_")[0].lower()
        stages = "stages: [assembly], " if mode == "pass" else ""
        text += f"  - {{ name: {name}, mode: {mode}, {stages}team: line, {devices} }}\n"
    return text


def scanner(port: int | None = None, serial: str | None = None, node: str | None = None, baud: int | None = None) -> str:
    """A scanner bound by the port that it is plugged into, its serial number, or its node."""
    fields = {"port": None if port is None else path_of(port), "serial": serial, "node": node, "baud": baud}
    return "scanners: [" + json.dumps({key: value for key, value in fields.items() if value is not None}) + "]"


def printer(port: int | None = None, serial: str | None = None) -> str:
    """A USB printer bound by its port or its serial number."""
    return "printers: [" + json.dumps(f"port:{path_of(port)}" if serial is None else f"serial:{serial}") + "]"
