"""Requests of every route, made up from the OpenAPI document, against the real daemon.

Usage: interface.py PROGRAMS REPORT [EXAMPLES [SEED]]   (run by scripts/test-interface in its own environment)
"""

import collections
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
CHECKS = [
    "not_a_server_error", "status_code_conformance", "content_type_conformance", "response_schema_conformance",
    "negative_data_rejection",
]


class Plant:
    """A daemon with a plant in which there is one of everything."""

    def __init__(self, programs):
        self.directory = tempfile.mkdtemp(prefix="traveler-interface.")
        self.socket = self.directory + "/control.sock"
        with open(self.directory + "/log", "wb") as log:
            self.process = subprocess.Popen(
                [programs + "/travelerd", "serve", "--directory", self.directory, "--socket", self.socket],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        end = time.monotonic() + 30
        while not os.path.exists(self.socket) or self.ask("GET", "/v1/status")[0] != 200:
            if self.process.poll() is not None or time.monotonic() > end:
                sys.exit("travelerd did not start:\n" + self.log())
            time.sleep(0.02)

    def ask(self, method, path, body=None):
        connection = http.client.HTTPConnection("localhost", timeout=30)
        connection.sock = socket.socket(socket.AF_UNIX)
        try:
            connection.sock.connect(self.socket)
            data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
            connection.request(method, path, body=data)
            answer = connection.getresponse()
            return answer.status, answer.read()
        except OSError:
            return 0, b""
        finally:
            connection.close()

    def make(self, method, path, body=None):
        status, answer = self.ask(method, path, body)
        if status not in (200, 201):
            sys.exit(f"cannot set the plant up: {method} {path}: {status} {answer.decode()}")
        return json.loads(answer)

    def log(self):
        with open(self.directory + "/log", errors="replace") as file:
            return file.read()

    def close(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(30)
        shutil.rmtree(self.directory)

    def fill(self):
        """Sets the plant up, and names what is in it by kind."""
        with open(os.path.join(HERE, "site.yaml"), "rb") as file:
            self.make("PUT", "/v1/site", file.read())
        for number in ("1001", "1002"):
            self.make("POST", "/v1/work-orders", {"number": number, "product": "PCB-100", "quantity": 500, "team": "smt"})
        self.make("POST", "/v1/work-orders/1001/release")
        made = [f"B-{number}" for number in range(1, 9)]
        stocked = [f"S-{number}" for number in range(1, 17)]
        self.make("POST", "/v1/units", {"product": "PCB-100", "serials": made, "work_order": "1001"})
        self.make("POST", "/v1/units/receive", {"product": "PCB-100", "serials": stocked, "note": "bought"})
        self.make("POST", "/v1/products/RES-10K/adjustments", {"change": 5000, "note": "counted"})
        self.make(
            "POST", "/v1/deliveries",
            {"order": "SO-1", "customer": "Shop", "serials": stocked[:8], "items": [{"product": "RES-10K", "quantity": 50}]})
        delivery = self.make("POST", "/v1/deliveries", {"order": "SO-2", "customer": "Fair", "serials": stocked[8:10]})
        cases = [
            self.make("POST", "/v1/defects", {"serials": [serial], "note": "found", "types": [{"type": "SOLDER"}]})["id"]
            for serial in made[:3]
        ]
        sent = self.make("POST", "/v1/defects", {"serials": [stocked[10]], "note": "found", "reason": "dead"})["id"]
        self.make("POST", "/v1/defects/route", {"cases": [sent], "supplier": "acme", "rma": "R-1", "note": "sent"})
        shipments = self.make("GET", "/v1/supplier-returns")["items"]
        items, returns, tasks = [], [], []
        for serials in (stocked[:2], stocked[2:4]):
            back = self.make(
                "POST", "/v1/returns",
                {"order": "SO-1", "kind": "return", "reason": "other", "items": [{"serial": one} for one in serials]})
            returns.append(back["id"])
            items += [item["id"] for item in back["items"]]
        tasks.append(self.make("POST", f"/v1/returns/{returns[0]}/inspection", {})["qc_task"])
        job = self.make("POST", "/v1/labels", {"serial": made[4], "station": "LABEL-1"})["id"]
        hook = self.make("POST", "/v1/webhooks", {"url": "http://127.0.0.1:9/", "kinds": ["return.completed"]})["id"]
        return {
            "serial": made + stocked, "number": ["1001", "1002"], "order": ["SO-1", "SO-2"],
            "product_code": ["PCB-100", "RES-10K"], "supplier_code": ["acme"], "defect-type_code": ["SOLDER"],
            "department_code": ["electronics"], "team_code": ["smt", "finish"], "login": ["ada", "mia"],
            "station": ["ASSY-1", "TEST-1", "LABEL-1", "SHIP-1", "BACK-1", "ASK-1"], "customer": ["Shop", "Fair"],
            "defects_id": cases + [sent], "supplier-returns_id": [one["id"] for one in shipments],
            "returns_id": returns, "item": items, "repacking_id": items, "qc-tasks_id": tasks,
            "labels_id": [job], "webhooks_id": [hook], "deliveries_id": [delivery["id"]], "device": ["serial:SCAN-1"],
        }


def shorten(schema):
    """Leaves out the limits of long lists: lists of 10,000 serials take minutes to make up. Swift tests try those."""
    if isinstance(schema, dict):
        if schema.get("maxItems", 0) > 100:
            del schema["maxItems"]
        for part in schema.values():
            shorten(part)
    elif isinstance(schema, list):
        for part in schema:
            shorten(part)


def main():
    programs, report = sys.argv[1], sys.argv[2]
    examples = sys.argv[3] if len(sys.argv) > 3 else "30"
    seed = sys.argv[4] if len(sys.argv) > 4 else "1"
    plant = Plant(programs)
    try:
        known = plant.fill()
        description = json.loads(plant.ask("GET", "/v1/openapi.json")[1])
        operations = sum(len(methods) for methods in description["paths"].values())
        shorten(description)
        document = plant.directory + "/openapi.json"
        with open(document, "w") as file:
            json.dump(description, file)
        count = plant.directory + "/count"
        done = subprocess.run(
            [
                sys.executable, "-m", "schemathesis.cli", "run", document, "--url", "http://localhost",
                "--checks", ",".join(CHECKS), "--phases", "examples,coverage,fuzzing", "--max-examples", examples,
                "--seed", seed, "--generation-database", "none", "--no-shrink", "--continue-on-failure",
                "--request-timeout", "20", "--workers", "1", "--warnings", "off", "--no-color",
                "--suppress-health-check", "all",
            ],
            cwd=plant.directory,
            env={
                **os.environ, "SCHEMATHESIS_HOOKS": "hooks", "PYTHONPATH": HERE, "PYTHONDONTWRITEBYTECODE": "1",
                "TRAVELER_SOCKET": plant.socket, "TRAVELER_COUNT": count, "TRAVELER_KNOWN": json.dumps(known),
            },
            stdin=subprocess.DEVNULL, capture_output=True, text=True)
        with open(report, "w") as file:
            file.write(done.stdout + done.stderr)
        with open(count) as file:
            statuses = collections.Counter(line[0] for line in file)
        print(
            f"{operations} operations, {statuses.total()} requests, seed {seed}: {statuses['2']} done, {statuses['4']} "
            f"refused, {statuses['5']} server errors; {report} says what was found")
        if done.returncode != 0:
            print(done.stdout[-20000:] + done.stderr[-4000:])
            sys.exit(1)
        # What was asked of it is in the ledger, and whole.
        if plant.process.poll() is not None:
            sys.exit("travelerd ended:\n" + plant.log())
        verified = json.loads(plant.ask("POST", "/v1/audit/verify")[1])
        if not verified.get("ok"):
            sys.exit(f"the ledger is not whole afterwards: {verified}")
        print(f"no answer was a server error or other than declared; the ledger's {verified['events']} events are whole")
    finally:
        plant.close()


if __name__ == "__main__":
    main()
