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

    /// Pieces that came back per piece delivered; nil where none was delivered.
    public var rate: Double? { delivered == 0 ? nil : Double(quantity) / Double(delivered) }
    /// Hours from arrival to inspection, on average; nil where nothing was inspected.
    public var hoursToInspect: Double? {
        inspected == 0 ? nil : (inspectionTime / Double(inspected) / 36_000).rounded() / 100
    }

    fileprivate init(row: Statement) {
        func number(_ column: Int32) -> Int { Int(row.int(column)) }
        (key, quantity, restocked, refurbished) = (row.text(0), number(1), number(2), number(3))
        (writtenOff, defective, open, inspected) = (number(4), number(5), number(6), number(7))
        inspectionTime = Double(number(8))
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
    }

    /// These figures of items of one decision, by what became of each piece.
    fileprivate var byOutcome: [ReturnFigures] {
        var rest = self
        (rest.quantity, rest.restocked, rest.refurbished, rest.writtenOff, rest.defective) = (open, 0, 0, 0, 0)
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
            coalesce(sum(max(line.inspected_at - line.arrived_at, 0)), 0)
            """
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
            return true
        }
        for (product, quantity) in try delivered(period, for: access) {
            sum.delivered += quantity
            guard grouping == .product else { continue }
            found[product, default: ReturnFigures(key: product)].delivered += quantity
        }
        return (found.values.sorted { $0.key < $1.key }, sum)
    }

    /// Pieces in deliveries that were opened in a period, by product; in the scope in which those that came back are
    /// counted.
    private func delivered(_ period: Period, for access: Access) throws -> [String: Int] {
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
        var counts: [String: Int] = [:]
        _ = try forEachWindow(walk) { window in
            try select("\(walk.select("line.product, sum(line.quantity)", window)) GROUP BY 1") { row in
                counts[row.text(0), default: 0] += Int(row.int(1))
            }
            return true
        }
        return counts
    }
}
