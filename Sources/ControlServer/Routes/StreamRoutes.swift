import ControlAPI
import Ledger
import Line
import Tracking

extension Control {
    static let streamRoutes = [
        Route(
            .get, "/events", "Every event within the caller's scope, as it happens", .see,
            query: [
                .init("kind", .filter, "Of this kind, such as `unit.passed`, or group of kinds, such as `unit`."),
                .init("unit", .filter, "About this unit."), .init("station", .filter, "At this station."),
            ], output: .events(.named(.auditItem), resumes: true)
        ) { call in try await call.followEvents() },
        Route(
            .get, "/stations/{name}/watch",
            "The answer to every scan at a station, as it happens; events `notice` say what is wrong with its devices and the ledger",
            .see,
            output: .events(.named(.scanAnswer), resumes: false)
        ) { call in try call.watch() },
    ]
}

extension Call {
    fileprivate func followEvents() async throws -> ControlResponse {
        var filter = EventFilter(unit: query["unit"]?.string, station: query["station"]?.string)
        try filter.limit(toKind: query["kind"]?.string)
        // Listening begins before the first look, so that nothing falls in between.
        let heads = ledger.heads()
        let last: Int64
        if let text = lastEventID {
            guard let number = Int64(text), number >= 0 else {
                throw Problem(.invalidArgument, "Last-Event-ID is the number of an event, as a stream gave it")
            }
            last = number
        } else {
            last = try await ledger.read { try $0.head() }
        }
        return EventStream.response { [filter] send in
            var follower = EventFollower(call: self, filter: filter, last: last)
            try await send(EventStream.comment)
            guard try await follower.catchUp(send) != nil else { return }
            // From here on it follows what happens, and replays nothing.
            turn?.end()
            // One look serves any number of new events.
            try await EventStream.forEach(in: heads, depth: 1) { head in
                guard let hasSent = try await follower.catchUp(send) else { return false }
                if head == nil, !hasSent { try await send(EventStream.comment) }
                return true
            }
        }
    }

    fileprivate func watch() throws -> ControlResponse {
        let station = try visibleStation(path("name")).name
        let happenings = ledger.committed { [ledger] committed in
            let event = committed.event
            if committed.answer?.station == station { return true }
            if event.station == station { return event.kind == .deviceConnected || event.kind == .deviceDisconnected }
            guard case .job(let job) = event.change else { return false }
            return ledger.plant.stations[station]?.printers.contains(job.printer) ?? false
        }
        return EventStream.response { send in
            var noticed: [String] = []
            func notice(id: Int64?, isFirst: Bool = false) async throws -> Bool {
                let trouble = ledger.trouble.map { "No scan counts now: \($0.error.description)" }
                let problems = [trouble].compactMap(\.self) + (control.devices?.problems(ofStation: station) ?? [])
                guard problems != noticed || isFirst else { return false }
                noticed = problems
                let json: JSONValue = ["problems": .array(problems.map(JSONValue.string))]
                try await send(EventStream.event(id: id, "notice", json.jsonBytes))
                return true
            }
            try await send(EventStream.comment)
            _ = try await notice(id: nil, isFirst: true)
            // A screen shows the last scan: one that can't keep up may miss older ones.
            try await EventStream.forEach(in: happenings, depth: 64) { committed in
                let caller = await control.refresh(caller)
                let plant = ledger.plant
                guard let access = Access(caller, in: plant), let station = plant.stations[station],
                    access.sees(team: station.team, in: plant)
                else { return false }
                guard let committed else {
                    // A printer may be asked how it is, and answer, without an event.
                    if try await !notice(id: nil) { try await send(EventStream.comment) }
                    return true
                }
                guard let answer = committed.answer else {
                    _ = try await notice(id: committed.id)
                    return true
                }
                let json = try await shown(answer, of: committed, to: access)
                try await send(EventStream.event(id: committed.id, "scan", json))
                return true
            }
        }
    }

    /// An answer as a caller may see it who did not scan.
    private func shown(_ answer: ScanAnswer, of committed: Committed, to access: Access) async throws -> [UInt8] {
        if access.scope == .all { return answer.jsonBytes }
        let isHidden = try await read { [plant = ledger.plant] in
            try $0.hides(committed.event, from: access, in: plant)
        }
        if isHidden { return answer.redactedBytes }
        var answer = answer
        // It names the unit on the bench, which may be another's.
        if answer.reason == .benchBusy { answer.message = "Another unit is on the bench." }
        return answer.jsonBytes
    }
}
