"""What schemathesis needs to reach the daemon: its Unix socket, an end for its streams, and ids of things that are there."""

import hashlib
import json
import os
import socket
from urllib.parse import quote, urlsplit

import requests
import requests.adapters
import yaml
import schemathesis
import urllib3
from urllib3.connection import HTTPConnection

SOCKET = os.environ["TRAVELER_SOCKET"]
COUNT = os.environ["TRAVELER_COUNT"]
# Kinds of things by the parameters that name them, as the plant that was set up has them.
KNOWN = json.loads(os.environ["TRAVELER_KNOWN"])
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "site.yaml")) as file:
    SITE = yaml.safe_load(file)


class Connection(HTTPConnection):
    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(20)
        self.sock.connect(SOCKET)


class Pool(urllib3.HTTPConnectionPool):
    ConnectionCls = Connection


class Adapter(requests.adapters.HTTPAdapter):
    """Sends requests over the daemon's socket."""

    pool = Pool("localhost", maxsize=4)

    def get_connection_with_tls_context(self, request, verify, proxies=None, cert=None):
        return self.pool

    def send(self, request, stream=False, **options):
        path = urlsplit(request.url).path
        # A stream has no end by itself: its beginning tells of its head and its first piece.
        endless = path == "/v1/events" or path.endswith("/watch")
        response = super().send(request, stream=stream or endless, **options)
        if endless and response.status_code == 200:
            response._content = next(response.iter_content(4096), b"")
            response._content_consumed = True
            response.close()
        with open(COUNT, "a") as count:
            count.write(f"{response.status_code} {request.method} {path}\n")
        return response


adapter = Adapter()
requests.Session.get_adapter = lambda self, url: adapter


# Fields that name something, with the kind of it.
NAMED = {
    "product": "product_code", "supplier": "supplier_code", "team": "team_code", "department": "department_code",
    "order": "order", "work_order": "number", "station": "station", "to": "login", "inspector": "login", "lead": "login",
}


def chosen(values, by):
    """One of the values, the same whenever this was generated."""
    return values[int.from_bytes(hashlib.sha256(repr(by).encode()).digest()[:4], "big") % len(values)]


def kind(name, path):
    if name == "code":
        return path.split("/")[2].rstrip("s") + "_code"
    if name == "name":
        return "station" if "/stations/" in path else "customer"
    if name == "id":
        return path.split("/")[2] + "_id"
    return name


@schemathesis.hook
def before_call(context, case, **_):
    """Makes most right requests be about something that is there. What is wrong on purpose stays as it is."""
    right = {
        place.value for place, part in case.meta.components.items() if part.mode == schemathesis.GenerationMode.POSITIVE
    }
    path = case.operation.path
    if "path" in right:
        for name, value in (case.path_parameters or {}).items():
            known = KNOWN.get(kind(name, path))
            if known and chosen(range(4), (path, value)) > 0:
                case.path_parameters[name] = quote(chosen(known, value), safe="")
    body = case.body
    if not isinstance(body, dict):
        return
    if path == "/v1/site" and "body" in right:
        # Anything else would retire most of the plant.
        case.body = SITE
        return
    if "body" in right and path.split("/")[-1] in ("{code}", "{login}"):
        body.pop("retired", None)
    if path == "/v1/webhooks" and isinstance(body.get("url"), str) and "://" in body["url"]:
        # A webhook never leads off this machine.
        body["url"] = "http://127.0.0.1:9/" + hashlib.sha256(body["url"].encode()).hexdigest()[:8]
    if "body" not in right or chosen(range(2), (path, body)) == 0:
        return
    for key, value in body.items():
        known = KNOWN.get(NAMED.get(key))
        if known and isinstance(value, str):
            body[key] = chosen(known, value)
    if isinstance(body.get("serials"), list) and body["serials"] and path != "/v1/units":
        body["serials"] = [chosen(KNOWN["serial"], body["serials"])]
