import Barcodes
import ControlAPI
import Ledger
import Line
import Tracking

// What is said and done while something is the matter: with the ledger, its disk, printers, scanners or webhooks.

extension Control {
    /// With less room than this on its disk, the ledger may soon be unable to grow.
    private static let spaceFloor: Int64 = 200 << 20

    /// Answers a request while nothing of the ledger can be read, so that nobody but admins is known. Nil where the
    /// request goes the usual way.
    func withoutLedger(_ request: ControlRequest, _ caller: Caller) -> ControlResponse? {
        guard !ledger.isReadable, let trouble = ledger.trouble,
            let path = try? RequestText.segments(request.path)
        else { return nil }
        switch (request.method, path.count, path.first, path.last) {
        case ("GET", 2, "v1", "status"):
            let status = status(
                head: 0, hasSite: false, caller.isAdmin ? .admin : .member,
                [sentence(trouble, isAdmin: caller.isAdmin)],
                [])
            return ControlResponse(json: status.jsonBytes)
        case ("GET", 2, "v1", "whoami") where caller.isAdmin, ("GET", 2, "v1", "openapi.json") where caller.isAdmin:
            return nil
        case ("POST", 4, "v1", "scans") where path[1] == "stations":
            let answer = ScanAnswer.notRecorded(
                at: String(path[2].prefix(64)), because: trouble.error, time: clock().wall)
            return ControlResponse(json: answer.jsonBytes)
        default: return ControlResponse(Problem(.unavailable, trouble.error.description))
        }
    }

    /// How the daemon is.
    func status(head: Int, hasSite: Bool, _ role: Role, _ problems: [String], _ next: [String]) -> JSONValue {
        [
            "version": .string(version), "started_at": .init(time: startedAt.wall),
            "uptime_seconds": .int(Int(clock().age(of: startedAt) / 1_000)), "site": .bool(hasSite),
            "head": .int(head), "role": .string(role.rawValue), "problems": .array(problems.map(JSONValue.string)),
            "next": .array(next.map(JSONValue.string)),
        ]
    }

    /// A sentence for each thing that is wrong now: what concerns everybody, and for admins the rest.
    func problems(isAdmin: Bool) async -> [String] {
        let (trouble, damage) = (ledger.trouble, ledger.damage)
        var problems = [trouble, trouble?.error.kind == .damaged ? nil : damage].compactMap { trouble in
            trouble.map { sentence($0, isAdmin: isAdmin) }
        }
        guard isAdmin else { return problems }
        if trouble?.error.kind != .full, let free = ledger.freeSpace, free < Self.spaceFloor {
            problems.append(
                "the disk of \(ledger.directory) has \(free >> 20) MB left; free some space before it is full")
        }
        problems += devices?.problems ?? []
        let waiting = try? await ledger.read { db in
            (
                try db.number("SELECT count(*) FROM label_job INDEXED BY label_job_open WHERE status = 'failed'"),
                try db.rows(
                    "SELECT webhook, count(*) FROM outbox INDEXED BY outbox_dead WHERE dead = 1 GROUP BY webhook"
                ) { ($0.int(0), $0.int(1)) }
            )
        }
        guard let (failed, dead) = waiting else { return problems }
        if failed > 0 {
            let (labels, them) = failed == 1 ? ("1 label", "it") : ("\(failed) labels", "them")
            problems.append("\(labels) could not be printed; list \(them) with travelerctl label jobs --status failed")
        }
        for (webhook, count) in dead {
            problems.append(
                "webhook \(webhook): \(count) \(count == 1 ? "event was" : "events were") given up; see GET /v1/webhooks/\(webhook)/deliveries?dead=true"
            )
        }
        return problems
    }

    private func sentence(_ trouble: LedgerTrouble, isAdmin: Bool) -> String {
        let (seconds, zone) = (trouble.since / 1_000, ledger.zone)
        let since =
            "since \(zone.localDate(atUnixSeconds: seconds)) \(clockTime(seconds, zone)) \(ledger.plant.settings.timezone)"
        let cause = isAdmin && !trouble.error.cause.isEmpty ? "; \(trouble.error.cause)" : ""
        return "\(trouble.error.description) (\(since)\(cause))"
    }
}
