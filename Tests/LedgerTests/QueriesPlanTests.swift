import Testing
import Tracking

@testable import Ledger

/// Lists of units find their way by an index: what one costs depends on what it leads past, not on how much there is.
@Suite(.serialized) struct QueriesPlanTests {
    private static func plant() -> Plant {
        var plant = Plant()
        for team in ["smt", "finish"] { plant.teams[team] = Team(code: team, name: team, department: "electronics") }
        let people = [
            Person(login: "dora", name: "Dora", role: .departmentLead, department: "electronics"),
            Person(login: "luis", name: "Luis", role: .teamLead, team: "finish", grants: [.deliver]),
            Person(login: "rita", name: "Rita", role: .teamLead, team: "finish", grants: [.returnsManage]),
            Person(login: "mia", name: "Mia", role: .member, team: "smt"),
        ]
        for person in people { plant.people[person.login] = person }
        return plant
    }

    /// For each caller and filter, the indexes that are used.
    static let ways: [(String, UnitFilter, Set<String>)] = [
        ("root", UnitFilter(), ["PRIMARY KEY"]),
        ("root", UnitFilter(status: .inProduction), ["unit_active"]),
        ("root", UnitFilter(status: .inStock), ["unit_active"]),
        ("root", UnitFilter(status: .returned, product: "P"), ["unit_active"]),
        ("root", UnitFilter(status: .defect), ["unit_active"]),
        ("root", UnitFilter(status: .inProduction, stage: "testing"), ["unit_active"]),
        ("root", UnitFilter(stage: "testing"), ["unit_active"]),
        ("root", UnitFilter(product: "P"), ["unit_product"]),
        ("root", UnitFilter(status: .delivered), ["unit_done"]),
        ("root", UnitFilter(status: .writtenOff, product: "P"), ["unit_done"]),
        ("root", UnitFilter(status: .inStock, product: "P", workOrder: "1001"), ["unit_work_order"]),
        ("root", UnitFilter(team: "smt"), ["unit_team"]),
        ("root", UnitFilter(mine: true), ["unit_assignee", "unit_worker"]),
        ("dora", UnitFilter(), ["unit_team"]),
        ("dora", UnitFilter(status: .delivered), ["unit_done"]),
        ("luis", UnitFilter(), ["unit_team", "unit_active"]),
        ("rita", UnitFilter(), ["PRIMARY KEY"]),
        ("mia", UnitFilter(), ["unit_assignee", "unit_worker"]),
        ("root", filter { $0.isHeld = true }, ["unit_held"]),
        ("dora", filter { $0.isHeld = true }, ["unit_held"]),
        ("root", filter { $0.assignee = "mia" }, ["unit_assignee"]),
        ("root", filter { $0.location = "SHELF" }, ["unit_location"]),
        ("mia", UnitFilter(status: .delivered, product: "P", mine: true), ["unit_assignee", "unit_worker"]),
    ]

    private static func filter(_ change: (inout UnitFilter) -> Void) -> UnitFilter {
        var filter = UnitFilter()
        change(&filter)
        return filter
    }

    /// Serials that begin or end with a text are found by an index, and nothing else is looked at before them.
    @Test func aSearchBeginsWhereAnIndexLeads() throws {
        let db = try Connection.empty()
        let root = try #require(Access(login: "root", isAdmin: true, in: Plant()))
        let walks = try db.searchWalks("2610-0017", UnitFilter(), root)
        #expect(walks.count == 3)
        #expect(walks[0].within.map { $0.after < "2610-0017" && $0.upTo > "2610-0017-X" } == true)
        for descending in [false, true] {
            let ends = try plan(walks[1].boundary(descending, behind: .text("A-1")), db)
            #expect(
                ends == ["SEARCH unit USING COVERING INDEX unit_tail (<expr>=? AND serial\(descending ? "<" : ">")?)"])
        }
        #expect(try db.searchWalks("17", UnitFilter(), root).count == 2)
        #expect(try db.searchWalks("2610-0017", UnitFilter(workOrder: "1001"), root).count == 1)
    }

    @Test(arguments: ways.indices)
    func everyListHasItsIndex(_ index: Int) throws {
        let (login, filter, indexes) = Self.ways[index]
        let db = try Connection.empty()
        for stage in ["assembly", "testing"] {
            var state = UnitState(status: .inProduction)
            state.stage = stage
            try db.insert(Unit(serial: stage, product: "P", createdAt: 0, updatedAt: 0, lastEvent: 1, state: state))
        }
        let access = try #require(Access(login: login, isAdmin: login == "root", in: Self.plant()))
        let walk = try db.walk(filter, access)
        for descending in [false, true] {
            let boundary = try plan(walk.boundary(descending, behind: .text("A-1")), db)
            // The way itself reads nothing but the index.
            for step in boundary.filter({ $0.contains("unit") }) {
                #expect(step.hasPrefix("SEARCH unit USING"), "\(step)")
                #expect(indexes.contains { step.contains($0) }, "\(step)")
                #expect(step.contains("serial\(descending ? "<" : ">")?"), "\(step)")
            }
            #expect(!boundary.contains { $0.contains("TEMP B-TREE") })
            for index in indexes { #expect(boundary.contains { $0.contains(index) }, "\(boundary)") }

            let window = Window(descending: descending, last: .text("A-1"), end: .text("B-1"))
            let rows = try plan(walk.select(Unit.columns, window) + " ORDER BY walk.key LIMIT 10", db)
            for step in rows.filter({ $0.contains("unit") }) { #expect(step.hasPrefix("SEARCH unit USING"), "\(step)") }
            #expect(rows.contains { $0.hasPrefix("SEARCH unit USING") && $0.hasSuffix("serial=?)") }, "\(rows)")
        }
    }

    /// Of two bounds on one side SQLite uses one, and steps over all that lies between them.
    @Test func aPeriodIsBoundedOnceOnEachSide() throws {
        let db = try Connection.empty()
        let log: SQL = "inventory_log INDEXED BY inventory_log_product WHERE product = 'P' AND action = 'delivery'"
        for (key, source) in [("id", "event WHERE TRUE"), ("event", "inventory_log WHERE TRUE"), ("event", log)]
            as [(SQL, SQL)]
        {
            let walk = Walk(
                key: key, sources: [source], rows: "event ON event.id = walk.key", condition: .always, range: 5..<90)
            for descending in [false, true] {
                for last in [nil, Value.int(50)] {
                    var windows: [Window] = []
                    _ = try db.forEachWindow(walk, descending: descending, from: last) { window in
                        windows.append(window)
                        return true
                    }
                    let window = try #require(windows.first)
                    for query in [walk.boundary(descending, behind: window.last), walk.select("event.id", window)] {
                        #expect(
                            query.text.split(separator: " < ").count + query.text.split(separator: " <= ").count == 3)
                        #expect(
                            query.text.split(separator: " > ").count + query.text.split(separator: " >= ").count == 3)
                        let way = try #require(try plan(query, db).first)
                        #expect(way.hasPrefix("SEARCH") && way.contains(">? AND") && way.contains("<?"), "\(way)")
                    }
                    #expect(window.end == .int(descending ? 5 : 89))
                }
            }
        }
    }

    /// The repacking queue is walked as it is: no window sorts the whole of it.
    @Test func theRepackingQueueIsInItsOrder() throws {
        let db = try Connection.empty()
        let access = try #require(Access(login: "root", isAdmin: true, in: Plant()))
        for status in [nil, RepackingStatus.pending, .inspecting] {
            var filter = RepackingFilter()
            filter.status = status
            for descending in [false, true] {
                let boundary = try plan(try db.walk(filter, access).boundary(descending, behind: .int(7)), db)
                #expect(boundary == ["SEARCH return_item USING INDEX return_item_open (id\(descending ? "<" : ">")?)"])
            }
        }
    }

    /// However much waits for a webhook: one look tells whether something does, and a portion of it is read in order.
    @Test func whatWaitsForAWebhookIsNotReadWhole() throws {
        let db = try Connection.empty()
        #expect(
            try plan(Connection.isDue(webhook: "1", by: 5), db)
                == ["SEARCH outbox USING INDEX outbox_due (webhook=? AND next_at<?)"])
        #expect(
            try plan(Connection.due(webhook: "1", by: 5, limit: 50), db)
                == ["SEARCH outbox USING PRIMARY KEY (webhook=?)"])
    }

    /// Every list with every one of its filters, for everybody: behind the first page, nothing is looked for by reading
    /// a table from its beginning, and nothing is sorted to find where a window ends.
    @Test func everyFilterOfEveryListHasItsWay() throws {
        let db = try Connection.empty()
        let plant = Self.plant()
        var asked: [String: SQL] = [:]
        db.watch = { asked[$0.text] = $0 }
        for login in ["root", "dora", "luis", "rita", "mia"] {
            let access = try #require(Access(login: login, isAdmin: login == "root", in: plant))
            for descending in [false, true] {
                let numbers = Page(cursor: Value.int(50).cursor, descending: descending)
                let texts = Page(cursor: Value.text("M").cursor, descending: descending)
                for filter in Self.unitFilters { _ = try db.units(filter, for: access, texts) }
                for filter in Self.eventFilters { _ = try db.events(filter, for: access, in: plant, numbers) }
                for filter in Self.inventoryFilters { _ = try db.inventoryLog(filter, for: access, in: plant, numbers) }
                for filter in [
                    WorkOrderFilter(), WorkOrderFilter(status: .released), WorkOrderFilter(product: "P"),
                    WorkOrderFilter(team: "smt"),
                ] { _ = try db.workOrders(filter, for: access, in: plant, texts) }
                for filter in [
                    DeliveryFilter(), DeliveryFilter(order: "1"), DeliveryFilter(isClosed: true),
                    DeliveryFilter(isClosed: false),
                ] { _ = try db.deliveries(filter, for: access, in: plant, numbers) }
                for status in [nil] + LabelJobStatus.allCases.map(Optional.some) {
                    let filter = LabelJobFilter(status: status)
                    _ = try db.labelJobs(filter, for: access, in: plant, numbers)
                }
                _ = try db.labelJobs(LabelJobFilter(serial: "A-1"), for: access, in: plant, numbers)
                for filter in Self.defectFilters {
                    _ = try db.defects(filter, for: access, numbers)
                    _ = try db.defects(filter, by: .product, for: access, texts)
                    _ = try db.defects(filter, by: .supplier, for: access, texts)
                }
                for product in [nil, "P"] {
                    _ = try db.repairs(product: product, from: nil, to: nil, for: access, numbers)
                    _ = try db.repairs(product: product, from: 1, to: 2, for: access, numbers)
                }
                for filter in [
                    WriteOffFilter(), WriteOffFilter(product: "P"), WriteOffFilter(reason: .lost),
                    WriteOffFilter(source: .defect), WriteOffFilter(from: 1, to: 2),
                ] { _ = try db.writeOffs(filter, for: access, numbers) }
                for supplier in [nil, "acme"] {
                    _ = try db.supplierReturns(supplier: supplier, for: access, numbers)
                }
                for filter in Self.returnFilters { _ = try db.customerReturns(filter, for: access, numbers) }
                for (status, inspector) in [(nil, nil), (QCTask.Status.allCases[0], nil), (nil, "mia")]
                    as [(QCTask.Status?, String?)]
                {
                    _ = try db.qcTasks(status: status, inspector: inspector, for: access, numbers)
                }
                for filter in Self.repackingFilters { _ = try db.repacking(filter, for: access, numbers) }
                for dead in [nil, true, false] { _ = try db.outbox(webhook: "1", dead: dead, numbers) }
                _ = try db.customers(for: access, in: plant, texts)
            }
        }
        db.watch = nil
        #expect(asked.count > 200)
        // Small ones of the query's own, or of one row.
        let small = ["walk", "CONSTANT ROW", "found", "finding", "one", "clock_step", "(join", "(subquery"]
        for sql in asked.values {
            for step in try plan(sql, db) {
                let isScan = step.hasPrefix("SCAN ") && !small.contains { step.dropFirst(5).hasPrefix($0) }
                #expect(!isScan, "\(step): \(sql.text)")
                // A unit has few items, which are sorted.
                if sql.text.contains("OFFSET"), !sql.text.contains("return_item_serial") {
                    #expect(!step.contains("TEMP B-TREE"), "\(step): \(sql.text)")
                }
            }
        }
    }

    private static var unitFilters: [UnitFilter] {
        let statuses = [nil] + Status.allCases.map(Optional.some)
        return statuses.flatMap { status in
            [
                UnitFilter(status: status), UnitFilter(status: status, product: "P"),
                UnitFilter(status: status, workOrder: "1"), UnitFilter(status: status, team: "smt"),
                UnitFilter(status: status, mine: true),
                UnitFilter(status: status, product: "P", workOrder: "1", team: "smt"),
            ]
        } + [UnitFilter(stage: "testing"), UnitFilter(stage: "testing", product: "P", team: "smt")]
    }

    private static var eventFilters: [EventFilter] {
        [
            EventFilter(), EventFilter(kinds: [.unitPassed]), EventFilter(kindPrefix: "unit."),
            EventFilter(station: "QA-1"), EventFilter(actor: "mia"), EventFilter(from: 1, to: 2),
            EventFilter(after: 7), EventFilter(scansOnly: true), EventFilter(scansOnly: true, results: [.refused]),
            EventFilter(scansOnly: true, results: [.accepted]),
            EventFilter(kinds: [.unitHeld], actor: "mia", from: 1),
            EventFilter(station: "QA-1", scansOnly: true, results: [.ignored]),
        ]
    }

    private static var inventoryFilters: [InventoryFilter] {
        [
            InventoryFilter(), InventoryFilter(product: "P"), InventoryFilter(action: .adjustment),
            InventoryFilter(product: "P", action: .delivery), InventoryFilter(from: 1, to: 2),
        ]
    }

    private static var defectFilters: [DefectFilter] {
        var filters = [DefectFilter()]
        func add(_ change: (inout DefectFilter) -> Void) {
            var filter = DefectFilter()
            change(&filter)
            filters.append(filter)
        }
        for status in DefectStatus.allCases { add { $0.statuses = [status] } }
        add { $0.awaiting = true }
        add { $0.type = "SOLDER" }
        add { $0.product = "P" }
        add { $0.supplier = "acme" }
        add { $0.location = "shelf" }
        add { $0.source = .stock }
        add { $0.serial = "A-1" }
        add { $0.shipment = "7" }
        add { ($0.from, $0.to) = (1, 2) }
        add { $0.search = "crack" }
        return filters
    }

    private static var returnFilters: [ReturnFilter] {
        var filters = [ReturnFilter()]
        func add(_ change: (inout ReturnFilter) -> Void) {
            var filter = ReturnFilter()
            change(&filter)
            filters.append(filter)
        }
        for status in ReturnStatus.allCases { add { $0.status = status } }
        add { $0.order = "1" }
        add { $0.customer = "acme" }
        add { $0.kind = .exchange }
        add { $0.reason = .damaged }
        add { $0.inspector = "mia" }
        add { $0.serial = "A-1" }
        add { $0.isUnsent = true }
        add { $0.isExpected = true }
        add { ($0.from, $0.to) = (1, 2) }
        return filters
    }

    private static var repackingFilters: [RepackingFilter] {
        var filters: [RepackingFilter] = []
        for status in [nil] + RepackingStatus.allCases.map(Optional.some) {
            for what in 0..<4 {
                var filter = RepackingFilter()
                filter.status = status
                if what == 1 { filter.product = "P" }
                if what == 2 { filter.order = "1" }
                if what == 3 { filter.customerReturn = "7" }
                filters.append(filter)
            }
        }
        return filters
    }

    private func plan(_ sql: SQL, _ db: Connection) throws -> [String] {
        try db.select(SQL(verbatim: "EXPLAIN QUERY PLAN ") + sql) { $0.text(3) }
    }
}
