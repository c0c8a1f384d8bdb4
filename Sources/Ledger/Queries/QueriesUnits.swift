public import Tracking

/// Which units are asked for; nil is any.
public struct UnitFilter: Sendable, Equatable {
    /// In this status.
    public var status: Status?
    /// At this stage, in production.
    public var stage: String?
    /// Of this product.
    public var product: String?
    /// Of this work order.
    public var workOrder: String?
    /// Of this team.
    public var team: String?
    /// Assigned to the caller, or last worked on by them.
    public var mine: Bool
    /// In stock, at this location since it was restocked.
    public var location: String?
    /// With this text in its serial.
    public var search: String?
    /// On hold, or not.
    public var isHeld: Bool?
    /// Assigned to this person.
    public var assignee: String?
    /// Delivered under this customer's order, even if it came back since.
    public var customerOrder: String?
    /// Registered or received at this time or later, in milliseconds since 1970.
    public var createdFrom: Int64?
    /// Registered or received before this time, in milliseconds since 1970.
    public var createdTo: Int64?
    /// Last changed at this time or later, in milliseconds since 1970.
    public var changedFrom: Int64?
    /// Last changed before this time, in milliseconds since 1970.
    public var changedTo: Int64?

    /// Every unit, where nothing else is said.
    public init(
        status: Status? = nil, stage: String? = nil, product: String? = nil, workOrder: String? = nil,
        team: String? = nil, mine: Bool = false
    ) {
        (self.status, self.stage, self.product) = (status, stage, product)
        (self.workOrder, self.team, self.mine) = (workOrder, team, mine)
    }
}

/// What a list of units is ordered by.
public enum UnitOrder: String, Sendable, CaseIterable {
    /// By serial.
    case serial
    /// By the time of registration or receipt.
    case created = "created_at"
    /// By the time of the last change.
    case changed = "updated_at"
}

extension Connection {
    /// The unit with this serial; nil where there is none, or none within the scope.
    public func unit(_ serial: String, for access: Access) throws -> Unit? {
        try first(
            """
            SELECT \(Unit.columns) FROM unit WHERE unit.serial = \(serial) AND \(access.seesUnit(in: .unit))
            """, Unit.init(row:))
    }

    /// Units as some events made them, in the order of the events.
    public func unitsMade(by events: ClosedRange<Int64>) throws -> [Unit] {
        let records = try select(
            """
            SELECT \(EventRow.columns(of: "event")) FROM event
            WHERE event.id BETWEEN \(events.lowerBound) AND \(events.upperBound) ORDER BY event.id
            """, EventRecord.init(row:))
        return records.compactMap { record in
            let event = record.event
            guard event.before == nil, let after = event.after, let serial = event.unit, let product = event.product
            else { return nil }
            return Unit(made: serial, product, by: event, after, at: record.at, number: record.id)
        }
    }

    /// Units in an order. Of a text that is searched for, first those are listed whose serials begin with it, then those
    /// whose serials end with it, then others.
    ///
    /// - Throws: `Refusal` for a cursor that is none.
    public func units(
        _ filter: UnitFilter, by order: UnitOrder = .serial, for access: Access, _ page: Page
    ) throws -> Listing<Unit> {
        guard order == .serial else { return try list([eventWalk(filter, order, access)], page) }
        if let search = filter.search, !search.isEmpty {
            return try list(searchWalks(search, filter, access), page)
        }
        let walk = try walk(filter, access)
        var listing = try self.page(walk, page, Unit.columns, Unit.init(row:))
        if page.total { listing.total = try countOnCards(filter, for: access) ?? count(walk) }
        return listing
    }

    /// One walk after the other: a cursor says which, and where in it.
    private func list(_ walks: [Walk], _ page: Page) throws -> Listing<Unit> {
        var (page, listing) = (page, Listing<Unit>(items: []))
        var index = 0
        if walks.count > 1, let cursor = page.cursor {
            guard let number = cursor.first?.wholeNumberValue, walks.indices.contains(number) else {
                throw Refusal.noCursor
            }
            index = number
            page.cursor = cursor.count > 1 ? String(cursor.dropFirst()) : nil
        }
        if page.total {
            let counts = try walks.map { try count($0) }
            listing.total = counts.reduce(0) { sum, count in sum.flatMap { sum in count.map { sum + $0 } } }
        }
        let limit = page.limit
        while index < walks.count {
            page.limit = limit - listing.items.count
            let part = try self.page(walks[index], page, Unit.columns, Unit.init(row:))
            listing.items += part.items
            if let next = part.nextCursor {
                listing.nextCursor = (walks.count > 1 ? String(index) : "") + next
                break
            }
            (index, page.cursor) = (index + 1, nil)
            guard listing.items.count < limit else {
                listing.nextCursor = index < walks.count ? String(index) : nil
                break
            }
        }
        return listing
    }

    /// The ways to serials that hold a text: those that begin with it lie together, those that end with it have an index
    /// of their ends, and all others are looked at, page by page.
    func searchWalks(_ text: String, _ filter: UnitFilter, _ access: Access) throws -> [Walk] {
        let begins: SQL = "substr(walk.key, 1, length(\(text))) = \(text)"
        let ends: SQL = "substr(walk.key, -length(\(text))) = \(text)"
        guard text.utf8.allSatisfy({ (0x21...0x7E).contains($0) }), text.utf8.count <= 64 else { return [] }
        // No serial has a character above `~`, or more than 64 of them.
        let last = String(repeating: "~", count: 64)
        var bytes = Array(text.utf8)
        bytes[bytes.count - 1] -= 1
        if isShort(filter, access) {
            var all = try walk(filter, access)
            all.condition = ["instr(walk.key, \(text)) > 0", all.condition].all
            return [all]
        }
        var first = try walk(filter, access)
        first.within = (String(decoding: bytes, as: UTF8.self) + last, text + last)
        var rest = try walk(filter, access)
        rest.condition = ["instr(walk.key, \(text)) > 0", "NOT \(begins)", rest.condition].all
        guard text.utf8.count >= Self.tail else { return [first, rest] }
        var second = try walk(filter, access)
        second.sources = ["unit INDEXED BY unit_tail WHERE substr(serial, -4) = \(String(text.suffix(Self.tail)))"]
        second.condition = [ends, "NOT \(begins)", second.condition].all
        rest.condition = ["NOT \(ends)", rest.condition].all
        return [first, second, rest]
    }

    /// Whether the way is short by itself: through what somebody has in hand, or an order.
    private func isShort(_ filter: UnitFilter, _ access: Access) -> Bool {
        let isOwn = access.scope == .own(access.login) && access.openStatuses.isEmpty
        return isOwn || filter.mine || filter.isHeld == true || filter.workOrder != nil || filter.location != nil
            || filter.customerOrder != nil || filter.assignee != nil
    }

    /// How many characters of the ends of serials are in an index.
    private static var tail: Int { 4 }

    /// The way through the events that made units, or last changed them, newest or oldest first.
    private func eventWalk(_ filter: UnitFilter, _ order: UnitOrder, _ access: Access) throws -> Walk {
        let isCreated = order == .created
        let of: SQL =
            isCreated
            ? "event.after IS NOT NULL AND event.before IS NULL"
            : "event.after IS NOT NULL AND event.id = unit.last_event"
        var conditions = [of, try walk(filter, access).condition]
        if let search = filter.search, !search.isEmpty { conditions.append("instr(unit.serial, \(search)) > 0") }
        return Walk(
            key: "id", sources: ["event WHERE TRUE"],
            rows: "event ON event.id = walk.key CROSS JOIN unit ON unit.serial = event.unit",
            condition: conditions.all,
            range: try eventNumbers(
                from: isCreated ? filter.createdFrom : filter.changedFrom ?? filter.createdFrom,
                to: isCreated ? filter.createdTo : filter.changedTo))
    }

    /// The way through the units that a filter can match within a scope, by the index that leads past the fewest.
    func walk(_ filter: UnitFilter, _ access: Access) throws -> Walk {
        var conditions = [access.seesUnit(in: .unit)]
        if let status = filter.status { conditions.append("unit.status = \(status.rawValue)") }
        if let stage = filter.stage { conditions.append("unit.stage = \(stage)") }
        if let product = filter.product { conditions.append("unit.product = \(product)") }
        if let order = filter.workOrder { conditions.append("unit.work_order = \(order)") }
        if let team = filter.team { conditions.append("unit.team = \(team)") }
        if filter.mine { conditions.append(UnitColumns.unit.inHands(of: access.login)) }
        if let location = filter.location {
            conditions.append("unit.location = \(location) AND unit.status = 'in_stock'")
        }
        if let isHeld = filter.isHeld { conditions.append("unit.on_hold = \(isHeld ? 1 : 0)") }
        if let assignee = filter.assignee { conditions.append("unit.assignee = \(assignee)") }
        if let order = filter.customerOrder {
            conditions.append(
                """
                EXISTS (SELECT 1 FROM delivery CROSS JOIN delivery_line AS line ON line.delivery = delivery.id
                    AND line.product = unit.product AND line.serial = unit.serial
                    WHERE delivery.order_number = \(order))
                """)
        }
        if let from = filter.createdFrom { conditions.append("unit.created_at >= \(from)") }
        if let to = filter.createdTo { conditions.append("unit.created_at < \(to)") }
        if let from = filter.changedFrom { conditions.append("unit.updated_at >= \(from)") }
        if let to = filter.changedTo { conditions.append("unit.updated_at < \(to)") }
        return Walk(
            key: "serial", sources: try sources(filter, access), rows: "unit ON unit.serial = walk.key",
            condition: conditions.all, isNumbered: false)
    }

    private func sources(_ filter: UnitFilter, _ access: Access) throws -> [SQL] {
        var ways: [[SQL]] = []
        // By most indexes, units stand in their order only within a status.
        let statuses = filter.stage == nil ? filter.status.map { [$0] } ?? Status.allCases : [.inProduction]
        // What a grant opens beside the office, where that is not nearly everything.
        let granted =
            access.seesAllReturns ? nil : access.openStatuses.filter(statuses.contains).map { active($0, nil) }
        let inHands: [SQL] = [
            "unit INDEXED BY unit_assignee WHERE assignee = \(access.login)",
            "unit INDEXED BY unit_worker WHERE worker = \(access.login)",
        ]
        if let location = filter.location {
            ways.append(["unit INDEXED BY unit_location WHERE location = \(location)"])
        }
        if let order = filter.customerOrder {
            ways.append([
                """
                (SELECT line.serial AS serial FROM delivery CROSS JOIN delivery_line AS line
                    ON line.delivery = delivery.id
                    WHERE delivery.order_number = \(order) AND line.serial <> '') AS sent WHERE TRUE
                """
            ])
        }
        if let assignee = filter.assignee {
            ways.append(["unit INDEXED BY unit_assignee WHERE assignee = \(assignee)"])
        }
        if filter.isHeld == true { ways.append(["unit INDEXED BY unit_held WHERE on_hold = 1"]) }
        if filter.mine {
            ways.append(inHands)
        } else if case .own = access.scope, let granted {
            ways.append(inHands + granted)
        }
        func within(_ source: SQL) -> [SQL] { statuses.map { source + " AND status = \($0.rawValue)" } }
        if let order = filter.workOrder {
            ways.append(within("unit INDEXED BY unit_work_order WHERE work_order = \(order)"))
        }
        if let stage = filter.stage {
            ways.append([active(.inProduction, stage)])
        } else if let status = filter.status {
            switch status {
            case .inProduction: ways.append(try stagesInProduction().map { active(.inProduction, $0) })
            case .inStock, .returned, .defect: ways.append([active(status, nil)])
            case .delivered, .installed, .split, .writtenOff:
                ways.append(["unit INDEXED BY unit_done WHERE status = \(SQL(verbatim: "'\(status.rawValue)'"))"])
            }
        }
        if let product = filter.product {
            ways.append(within("unit INDEXED BY unit_product WHERE product = \(product)"))
        }
        if let team = filter.team { ways.append(within("unit INDEXED BY unit_team WHERE team = \(team)")) }
        if case .teams(let teams) = access.scope, let granted, teams.count * statuses.count <= Self.mostSources {
            ways.append(
                teams.sorted().flatMap { within("unit INDEXED BY unit_team WHERE team = \($0)") } + granted)
        }
        return ways.isEmpty ? ["unit WHERE TRUE"] : try shortest(ways, by: "serial")
    }

    /// SQLite joins no more than 500 selects into one; some are left for what a grant opens.
    private static var mostSources: Int { 400 }

    /// Units in a status that is not final. It stands there as a word: SQLite takes the index only for what it knows.
    private func active(_ status: Status, _ stage: String?) -> SQL {
        let units: SQL = "unit INDEXED BY unit_active WHERE status = \(SQL(verbatim: "'\(status.rawValue)'"))"
        return units + (stage.map { " AND stage = \($0)" } ?? " AND stage IS NULL")
    }

    /// The stages at which units are, by one look into the index for each.
    private func stagesInProduction() throws -> [String] {
        let next: SQL = """
            SELECT min(stage) FROM unit INDEXED BY unit_active WHERE status = 'in_production'
            """
        return try select(
            """
            WITH RECURSIVE found(stage) AS (
                \(next) UNION ALL SELECT (\(next) AND stage > found.stage) FROM found WHERE found.stage IS NOT NULL
            ) SELECT stage FROM found WHERE stage IS NOT NULL
            """
        ) { $0.text(0) }
    }
}

extension Unit {
    static let columns: SQL = """
        unit.serial, unit.product, unit.work_order, unit.team, unit.supplier, unit.cost, unit.created_at,
        unit.updated_at, unit.last_event, unit.state, unit.replaces, unit.location
        """

    /// Reads a unit from a row of `columns`.
    init(row: Statement) throws {
        guard let state = UnitState(text: row.text(9)) else { throw damagedRow("unit") }
        self.init(
            serial: row.text(0), product: row.text(1), workOrder: row.optionalText(2), team: row.optionalText(3),
            supplier: row.optionalText(4), cost: row.isNull(5) ? nil : Money(tenThousandths: Int(row.int(5))),
            replaces: row.optionalText(10), createdAt: row.int(6), updatedAt: row.int(7), lastEvent: row.int(8),
            state: state)
        location = row.optionalText(11)
    }
}
