import Barcodes
import FoundationEssentials
import Testing
import Tracking

@testable import Ledger

/// Defect cases on record: what comes from an older file, who sees them, and many callers at once.
@Suite(.serialized) struct DefectTests {
    // MARK: An older file

    /// What version 2 recorded of a unit that came into stock and went to `status`, by way of an undone write-off.
    private func legacyEvents() -> [(event: Event, at: Int64)] {
        var plant = Event(.plantChanged)
        var board = Product(code: "P", name: "Board", type: "pcb")
        (board.supplier, board.cost) = ("acme", Money(3))
        plant.change = .plant([
            .supplier(Supplier(code: "acme", name: "Acme")), .defectType(DefectType(code: "DEAD", name: "Dead")),
            .product(board),
        ])
        var events = [(plant, Int64(1_000))]
        for (index, serial) in ["A", "B", "C", "D"].enumerated() {
            var state = UnitState(status: .inStock)
            state.wasInStock = true
            var last: UnitState?
            func add(_ kind: EventKind, _ next: UnitState, _ change: (inout Event) -> Void = { _ in }) {
                var event = Event(kind)
                (event.unit, event.product, event.before, event.after) = (serial, "P", last, next)
                (event.note, event.actor) = ("n\(index)", "ada")
                change(&event)
                events.append((event, 2_000 + Int64(events.count) * 1_000))
                last = next
            }
            add(.unitReceived, state)
            var defective = state
            defective.status = .defect
            if serial == "D" {
                var gone = state
                (gone.status, gone.writeOffReason) = (.writtenOff, "lost")
                add(.unitWrittenOff, gone) { $0.details.reason = "lost" }
                let written = Int64(events.count)
                add(.unitUndone, state) { $0.undoes = written }
                (gone.writeOffReason, gone.assignee) = ("outlet_sale", nil)
                add(.unitWrittenOff, gone) { ($0.details.reason, $0.details.price) = ("outlet_sale", Money(4.5)) }
                continue
            }
            add(.unitDefect, defective) { $0.details.defectType = serial == "A" ? "DEAD" : nil }
            if serial == "B" {
                defective.onHold = true
                add(.unitHeld, defective)
            }
            if serial == "C" { add(.unitReworked, state) }
        }
        return events
    }

    /// A file as version 2 left it, with these events and all that followed from them then.
    private func writeLegacyLedger(_ directory: String) throws {
        let old = try Connection(path: directory + "/" + Ledger.fileName, mode: .readWrite)
        try Schema.migrate(old, migrations: Array(Schema.migrations.prefix(2)))
        let now = directory + "/now.db"
        let new = try Connection(path: now, mode: .readWrite)
        try Schema.migrate(new)
        var state = State(records: StoredRecords(new), localDate: { _ in .init(daysSince1970: 0) }, badgeDigest: { $0 })
        let store = try Store(new)
        var hash: [UInt8] = []
        for (event, at) in legacyEvents() {
            hash = try store.append(event, at: at, after: hash, to: &state)
            if case .plant(let changes) = event.change { try store.put(changes) }
            try store.flush(&state)
        }
        try old.execute("ATTACH '\(now)' AS now")
        let tables = try old.rows(
            "SELECT name FROM main.sqlite_master WHERE type = 'table' AND name <> 'meta'", [], { $0.text(0) })
        for table in tables {
            let columns = try old.rows("SELECT name FROM pragma_table_info('\(table)', 'main')", [], { $0.text(0) })
            let list = columns.joined(separator: ", ")
            try old.execute("INSERT INTO main.\(table) (\(list)) SELECT \(list) FROM now.\(table)")
        }
        try old.execute("INSERT INTO main.meta SELECT * FROM now.meta WHERE key = 'badge_key'")
        try old.execute("DETACH now")
    }

    @Test func unitsThatWereDefectiveBeforeGetTheirCase() async throws {
        let folder = try Folder()
        try writeLegacyLedger(folder.path)
        let ledger = try folder.open()
        // What is submitted comes after the filing.
        _ = try await ledger.submit(.assign("A", to: nil))
        let admin = try #require(Access(login: "root", isAdmin: true, in: ledger.plant))
        let listing = try await ledger.read { try $0.defects(DefectFilter(), for: admin, Page()) }
        #expect(listing.items.map(\.serial) == ["A", "B"])
        let first = try #require(listing.items.first).found
        #expect(first.status == .pending && first.source == .stock && first.supplier == "acme" && first.quantity == 1)
        #expect(first.findings == [.init(type: "DEAD", quantity: 1)] && first.detectedBy == "ada")
        #expect(first.detectedAt == 4_000 && first.note == "n0")
        let unit = try await ledger.read { try $0.unit("B", for: admin) }
        #expect(unit?.state.defectCase == listing.items[1].found.id && unit?.state.onHold == true)
        let written = try await ledger.read { try $0.writeOffs(WriteOffFilter(), for: admin, Page()) }
        #expect(written.items.map(\.serial) == ["D"])
        #expect(written.items.first?.price == Money(4.5) && written.items.first?.source == .inventoryAudit)
        #expect(try await ledger.verify().problem == nil)
        ledger.close()

        let again = try folder.open()
        #expect(
            try await again.read { try $0.number("SELECT max(id) FROM event") }
                == Int64(listing.items.count * 2 + legacyEvents().count + 1))
        #expect(try await again.verify().problem == nil)
    }

    @Test func anOlderBackupIsCheckedAndRestored() async throws {
        let folder = try Folder()
        try writeLegacyLedger(folder.path)
        let backup = folder.path + "/backup.db"
        try FileManager.default.moveItem(atPath: folder.path + "/" + Ledger.fileName, toPath: backup)
        let bytes = try Data(contentsOf: URL(filePath: backup))
        let report = try Ledger.verify(file: backup, scratch: folder.path)
        #expect(report.problem == nil && report.olderFormat == 2 && report.events == Int64(legacyEvents().count))
        #expect(try Ledger.restore(backup, in: folder.path).report == report)
        #expect(try Data(contentsOf: URL(filePath: backup)) == bytes, "what was given is as it was")
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: folder.path).filter { $0.hasPrefix("verify") }.isEmpty)

        let ledger = try folder.open()
        _ = try await ledger.submit(.assign("A", to: nil))
        let admin = try #require(Access(login: "root", isAdmin: true, in: ledger.plant))
        #expect(try await ledger.read { try $0.defects(DefectFilter(), for: admin, Page()) }.items.count == 2)
        #expect(try await ledger.verify().problem == nil)
        ledger.close()

        try Connection(path: backup, mode: .readWrite).execute("UPDATE event SET note = 'forged' WHERE id = 3")
        #expect(try Ledger.verify(file: backup, scratch: folder.path).problem?.table == "event")
        #expect(throws: StorageError.self) { try Ledger.restore(backup, in: folder.path) }
    }

    // MARK: Scope

    @Test(arguments: 1...12)
    func casesAreFoundExactlyWhereTheyAreSeen(seed: Int) throws {
        var random = SeededRandom(seed: seed)
        let db = try Connection.empty()
        let (teams, logins) = (["smt", "finish", "desk"], ["mia", "tom", "a'b"])
        var state = State(
            records: StoredRecords(db), localDate: { _ in .init(daysSince1970: 0) }, badgeDigest: { $0 })
        var cases: [(DefectCase, [Unit])] = []
        for number in 1...60 {
            var found = DefectCase(
                id: String(number), product: "P", team: random.one(3) ? nil : random.pick(teams),
                isSerialised: !random.one(4), quantity: 2, source: .stock, detectedAt: Int64(number))
            found.status = random.pick(DefectStatus.allCases)
            found.supplier = random.one(2) ? nil : "acme"
            var units: [Unit] = []
            if found.isSerialised {
                for index in 0..<2 {
                    var unitState = UnitState(status: .defect)
                    unitState.assignee = random.one(3) ? nil : random.pick(logins)
                    unitState.worker = random.one(3) ? nil : random.pick(logins)
                    let unit = Unit(
                        serial: "U-\(number)-\(index)", product: "P", team: found.team, createdAt: 0, updatedAt: 0,
                        lastEvent: 0, state: unitState)
                    units.append(unit)
                    try db.insert(unit)
                    state.defectUnits.write(
                        .init(id: found.id, serial: unit.serial), .init(outcome: .open, event: 1))
                }
            }
            state.defects.write(found.id, found)
            state.handlers[found.id] = random.handlers(teams: teams, logins: logins)
            cases.append((found, units))
        }
        let handlers = state.handlers
        try Store(db).flush(&state)
        for _ in 0..<60 {
            let (plant, access) = try random.caller(teams: teams, logins: logins)
            let seen = cases.filter { found, units in
                access.sees(found, units: { units }, handlers: { handlers[found.id] ?? [] })
            }.map(\.0.id)
            let page = Page(limit: 1_000, descending: false, total: true)
            for order in DefectOrder.allCases {
                let listing = try db.defects(DefectFilter(), by: order, for: access, page)
                #expect(Set(listing.items.map(\.found.id)) == Set(seen), "\(access)")
                #expect(listing.total == seen.count)
            }
            let cards = try db.defectCards(DefectFilter(), for: access)
            #expect(cards.cases.values.reduce(0, +) == seen.count)
            let (lines, sum) = try db.defectFigures(by: .status, from: 0, to: 1_000, for: access, in: plant)
            #expect(sum.cases == seen.count && lines.reduce(0) { $0 + $1.cases } == seen.count)
            for (found, _) in cases.prefix(20) {
                #expect(try (db.defect(found.id, for: access) != nil) == seen.contains(found.id))
                #expect(try (db.defectHistory(found.id, for: access) != nil) == seen.contains(found.id))
            }
        }
    }

    // MARK: Lists

    @Test func pagesGoThroughEveryOrder() throws {
        let db = try Connection.empty()
        var state = State(
            records: StoredRecords(db), localDate: { _ in .init(daysSince1970: 0) }, badgeDigest: { $0 })
        let products = ["P", "P-1", "A"]
        for number in 1...250 {
            var found = DefectCase(
                id: String(number * 3), product: products[number % 3], isSerialised: false, quantity: number,
                source: .stock, detectedAt: Int64(number) * 1_000)
            found.supplier = number % 4 == 0 ? nil : "s\(number % 4)"
            found.status = DefectStatus.allCases[number % 5]
            found.findings = number % 2 == 0 ? [.init(type: "DEAD", quantity: 1, note: "Row \(number)")] : []
            found.reason = number % 2 == 0 ? nil : "Bent Plug"
            found.note = number == 100 ? "Größe 1" : nil
            state.defects.write(found.id, found)
        }
        try Store(db).flush(&state)
        let admin = try #require(Access(login: "root", isAdmin: true, in: Plant()))
        func all(_ filter: DefectFilter, _ order: DefectOrder, descending: Bool) throws -> [DefectCase] {
            var (found, page) = ([DefectCase](), Page(limit: 7, descending: descending))
            repeat {
                let listing = try db.defects(filter, by: order, for: admin, page)
                (found, page.cursor) = (found + listing.items.map(\.found), listing.nextCursor)
            } while page.cursor != nil
            return found
        }
        for order in DefectOrder.allCases {
            for descending in [true, false] {
                let found = try all(DefectFilter(), order, descending: descending)
                #expect(found.count == 250 && Set(found.map(\.id)).count == 250)
                let keys = found.map { found in
                    let id = Int(found.id) ?? 0
                    return switch order {
                    case .date: ("", id)
                    case .open: (found.status == .resolved ? "1" : "0", -id)
                    case .product: (found.product, id)
                    case .supplier: (found.supplier ?? "", id)
                    }
                }
                let sorted = keys.sorted { descending ? $0 > $1 : $0 < $1 }
                #expect(keys.map(\.1) == sorted.map(\.1), "\(order)")
            }
        }
        var filter = DefectFilter()
        filter.search = "bent pLUG"
        #expect(try all(filter, .date, descending: false).count == 125)
        // Not in how it is stored, and in any alphabet.
        filter.search = "quantity"
        #expect(try all(filter, .date, descending: false).isEmpty)
        filter.search = "Größe 1"
        #expect(try all(filter, .date, descending: false).map(\.id) == ["300"])
        (filter.search, filter.typesFound) = ("does not power up", ["DEAD"])
        #expect(try all(filter, .date, descending: false).count == 125)
        filter.typesFound = []
        filter.search = "S2"
        #expect(try all(filter, .date, descending: false).allSatisfy { $0.supplier == "s2" })
        filter.searchesPurchase = false
        #expect(try all(filter, .date, descending: false).isEmpty)
        (filter.search, filter.type, filter.searchesPurchase) = (nil, "DEAD", true)
        #expect(try all(filter, .date, descending: false).count == 125)
        filter.statuses = DefectStatus.open
        let open = try all(filter, .product, descending: true)
        #expect(open.allSatisfy { DefectStatus.open.contains($0.status) && !$0.findings.isEmpty })
        #expect(try all(filter, .date, descending: true).count == open.count)
        (filter.from, filter.to) = (10_000, 20_000)
        #expect(try all(filter, .date, descending: true).allSatisfy { (10_000..<20_000).contains($0.detectedAt) })
    }

    // MARK: Many at once

    @Test func manyRepairsAtOnceTakeNoMoreThanThereIs() async throws {
        let folder = try Folder()
        let ledger = try folder.open()
        _ = try await ledger.submit(
            .changePlant { _ in
                var part = Product(code: "R", name: "Resistor", type: "part")
                (part.sparePart, part.cost) = (true, Money(0.5))
                return [
                    .product(part), .product(Product(code: "P", name: "Board", type: "pcb")),
                    .defectType(DefectType(code: "DEAD", name: "Dead")),
                    .supplier(Supplier(code: "acme", name: "Acme")),
                ]
            })
        _ = try await ledger.submit(.adjust(product: "R", change: 25, note: "n"))
        _ = try await ledger.submit(.adjust(product: "P", change: 100, note: "n"))
        let report = DefectReport(findings: [.init(type: "DEAD", quantity: 60)], repairable: 40, note: "n")
        let id = try await ledger.submitDefect(.openDefect(DefectLot(quantity: 60), product: "P", report))
        let counts = await withTaskGroup(of: (Int, Int).self) { group in
            for caller in 0..<80 {
                group.addTask {
                    do {
                        if caller % 2 == 0 {
                            _ = try await ledger.submit(
                                .repairDefect(
                                    id, DefectLot(quantity: 1), parts: [("R", 1)], target: "stock", note: "n"))
                            return (1, 0)
                        }
                        _ = try await ledger.submit(
                            .writeOffDefect(id, DefectLot(quantity: 1), .disposal, price: nil, note: "n"))
                        return (0, 1)
                    } catch {
                        return (0, 0)
                    }
                }
            }
            return await group.reduce(into: (0, 0)) { $0 = ($0.0 + $1.0, $0.1 + $1.1) }
        }
        #expect(counts == (25, 20))
        let admin = try #require(Access(login: "root", isAdmin: true, in: ledger.plant))
        let found = try await ledger.read { try $0.defect(id, for: admin)?.found }
        #expect(found?.outcomes.repaired == 25 && found?.outcomes.writtenOff == 20 && found?.remaining == 15)
        let card = try await ledger.read { try $0.cards(["P", "R"], for: admin) }
        #expect(card["P"]?.unserialised == 65 && card["P"]?.unserialisedDefect == 15)
        #expect(card["R"]?.unserialised ?? 0 == 0)
        // The same case is sent once, however many send it.
        let sent = await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<20 {
                group.addTask {
                    (try? await ledger.submit(
                        .routeDefects([id], supplier: "acme", rma: "R", note: "n", isTrial: false))) != nil
                }
            }
            return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(sent == 1)
        #expect(try await ledger.verify().problem == nil)
    }
}

extension Ledger {
    /// Carries out a command that opens a defect case, and answers its id.
    fileprivate func submitDefect(_ command: Command) async throws -> String {
        let answer = try await submit(command, by: .system) { _, decision in
            StoredAnswer(status: 200, body: Array((decision.created ?? "").utf8))
        }
        return String(decoding: answer.body, as: UTF8.self)
    }
}
