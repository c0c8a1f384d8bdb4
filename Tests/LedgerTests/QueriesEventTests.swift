import Testing
import Tracking

@testable import Ledger

/// The record is read by number, by what an event names, and by time.
@Suite(.serialized) struct QueriesEventTests {
    @Test func eventsAreFilteredByWhatTheyName() async throws {
        var random = SeededRandom(seed: 21)
        let shop = try await Shop()
        try await shop.work(steps: 150, &random)
        let (plant, root) = (shop.ledger.plant, try shop.access("root"))
        let all = try await shop.allEvents()
        let middle = all[all.count / 2]
        let unit = try #require(all.last { $0.event.after != nil }?.event.unit)
        @Sendable func result(_ event: Event) -> ScanAnswer.Result {
            switch event.kind {
            case .scanRefused: .refused
            case .scanIgnored: .ignored
            default: .accepted
            }
        }
        let filters: [(EventFilter, @Sendable (EventRecord) -> Bool)] = [
            (EventFilter(), { _ in true }),
            (EventFilter(kinds: [.unitPassed, .unitFailed]), { [.unitPassed, .unitFailed].contains($0.event.kind) }),
            (EventFilter(kinds: []), { _ in false }),
            (EventFilter(kindPrefix: "unit."), { $0.event.kind.rawValue.hasPrefix("unit.") }),
            (EventFilter(kindPrefix: "unit_"), { _ in false }),
            (EventFilter(unit: unit), { $0.event.unit == unit }),
            (EventFilter(station: "QA-1"), { $0.event.station == "QA-1" }),
            (EventFilter(actor: "mia"), { $0.event.actor == "mia" }),
            (EventFilter(from: middle.at), { $0.at >= middle.at }),
            (EventFilter(to: middle.at), { $0.at < middle.at }),
            (
                EventFilter(from: middle.at - 60_000, to: middle.at),
                { $0.at >= middle.at - 60_000 && $0.at < middle.at }
            ),
            (EventFilter(from: .min, to: .max), { _ in true }),
            (EventFilter(from: middle.at, to: middle.at - 1), { _ in false }),
            (EventFilter(after: middle.id), { $0.id > middle.id }),
            (EventFilter(to: middle.at, after: 20), { $0.at < middle.at && $0.id > 20 }),
            (EventFilter(after: -7), { _ in true }), (EventFilter(after: .max), { _ in false }),
            (EventFilter(scansOnly: true), { $0.event.frame != nil }),
            (
                EventFilter(station: "ASSY-1", results: [.accepted, .ignored]),
                { $0.event.frame != nil && $0.event.station == "ASSY-1" && result($0.event) != .refused }
            ),
            (EventFilter(results: [.refused]), { $0.event.kind == .scanRefused }),
        ]
        for (filter, matches) in filters {
            try await shop.ledger.read { db in
                let expected = all.filter(matches).map(\.id)
                let upwards = try db.allEvents(filter, for: root, in: plant, limit: 1_000)
                #expect(upwards.map(\.id) == expected, "\(filter)")
                let downwards = try db.allEvents(filter, for: root, in: plant, limit: 40, descending: true)
                #expect(downwards.map(\.id) == expected.reversed(), "\(filter)")
                let total = try db.events(filter, for: root, in: plant, Page(limit: 1, total: true)).total
                #expect(total == expected.count, "\(filter)")
            }
        }
    }

    @Test func aLongWayIsCutIntoPages() async throws {
        let shop = try await Shop()
        try await shop.openOrder("1001", "PCB-100", 30_000, "smt")
        for part in 0..<3 {
            let serials = (0..<8_000).map { "\(part)-\($0)" }
            try await shop.run(.register(product: "PCB-100", serials: serials, workOrder: "1001"))
        }
        try await shop.run(.hold("1-1", note: "look"))
        let (plant, lead) = (shop.ledger.plant, try shop.access("lena"))
        try await shop.ledger.read { db in
            // Nothing leads to the events of a unit but its history.
            let filter = EventFilter(unit: "1-1")
            let first = try db.events(filter, for: lead, in: plant, Page())
            #expect(first.items.isEmpty && first.nextCursor != nil)
            let all = try db.allEvents(filter, for: lead, in: plant)
            #expect(all.map(\.event.kind) == [.unitRegistered, .unitHeld])
            let held = try db.events(EventFilter(kinds: [.unitHeld]), for: lead, in: plant, Page(total: true))
            #expect(held.items == all.suffix(1) && held.nextCursor == nil && held.total == 1)
        }
    }

    @Test func aClockThatWasSetBackHidesNothing() async throws {
        let shop = try await Shop()
        for step in 0..<600 {
            // Five minutes back now and then: the times of the events go to and fro.
            shop.wait(step % 50 == 49 ? -300_000 : 60_000)
            try await shop.run(.adjust(product: "RES-10K", change: 1, note: "counted"))
        }
        let events = try await shop.allEvents()
        #expect(events.map(\.at) != events.map(\.at).sorted())
        let (plant, root) = (shop.ledger.plant, try shop.access("root"))
        for begin in events.indices where begin % 5 == 0 {
            let (from, to) = (events[begin].at, events[begin].at + 3_600_000)
            let (found, looked) = try await shop.ledger.read { db in
                (
                    try db.events(EventFilter(from: from, to: to), for: root, in: plant, Page(limit: 1_000)).items,
                    try db.eventNumbers(from: from, to: to).count
                )
            }
            #expect(found.map(\.id) == events.filter { $0.at >= from && $0.at < to }.map(\.id))
            #expect(looked < 120)
        }
    }

    @Test func aPeriodHasAllOfItsEventsWhateverTheClockWasSetTo() async throws {
        let shop = try await Shop()
        let day: Int64 = 86_400_000
        for step in 0..<240 {
            // Two weeks back after a boot, and forward once the time server is reached.
            shop.wait(step % 80 == 39 ? -14 * day : step % 80 == 79 ? 14 * day : 60_000)
            try await shop.run(.adjust(product: "RES-10K", change: 1, note: "counted"))
        }
        let events = try await shop.allEvents()
        let (plant, root) = (shop.ledger.plant, try shop.access("root"))
        for begin in events.indices where begin % 7 == 0 {
            let (from, to) = (events[begin].at, events[begin].at + 1_800_000)
            let found = try await shop.ledger.read { db in
                try db.events(EventFilter(from: from, to: to), for: root, in: plant, Page(limit: 1_000)).items
            }
            #expect(found.map(\.id) == events.filter { $0.at >= from && $0.at < to }.map(\.id))
        }
        #expect(try await shop.ledger.read { try $0.number("SELECT count(*) FROM clock_step") } == 3)
        #expect(try await shop.ledger.verify().problem == nil)
    }
}
