public import Tracking

/// A return to a supplier, as far as the caller sees its cases.
public struct SupplierReturnRow: Sendable, Equatable {
    /// The return; `cases` holds those within the scope.
    public var sent: SupplierReturn
    /// Pieces of these cases that were sent.
    public var quantity: Int
    /// Of these cases, those that are still with the supplier under this return.
    public var withSupplier: Int
    /// Of these cases, those that are resolved.
    public var resolved: Int
    /// What the supplier credited for them.
    public var credit: Money
}

/// A repair on record.
public struct RepairRecord: Sendable, Equatable {
    /// Number of its event.
    public var event: Int64
    /// When, in milliseconds since 1970.
    public var at: Int64
    /// The repair.
    public var repair: Repair
    /// Login of the person.
    public var actor: String?
    /// What they wrote to it.
    public var note: String?
}

/// Which lines of the write-off log are asked for; nil is any.
public struct WriteOffFilter: Sendable, Equatable {
    /// Of this product.
    public var product: String?
    /// With this reason.
    public var reason: WriteOffReason?
    /// Written off from there.
    public var source: WriteOffSource?
    /// At this time or later, in milliseconds since 1970.
    public var from: Int64?
    /// Before this time, in milliseconds since 1970.
    public var to: Int64?

    /// Every line, where nothing else is said.
    public init(
        product: String? = nil, reason: WriteOffReason? = nil, source: WriteOffSource? = nil, from: Int64? = nil,
        to: Int64? = nil
    ) {
        (self.product, self.reason, self.source, self.from, self.to) = (product, reason, source, from, to)
    }

    fileprivate var condition: SQL {
        var conditions: [SQL] = []
        if let product { conditions.append("write_off.product = \(product)") }
        if let reason { conditions.append("write_off.reason = \(reason.rawValue)") }
        if let source { conditions.append("write_off.source = \(source.rawValue)") }
        if let from { conditions.append("write_off.at >= \(from)") }
        if let to { conditions.append("write_off.at < \(to)") }
        return conditions.all
    }

    /// The indexes that lead to what it can match.
    fileprivate var ways: [[SQL]] {
        var ways: [[SQL]] = []
        if let product { ways.append(["write_off INDEXED BY write_off_product WHERE product = \(product)"]) }
        if let reason { ways.append(["write_off INDEXED BY write_off_reason WHERE reason = \(reason.rawValue)"]) }
        if let source { ways.append(["write_off INDEXED BY write_off_source WHERE source = \(source.rawValue)"]) }
        return ways
    }
}

/// What is between the plant and a supplier, as far as the caller sees its cases.
public struct SupplierFigures: Sendable, Equatable {
    /// Cases by status.
    public var cards = DefectCards()
    /// What the supplier credited.
    public var credit = Money(tenThousandths: 0)
    /// The last cases that are not resolved, the newest first.
    public var open: [DefectRow]
    /// The last returns to it, the newest first.
    public var returns: [SupplierReturnRow]
}

extension Connection {
    /// What is between the plant and a supplier.
    public func supplierFigures(_ code: String, for access: Access) throws -> SupplierFigures {
        try consistently {
            var filter = DefectFilter()
            (filter.supplier, filter.statuses) = (code, DefectStatus.open + [.withSupplier])
            let last = Page(limit: 20, descending: true)
            var figures = SupplierFigures(
                open: try defects(filter, for: access, last).items,
                returns: try supplierReturns(supplier: code, for: access, last).items)
            try select(
                """
                SELECT status, count(*), sum(remaining), CAST(total(credit) AS INTEGER)
                FROM defect INDEXED BY defect_supplier
                WHERE by_supplier > \(code + "\u{1}") AND by_supplier < \(code + "\u{2}") AND \(access.seesDefect)
                GROUP BY 1
                """
            ) { row in
                guard let status = DefectStatus(rawValue: row.text(0)) else { throw damagedRow("defect") }
                figures.cards.cases[status] = Int(row.int(1))
                figures.cards.remaining[status] = Int(row.int(2))
                figures.credit.add(Int(row.int(3)))
            }
            return figures
        }
    }

    /// Returns to suppliers that hold a case within the scope, by id.
    ///
    /// - Throws: `Refusal` for a cursor that is none.
    public func supplierReturns(
        supplier: String?, for access: Access, _ page: Page
    ) throws -> Listing<SupplierReturnRow> {
        var source: SQL = "supplier_return WHERE TRUE"
        if let supplier {
            source = "supplier_return INDEXED BY supplier_return_supplier WHERE supplier = \(supplier)"
        }
        let walk = Walk(
            key: "id", sources: [source], rows: "supplier_return ON supplier_return.id = walk.key",
            condition: """
                EXISTS (SELECT 1 FROM supplier_return_line AS line CROSS JOIN defect ON defect.id = line.defect
                    WHERE line.supplier_return = supplier_return.id AND \(access.seesDefect))
                """)
        var listing = try self.page(walk, page, Self.returnColumns) { try supplierReturn($0, access) }
        if page.total { listing.total = try count(walk) }
        return listing
    }

    /// The return with this id; nil where there is none, or none with a case within the scope.
    public func supplierReturn(_ id: String, for access: Access) throws -> SupplierReturnRow? {
        guard let number = Int64(id) else { return nil }
        let found = try consistently {
            try first(
                "SELECT \(Self.returnColumns) FROM supplier_return WHERE supplier_return.id = \(number)"
            ) { try supplierReturn($0, access) }
        }
        return found?.sent.cases.isEmpty == false ? found : nil
    }

    private static let returnColumns: SQL = """
        supplier_return.id, supplier_return.supplier, supplier_return.rma, supplier_return.note, supplier_return.at,
        supplier_return.actor
        """

    private func supplierReturn(_ row: Statement, _ access: Access) throws -> SupplierReturnRow {
        let id = row.int(0)
        var result = SupplierReturnRow(
            sent: SupplierReturn(
                id: String(id), supplier: row.text(1), rma: row.text(2), note: row.text(3), at: row.int(4),
                actor: row.optionalText(5), cases: []), quantity: 0, withSupplier: 0, resolved: 0,
            credit: Money(tenThousandths: 0))
        try select(
            """
            SELECT defect.id, line.quantity, defect.status, defect.shipment, defect.credit
            FROM supplier_return_line AS line CROSS JOIN defect ON defect.id = line.defect
            WHERE line.supplier_return = \(id) AND \(access.seesDefect) ORDER BY defect.id
            """
        ) { line in
            let sent = SupplierReturn.Case(id: line.text(0), quantity: Int(line.int(1)))
            result.sent.cases.append(sent)
            result.quantity += sent.quantity
            // A case that was reverted may have gone out again with another return.
            guard line.int(3) == id else { return }
            if line.text(2) == DefectStatus.withSupplier.rawValue { result.withSupplier += 1 }
            if line.text(2) == DefectStatus.resolved.rawValue {
                result.resolved += 1
                result.credit.add(Int(line.int(4)))
            }
        }
        return result
    }

    /// Repairs of cases within the scope, by event.
    ///
    /// - Throws: `Refusal` for a cursor that is none.
    public func repairs(
        product: String?, from: Int64?, to: Int64?, for access: Access, _ page: Page
    ) throws -> Listing<RepairRecord> {
        let walk = try repairs(product, from, to, access)
        let columns: SQL = """
            repair.event, repair.at, repair.defect, repair.product, repair.team, repair.quantity, repair.serials,
            repair.target, repair.actor, repair.note
            """
        var listing = try self.page(walk, page, columns) { row in
            let event = row.int(0)
            let parts = try select(
                "SELECT product, quantity, cost FROM repair_part WHERE event = \(event) ORDER BY product"
            ) { Repair.Part(product: $0.text(0), quantity: Int($0.int(1)), cost: $0.money(2)) }
            let repair = Repair(
                defect: row.text(2), product: row.text(3), team: row.optionalText(4), quantity: Int(row.int(5)),
                serials: row.text(6).split(separator: " ").map(String.init), target: row.text(7), parts: parts)
            return RepairRecord(
                event: event, at: row.int(1), repair: repair, actor: row.optionalText(8), note: row.optionalText(9))
        }
        if page.total { listing.total = try count(walk) }
        return listing
    }

    func repairs(_ product: String?, _ from: Int64?, _ to: Int64?, _ access: Access) throws -> Walk {
        var conditions = [access.seesDefect]
        if let product { conditions.append("repair.product = \(product)") }
        if let from { conditions.append("repair.at >= \(from)") }
        if let to { conditions.append("repair.at < \(to)") }
        let source: SQL =
            product.map { "repair INDEXED BY repair_product WHERE product = \($0)" } ?? "repair WHERE TRUE"
        return Walk(
            key: "event", sources: [source],
            rows: "repair ON repair.event = walk.key CROSS JOIN defect ON defect.id = repair.defect",
            condition: conditions.all, range: try eventNumbers(from: from, to: to))
    }

    /// Lines of the write-off log within the scope, by event.
    ///
    /// - Throws: `Refusal` for a cursor that is none.
    public func writeOffs(_ filter: WriteOffFilter, for access: Access, _ page: Page) throws -> Listing<WriteOff> {
        let walk = try walk(filter, access)
        let columns: SQL = """
            write_off.event, write_off.at, write_off.product, write_off.serial, write_off.quantity, write_off.reason,
            write_off.price, write_off.cost, write_off.source, write_off.defect, write_off.team, write_off.actor,
            write_off.note
            """
        var listing = try self.page(walk, page, columns) { row in
            guard let source = WriteOffSource(rawValue: row.text(8)) else { throw damagedRow("write_off") }
            return WriteOff(
                event: row.int(0), at: row.int(1), product: row.text(2), serial: row.optionalText(3),
                quantity: Int(row.int(4)), reason: row.text(5), price: row.money(6), cost: row.money(7),
                source: source, defect: row.optionalText(9), team: row.optionalText(10), actor: row.optionalText(11),
                note: row.optionalText(12))
        }
        if page.total { listing.total = try count(walk) }
        return listing
    }

    /// A unit's write-off is seen as the unit is, and with its case where a lead's own station or people had that in hand;
    /// one without serials by who adjusts stock.
    func walk(_ filter: WriteOffFilter, _ access: Access) throws -> Walk {
        let goods: SQL = access.seesGoods ? .always : .never
        let own: SQL = "CASE WHEN write_off.serial IS NULL THEN \(goods) ELSE \(access.seesUnit(in: .unit)) END"
        let seen = access.scope == .all ? SQL.always : [own, access.handled("write_off.defect")].any
        let range = try eventNumbers(from: filter.from, to: filter.to)
        let ways = filter.ways
        return Walk(
            key: "event",
            sources: ways.isEmpty ? ["write_off WHERE TRUE"] : try shortest(ways, by: "event", in: range),
            rows: """
                write_off ON write_off.event = walk.key LEFT JOIN unit ON unit.serial = write_off.serial
                """,
            condition: [seen, filter.condition].all, range: range)
    }
}

extension Statement {
    /// An amount in ten-thousandths.
    func money(_ column: Int32) -> Money? { isNull(column) ? nil : Money(tenThousandths: Int(int(column))) }
}
