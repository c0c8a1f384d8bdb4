import Testing
import Tracking

@testable import Ledger

/// Pages of a list are the list, however long it is, and stay right while units are added.
@Suite(.serialized) struct QueriesPagingTests {
    private let admin: Access
    private let lead: Access

    init() throws {
        var plant = Plant()
        plant.teams["smt"] = Team(code: "smt", name: "smt", department: "electronics")
        plant.people["lena"] = Person(login: "lena", name: "Lena", role: .teamLead, team: "smt", grants: [.deliver])
        admin = try #require(Access(login: "root", isAdmin: true, in: plant))
        lead = try #require(Access(login: "lena", isAdmin: false, in: plant))
    }

    private func fill(_ db: Connection, _ count: Int, _ make: (Int) -> Unit) throws {
        try db.execute("BEGIN")
        for number in 0..<count { try db.insert(make(number)) }
        try db.execute("COMMIT")
    }

    private func unit(_ number: Int, _ status: Status, stage: String? = nil, team: String? = nil) -> Unit {
        var state = UnitState(status: status)
        state.stage = stage
        let padded = String(String(100_000 + number).dropFirst())
        return Unit(
            serial: "U-\(padded)", product: "P\(number % 3)", team: team, createdAt: 0, updatedAt: 0,
            lastEvent: Int64(number), state: state)
    }

    /// All pages of a list.
    private func all(
        _ db: Connection, _ filter: UnitFilter, _ access: Access, _ page: Page, between: (Int) throws -> Void = { _ in }
    ) throws -> [String] {
        var (page, serials, pages) = (page, [String](), 0)
        while true {
            let listing = try db.units(filter, for: access, page)
            #expect(listing.items.count <= page.limit)
            serials += listing.items.map(\.serial)
            guard let cursor = listing.nextCursor else { return serials }
            page.cursor = cursor
            pages += 1
            try between(pages)
        }
    }

    @Test func everyUnitComesOnceInOrder() throws {
        let db = try Connection.empty()
        let stages = ["assembly", "testing", "qa"]
        var units: [Unit] = []
        var random = SeededRandom(seed: 7)
        for number in 0..<6_000 {
            let status = random.pick([.inProduction, .inStock, .delivered, .writtenOff, Status.defect])
            let stage = status == .inProduction ? random.pick(stages) : nil
            units.append(unit(number, status, stage: stage, team: random.one(3) ? "smt" : nil))
        }
        try fill(db, units.count) { units[$0] }
        let filters = [
            UnitFilter(), UnitFilter(status: .inProduction), UnitFilter(status: .inStock, product: "P1"),
            UnitFilter(stage: "qa"), UnitFilter(status: .writtenOff), UnitFilter(product: "P2"),
            UnitFilter(status: .delivered, team: "smt"), UnitFilter(status: .inStock, stage: "qa"),
        ]
        for access in [admin, lead] {
            for filter in filters {
                let expected = units.filter { unit in
                    access.sees(unit) && filter.status.map { unit.state.status == $0 } ?? true
                        && filter.stage.map { unit.state.stage == $0 } ?? true
                        && filter.product.map { unit.product == $0 } ?? true
                        && filter.team.map { unit.team == $0 } ?? true
                }.map(\.serial)
                for limit in [7, 1_000] where limit > 7 || filter.product != nil {
                    #expect(try all(db, filter, access, Page(limit: limit)) == expected, "\(filter)")
                    let backwards = try all(db, filter, access, Page(limit: limit, descending: true))
                    #expect(backwards == expected.reversed(), "\(filter)")
                }
                let walk = try db.walk(filter, access)
                #expect(try db.count(walk) == expected.count, "\(filter)")
            }
        }
    }

    /// A search finds each unit with the text once, whatever part of its serial that is, and counts them.
    @Test(arguments: [
        "U", "U-1", "-12", "12", "345", "U-12", "0034", "1234", "12345", "34567", "X", "u-1", "", "é", "~",
    ])
    func aSearchFindsEachUnitOnce(_ text: String) throws {
        let db = try Connection.empty()
        let serials = (0..<3_000).map { "U-\($0 * 7_919 % 100_000)" }
        for (number, serial) in serials.enumerated() {
            try db.insert(
                Unit(
                    serial: serial, product: "P\(number % 3)", team: number % 2 == 0 ? "smt" : nil, createdAt: 0,
                    updatedAt: 0, lastEvent: Int64(number), state: UnitState(status: .delivered)))
        }
        for (access, product) in [(admin, nil), (lead, nil), (admin, "P1")] {
            var filter = UnitFilter(product: product)
            filter.search = text
            let expected = serials.enumerated().filter { number, serial in
                (text.isEmpty || serial.contains(text)) && product.map { $0 == "P\(number % 3)" } ?? true
                    && (access == admin || number % 2 == 0)
            }.map(\.element)
            for limit in [7, 1_000] where limit > 7 || expected.count < 500 {
                for descending in [false, true] {
                    let found = try self.all(db, filter, access, Page(limit: limit, descending: descending))
                    #expect(found.sorted() == expected.sorted(), "\(text) \(limit)")
                    let begins = found.prefix { $0.hasPrefix(text) }
                    #expect(begins.count == expected.count { $0.hasPrefix(text) })
                }
            }
            #expect(try db.units(filter, for: access, Page(limit: 1, total: true)).total == expected.count)
        }
    }

    @Test func pagesStayRightWhileUnitsAreAdded() throws {
        let db = try Connection.empty()
        try fill(db, 3_000) { unit($0 * 2, .inStock) }
        let first = Set((0..<3_000).map { unit($0 * 2, .inStock).serial })
        var random = SeededRandom(seed: 3)
        let serials = try all(db, UnitFilter(status: .inStock), admin, Page(limit: 50)) { _ in
            for _ in 0..<20 { try db.insert(unit(Int.random(in: 0..<3_000, using: &random) * 2 + 1, .inStock)) }
        }
        #expect(serials == serials.sorted() && Set(serials).count == serials.count)
        #expect(first.isSubset(of: serials))
    }

    @Test func aLongWayWithoutAMatchIsCutIntoPages() throws {
        let db = try Connection.empty()
        let last = Walk.pageBound + 400
        try fill(db, Walk.pageBound + 500) { unit($0, $0 == last ? .returned : .inStock) }
        // Units that came back at some time are seen among all others.
        var plant = Plant()
        plant.people["rita"] = Person(login: "rita", name: "Rita", role: .teamLead, grants: [.returnsManage])
        let rita = try #require(Access(login: "rita", isAdmin: false, in: plant))
        let first = try db.units(UnitFilter(), for: rita, Page())
        #expect(first.items.isEmpty && first.nextCursor != nil)
        let second = try db.units(UnitFilter(), for: rita, Page(cursor: first.nextCursor))
        #expect(second.items.map(\.lastEvent) == [Int64(last)] && second.nextCursor == nil)
    }

    @Test func aListThatEndsWithItsPageHasNoNextOne() throws {
        let db = try Connection.empty()
        try fill(db, 10) { unit($0, .inStock) }
        #expect(try db.units(UnitFilter(), for: admin, Page(limit: 10)).nextCursor == nil)
        #expect(try db.units(UnitFilter(), for: admin, Page(limit: 9)).nextCursor != nil)
        #expect(try db.units(UnitFilter(status: .inProduction), for: admin, Page()).items.isEmpty)
    }

    @Test(arguments: ["", "x", "%%%", "eA", "bm9w", "\u{1F600}", "w6k", "/+==", "bjE"])
    func aCursorThatIsNoneIsRefused(_ cursor: String) throws {
        let db = try Connection.empty()
        try fill(db, 3) { unit($0, .inStock) }
        let refusal = #expect(throws: Refusal.self) { try db.units(UnitFilter(), for: admin, Page(cursor: cursor)) }
        #expect(refusal?.kind == .invalid)
    }

    @Test(arguments: [Value.int(0), .int(.max), .int(.min), .text(""), .text("n12"), .text("A/B+C=é?~|")])
    func aCursorSaysItsKeyInLettersThatAUrlTakes(_ key: Value) throws {
        #expect(key.cursor.utf8.allSatisfy { "-_".utf8.contains($0) || ($0 | 0x20) &- 0x61 < 26 || $0 &- 0x30 < 10 })
        let isNumber = if case .int = key { true } else { false }
        #expect(try Value(cursor: key.cursor, isNumber: isNumber) == key)
        #expect(throws: Refusal.self) { try Value(cursor: key.cursor, isNumber: !isNumber) }
    }

    @Test func aLimitIsOneToAThousand() {
        #expect(Page(limit: 0).limit == 1 && Page(limit: -5).limit == 1 && Page(limit: 5_000).limit == 1_000)
    }
}
