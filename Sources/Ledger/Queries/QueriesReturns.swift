public import Tracking

/// Which customers' returns are asked for; nil is any.
public struct ReturnFilter: Sendable, Equatable {
    /// From this order.
    public var order: String?
    /// By this customer.
    public var customer: String?
    /// With this text in the order's number or the customer's name, whatever the case of ASCII letters.
    public var search: String?
    /// Of this kind.
    public var kind: ReturnKind?
    /// In this status.
    public var status: ReturnStatus?
    /// For this reason, the return's own or that of one of its items.
    public var reason: ReturnReason?
    /// Inspected by this person.
    public var inspector: String?
    /// With this unit.
    public var serial: String?
    /// Exchanges, not cancelled, for which nothing was sent yet.
    public var isUnsent = false
    /// Announced with nothing of it here yet, or not.
    public var isExpected: Bool?
    /// Made at this time or later, in milliseconds since 1970.
    public var from: Int64?
    /// Made before this time, in milliseconds since 1970.
    public var to: Int64?

    /// Every return, where nothing else is said.
    public init() {}

    /// What an item says is looked for only where the caller sees the item.
    fileprivate func condition(for access: Access) -> SQL {
        var conditions: [SQL] = []
        if let customer { conditions.append("customer_return.customer = \(customer)") }
        if let search, !search.isEmpty {
            conditions.append(
                """
                (instr(lower(customer_return.order_number), lower(\(search))) > 0
                    OR instr(lower(coalesce(customer_return.customer, '')), lower(\(search))) > 0)
                """)
        }
        if let kind { conditions.append("customer_return.kind = \(kind.rawValue)") }
        if let status { conditions.append("customer_return.status = \(status.rawValue)") }
        if let reason {
            conditions.append(
                """
                (customer_return.reason = \(reason.rawValue) OR EXISTS (SELECT 1 FROM return_item AS line
                    WHERE line.customer_return = customer_return.id AND line.reason = \(reason.rawValue)
                    AND \(access.seesItem)))
                """)
        }
        if let inspector { conditions.append("customer_return.inspector = \(inspector)") }
        if let serial {
            conditions.append(
                """
                EXISTS (SELECT 1 FROM return_item AS line
                    WHERE line.customer_return = customer_return.id AND line.serial = \(serial)
                    AND \(access.seesItem))
                """)
        }
        if isUnsent {
            conditions.append(
                """
                customer_return.kind = 'exchange' AND customer_return.status <> 'cancelled' AND NOT EXISTS (
                    SELECT 1 FROM delivery INDEXED BY delivery_return
                    WHERE delivery.customer_return = customer_return.id AND delivery.count > 0)
                """)
        }
        if let isExpected {
            conditions.append("json_extract(customer_return.body, '$.isExpected') = \(isExpected ? 1 : 0)")
        }
        if let from { conditions.append("customer_return.created_at >= \(from)") }
        if let to { conditions.append("customer_return.created_at < \(to)") }
        return conditions.all
    }
}

extension ReturnFilter {
    /// The indexes that lead to what it can match.
    fileprivate var ways: [[SQL]] {
        var ways: [[SQL]] = []
        if let serial {
            ways.append([
                """
                (SELECT customer_return AS id, serial FROM return_item INDEXED BY return_item_serial)
                WHERE serial = \(serial)
                """
            ])
        }
        if let order {
            ways.append(["customer_return INDEXED BY customer_return_order WHERE order_number = \(order)"])
        }
        if let customer {
            ways.append(["customer_return INDEXED BY customer_return_customer WHERE customer = \(customer)"])
        }
        if let inspector {
            ways.append(["customer_return INDEXED BY customer_return_inspector WHERE inspector = \(inspector)"])
        }
        if let status {
            ways.append(["customer_return INDEXED BY customer_return_status WHERE status = \(status.rawValue)"])
        }
        if let reason {
            ways.append([
                "customer_return INDEXED BY customer_return_reason WHERE reason = \(reason.rawValue)",
                """
                (SELECT customer_return AS id, reason FROM return_item INDEXED BY return_item_reason)
                WHERE reason = \(reason.rawValue)
                """,
            ])
        }
        if let kind = kind ?? (isUnsent ? .exchange : nil) {
            ways.append(["customer_return INDEXED BY customer_return_kind WHERE kind = \(kind.rawValue)"])
        }
        return ways
    }
}

/// A return in a list, as far as the caller sees its items.
public struct ReturnRow: Sendable, Equatable {
    /// The return.
    public var found: CustomerReturn
    /// How many pieces it has.
    public var quantity: Int
    /// How many of them are in the repacking queue.
    public var open: Int
}

/// A return with all that the caller sees of it.
public struct ReturnContents: Sendable, Equatable {
    /// The return.
    public var found: CustomerReturn
    /// Its items, oldest first.
    public var items: [ReturnItem]
    /// Ids of the deliveries in which something was sent for it.
    public var replacements: [String]
}

/// Which items of the repacking queue are asked for; nil is any.
public struct RepackingFilter: Sendable, Equatable {
    /// In this status; nil is whatever is in the queue.
    public var status: RepackingStatus?
    /// Of this product.
    public var product: String?
    /// From this order.
    public var order: String?
    /// Of this return.
    public var customerReturn: String?
    /// Restocked at this location; also what left the queue.
    public var location: String?

    /// All of the queue, where nothing else is said.
    public init() {}
}

/// An item on its way, with the return that it is of.
public struct RepackingRow: Sendable, Equatable {
    /// The item.
    public var item: ReturnItem
    /// The return.
    public var found: CustomerReturn

    /// An item of a return.
    public init(item: ReturnItem, found: CustomerReturn) {
        (self.item, self.found) = (item, found)
    }

    /// Where it stands, as the return's status makes it.
    public var status: RepackingStatus { found.status(of: item) }
}

extension CustomerReturn {
    /// Where an item stands in the queue: one that nobody decided on is being looked at while the return is.
    public func status(of item: ReturnItem) -> RepackingStatus {
        item.status == .pending && status == .inspecting ? .inspecting : item.status
    }
}

extension Access {
    /// Whether every return is seen.
    fileprivate var seesEveryReturn: Bool { scope == .all || seesAllReturns }

    /// `sees(_:handlers:)` for items of customers' returns.
    var seesItem: SQL { [seesReturned("line.team"), handled("line.customer_return")].any }

    /// Delivered units whose return the caller would see; of goods without serials `team` is null.
    func seesReturned(_ team: SQL) -> SQL {
        if seesEveryReturn { return .always }
        guard case .teams(let teams) = scope else { return .never }
        return "\(team) IN \(teams.sorted())"
    }

    /// A return is seen for one of its items.
    var seesReturn: SQL {
        let team: SQL = """
            EXISTS (SELECT 1 FROM return_item AS line
                WHERE line.customer_return = customer_return.id AND \(seesReturned("line.team")))
            """
        return [seesWholeReturn, team].any
    }

    /// A return is seen with all of its items.
    var seesWholeReturn: SQL { seesEveryReturn ? .always : handled("customer_return.id") }
}

extension Connection {
    /// Customers' returns within the scope, by id.
    ///
    /// - Throws: `Refusal` for a cursor that is none.
    public func customerReturns(
        _ filter: ReturnFilter, for access: Access, _ page: Page
    ) throws -> Listing<ReturnRow> {
        let isBounded = filter.from != nil || filter.to != nil
        let range = isBounded ? try eventNumbers(from: filter.from, to: filter.to) : nil
        let ways = filter.ways
        let walk = Walk(
            key: "id",
            sources: ways.isEmpty ? ["customer_return WHERE TRUE"] : try shortest(ways, by: "id", in: range),
            rows: "customer_return ON customer_return.id = walk.key",
            condition: [access.seesReturn, filter.condition(for: access)].all, range: range)
        let columns: SQL = """
            customer_return.body,
            (SELECT coalesce(sum(line.quantity), 0) FROM return_item AS line
                WHERE line.customer_return = customer_return.id AND \(access.seesItem)),
            (SELECT coalesce(sum(line.open), 0) FROM return_item AS line
                WHERE line.customer_return = customer_return.id AND \(access.seesItem)), \(access.seesWholeReturn)
            """
        var listing = try self.page(walk, page, columns) { row in
            ReturnRow(
                found: try row.customerReturn(0, isWhole: row.int(3) != 0), quantity: Int(row.int(1)),
                open: Int(row.int(2)))
        }
        if page.total { listing.total = try count(walk) }
        return listing
    }

    /// The return with this id; nil where there is none, or none within the scope.
    public func customerReturn(_ id: String, for access: Access, in plant: Plant) throws -> ReturnContents? {
        guard let number = Int64(id), String(number) == id else { return nil }
        return try consistently {
            let found = try first(
                """
                SELECT body, \(access.seesWholeReturn) FROM customer_return
                WHERE customer_return.id = \(number) AND \(access.seesReturn)
                """
            ) { try $0.customerReturn(0, isWhole: $0.int(1) != 0) }
            guard let found else { return nil }
            let items = try select(
                """
                SELECT line.body FROM return_item AS line
                WHERE line.customer_return = \(number) AND \(access.seesItem) ORDER BY line.id
                """
            ) { try $0.returnItem(0) }
            return ReturnContents(
                found: found, items: items, replacements: try replacements(ofReturn: number, access, plant))
        }
    }

    /// Ids of the deliveries in which something was sent for a return; nil where there is no such return, or none within
    /// the scope.
    public func replacements(ofReturn id: String, for access: Access, in plant: Plant) throws -> [String]? {
        guard let number = Int64(id), String(number) == id else { return nil }
        return try consistently {
            let isSeen = try first(
                "SELECT 1 FROM customer_return WHERE customer_return.id = \(number) AND \(access.seesReturn)"
            ) { _ in true }
            return isSeen == true ? try replacements(ofReturn: number, access, plant) : nil
        }
    }

    private func replacements(ofReturn number: Int64, _ access: Access, _ plant: Plant) throws -> [String] {
        try select(
            """
            SELECT id FROM delivery INDEXED BY delivery_return
            WHERE customer_return = \(number) AND count > 0 AND \(sees(access, in: plant)) ORDER BY id
            """
        ) { $0.text(0) }
    }

    /// The inspections of quality control within the scope, by id.
    ///
    /// - Throws: `Refusal` for a cursor that is none.
    public func qcTasks(
        status: QCTask.Status?, inspector: String?, for access: Access, _ page: Page
    ) throws -> Listing<CustomerReturn> {
        var conditions = [access.seesReturn]
        if let status { conditions.append("customer_return.task_status = \(status.rawValue)") }
        if let inspector { conditions.append("customer_return.inspector = \(inspector)") }
        var ways: [[SQL]] = []
        if let inspector {
            ways.append([
                """
                customer_return INDEXED BY customer_return_task_inspector
                WHERE task IS NOT NULL AND inspector = \(inspector)
                """
            ])
        }
        if let status {
            ways.append([
                """
                customer_return INDEXED BY customer_return_task_status
                WHERE task IS NOT NULL AND task_status = \(status.rawValue)
                """
            ])
        }
        let all: SQL = "customer_return INDEXED BY customer_return_task WHERE task IS NOT NULL"
        let walk = Walk(
            key: "task", sources: ways.isEmpty ? [all] : try shortest(ways, by: "task"),
            rows: "customer_return ON customer_return.task = walk.key", condition: conditions.all)
        var listing = try self.page(walk, page, "customer_return.body") { try $0.customerReturn(0) }
        if page.total { listing.total = try count(walk) }
        return listing
    }

    /// The return whose inspection has this id; nil where there is none, or none within the scope.
    public func qcTask(_ id: String, for access: Access) throws -> CustomerReturn? {
        guard let number = Int64(id), String(number) == id else { return nil }
        return try first("SELECT body FROM customer_return WHERE task = \(number) AND \(access.seesReturn)") {
            try $0.customerReturn(0)
        }
    }

    /// The repacking queue within the scope, by id; or what left it, where such a status is asked for.
    ///
    /// - Throws: `Refusal` for a cursor that is none.
    public func repacking(
        _ filter: RepackingFilter, for access: Access, _ page: Page
    ) throws -> Listing<RepackingRow> {
        let walk = try walk(filter, access)
        var listing = try self.page(walk, page, "line.body, customer_return.body") { row in
            RepackingRow(item: try row.returnItem(0), found: try row.customerReturn(1))
        }
        if page.total { listing.total = try count(walk) }
        return listing
    }

    func walk(_ filter: RepackingFilter, _ access: Access) throws -> Walk {
        var conditions = [access.seesItem]
        let queue: SQL = "return_item INDEXED BY return_item_open WHERE open > 0"
        var ways: [[SQL]] = []
        if let id = filter.customerReturn {
            ways.append(["return_item INDEXED BY return_item_return WHERE customer_return = \(Int64(id) ?? -1)"])
        }
        if let product = filter.product {
            ways.append(["return_item INDEXED BY return_item_product WHERE product = \(product)"])
        }
        switch filter.status {
        case nil where filter.location != nil: break
        case nil:
            ways.append([queue])
            conditions.append("line.open > 0")
        case .pending?:
            ways.append([queue])
            conditions.append("line.open > 0 AND line.status = 'pending' AND customer_return.status = 'created'")
        case .inspecting?:
            ways.append([queue])
            conditions.append("line.open > 0 AND line.status = 'pending' AND customer_return.status = 'inspecting'")
        case let status?:
            ways.append(["return_item INDEXED BY return_item_status WHERE status = \(status.rawValue)"])
            conditions.append("line.status = \(status.rawValue)")
        }
        if let location = filter.location {
            conditions.append("line.location = \(location)")
            ways.append(["return_item INDEXED BY return_item_location WHERE location = \(location)"])
        }
        if let product = filter.product { conditions.append("line.product = \(product)") }
        if let order = filter.order { conditions.append("customer_return.order_number = \(order)") }
        if let id = filter.customerReturn { conditions.append("line.customer_return = \(Int64(id) ?? -1)") }
        return Walk(
            key: "id", sources: try shortest(ways, by: "id"),
            rows: """
                return_item AS line ON line.id = walk.key
                CROSS JOIN customer_return ON customer_return.id = line.customer_return
                """, condition: conditions.all)
    }

    /// The item with this id and its return; nil where there is none, or none within the scope.
    public func returnItem(_ id: String, for access: Access) throws -> RepackingRow? {
        guard let number = Int64(id), String(number) == id else { return nil }
        return try first(
            """
            SELECT line.body, customer_return.body FROM return_item AS line
            CROSS JOIN customer_return ON customer_return.id = line.customer_return
            WHERE line.id = \(number) AND \(access.seesItem)
            """
        ) { RepackingRow(item: try $0.returnItem(0), found: try $0.customerReturn(1)) }
    }

    /// Whether some item has a photo with these bytes.
    public func hasPhoto(digest: String) throws -> Bool {
        try first("SELECT 1 FROM photo INDEXED BY photo_digest WHERE digest = \(digest)") { _ in true } ?? false
    }
}

/// What came back of a product or from a customer, and what became of it, within a scope. Cancelled returns and what was
/// only announced are not counted.
public struct ReturnCounters: Sendable, Equatable {
    /// Pieces that were sent back.
    public var returns = 0
    /// Pieces that were sent back for something else.
    public var exchanges = 0
    /// Of all of these, pieces that were written off.
    public var writeOffs = 0

    fileprivate init() {}

    fileprivate init(row: Statement) {
        (returns, exchanges, writeOffs) = (Int(row.int(0)), Int(row.int(1)), Int(row.int(2)))
    }

    fileprivate static let columns: SQL = """
        coalesce(sum(CASE customer_return.kind WHEN 'return' THEN line.quantity ELSE 0 END), 0),
        coalesce(sum(CASE customer_return.kind WHEN 'exchange' THEN line.quantity ELSE 0 END), 0),
        coalesce(sum(line.written_off), 0)
        """
    fileprivate static let counted: SQL = "line.arrived_at IS NOT NULL AND line.status <> 'cancelled'"
}

/// Somebody whom goods were delivered to, or who sent some back.
public struct CustomerRow: Sendable, Equatable {
    /// What they are called.
    public var name: String
    /// What they sent back.
    public var counters: ReturnCounters
}

extension Connection {
    /// What came back of a product.
    public func returnCounters(of product: String, for access: Access) throws -> ReturnCounters {
        try first(
            """
            SELECT \(ReturnCounters.columns) FROM return_item AS line INDEXED BY return_item_product
            CROSS JOIN customer_return ON customer_return.id = line.customer_return
            WHERE line.product = \(product) AND \(ReturnCounters.counted) AND \(access.seesItem)
            """, ReturnCounters.init(row:)) ?? ReturnCounters()
    }

    private func counters(of customer: String, for access: Access) throws -> ReturnCounters {
        try first(
            """
            SELECT \(ReturnCounters.columns) FROM customer_return INDEXED BY customer_return_customer
            CROSS JOIN return_item AS line ON line.customer_return = customer_return.id
            WHERE customer_return.customer = \(customer) AND \(ReturnCounters.counted) AND \(access.seesItem)
            """, ReturnCounters.init(row:)) ?? ReturnCounters()
    }

    /// Customers by name: those whom something within the scope was delivered to, or who sent some of it back.
    ///
    /// - Throws: `Refusal` for a cursor that is none.
    public func customers(for access: Access, in plant: Plant, _ page: Page) throws -> Listing<CustomerRow> {
        let start = try page.cursor.map { try Value(cursor: $0, isNumber: false) }
        var listing = Listing<CustomerRow>(items: [])
        var (last, looked, isFull) = (start, 0, false)
        while let name = try nextCustomer(behind: last, page.descending) {
            guard listing.items.count < page.limit, looked < Walk.pageBound else {
                isFull = true
                break
            }
            (last, looked) = (.text(name), looked + 1)
            if try isSeen(customer: name, access, plant) {
                listing.items.append(CustomerRow(name: name, counters: try counters(of: name, for: access)))
            }
        }
        if isFull { listing.nextCursor = last?.cursor }
        if page.total {
            var total = 0
            var last: Value?
            while let name = try nextCustomer(behind: last, false) {
                last = .text(name)
                if try isSeen(customer: name, access, plant) { total += 1 }
            }
            listing.total = total
        }
        return listing
    }

    /// The next name in the order of names: one look into each index, however often a name is in it.
    private func nextCustomer(behind last: Value?, _ descending: Bool) throws -> String? {
        let names: [SQL] = [
            "delivery INDEXED BY delivery_customer", "customer_return INDEXED BY customer_return_customer",
        ].map { (table: SQL) in
            var names: SQL = "SELECT \(descending ? "max(customer)" : "min(customer)" as SQL) AS name FROM \(table)"
            names += " WHERE customer IS NOT NULL"
            if let last { names += descending ? " AND customer < \(last)" : " AND customer > \(last)" }
            return names
        }
        let next: SQL = descending ? "max(name)" : "min(name)"
        return try first("SELECT \(next) FROM (\(names.joined(" UNION ALL ")))") { $0.optionalText(0) } ?? nil
    }

    private func isSeen(customer name: String, _ access: Access, _ plant: Plant) throws -> Bool {
        if access.scope == .all { return true }
        let seen = try first(
            """
            SELECT EXISTS (SELECT 1 FROM delivery INDEXED BY delivery_customer
                    WHERE delivery.customer = \(name) AND \(sees(access, in: plant)))
                OR EXISTS (SELECT 1 FROM customer_return INDEXED BY customer_return_customer
                    WHERE customer_return.customer = \(name) AND \(access.seesReturn))
            """
        ) { $0.int(0) == 1 }
        return seen ?? false
    }

    /// The customer of this name; nil where there is none, or none within the scope.
    public func customer(_ name: String, for access: Access, in plant: Plant) throws -> CustomerRow? {
        try consistently {
            let isKnown = try first(
                """
                SELECT EXISTS (SELECT 1 FROM delivery INDEXED BY delivery_customer WHERE customer = \(name))
                    OR EXISTS (SELECT 1 FROM customer_return INDEXED BY customer_return_customer WHERE customer = \(name))
                """
            ) { $0.int(0) == 1 }
            guard isKnown == true, try isSeen(customer: name, access, plant) else { return nil }
            return CustomerRow(name: name, counters: try counters(of: name, for: access))
        }
    }
}

extension Statement {
    /// The return as the caller sees it: a refund over all of its items would tell of those that they don't see.
    fileprivate func customerReturn(_ column: Int32, isWhole: Bool) throws -> CustomerReturn {
        var found = try customerReturn(column)
        if !isWhole { found.refund = nil }
        return found
    }

    fileprivate func customerReturn(_ column: Int32) throws -> CustomerReturn {
        guard let found: CustomerReturn = json(text(column)) else { throw damagedRow("customer_return") }
        return found
    }

    fileprivate func returnItem(_ column: Int32) throws -> ReturnItem {
        guard let item: ReturnItem = json(text(column)) else { throw damagedRow("return_item") }
        return item
    }
}
