import Barcodes
import ControlAPI
import Ledger
import Line
import Logging
import Synchronization
import Tracking

extension Control {
    static let stationRoutes = [
        Route(
            .get, "/stations", "Stations of the caller's teams", .see, query: Route.list(["name", "-name"], []),
            output: .json(.page(.named(.station)))
        ) { call in try await call.stations() },
        Route(.get, "/stations/{name}", "One station, with what it has in hand", .see, output: .json(.named(.station)))
        { call in
            let station = try call.visibleStation(call.path("name"))
            return call.json(try await call.inHand([station])[0])
        },
        Route(
            .post, "/stations/{name}/scans", "Scan a code at a station, from a terminal", .scan,
            input: .json([Property("code", .form(.scan), "As the scanner reads it.")]),
            output: .json(.named(.scanAnswer))
        ) { call in try await call.scan() },
    ]
}

extension Call {
    /// A station within the caller's scope.
    func visibleStation(_ name: String) throws -> Station {
        guard let station = plant.stations[name], access.sees(team: station.team, in: plant) else {
            throw notFound("station", name)
        }
        return station
    }

    fileprivate func stations() async throws -> ControlResponse {
        let visible = plant.stations.values.filter { !$0.retired && access.sees(team: $0.team, in: plant) }
        let listing = try listing(visible, by: \.name)
        let items = try await inHand(listing.items)
        return list(Listing(items: items, nextCursor: listing.nextCursor, total: listing.total)) { $0 }
    }

    /// Stations with what they have in hand, as far as it lies within the caller's scope.
    fileprivate func inHand(_ stations: [Station]) async throws -> [JSONValue] {
        try await read { [access, plant, control] db in
            try stations.map { station in
                var session = try db.stationSession(station.name)
                session.endIfIdle(at: control.clock(), plant.settings)
                let bench = try session.bench.flatMap { try db.unit($0, for: access)?.serial }
                var order = session.workOrder
                if access.scope != .all, let number = order {
                    let isVisible = try access.may(.seeOrders) && db.workOrder(number, for: access, in: plant) != nil
                    if !isVisible { order = nil }
                }
                return JSONValue(omittingNil: [
                    "name": .string(station.name), "mode": .string(station.mode.rawValue),
                    "stages": .array(station.stages.map(JSONValue.string)), "team": .init(station.team),
                    "sign_on": station.signOnRequired ? "required" : "optional",
                    "printers": .array(station.printers.map(JSONValue.string)),
                    "scanners": .array(
                        station.scanners.map {
                            JSONValue(omittingNil: [
                                "device": .string($0.device.description), "layout": .string($0.layout),
                                "baud": $0.baud.map(JSONValue.int),
                            ])
                        }), "slips": .init(station.slips?.rawValue),
                    "operator": .init(session.person), "bench": .init(bench), "work_order": .init(order),
                    "delivery": .init(session.delivery),
                    "connected": control.devices?.isConnected(station: station.name).map(JSONValue.bool),
                ])
            }
        }
    }

    fileprivate func scan() async throws -> ControlResponse {
        let name = path("name")
        let text = field("code")
        var scan: Scan
        if text.unicodeScalars.count > Frame.maximumLength {
            scan = Scan(
                station: name, text: String(String.UnicodeScalarView(text.unicodeScalars.prefix(Frame.maximumLength))),
                broken: "longer than \(Frame.maximumLength) characters")
        } else {
            scan = Scan(station: name, text: text, code: Code(frame: text))
        }
        let now = control.clock()
        scan.readAt = now
        scan.takesBadges = control.badgeTries.begin(access.login, at: now.steady)
        let (response, answer): (ControlResponse, ScanAnswer?)
        do {
            (response, answer) = try await decide(scan)
        } catch {
            control.badgeTries.end(access.login, wasTry: false)
            throw error
        }
        control.badgeTries.end(access.login, wasTry: answer.map { isBadgeTry($0, scan.code) } ?? false)
        if control.badgeTries.isToBeRecorded(access.login) {
            await control.recordDenial("badges at \(name): too many codes that are nobody's", access.login)
        }
        if let answer, answer.result == .refused {
            control.noteRefusal("scan at \(name)", answer.reason?.rawValue ?? "", answer.message, caller)
        }
        return response
    }

    /// Has a scan decided. Returns the response, and the answer in it where it was made just now.
    private func decide(_ scan: Scan) async throws -> (ControlResponse, ScanAnswer?) {
        do {
            guard let key else {
                let answer = try await ledger.scan(scan, by: .person(access), device: "terminal")
                return (ControlResponse(json: answer.jsonBytes), answer)
            }
            _ = try visibleStation(scan.station)
            let answer = Mutex<ScanAnswer?>(nil)
            let stored = try await ledger.submit(.scan(scan), by: .person(access), key: key) { _, decision in
                answer.withLock { $0 = decision.answer }
                return StoredAnswer(status: 200, body: decision.answer?.jsonBytes ?? [])
            }
            return (ControlResponse(status: stored.status, json: stored.body), answer.withLock { $0 })
        } catch let error as StorageError {
            let answer = ScanAnswer.notRecorded(at: scan.station, because: error, time: control.clock().wall)
            return (ControlResponse(json: answer.jsonBytes), answer)
        }
    }

    /// Whether a scan at a terminal was a try to find a badge: one that meant nothing, and could have been one.
    private func isBadgeTry(_ answer: ScanAnswer, _ code: Code?) -> Bool {
        guard answer.result == .refused, answer.reason != .storageFull, answer.status == nil else { return false }
        return switch code {
        // An order can't have a badge's name, and being told so tells that it is one.
        case .control(.badge), .control(.order): true
        // At other terminals a text is looked at as a badge only where it could be a new serial.
        case .text(let text):
            (access.grants.contains(.stationTerminal) || plant.stations[answer.station]?.mode == .label)
                && plant.product(named: text) == nil
        default: false
        }
    }
}
