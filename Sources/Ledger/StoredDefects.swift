import FoundationEssentials
import Tracking

// Defect cases and what belongs to them, put on record and read back for the rules.

extension Store {
    /// Writes what `apply` changed of defects since the last call.
    func flushDefects(_ state: inout State) throws {
        for (id, found, _) in state.defects.takeChanges() { try put(id, found) }
        for (key, unit, _) in state.defectUnits.takeChanges() { try put(key, unit) }
        for (event, line, _) in state.writeOffs.takeChanges() { try put(event, line) }
        for event in state.defectEvents { try put(event) }
        state.defectEvents.removeAll(keepingCapacity: true)
        for sent in state.supplierReturns { try put(sent) }
        state.supplierReturns.removeAll(keepingCapacity: true)
    }

    private func put(_ id: String, _ found: DefectCase?) throws {
        try run("DELETE FROM defect_finding WHERE defect = ?1", [.text(id)])
        guard let found else { return try run("DELETE FROM defect WHERE id = ?1", [.text(id)]) }
        let (counts, split) = (found.outcomes, found.split)
        let findings = try Self.json(found.findings)
        func number(_ value: Int?) -> Value { value.map { .int(Int64($0)) } ?? .null }
        let values: [Value] = [
            .text(id), .text(found.product), Value(found.team), number(found.isSerialised ? 1 : 0),
            .text(found.status.rawValue), number(found.quantity), number(found.remaining),
            number(split?.repairable), number(split?.nonRepairable), number(counts.repaired),
            number(counts.reworked), number(counts.supplierRepaired), number(counts.replaced),
            number(counts.writtenOff), .text(findings), Value(found.reason), Value(found.note),
            Value(found.location), .text(found.source.rawValue), Value(found.supplier), Value(found.rma),
            found.shipment.map(Value.text) ?? .null, .int(found.detectedAt), Value(found.detectedBy),
            Value(found.resolution), number(found.credit?.tenThousandths),
            found.resolvedAt.map(Value.int) ?? .null, .int(found.updatedAt), .int(found.lastEvent),
            .text(Self.sortKey(found.product, id)), .text(Self.sortKey(found.supplier ?? "", id)),
        ]
        let places = values.indices.map { "?\($0 + 1)" }.joined(separator: ", ")
        try run("INSERT OR REPLACE INTO defect VALUES (\(places))", values)
        for finding in found.findings {
            try run(
                "INSERT INTO defect_finding VALUES (?1, ?2, ?3)",
                [.text(id), .text(finding.type), number(finding.quantity)])
        }
    }

    /// Orders by a text and then by number, as one text that no other case has.
    private static func sortKey(_ text: String, _ id: String) -> String {
        text + "\u{1}" + String(repeating: "0", count: max(0, 19 - id.utf8.count)) + id
    }

    private func put(_ key: DefectUnit.Key, _ unit: DefectUnit?) throws {
        guard let unit else {
            return try run(
                "DELETE FROM defect_unit WHERE defect = ?1 AND serial = ?2", [.text(key.id), .text(key.serial)])
        }
        try run(
            "INSERT OR REPLACE INTO defect_unit VALUES (?1, ?2, ?3, ?4, ?5)",
            [
                .text(key.id), .text(key.serial), .text(unit.outcome.rawValue), .int(unit.event),
                Value(unit.replacedBy),
            ])
    }

    private func put(_ event: Int64, _ line: WriteOff?) throws {
        guard let line else { return try run("DELETE FROM write_off WHERE event = ?1", [.int(event)]) }
        try run(
            "INSERT OR REPLACE INTO write_off VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
            [
                .int(event), .int(line.at), .text(line.product), Value(line.serial), .int(Int64(line.quantity)),
                .text(line.reason), Value(line.price), Value(line.cost), .text(line.source.rawValue),
                Value(line.defect), Value(line.team), Value(line.actor), Value(line.note),
            ])
    }

    private func put(_ event: State.DefectEvent) throws {
        try run("INSERT INTO defect_event VALUES (?1, ?2)", [.text(event.id), .int(event.event)])
        guard let repair = event.repair else { return }
        try run(
            "INSERT INTO repair VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
            [
                .int(event.event), .int(event.at), .text(event.id), .text(repair.product), Value(repair.team),
                .int(Int64(repair.quantity)), .text(repair.serials.joined(separator: " ")), .text(repair.target),
                Value(repair.cost), Value(event.actor), Value(event.note),
            ])
        for part in repair.parts {
            try run(
                "INSERT INTO repair_part VALUES (?1, ?2, ?3, ?4)",
                [.int(event.event), .text(part.product), .int(Int64(part.quantity)), Value(part.cost)])
        }
    }

    private func put(_ sent: SupplierReturn) throws {
        try run(
            "INSERT INTO supplier_return VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            [.text(sent.id), .text(sent.supplier), .text(sent.rma), .text(sent.note), .int(sent.at), Value(sent.actor)])
        for found in sent.cases {
            try run(
                "INSERT INTO supplier_return_line VALUES (?1, ?2, ?3)",
                [.text(sent.id), .text(found.id), .int(Int64(found.quantity))])
        }
    }
}

extension Value {
    /// An amount in ten-thousandths, or nothing.
    init(_ money: Money?) {
        self = money.map { .int(Int64($0.tenThousandths)) } ?? .null
    }
}

extension StoredRecords {
    func defectCase(_ id: String) -> DefectCase? {
        guard let number = Int64(id), String(number) == id else { return nil }
        return first(
            "SELECT \(DefectCase.columnNames) FROM defect WHERE id = ?1", { $0.bind(1, number) }
        ) { try? DefectCase(row: $0) }
    }

    func units(ofDefect id: String) -> [String: DefectUnit] {
        let rows = all("SELECT serial, outcome, event, replaced_by FROM defect_unit WHERE defect = ?1", .text(id)) {
            row in
            let outcome = DefectOutcome(rawValue: row.text(1)) ?? .open
            return (row.text(0), DefectUnit(outcome: outcome, event: row.int(2), replacedBy: row.optionalText(3)))
        }
        return Dictionary(rows) { first, _ in first }
    }

    func unitsWithoutCase(limit: Int) -> [String] {
        all(
            """
            SELECT serial FROM unit INDEXED BY unit_active
            WHERE status = 'defect'
            AND NOT EXISTS (
                SELECT 1 FROM defect_unit WHERE defect_unit.serial = unit.serial AND defect_unit.outcome = 'open')
            ORDER BY serial LIMIT ?1
            """, .int(Int64(limit))
        ) { $0.text(0) }
    }

    func detection(ofUnit serial: String) -> (event: Event, at: Int64)? {
        var next = unit(serial)?.lastEvent
        while let id = next {
            let row = first("SELECT \(EventRow.columns) FROM event WHERE id = ?1", { $0.bind(1, id) }, EventRow.init)
            guard let row else { return nil }
            if row.event.after?.status == .defect, row.event.before?.status != .defect { return (row.event, row.at) }
            next = row.previous
        }
        return nil
    }
}

extension DefectCase {
    static let columnNames = [
        "id", "product", "team", "serialised", "status", "quantity", "repairable", "non_repairable", "repaired",
        "reworked", "supplier_repaired", "replaced", "written_off", "findings", "reason", "note", "location",
        "source", "supplier", "rma", "shipment", "detected_at", "detected_by", "resolution", "credit",
        "resolved_at", "updated_at", "last_event",
    ].map { "defect." + $0 }.joined(separator: ", ")
    static let columns = SQL(verbatim: columnNames)

    /// Reads a case from a row of `columns`.
    init(row: Statement) throws {
        let findings = try? JSONDecoder().decode([Finding].self, from: Data(row.text(13).utf8))
        guard let status = DefectStatus(rawValue: row.text(4)), let source = DefectSource(rawValue: row.text(17)),
            let findings
        else { throw damagedRow("defect") }
        func number(_ column: Int32) -> Int { Int(row.int(column)) }
        self.init(
            id: row.text(0), product: row.text(1), team: row.optionalText(2), isSerialised: row.int(3) != 0,
            quantity: number(5), source: source, detectedAt: row.int(21))
        (self.status, self.findings) = (status, findings)
        if !row.isNull(6) { split = Split(repairable: number(6), nonRepairable: number(7)) }
        outcomes.repaired = number(8)
        outcomes.reworked = number(9)
        outcomes.supplierRepaired = number(10)
        outcomes.replaced = number(11)
        outcomes.writtenOff = number(12)
        (reason, note, location) = (row.optionalText(14), row.optionalText(15), row.optionalText(16))
        (supplier, rma, shipment) = (row.optionalText(18), row.optionalText(19), row.optionalText(20))
        (detectedBy, resolution) = (row.optionalText(22), row.optionalText(23))
        credit = row.isNull(24) ? nil : Money(tenThousandths: number(24))
        resolvedAt = row.isNull(25) ? nil : row.int(25)
        (updatedAt, lastEvent) = (row.int(26), row.int(27))
    }
}
