public import Tracking

/// What defect statistics are grouped by.
public enum DefectGrouping: String, Sendable, CaseIterable {
    /// By product.
    case product
    /// By defect type; a case counts under each of its types, with all that became of it.
    case type
    /// By location.
    case location
    /// By status.
    case status
    /// By supplier.
    case supplier
}

/// Defect cases that were found in a period, counted together.
public struct DefectFigures: Sendable, Equatable {
    /// What they have in common; empty where they have none of it, and for the sum of all.
    public var key = ""
    /// How many cases.
    public var cases = 0
    /// How many pieces were found defective.
    public var quantity = 0
    /// Of these, those that have the type; only by type.
    public var withType = 0
    /// Of the inspected ones, those that can be repaired or were.
    public var repairable = 0
    /// Of the inspected ones, those that can't.
    public var nonRepairable = 0
    /// Good again: repaired here or by the supplier, or sent back to a stage.
    public var repaired = 0
    /// Written off or replaced.
    public var writtenOff = 0
    /// Still defective.
    public var remaining = 0
    /// What the spare parts of their repairs cost.
    public var repairCost = Money(tenThousandths: 0)
    /// What was written off had cost.
    public var writeOffCost = Money(tenThousandths: 0)
    /// What suppliers credited.
    public var credit = Money(tenThousandths: 0)
    /// Units received from the supplier in the period; only by supplier.
    public var received = 0
    /// Of these, those that were found defective, then or later.
    public var receivedDefective = 0

    /// Of what is decided, the part that is good again, 0 to 1; nil where nothing is decided.
    public var repairSuccess: Double? {
        repaired + writtenOff == 0 ? nil : Double(repaired) / Double(repaired + writtenOff)
    }
    /// Of the units received, the part that was found defective, 0 to 1; nil where none was received. What was made
    /// here, and goods without serials, have no receipt and don't count.
    public var defectRate: Double? { received == 0 ? nil : Double(receivedDefective) / Double(received) }

    fileprivate mutating func add(_ row: Statement) {
        func number(_ column: Int32) -> Int { Int(row.int(column)) }
        cases += 1
        quantity += number(13)
        if !row.isNull(5) {
            repairable += number(5) + number(7)
            nonRepairable += number(6) + number(8)
        }
        repaired += number(7)
        writtenOff += number(8)
        remaining += number(9)
        repairCost.add(number(10))
        writeOffCost.add(number(11))
        credit.add(number(12))
    }
}

/// Something counted, with what it cost.
public struct CostFigures: Sendable, Equatable {
    /// What is counted together.
    public var key: String
    /// How many lines.
    public var lines = 0
    /// How many pieces.
    public var quantity = 0
    /// What they cost, as far as that is known.
    public var cost = Money(tenThousandths: 0)
    /// What they were sold for.
    public var proceeds = Money(tenThousandths: 0)
}

/// What the write-off statistics are grouped by.
public enum WriteOffGrouping: String, Sendable, CaseIterable {
    /// By reason.
    case reason
    /// By what it was written off from.
    case source
    /// By product.
    case product
}

/// Which cases the statistics count; nil is any.
public struct DefectFiguresFilter: Sendable, Equatable {
    /// Of this product.
    public var product: String?
    /// At this location.
    public var location: String?
    /// In this status.
    public var status: DefectStatus?
    /// Of this supplier.
    public var supplier: String?

    /// Every case, where nothing else is said.
    public init() {}

    fileprivate var conditions: [SQL] {
        var conditions: [SQL] = []
        if let product { conditions.append("defect.product = \(product)") }
        if let location { conditions.append("defect.location = \(location)") }
        if let status { conditions.append("defect.status = \(status.rawValue)") }
        if let supplier { conditions.append("defect.supplier = \(supplier)") }
        return conditions
    }

    /// Whether units received from a supplier are counted: those that were never defective have no location and status.
    fileprivate func counts(received product: String, from supplier: String) -> Bool {
        location == nil && status == nil && self.product ?? product == product && self.supplier ?? supplier == supplier
    }
}

extension Connection {
    /// Defect cases that were found in a period, within the scope, and the sum of all of them.
    ///
    /// - Parameters:
    ///   - from: the beginning, in milliseconds since 1970.
    ///   - to: the end, which is not part of the period.
    /// - Throws: `Refusal` for a period that ends before it begins, or of more than 400 days.
    public func defectFigures(
        by grouping: DefectGrouping, _ filter: DefectFiguresFilter = DefectFiguresFilter(), from: Int64, to: Int64,
        for access: Access, in plant: Plant
    ) throws -> (lines: [DefectFigures], sum: DefectFigures) {
        let period = try Period(from: from, to: to)
        var found: [String: DefectFigures] = [:]
        var sum = DefectFigures()
        let walk = Walk(
            key: "id", sources: ["defect WHERE TRUE"], rows: "defect ON defect.id = walk.key",
            condition: ([
                access.seesDefect, "defect.detected_at >= \(period.from)", "defect.detected_at < \(period.to)",
            ] + filter.conditions).all)
        let columns: SQL = """
            defect.id, defect.product, defect.location, defect.status, defect.supplier, defect.repairable,
            defect.non_repairable, defect.repaired + defect.reworked + defect.supplier_repaired,
            defect.written_off + defect.replaced, defect.remaining,
            (SELECT CAST(total(repair.cost) AS INTEGER) FROM repair WHERE repair.defect = defect.id),
            (SELECT CAST(total(write_off.cost * write_off.quantity) AS INTEGER) FROM write_off
                WHERE write_off.defect = defect.id),
            coalesce(defect.credit, 0), defect.quantity
            """
        _ = try forEachWindow(walk) { window in
            try select(walk.select(columns, window)) { row in
                sum.add(row)
                var keys: [(key: String, withType: Int)]
                switch grouping {
                case .product: keys = [(row.text(1), 0)]
                case .location: keys = [(row.optionalText(2) ?? "", 0)]
                case .status: keys = [(row.text(3), 0)]
                case .supplier: keys = [(row.optionalText(4) ?? "", 0)]
                case .type:
                    keys = try select("SELECT type, quantity FROM defect_finding WHERE defect = \(row.int(0))") {
                        ($0.text(0), Int($0.int(1)))
                    }
                    if keys.isEmpty { keys = [("", 0)] }
                }
                for (key, withType) in keys {
                    found[key, default: DefectFigures(key: key)].add(row)
                    found[key]?.withType += withType
                }
            }
            return true
        }
        if grouping == .supplier {
            for (supplier, units) in try received(filter, period, for: access, in: plant) {
                found[supplier, default: DefectFigures(key: supplier)].received += units.count
                found[supplier]?.receivedDefective += units.defective
                sum.received += units.count
                sum.receivedDefective += units.defective
            }
        }
        return (found.values.sorted { $0.key < $1.key }, sum)
    }

    /// Units received in a period by supplier: the one that was named, else the product's.
    private func received(
        _ filter: DefectFiguresFilter, _ period: Period, for access: Access, in plant: Plant
    ) throws -> [String: (count: Int, defective: Int)] {
        let walk = Walk(
            key: "id", sources: ["event WHERE TRUE"],
            rows: "event ON event.id = walk.key CROSS JOIN unit ON unit.serial = event.unit",
            condition: [
                access.seesUnit(in: .unit), "event.kind = 'unit.received'", "event.at >= \(period.from)",
                "event.at < \(period.to)",
            ].all, range: try eventNumbers(from: period.from, to: period.to))
        let columns: SQL = """
            unit.product, unit.supplier, count(*),
            sum(EXISTS (SELECT 1 FROM defect_unit WHERE defect_unit.serial = unit.serial))
            """
        var counts: [String: (count: Int, defective: Int)] = [:]
        _ = try forEachWindow(walk) { window in
            try select("\(walk.select(columns, window)) GROUP BY 1, 2") { row in
                guard let supplier = row.optionalText(1) ?? plant.products[row.text(0)]?.supplier,
                    filter.counts(received: row.text(0), from: supplier)
                else { return }
                counts[supplier, default: (0, 0)].count += Int(row.int(2))
                counts[supplier]?.defective += Int(row.int(3))
            }
            return true
        }
        return counts
    }

    /// Spare parts that repairs within the scope took in a period.
    ///
    /// - Throws: `Refusal` for a period that ends before it begins, or of more than 400 days.
    public func sparePartFigures(from: Int64, to: Int64, for access: Access) throws -> [CostFigures] {
        let period = try Period(from: from, to: to)
        var walk = try repairs(nil, period.from, period.to, access)
        walk.rows += " CROSS JOIN repair_part AS part ON part.event = repair.event"
        var found: [String: CostFigures] = [:]
        _ = try forEachWindow(walk) { window in
            let columns: SQL =
                "part.product, count(*), sum(part.quantity), CAST(total(part.quantity * part.cost) AS INTEGER)"
            try select("\(walk.select(columns, window)) GROUP BY 1") { row in
                found[row.text(0), default: CostFigures(key: row.text(0))].add(row)
            }
            return true
        }
        return found.values.sorted { $0.key < $1.key }
    }

    /// What was written off in a period, within the scope, and the sum of all of it.
    ///
    /// - Throws: `Refusal` for a period that ends before it begins, or of more than 400 days.
    public func writeOffFigures(
        by grouping: WriteOffGrouping, from: Int64, to: Int64, for access: Access
    ) throws -> (lines: [CostFigures], sum: CostFigures) {
        let period = try Period(from: from, to: to)
        let walk = try walk(WriteOffFilter(from: period.from, to: period.to), access)
        let key: SQL =
            switch grouping {
            case .reason: "write_off.reason"
            case .source: "write_off.source"
            case .product: "write_off.product"
            }
        var found: [String: CostFigures] = [:]
        var sum = CostFigures(key: "")
        _ = try forEachWindow(walk) { window in
            let columns: SQL = """
                \(key), count(*), sum(write_off.quantity),
                CAST(total(write_off.quantity * write_off.cost) AS INTEGER),
                CAST(total(write_off.quantity * write_off.price) AS INTEGER)
                """
            try select("\(walk.select(columns, window)) GROUP BY 1") { row in
                found[row.text(0), default: CostFigures(key: row.text(0))].add(row, hasProceeds: true)
                sum.add(row, hasProceeds: true)
            }
            return true
        }
        return (found.values.sorted { $0.key < $1.key }, sum)
    }
}

extension CostFigures {
    fileprivate mutating func add(_ row: Statement, hasProceeds: Bool = false) {
        lines += Int(row.int(1))
        quantity += Int(row.int(2))
        cost.add(Int(row.int(3)))
        if hasProceeds { proceeds.add(Int(row.int(4))) }
    }
}

extension Money {
    /// Adds ten-thousandths, up to the largest amount that there is.
    mutating func add(_ amount: Int) {
        let (sum, isOver) = tenThousandths.addingReportingOverflow(amount)
        tenThousandths = isOver ? .max : sum
    }
}

/// What became of all defects of a product, within a scope.
public struct DefectCounters: Sendable, Equatable {
    /// Pieces ever found defective.
    public var found = 0
    /// Repaired here.
    public var repaired = 0
    /// Sent back to a stage.
    public var reworked = 0
    /// Came back repaired from the supplier.
    public var supplierRepaired = 0
    /// Replaced by the supplier.
    public var replaced = 0
    /// Written off.
    public var writtenOff = 0
    /// Still defective.
    public var remaining = 0
}

extension Connection {
    /// What became of all defects of a product, over the cases within the scope.
    public func defectCounters(of product: String, for access: Access) throws -> DefectCounters {
        try first(
            """
            SELECT total(quantity), total(repaired), total(reworked), total(supplier_repaired), total(replaced),
                total(written_off), total(remaining)
            FROM defect INDEXED BY defect_product
            WHERE by_product > \(product + "\u{1}") AND by_product < \(product + "\u{2}") AND \(access.seesDefect)
            """
        ) { row in
            DefectCounters(
                found: Int(row.int(0)), repaired: Int(row.int(1)), reworked: Int(row.int(2)),
                supplierRepaired: Int(row.int(3)), replaced: Int(row.int(4)), writtenOff: Int(row.int(5)),
                remaining: Int(row.int(6)))
        } ?? DefectCounters()
    }
}
