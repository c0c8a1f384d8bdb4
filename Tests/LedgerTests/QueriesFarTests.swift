import Testing
import Tracking

@testable import Ledger

/// What matches a filter is found wherever it lies: a few rows behind very many come with the first page, and whoever
/// goes on from page to page gets all there is.
@Suite(.serialized) struct QueriesFarTests {
    /// So many rows are in the way that no page looks at all of them.
    private static let many = 5 * Walk.pageBound
    /// So many are looked for, behind them.
    private static let few = 5

    /// A ledger with many rows of each table, of which the last few differ in all that can be asked for.
    private static func ledger() throws -> Connection {
        let db = try Connection.empty()
        let rows: (String, String) -> String = { table, columns in
            """
            INSERT INTO \(table) WITH RECURSIVE row(n, odd) AS (
                SELECT 1, 0 UNION ALL SELECT n + 1, n + 1 > \(many) FROM row WHERE n < \(many + few))
            SELECT \(columns) FROM row
            """
        }
        try db.execute("BEGIN")
        try db.execute(
            rows(
                "unit (serial, product, work_order, team, created_at, updated_at, last_event, status, state)",
                """
                printf('U-%07d', n), iif(odd, 'P-2', 'P-1'), iif(odd, '2', '1'), iif(odd, 'finish', 'smt'), n, n, n,
                iif(odd, 'delivered', 'in_stock'), iif(odd, 'delivered', 'in_stock') || '||||||||||'
                """))
        try db.execute(
            rows(
                "event (id, at, kind, actor, station, device, code, unit, hash)",
                """
                n, n, iif(odd, 'scan.refused', 'unit.held'), iif(odd, 'mia', 'ada'), iif(odd, 'QA-1', 'TEST-1'),
                'terminal', 'x', 'U', x'00'
                """))
        try db.execute(
            rows(
                "inventory_log", "n, iif(odd, 'P-2', 'P-1'), iif(odd, 'adjustment', 'delivery'), 1, 0, 1"))
        try db.execute(
            rows(
                "work_order",
                """
                printf('%07d', n), iif(odd, 'P-2', 'P-1'), 1, iif(odd, 'finish', 'smt'), NULL,
                iif(odd, 'released', 'closed'), n, 0, 0, 0, 0, 0
                """))
        try db.execute(rows("delivery", "n, printf('%d', n), NULL, NULL, iif(odd, 0, 1), 1, n, n, NULL, NULL"))
        try db.execute(
            rows(
                "label_job",
                "n, printf('U-%07d', n), 'P', NULL, 'p', 0, iif(odd, 'cancelled', 'printed'), NULL, 1, n, 0"))
        try db.execute(
            rows(
                "write_off",
                """
                n, n, iif(odd, 'P-2', 'P-1'), printf('U-%07d', n), 1, iif(odd, 'lost', 'scrap'), NULL, NULL,
                iif(odd, 'defect', 'production'), NULL, NULL, NULL, NULL
                """))
        try db.execute("COMMIT")
        return db
    }

    /// All of a list, page by page, and how many pages it took.
    private func all<Item>(
        _ list: (Page) throws -> Listing<Item>, descending: Bool = false, limit: Int = 1_000
    ) throws -> (items: [Item], pages: Int, first: Int) {
        var (items, pages, first) = ([Item](), 0, 0)
        var page = Page(limit: limit, descending: descending)
        repeat {
            let listing = try list(page)
            items += listing.items
            pages += 1
            if pages == 1 { first = items.count }
            page.cursor = listing.nextCursor
        } while page.cursor != nil
        return (items, pages, first)
    }

    @Test func aFewBehindManyComeWithTheFirstPage() throws {
        let db = try Self.ledger()
        let plant = Plant()
        let access = try #require(Access(login: "root", isAdmin: true, in: plant))
        func expect<Item>(_ what: String, _ list: (Page) throws -> Listing<Item>) throws {
            for descending in [false, true] {
                let found = try all(list, descending: descending)
                #expect(found.items.count == Self.few && found.first == Self.few, "\(what): \(found.pages) pages")
            }
        }
        for filter in [
            UnitFilter(status: .delivered), UnitFilter(product: "P-2"), UnitFilter(workOrder: "2"),
            UnitFilter(team: "finish"), UnitFilter(status: .delivered, product: "P-2", team: "finish"),
        ] { try expect("\(filter)") { try db.units(filter, for: access, $0) } }
        for filter in [
            EventFilter(kinds: [.scanRefused]), EventFilter(kindPrefix: "scan."), EventFilter(actor: "mia"),
            EventFilter(station: "QA-1"), EventFilter(station: "QA-1", scansOnly: true),
            EventFilter(scansOnly: true, results: [.refused]), EventFilter(kinds: [.scanRefused], actor: "mia"),
            EventFilter(station: "QA-1", from: 1),
        ] { try expect("\(filter)") { try db.events(filter, for: access, in: plant, $0) } }
        for filter in [
            InventoryFilter(product: "P-2"), InventoryFilter(action: .adjustment),
            InventoryFilter(product: "P-2", action: .adjustment),
        ] { try expect("\(filter)") { try db.inventoryLog(filter, for: access, in: plant, $0) } }
        for filter in [
            WorkOrderFilter(status: .released), WorkOrderFilter(product: "P-2"), WorkOrderFilter(team: "finish"),
        ] { try expect("\(filter)") { try db.workOrders(filter, for: access, in: plant, $0) } }
        try expect("open") { try db.deliveries(DeliveryFilter(isClosed: false), for: access, in: plant, $0) }
        try expect("cancelled") { try db.labelJobs(LabelJobFilter(status: .cancelled), for: access, in: plant, $0) }
        for filter in [WriteOffFilter(product: "P-2"), WriteOffFilter(reason: .lost), WriteOffFilter(source: .defect)] {
            try expect("\(filter)") { try db.writeOffs(filter, for: access, $0) }
        }
    }

    /// Where no index leads, pages are short, even empty, and the last of them has what there is.
    @Test func whoGoesOnGetsAllThereIs() throws {
        let db = try Self.ledger()
        let plant = Plant()
        let access = try #require(Access(login: "root", isAdmin: true, in: plant))
        let late = try all { page in
            try db.events(
                EventFilter(unit: "U", scansOnly: true, results: [.accepted, .refused]), for: access, in: plant, page)
        }
        #expect(late.items.map(\.id) == Array(1...Int64(Self.many + Self.few)))
        let refused = try all { page in
            try db.events(EventFilter(actor: "mia", results: [.accepted, .refused]), for: access, in: plant, page)
        }
        #expect(refused.items.count == Self.few)
        let nothing = try all { try db.units(UnitFilter(product: "P-1", team: "finish"), for: access, $0) }
        #expect(nothing.items.isEmpty)
        let units = try all({ try db.units(UnitFilter(), for: access, $0) }, limit: 300)
        #expect(units.items.count == Self.many + Self.few && Set(units.items.map(\.serial)).count == units.items.count)
        let stock = try all { try db.units(UnitFilter(status: .inStock, product: "P-1"), for: access, $0) }
        #expect(stock.items.count == Self.many)
    }
}
