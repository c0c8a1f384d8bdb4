import Barcodes
import Synchronization
import Testing
import Tracking

@testable import Ledger

/// Reports say what the record says, for the units of the caller's teams.
@Suite(.serialized) struct QueriesReportTests {
    private static let hour: Int64 = 3_600_000

    @Test func yieldCountsAUnitOnceAtEachStage() async throws {
        let shop = try await Shop()
        try await shop.openOrder("1001", "PCB-100", 10, "smt")
        try await shop.run(.register(product: "PCB-100", serials: ["A", "B", "C", "D"], workOrder: "1001"))
        for serial in ["A", "B", "C", "D"] { try await shop.scan("ASSY-1", serial) }
        func test(_ serial: String, _ verdict: String) async throws {
            try await shop.scan("TEST-1", serial)
            try await shop.scan("TEST-1", verdict)
        }
        try await test("A", "TRV:PASS")
        // B fails, goes back and passes: that is no first pass.
        try await test("B", "TRV:FAIL:SOLDER")
        try await shop.run(.markDefect("B", .rework, type: nil, toStage: "testing", note: "again"))
        try await test("B", "TRV:PASS")
        // C was failed by mistake.
        try await test("C", "TRV:FAIL:SOLDER")
        try await shop.scan("TEST-1", "TRV:UNDO")
        try await test("C", "TRV:PASS")
        // D is sent back from the bench, and once more, and was never right.
        try await shop.scan("TEST-1", "1007")
        try await test("D", "TRV:REWORK:testing")
        try await test("D", "TRV:SCRAP:SOLDER")
        // A defect that somebody finds elsewhere is no verdict.
        try await shop.run(.markDefect("A", .pending, type: nil, toStage: nil, note: "fell down"))

        let (plant, lead) = (shop.ledger.plant, try shop.access("lena"))
        let lines = try await shop.ledger.read { db in
            try db.yield(from: Shop.opening, to: Shop.opening + Self.hour, for: lead, in: plant)
        }
        #expect(
            lines == [
                Yield(product: "PCB-100", stage: "assembly", passed: 4, failed: 0),
                Yield(product: "PCB-100", stage: "testing", passed: 2, failed: 2),
            ])
        #expect(lines.map(\.firstPassYield) == [1, 0.5])
        for login in ["luis", "mia"] {
            let access = try shop.access(login)
            let none = try await shop.ledger.read { db in
                try db.yield(from: Shop.opening, to: Shop.opening + Self.hour, for: access, in: plant)
            }
            #expect(none.isEmpty)
        }
    }

    @Test func throughputCountsByThePlantsDay() async throws {
        let shop = try await Shop()
        try await shop.openOrder("1001", "PCB-100", 10, "smt")
        try await shop.run(.register(product: "PCB-100", serials: ["A", "B"], workOrder: "1001"))
        try await shop.scan("ASSY-1", "A")
        // 22:59 UTC is one minute to midnight in Berlin.
        shop.clock.now.withLock { $0 = Shop.opening + 15 * Self.hour - 60_000 }
        try await shop.scan("TEST-1", "A")
        try await shop.scan("TEST-1", "TRV:PASS")
        shop.wait(60_000)
        try await shop.scan("QA-1", "A")
        try await shop.scan("QA-1", "TRV:PASS")
        try await shop.scan("ASSY-1", "B")
        try await shop.scan("ASSY-1", "TRV:UNDO")
        let (plant, root) = (shop.ledger.plant, try shop.access("root"))
        func report(_ from: Int64, _ to: Int64) async throws -> [Throughput] {
            try await shop.ledger.read { db in try db.throughput(from: from, to: to, for: root, in: plant) }
        }
        let first = Throughput(day: "2026-03-02", product: "PCB-100", passed: 2, finished: 0)
        let second = Throughput(day: "2026-03-03", product: "PCB-100", passed: 1, finished: 1)
        let midnight = Shop.opening + 15 * Self.hour
        let both = try await report(Shop.opening, midnight + Self.hour)
        #expect(both == [first, second])
        let before = try await report(Shop.opening, midnight)
        #expect(before == [first])
        let after = try await report(midnight, midnight + Self.hour)
        #expect(after == [second])
    }

    @Test func aStepThatWasTakenBackAfterThePeriodNeverHappened() async throws {
        let shop = try await Shop()
        try await shop.openOrder("1001", "PCB-100", 10, "smt")
        try await shop.run(.register(product: "PCB-100", serials: ["A"], workOrder: "1001"))
        try await shop.scan("ASSY-1", "A")
        let end = shop.clock.now.withLock { $0 } + 1
        shop.wait(1_000_000)
        try await shop.scan("ASSY-1", "TRV:UNDO")
        let (plant, root) = (shop.ledger.plant, try shop.access("root"))
        try await shop.ledger.read { db in
            let throughput = try db.throughput(from: Shop.opening, to: end, for: root, in: plant)
            let yield = try db.yield(from: Shop.opening, to: end, for: root, in: plant)
            #expect(throughput.isEmpty && yield.isEmpty)
        }
    }

    @Test(
        arguments: [
            (1, 1), (2, 1), (0, 401 * 86_400_000), (Int64.min, Int64.max), (-1, .max), (.max - 1, .max),
        ] as [(Int64, Int64)])
    func aPeriodThatIsNoneIsRefused(_ from: Int64, _ to: Int64) throws {
        let root = try #require(Access(login: "root", isAdmin: true, in: Plant()))
        let db = try Connection.empty()
        #expect(throws: Refusal.self) { try db.yield(from: from, to: to, for: root, in: Plant()) }
        #expect(throws: Refusal.self) { try db.throughput(from: from, to: to, for: root, in: Plant()) }
        #expect(try db.yield(from: 0, to: 1, for: root, in: Plant()).isEmpty)
    }

    /// Against a count by hand, over whatever happened.
    @Test(arguments: 1...5)
    func reportsAddUp(seed: Int) async throws {
        var random = SeededRandom(seed: seed)
        let shop = try await Shop()
        try await shop.work(steps: 300, &random)
        let (plant, events, units) = (shop.ledger.plant, try await shop.allEvents(), try await shop.allUnits())
        let steps = stepsThatStand(events)
        #expect(steps.count < events.count { $0.event.after != nil && $0.event.kind != .unitUndone })
        let end = shop.clock.now.withLock { $0 } + 1
        for login in Shop.people {
            let access = try shop.access(login)
            let line = try await shop.ledger.read { db in try db.wip(for: access) }
            #expect(line == wip(units.filter(access.sees)), "\(login)")

            var periods = [(Shop.opening, end)]
            for _ in 0..<3 {
                let from = Int64.random(in: Shop.opening..<end, using: &random)
                periods.append((from, Int64.random(in: from..<end, using: &random) + 1))
            }
            for (from, to) in periods {
                let seen = steps.filter { step in
                    guard step.at >= from && step.at < to else { return false }
                    if case .own = access.scope { return false }
                    return access.sees(team: step.event.team, in: plant)
                }
                let (yields, days) = try await shop.ledger.read { db in
                    (
                        try db.yield(from: from, to: to, for: access, in: plant),
                        try db.throughput(from: from, to: to, for: access, in: plant)
                    )
                }
                #expect(yields == yield(seen), "\(login)")
                #expect(days == throughput(seen), "\(login)")
            }
        }
    }

    /// The events of units that were not taken back: an undo leads back to the state before a step, whose events are
    /// those since then.
    private func stepsThatStand(_ events: [EventRecord]) -> [EventRecord] {
        var standing: [String: [EventRecord]] = [:]
        for record in events {
            guard let unit = record.event.unit, let after = record.event.after else { continue }
            guard record.event.kind == .unitUndone else {
                standing[unit, default: []].append(record)
                continue
            }
            func withoutWorker(_ state: UnitState?) -> UnitState? {
                var state = state
                state?.worker = nil
                return state
            }
            while let last = standing[unit]?.popLast() {
                if withoutWorker(last.event.before) == withoutWorker(after) { break }
            }
        }
        return standing.values.joined().sorted { $0.id < $1.id }
    }

    private func wip(_ units: [Unit]) -> [WorkInProgress] {
        Dictionary(grouping: units.filter { $0.state.status == .inProduction }) { [$0.product, $0.state.stage ?? ""] }
            .map { key, units in
                WorkInProgress(
                    product: key[0], stage: key[1], count: units.count, oldestAt: units.map(\.updatedAt).min() ?? 0)
            }.sorted { ($0.product, $0.stage) < ($1.product, $1.stage) }
    }

    private func yield(_ steps: [EventRecord]) -> [Yield] {
        var verdicts: [[String]: [String: [Event]]] = [:]
        for event in steps.map(\.event) {
            let stage: String? =
                switch event.kind {
                case .unitPassed: event.after?.passed.last?.stage
                case .unitFailed: event.after?.failedStage
                case .unitDefect where event.station != nil: event.after?.failedStage
                default: nil
                }
            guard let stage, let unit = event.unit, let product = event.product else { continue }
            verdicts[[product, stage], default: [:]][unit, default: []].append(event)
        }
        return verdicts.map { key, units in
            let passed = units.values.count { $0.contains { $0.kind == .unitPassed && $0.before?.iteration == 0 } }
            return Yield(product: key[0], stage: key[1], passed: passed, failed: units.count - passed)
        }.sorted { ($0.product, $0.stage) < ($1.product, $1.stage) }
    }

    private func throughput(_ steps: [EventRecord]) -> [Throughput] {
        Dictionary(grouping: steps.filter { $0.event.kind == .unitPassed }) { step in
            // Berlin is an hour ahead in these days.
            let day = LocalDate(daysSince1970: Int(step.at + Self.hour) / 86_400_000).description
            return [day, step.event.product ?? ""]
        }.map { key, steps in
            Throughput(
                day: key[0], product: key[1], passed: steps.count,
                finished: steps.count { $0.event.after?.status == .inStock })
        }.sorted { ($0.day, $0.product) < ($1.day, $1.product) }
    }
}
