import Testing
import Tracking

@testable import Ledger

/// After any shift and any work at the defect desk, the tables say what the events say, and to everybody their part.
@Suite(.serialized) struct DefectRecordTests {
    @Test(arguments: 1...4)
    func theTablesAreWhatTheEventsSay(seed: Int) async throws {
        var random = SeededRandom(seed: seed)
        let shop = try await Shop()
        try await shop.work(steps: 60, &random)
        try await work(shop, steps: 400, &random)
        let ledger = shop.ledger
        #expect(try await ledger.verify().problem == nil)

        func number(_ sql: String) async throws -> Int64 { try await ledger.read { try $0.number(sql) } }
        let defective = try await number("SELECT count(*) FROM unit WHERE status = 'defect'")
        #expect(defective == (try await number("SELECT count(*) FROM defect_unit WHERE outcome = 'open'")))
        #expect(defective == (try await number("SELECT total(remaining) FROM defect WHERE serialised = 1")))
        #expect(
            try await number("SELECT total(unserialised_defect) FROM card WHERE team = ''")
                == (try await number("SELECT total(remaining) FROM defect WHERE serialised = 0")))
        #expect(
            try await number("SELECT count(*) FROM write_off WHERE serial IS NOT NULL")
                == (try await number("SELECT count(*) FROM unit WHERE status = 'written_off'")))
        #expect(try await number("SELECT count(*) FROM defect") > 20)
        #expect(try await number("SELECT count(DISTINCT outcome) FROM defect_unit") == 6)

        // What everybody sees of the write-offs and repairs is what they see of their units and cases.
        let root = try shop.access("root")
        let page = Page(limit: 1_000, total: true)
        let (units, cases, written, repairs) = try await ledger.read { db in
            (
                try db.units(UnitFilter(), for: root, page).items,
                try db.defects(DefectFilter(), for: root, page).items,
                try db.writeOffs(WriteOffFilter(), for: root, page).items,
                try db.repairs(product: nil, from: nil, to: nil, for: root, page).items
            )
        }
        #expect(!written.isEmpty && !repairs.isEmpty && units.count < 1_000)
        let bySerial = Dictionary(uniqueKeysWithValues: units.map { ($0.serial, $0) })
        for login in Shop.people {
            let access = try shop.access(login)
            let seen = try await ledger.read { db in
                (
                    try db.defects(DefectFilter(), for: access, page),
                    try db.writeOffs(WriteOffFilter(), for: access, page),
                    try db.repairs(product: nil, from: nil, to: nil, for: access, page),
                    try db.writeOffFigures(by: .source, from: 0, to: 1, for: access).sum,
                    try db.writeOffFigures(
                        by: .reason, from: Shop.opening, to: Shop.opening + 30_000_000_000, for: access)
                )
            }
            let ids = Set(seen.0.items.map(\.found.id))
            let expected = written.filter { line in
                // What a lead's desk had in hand they see with its case, whatever team the unit is of.
                let isOfDesk = !access.desk.isEmpty && line.defect.map(ids.contains) ?? false
                return isOfDesk || line.serial.flatMap { bySerial[$0] }.map(access.sees) ?? access.seesGoods
            }
            #expect(seen.1.items == expected, "\(login)")
            #expect(seen.1.total == expected.count && seen.3.lines == 0, "\(login)")
            #expect(seen.4.sum.quantity == expected.reduce(0) { $0 + $1.quantity }, "\(login)")
            #expect(seen.4.lines.reduce(0) { $0 + $1.lines } == expected.count, "\(login)")
            #expect(seen.2.items == repairs.filter { ids.contains($0.repair.defect) }, "\(login)")
            #expect(ids.isSubset(of: cases.map(\.found.id)))
        }
    }

    /// Whatever the desk may do, in no sensible order.
    private func work(_ shop: Shop, steps: Int, _ random: inout SeededRandom) async throws {
        let root = try shop.access("root")
        try await shop.run(
            .changePlant { _ in
                var part = Product(code: "FUSE", name: "Fuse", type: "part")
                (part.sparePart, part.cost) = (true, Money(0.3))
                return [.product(part), .supplier(Supplier(code: "acme", name: "Acme"))]
            })
        for product in ["FUSE", "PCB-200"] { try await shop.run(.adjust(product: product, change: 60, note: "n")) }
        // Of a supplier and of the line, so that there is something to repair to stock and to a stage.
        let received = (0..<80).map { "FROM-ACME-\($0)" }
        try await shop.run(.receive(product: "PCB-100", serials: received, supplier: nil, cost: Money(5), note: "n"))
        let made = (0..<20).map { "MADE-\($0)" }
        try await shop.run(.register(product: "PCB-100", serials: made, workOrder: "3001"))
        for step in 0..<steps {
            let (units, cases) = try await shop.ledger.read { db in
                (
                    try db.units(UnitFilter(), for: root, Page(limit: 1_000)).items.map(\.serial),
                    try db.defects(DefectFilter(), for: root, Page(limit: 1_000)).items.map(\.found)
                )
            }
            let report = DefectReport(findings: [.init(type: "SOLDER", quantity: 1)], supplier: "acme", note: "n")
            // Most of the time with a case that is not at its end.
            let live = cases.filter { $0.remaining > 0 }
            guard !random.one(3), let found = live.isEmpty ? nil : random.pick(live) else {
                let lot =
                    random.one(6)
                    ? DefectLot(quantity: 5)
                    : DefectLot(serials: (0..<Int.random(in: 1...2, using: &random)).map { _ in random.pick(units) })
                let product = lot.quantity == nil ? nil : "PCB-200"
                try await attempt(shop, .openDefect(lot, product: product, report))
                continue
            }
            let open = try await shop.ledger.read { db in
                try db.defect(found.id, for: root)?.lines.filter { $0.outcome == .open }.map(\.serial) ?? []
            }
            let lot = found.isSerialised ? DefectLot(serials: Array(open.prefix(1))) : DefectLot(quantity: 1)
            let good = Int.random(in: 0...found.remaining, using: &random)
            let split = DefectCase.Split(repairable: good, nonRepairable: found.remaining - good)
            let new = "N-\(step)"
            let repair = Command.repairDefect(
                found.id, lot, parts: [("FUSE", 1)], target: random.one(2) ? "stock" : "assembly", note: "n")
            let isInspected = found.status == .inspected || found.status == .processing
            let likely: [Command] =
                isInspected ? [repair, repair, repair] : [.inspectDefect(found.id, split, findings: nil)]
            try await attempt(
                shop,
                random.pick(
                    likely + likely + [
                        .inspectDefect(found.id, split, findings: nil), repair,
                        .writeOffDefect(found.id, lot, .outletSale, price: Money(2), note: "n"),
                        .routeDefects([found.id], supplier: "acme", rma: "R-\(step)", note: "n", isTrial: false),
                        .supplierRepairDefect(found.id, lot, note: "n"), .revertDefect(found.id, note: "n"),
                        .resolveDefect(found.id, note: "n", credit: Money(1)),
                        .correctDefect(found.id, note: "m", location: .some("SHELF"), supplier: nil, credit: nil),
                        .markDefect(open.first ?? new, .rework, type: nil, toStage: "assembly", note: "n"),
                        .receive(
                            product: found.product, serials: [new], supplier: nil, cost: nil,
                            replaces: open.first ?? new,
                            note: "n"),
                    ]))
        }
    }

    private func attempt(_ shop: Shop, _ command: Command) async throws {
        do { try await shop.run(command) } catch is Refusal {}
    }
}
