import Barcodes
import ControlAPI
import Ledger
import Tracking

extension Control {
    static let auditRoutes = [
        Route(
            .get, "/audit", "Every event within the caller's scope", .audit,
            query: Route.list(
                ["-event", "event"],
                [
                    .init("actor", .filter, "By this person."),
                    .init("kind", .filter, "Of this kind, such as `unit.passed`, or group of kinds, such as `unit`."),
                ] + period), output: .json(.page(.named(.auditItem)))
        ) { call in
            var filter = EventFilter(
                actor: call.query["actor"]?.string, from: call.time("from"), to: call.time("to", endOfDay: true))
            try filter.limit(toKind: call.query["kind"]?.string)
            return call.list(try await call.events(filter, call.page)) { $0.json(for: call.access) }
        },
        Route(
            .post, "/audit/verify", "Walk the chain of events, rebuild everything from it, and read every photo",
            .administer,
            input: .json([]), output: .json(.named(.verification)), isChange: false
        ) { call in
            let report = try await call.ledger.verify()
            return call.json(
                JSONValue(omittingNil: [
                    "ok": .bool(report.isWhole), "events": .int(Int(report.events)), "photos": .int(report.photos),
                    "lost_photos": .array(report.lostPhotos.map(JSONValue.string)),
                    "problem": report.problem.map {
                        ["table": .string($0.table), "row": .string($0.row), "message": .string($0.message)]
                    },
                    "damage": .array(report.damage.map(JSONValue.string)), "rebuildable": .bool(report.isRebuildable),
                ]))
        },
        Route(
            .get, "/audit/verify", "How far the verification is that is under way", .administer,
            output: .json(.named(.verificationProgress))
        ) { call in
            let progress = call.ledger.verificationProgress
            return call.json(
                JSONValue(omittingNil: [
                    "running": .bool(progress != nil), "stage": progress.map { .string($0.stage.rawValue) },
                    "done": progress.map { .int(Int($0.done)) },
                    "total": progress.flatMap { $0.total > 0 ? .int(Int($0.total)) : nil },
                ]))
        },
        Route(
            .get, "/scans", "Every frame that was read at a station within the caller's scope", .audit,
            query: Route.list(
                ["-event", "event"],
                [
                    .init("station", .filter, "At this station."),
                    .init(
                        "result", .choice(["accepted", "refused", "ignored", "connected", "disconnected"]),
                        "With this result; the last two are the scanner's own."),
                ] + period), output: .json(.page(.named(.scanItem)))
        ) { call in
            var filter = EventFilter(
                station: call.query["station"]?.string, from: call.time("from"), to: call.time("to", endOfDay: true),
                scansOnly: true, results: call.word("result").map { [$0] })
            switch call.query["result"]?.string {
            case "connected": filter.kinds = [.deviceConnected]
            case "disconnected": filter.kinds = [.deviceDisconnected]
            default: break
            }
            return call.list(try await call.events(filter, call.page)) { [access = call.access] in
                $0.scanItem(for: access)
            }
        },
    ]
}

extension EventFilter {
    /// Limits it to a kind, or to a group of kinds.
    mutating func limit(toKind text: String?) throws(Problem) {
        guard let text else { return }
        if let kind = EventKind(spelling: text) {
            kinds = [kind]
            return
        }
        let prefix = text.hasSuffix(".") ? text : text + "."
        guard EventKind.allCases.contains(where: { $0.rawValue.hasPrefix(prefix) }) else {
            let known = EventKind.allCases.map(\.rawValue).joined(separator: ", ")
            throw Problem(.invalidArgument, "there is no kind of event \(text.shown); expected one of \(known)")
        }
        kindPrefix = prefix
    }
}

extension Call {
    /// Events within the caller's scope, ready to be shown.
    func events(_ filter: EventFilter, _ page: Page) async throws -> Listing<ShownEvent> {
        let (access, plant) = (access, plant)
        return try await read { try $0.shownEvents(filter, for: access, in: plant, page) }
    }
}
