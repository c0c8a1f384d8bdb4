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
        ("root", UnitFilter(status: .delivered, product: "P"), ["unit_product"]),
        ("root", UnitFilter(status: .inStock, product: "P", workOrder: "1001"), ["unit_work_order"]),
        ("root", UnitFilter(team: "smt"), ["unit_team"]),
        ("root", UnitFilter(mine: true), ["unit_assignee", "unit_worker"]),
        ("dora", UnitFilter(), ["unit_team"]),
        ("dora", UnitFilter(status: .delivered), ["unit_team"]),
        ("luis", UnitFilter(), ["unit_team", "unit_active"]),
        ("rita", UnitFilter(), ["PRIMARY KEY"]),
        ("mia", UnitFilter(), ["unit_assignee", "unit_worker"]),
        ("mia", UnitFilter(status: .delivered, product: "P", mine: true), ["unit_assignee", "unit_worker"]),
    ]

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
            #expect(rows.contains("SEARCH unit USING PRIMARY KEY (serial=?)"), "\(rows)")
        }
    }

    /// Of two bounds on one side SQLite uses one, and steps over all that lies between them.
    @Test func aPeriodIsBoundedOnceOnEachSide() throws {
        let db = try Connection.empty()
        let log: SQL = "inventory_log INDEXED BY inventory_log_product WHERE product = 'P'"
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
                let boundary = try plan(db.walk(filter, access).boundary(descending, behind: .int(7)), db)
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

    private func plan(_ sql: SQL, _ db: Connection) throws -> [String] {
        try db.select(SQL(verbatim: "EXPLAIN QUERY PLAN ") + sql) { $0.text(3) }
    }
}
