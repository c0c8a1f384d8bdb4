import ControlAPI
import Devices
import Ledger
import Line
import Tracking

extension Control {
    static let deviceRoutes = [
        Route(
            .get, "/devices", "Scanners and printers: those of stations, and those plugged in that are nobody's",
            .administer,
            query: Route.list(["device", "-device"], [.init("station", .filter, "Of this station.")]),
            output: .json(.page(.named(.device)))
        ) { call in
            let all = await call.control.devices?.list() ?? []
            let station = call.query["station"]?.string
            return try call.list(all.filter { station == nil || $0.station == station }, by: \.device) { $0.json }
        },
        Route(
            .post, "/devices/pair", "Show a code for a minute; the scanner that reads it becomes the station's",
            .administer,
            input: .json([
                Property("station", .station),
                Property(
                    "by", .choice(Pairing.Key.self),
                    "By what it is known from then on; its port, where it has one, if not given.", optional: true),
                Property("print", .flag, "Print the code at the station, too.", optional: true),
            ]), output: .json(.named(.pairing), status: 201)
        ) { call in
            let key = call.body["by"]?.string.flatMap(Pairing.Key.init)
            let pairing = try call.devices.pair(
                station: call.field("station"), by: key, prints: call.body["print"]?.bool ?? false, for: call.access)
            return ControlResponse(status: 201, json: pairing.json(at: call.control.clock()).jsonBytes)
        },
        Route(
            .get, "/devices/pair/{station}", "What became of a station's last pairing", .administer,
            output: .json(.named(.pairing))
        ) { call in
            guard let pairing = try call.devices.pairing(ofStation: call.path("station")) else {
                throw call.notFound("pairing at", call.path("station"))
            }
            return call.json(pairing.json(at: call.control.clock()))
        },
        Route(
            .post, "/devices/{device}/unbind", "Take a scanner from its station", .administer, input: .json([]),
            output: .json(.object([Property("device", .text), Property("station", .text)]))
        ) { call in
            let name = call.path("device")
            guard let address = DeviceAddress(parsing: name), let station = call.plant.station(ofScanner: address)
            else {
                throw call.notFound("bound scanner", name)
            }
            try await call.devices.unbind(address, for: call.access)
            return call.json(["device": .string(name), "station": .string(station.name)])
        },
    ]
}

extension Call {
    fileprivate var devices: StationDevices {
        get throws(Problem) {
            guard let devices = control.devices else {
                throw Problem(.unavailable, "there are no devices here: this is a scratch ledger")
            }
            return devices
        }
    }
}

extension DeviceStatus {
    fileprivate var json: JSONValue {
        JSONValue(omittingNil: [
            "device": .string(device), "kind": .init(kind?.rawValue), "state": .string(state.rawValue),
            "station": .init(station), "layout": .init(layout), "node": .init(node), "name": .init(name),
            "port": .init(port), "serial": .init(serial), "known": .bool(isKnown), "problem": .init(problem),
            "scans": .int(scans), "errors": .int(errors), "last_scan_at": lastScanAt.map { .init(time: $0) },
            "since": since.map { .init(time: $0) },
        ])
    }
}

extension Pairing {
    fileprivate func json(at now: Moment) -> JSONValue {
        var object: JSONObject = [
            "station": .string(station), "code": .string(code),
            "expires_at": .init(time: now.wall(atSteady: expiresAt)),
        ]
        switch state {
        case .waiting: object["state"] = "waiting"
        case .expired: object["state"] = "expired"
        case .paired(let device, let layout):
            object["state"] = "paired"
            object["device"] = .string(device.description)
            object["layout"] = .string(layout)
        case .failed(let problem):
            object["state"] = "failed"
            object["problem"] = .string(problem)
        }
        return .object(object)
    }
}
