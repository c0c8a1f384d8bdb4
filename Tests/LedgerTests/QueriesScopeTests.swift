import Testing
import Tracking

@testable import Ledger

/// What lies outside a caller's scope is not there: the conditions in SQL say the same as `Access.sees`.
@Suite(.serialized) struct QueriesScopeTests {
    private static let logins = ["mia", "tom", "a*b", "a[b", "a?b", "a|b", "A", "50%", "s", "lost", "x,y=z/1"]
    private static let teams = ["smt", "finish", "desk"]

    private func anyUnit(_ number: Int, _ random: inout SeededRandom) -> Unit {
        var state = UnitState(status: random.pick(Status.allCases))
        func some(_ values: [String]) -> String? { random.one(3) ? nil : random.pick(values) }
        if state.status == .inProduction { state.stage = random.pick(["assembly", "testing", "lost"]) }
        (state.failedStage, state.assignee, state.worker) = (some(["mia", "qa"]), some(Self.logins), some(Self.logins))
        (state.iteration, state.onHold, state.wasInStock) = (random.one(2) ? 0 : 2, random.one(2), random.one(2))
        state.wasReturned = state.status == .returned || random.one(4)
        (state.delivery, state.writeOffReason) = (some(["mia", "12"]), some(["scrap", "lost", "mia"]))
        if random.one(2) { state.routing = RoutingRef(code: "mia", version: 3) }
        if random.one(2) {
            state.passed = [.init(stage: random.pick(Self.logins), at: 12), .init(stage: "mia", at: 15)]
        }
        return Unit(
            serial: "U-\(number)", product: "P", team: some(Self.teams), createdAt: 0, updatedAt: 0,
            lastEvent: Int64(number), state: state)
    }

    @Test(arguments: 1...20)
    func unitsAreFoundExactlyWhereTheyAreSeen(seed: Int) throws {
        var random = SeededRandom(seed: seed)
        let db = try Connection.empty()
        let units = (0..<300).map { anyUnit($0, &random) }
        for unit in units {
            try db.insert(unit)
            try db.select(
                """
                INSERT INTO event (id, at, kind, unit, product, team, after, hash)
                VALUES (\(unit.lastEvent + 1), 0, 'unit.passed', \(unit.serial), 'P', \(Value(unit.team)),
                    \(unit.state.text), x'')
                """
            ) { _ in }
        }
        for _ in 0..<40 {
            let (_, access) = try random.caller(teams: Self.teams, logins: Self.logins)
            let seen = units.filter(access.sees).map(\.serial)
            let found = try db.select(
                "SELECT serial FROM unit WHERE \(access.seesUnit(in: .unit)) ORDER BY last_event"
            ) { $0.text(0) }
            #expect(found == seen, "\(access)")
            let events = try db.select(
                "SELECT unit FROM event WHERE \(access.seesUnit(in: .event)) ORDER BY id"
            ) { $0.text(0) }
            #expect(events == seen, "\(access)")
            for unit in units.prefix(50) {
                #expect(try db.unit(unit.serial, for: access) == (access.sees(unit) ? unit : nil))
            }
        }
    }

    @Test func whatIsAskedForIsNeverPartOfTheQuery() throws {
        let db = try Connection.empty()
        var random = SeededRandom(seed: 1)
        for number in 0..<20 { try db.insert(anyUnit(number, &random)) }
        let admin = try #require(Access(login: "root", isAdmin: true, in: Plant()))
        let evil = "x' OR 1=1 --"
        #expect(try db.unit(evil, for: admin) == nil)
        let filters = [
            UnitFilter(stage: evil), UnitFilter(product: evil), UnitFilter(workOrder: evil), UnitFilter(team: evil),
        ]
        for filter in filters { #expect(try db.units(filter, for: admin, Page()).items.isEmpty) }
        let query: SQL = "SELECT * FROM unit WHERE serial = \(evil) AND team IN \([evil, "b"])"
        #expect(query.text == "SELECT * FROM unit WHERE serial = ? AND team IN (?, ?)")
        #expect(query.values == [.text(evil), .text(evil), .text("b")])
    }

    /// The events that name no state of a unit, as the contract words it.
    @Test(arguments: 1...3)
    func eventsAreSeenByTeamStationAndHand(seed: Int) async throws {
        var random = SeededRandom(seed: seed)
        let shop = try await Shop()
        try await shop.work(steps: 150, &random)
        try await shop.run(.recordDenial(who: "uid 4711", request: "GET /v1/units"))
        let plant = shop.ledger.plant
        let events = try await shop.allEvents()
        for login in Shop.people {
            let access = try shop.access(login)
            func sees(_ event: Event) -> Bool {
                if access.isAdmin { return true }
                if let after = event.after { return access.sees(team: event.team, after) }
                if event.kind == .plantChanged || event.kind == .accessDenied { return false }
                if event.actor == login { return true }
                if access.seesBalances, event.kind.rawValue.hasPrefix("stock.") { return true }
                if access.role == .member, event.unit != nil || event.kind.rawValue.hasPrefix("work_order.") {
                    return false
                }
                if let team = event.team { return access.sees(team: team, in: plant) }
                return event.station.map { access.sees(team: plant.stations[$0]?.team, in: plant) } ?? false
            }
            let found = try await shop.ledger.read { db in try db.allEvents(for: access, in: plant) }
            #expect(found.map(\.id) == events.filter { sees($0.event) }.map(\.id), "\(login)")
        }
    }
}
