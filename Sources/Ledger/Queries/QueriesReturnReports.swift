public import Tracking

/// What return statistics are grouped by.
public enum ReturnGrouping: String, Sendable, CaseIterable {
    /// By product, with what was delivered of it.
    case product
    /// By reason.
    case reason
    /// By condition.
    case condition
    /// By what became of the pieces; those that are still in the repacking queue by their item's decision.
    case decision
    /// By customer.
    case customer
}

/// Items that came back in a period, counted together.
public struct ReturnFigures: Sendable, Equatable {
    /// What they have in common; empty where they have none of it, and for the sum of all.
    public var key = ""
    /// How many pieces came back.
    public var quantity = 0
    /// Of these, pieces that were put into stock.
    public var restocked = 0
    /// Of these, pieces that were sent into production.
    public var refurbished = 0
    /// Of these, pieces that were written off.
    public var writtenOff = 0
    /// Of these, pieces that went into defect cases.
    public var defective = 0
    /// Of these, pieces that are still in the repacking queue.
    public var open = 0
    /// How many items were inspected.
    public var inspected = 0
    /// Milliseconds from arrival to inspection, over all that were inspected.
    public var inspectionTime = 0.0
    /// How many pieces were delivered in the period; only by product.
    public var delivered = 0
    /// Of the pieces that came back, those whose deliveries are counted: a lead also sees what their desk received, but
    /// not what others deliver.
    public var rated = 0
    /// From how many orders something came back; not by decision.
    public var orders = 0
    /// Of these, those whose deliveries are counted.
    public var ratedOrders = 0
    /// Under how many orders something was delivered in the period; only by product.
    public var ordersDelivered = 0

    /// Pieces that came back per piece delivered; nil where none was delivered.
    public var rate: Double? { delivered == 0 ? nil : Double(rated) / Double(delivered) }
    /// Orders from which something came back per order delivered; nil where none was delivered.
    public var rateByOrders: Double? { ordersDelivered == 0 ? nil : Double(ratedOrders) / Double(ordersDelivered) }
    /// Hours from arrival to inspection, on average; nil where nothing was inspected.
    public var hoursToInspect: Double? {
        inspected == 0 ? nil : (inspectionTime / Double(inspected) / 36_000).rounded() / 100
    }

    fileprivate init(row: Statement) {
        func number(_ column: Int32) -> Int { Int(row.int(column)) }
        (key, quantity, restocked, refurbished) = (row.text(0), number(1), number(2), number(3))
        (writtenOff, defective, open, inspected) = (number(4), number(5), number(6), number(7))
        inspectionTime = Double(number(8))
        rated = number(9)
    }

    fileprivate init(key: String = "") { self.key = key }

    fileprivate mutating func add(_ other: ReturnFigures) {
        quantity += other.quantity
        restocked += other.restocked
        refurbished += other.refurbished
        writtenOff += other.writtenOff
        defective += other.defective
        open += other.open
        inspected += other.inspected
        inspectionTime += other.inspectionTime
        rated += other.rated
    }

    fileprivate mutating func count(_ returned: Set<ReturnedOrder>?, _ delivered: Set<String>?) {
        (orders, ratedOrders) = (Set((returned ?? []).map(\.number)).count, 0)
        ratedOrders = Set((returned ?? []).filter(\.isRated).map(\.number)).count
        ordersDelivered = delivered?.count ?? 0
    }

    /// These figures of items of one decision, by what became of each piece.
    fileprivate var byOutcome: [ReturnFigures] {
        var rest = self
        (rest.quantity, rest.restocked, rest.refurbished, rest.writtenOff, rest.defective) = (open, 0, 0, 0, 0)
        rest.rated = 0
        let parts: [(ReturnDecision, WritableKeyPath<ReturnFigures, Int>)] = [
            (.restock, \.restocked), (.refurbish, \.refurbished), (.dispose, \.writtenOff),
            (.returnToSupplier, \.defective),
        ]
        return [rest]
            + parts.map { decision, count in
                var part = ReturnFigures(key: decision.rawValue)
                part[keyPath: count] = self[keyPath: count]
                part.quantity = self[keyPath: count]
                return part
            }
    }
}

/// An order from which something came back.
private struct ReturnedOrder: Hashable {
    var number: String
    /// The deliveries of what came back are counted, too.
    var isRated: Bool
}

extension Connection {
    /// Items that came back in a period, within the scope, and the sum of all of them. Cancelled returns don't count.
    ///
    /// - Parameters:
    ///   - from: the beginning, in milliseconds since 1970.
    ///   - to: the end, which is not part of the period.
    /// - Throws: `Refusal` for a period that ends before it begins, or of more than 400 days.
    public func returnFigures(
        by grouping: ReturnGrouping, from: Int64, to: Int64, for access: Access
    ) throws -> (lines: [ReturnFigures], sum: ReturnFigures) {
        let period = try Period(from: from, to: to)
        let key: SQL =
            switch grouping {
            case .product: "line.product"
            case .reason: "coalesce(line.reason, customer_return.reason)"
            case .condition: "coalesce(line.condition, '')"
            case .decision: "coalesce(line.decision, '')"
            case .customer: "coalesce(customer_return.customer, '')"
            }
        let walk = Walk(
            key: "id", sources: ["return_item WHERE TRUE"],
            rows: """
                return_item AS line ON line.id = walk.key
                CROSS JOIN customer_return ON customer_return.id = line.customer_return
                """,
            condition: [
                access.seesItem, "line.arrived_at >= \(period.from)", "line.arrived_at < \(period.to)",
                "line.status <> 'cancelled'",
            ].all)
        let columns: SQL = """
            \(key), sum(line.quantity), sum(line.restocked), sum(line.refurbished), sum(line.written_off),
            sum(line.defective), sum(line.open), count(line.inspected_at),
            coalesce(sum(max(line.inspected_at - line.arrived_at, 0)), 0),
            sum(CASE WHEN \(access.seesReturned("line.team")) THEN line.quantity ELSE 0 END)
            """
        let order: SQL = "\(key), customer_return.order_number, \(access.seesReturned("line.team")) IS TRUE"
        var returned: [String: Set<ReturnedOrder>] = [:]
        var found: [String: ReturnFigures] = [:]
        var sum = ReturnFigures()
        _ = try forEachWindow(walk) { window in
            try select("\(walk.select(columns, window)) GROUP BY 1") { row in
                let line = ReturnFigures(row: row)
                sum.add(line)
                for part in grouping == .decision ? line.byOutcome : [line] where part.quantity + part.inspected > 0 {
                    found[part.key, default: ReturnFigures(key: part.key)].add(part)
                }
            }
            try select("\(walk.select(order, window)) GROUP BY 1, 2, 3") { row in
                returned[row.text(0), default: []].insert(
                    ReturnedOrder(number: row.text(1), isRated: row.int(2) != 0))
            }
            return true
        }
        let delivered = try delivered(period, for: access)
        for (product, line) in delivered {
            sum.delivered += line.quantity
            guard grouping == .product else { continue }
            found[product, default: ReturnFigures(key: product)].delivered += line.quantity
        }
        sum.count(
            returned.values.reduce(into: []) { $0.formUnion($1) },
            delivered.values.reduce(into: []) { $0.formUnion($1.orders) })
        if grouping != .decision {
            for key in found.keys {
                found[key]?.count(returned[key], grouping == .product ? delivered[key]?.orders : nil)
            }
        }
        return (found.values.sorted { $0.key < $1.key }, sum)
    }

    /// Pieces in deliveries that were opened in a period, and the orders of these, by product; in the scope in which
    /// those that came back are rated.
    private func delivered(
        _ period: Period, for access: Access
    ) throws -> [String: (quantity: Int, orders: Set<String>)] {
        let walk = Walk(
            key: "id", sources: ["delivery WHERE TRUE"],
            rows: """
                delivery ON delivery.id = walk.key CROSS JOIN delivery_line AS line ON line.delivery = delivery.id
                LEFT JOIN unit ON unit.serial = line.serial
                """,
            condition: [
                access.seesReturned("unit.team"), "delivery.opened_at >= \(period.from)",
                "delivery.opened_at < \(period.to)",
            ].all, range: try eventNumbers(from: period.from, to: period.to))
        var counts: [String: (quantity: Int, orders: Set<String>)] = [:]
        _ = try forEachWindow(walk) { window in
            let columns: SQL = "line.product, delivery.order_number, sum(line.quantity)"
            try select("\(walk.select(columns, window)) GROUP BY 1, 2") { row in
                counts[row.text(0), default: (0, [])].quantity += Int(row.int(2))
                counts[row.text(0)]?.orders.insert(row.text(1))
            }
            return true
        }
        return counts
    }
}
