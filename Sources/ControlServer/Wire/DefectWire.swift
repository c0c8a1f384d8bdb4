import ControlAPI
import Ledger
import Tracking

// How defect cases and what belongs to them stand on the wire. Suppliers and their references are for those who may see
// suppliers, and for those who send to them.

extension DefectCase {
    /// - Parameter lines: the units, where they are asked for.
    func json(for access: Access, lines: [DefectLine]? = nil, serial: String? = nil) -> JSONValue {
        let showsPurchase = access.seesPurchase
        return JSONValue(omittingNil: [
            "id": .string(id), "product": .string(product), "team": .init(team), "status": .string(status.rawValue),
            "serialised": .bool(isSerialised), "quantity": .int(quantity), "remaining": .int(remaining),
            "awaiting": .int(awaiting), "repairable": repairable.map(JSONValue.int),
            "non_repairable": nonRepairable.map(JSONValue.int), "repairable_left": split.map { .int($0.repairable) },
            "non_repairable_left": split.map { .int($0.nonRepairable) }, "repaired": .int(outcomes.repaired),
            "reworked": .int(outcomes.reworked), "supplier_repaired": .int(outcomes.supplierRepaired),
            "replaced": .int(outcomes.replaced), "written_off": .int(outcomes.writtenOff),
            "types": .array(findings.map(\.json)), "reason": .init(reason), "note": .init(note),
            "location": .init(location), "source": .string(source.rawValue),
            "supplier": showsPurchase ? .init(supplier) : nil, "rma": showsPurchase ? .init(rma) : nil,
            "supplier_return": .init(shipment), "detected_at": .init(time: detectedAt),
            "detected_by": .init(detectedBy), "resolution": .init(resolution),
            "credit": showsPurchase ? .init(credit) : nil, "resolved_at": resolvedAt.map { .init(time: $0) },
            "updated_at": .init(time: updatedAt), "serial": .init(serial),
            "units": lines.map { .array($0.map(\.json)) },
        ])
    }
}

extension DefectCase.Finding {
    fileprivate var json: JSONValue {
        JSONValue(omittingNil: ["type": .string(type), "quantity": .int(quantity), "note": .init(note)])
    }
}

extension DefectLine {
    fileprivate var json: JSONValue {
        JSONValue(omittingNil: [
            "serial": .string(serial), "outcome": .string(outcome.rawValue), "replaced_by": .init(replacedBy),
        ])
    }
}

extension State {
    /// A case with its units, as it is after a command.
    mutating func defectJSON(_ id: String, for access: Access) -> JSONValue {
        var lines: [DefectLine] = []
        for (serial, unit) in units(ofDefect: id).sorted(by: { $0.key < $1.key }) {
            let replacement = unit.replacedBy.flatMap { self.unit($0) }.flatMap { access.sees($0) ? $0.serial : nil }
            lines.append(DefectLine(serial: serial, outcome: unit.outcome, replacedBy: replacement))
        }
        return defectCase(id)?.json(for: access, lines: lines) ?? [:]
    }
}

extension DefectCards {
    var json: JSONValue {
        func card(_ statuses: [DefectStatus]) -> JSONValue {
            [
                "cases": .int(statuses.reduce(0) { $0 + (cases[$1] ?? 0) }),
                "remaining": .int(statuses.reduce(0) { $0 + (remaining[$1] ?? 0) }),
            ]
        }
        return [
            "total": card(DefectStatus.allCases), "pending": card(DefectStatus.open),
            "with_supplier": card([.withSupplier]), "resolved": card([.resolved]),
        ]
    }
}

extension Repair {
    func json(for access: Access) -> JSONValue {
        JSONValue(omittingNil: [
            "defect": .string(defect), "product": .string(product), "quantity": .int(quantity),
            "serials": .array(serials.map(JSONValue.string)), "to": .string(target),
            "spare_parts": .array(
                parts.map {
                    JSONValue(omittingNil: [
                        "product": .string($0.product), "quantity": .int($0.quantity),
                        "cost": access.seesPurchase ? .init($0.cost) : nil,
                    ])
                }),
            "cost": access.seesPurchase ? .init(cost) : nil,
        ])
    }
}

extension RepairRecord {
    func json(for access: Access) -> JSONValue {
        var object = repair.json(for: access).object ?? [:]
        object["event"] = .string(String(event))
        object["at"] = .init(time: at)
        object["actor"] = .init(actor)
        object["note"] = .init(note)
        return .object(object)
    }
}

extension WriteOff {
    func json(for access: Access) -> JSONValue {
        JSONValue(omittingNil: [
            "event": .string(String(event)), "at": .init(time: at), "product": .string(product),
            "serial": .init(serial), "quantity": .int(quantity), "reason": .string(reason),
            "price": access.seesPurchase ? .init(price) : nil,
            "cost": access.seesPurchase ? .init(cost) : nil,
            "total_cost": access.seesPurchase ? .init(cost?.times(quantity)) : nil,
            "proceeds": access.seesPurchase ? .init(price?.times(quantity)) : nil, "source": .string(source.rawValue),
            "defect": .init(defect), "team": .init(team), "actor": .init(actor), "note": .init(note),
        ])
    }
}

extension Money {
    /// The amount for a number of pieces, up to the largest that there is.
    fileprivate func times(_ count: Int) -> Money {
        let (product, isOver) = tenThousandths.multipliedReportingOverflow(by: count)
        return Money(tenThousandths: isOver ? .max : product)
    }
}

extension SupplierReturnRow {
    /// - Parameter cases: the cases, where they are asked for.
    func json(cases: [JSONValue]? = nil) -> JSONValue {
        JSONValue(omittingNil: [
            "id": .string(sent.id), "supplier": .string(sent.supplier), "rma": .string(sent.rma),
            "note": .string(sent.note), "at": .init(time: sent.at), "actor": .init(sent.actor),
            "count": .int(sent.cases.count), "quantity": .int(quantity), "with_supplier": .int(withSupplier),
            "resolved": .int(resolved), "credit": .init(credit), "cases": cases.map(JSONValue.array),
        ])
    }
}

extension Supplier {
    /// The supplier with what is between the plant and it.
    func json(_ figures: SupplierFigures, for access: Access) -> JSONValue {
        var object = json.object ?? [:]
        object["cases"] = figures.cards.json
        object["credit"] = .init(figures.credit)
        object["open_cases"] = .array(figures.open.map { $0.found.json(for: access, serial: $0.serial) })
        object["returns"] = .array(figures.returns.map { $0.json() })
        return .object(object)
    }
}

extension DefectCounters {
    var json: JSONValue {
        [
            "found": .int(found), "repaired": .int(repaired), "reworked": .int(reworked),
            "supplier_repaired": .int(supplierRepaired), "replaced": .int(replaced), "written_off": .int(writtenOff),
            "remaining": .int(remaining),
        ]
    }
}

extension DefectFigures {
    func json(for access: Access) -> JSONValue {
        let showsPurchase = access.seesPurchase
        return JSONValue(omittingNil: [
            "key": .string(key), "cases": .int(cases), "quantity": .int(quantity), "repairable": .int(repairable),
            "non_repairable": .int(nonRepairable), "repaired": .int(repaired), "written_off": .int(writtenOff),
            "remaining": .int(remaining), "repair_success": repairSuccess.map(JSONValue.double),
            "repair_cost": showsPurchase ? .init(repairCost) : nil,
            "write_off_cost": showsPurchase ? .init(writeOffCost) : nil,
            "credit": showsPurchase ? .init(credit) : nil, "received": received > 0 ? .int(received) : nil,
            "received_defective": received > 0 ? .int(receivedDefective) : nil,
            "defect_rate": defectRate.map(JSONValue.double), "with_type": withType > 0 ? .int(withType) : nil,
        ])
    }
}

extension CostFigures {
    func json(for access: Access) -> JSONValue {
        JSONValue(omittingNil: [
            "key": .string(key), "lines": .int(lines), "quantity": .int(quantity),
            "cost": access.seesPurchase ? .init(cost) : nil, "proceeds": .init(proceeds),
        ])
    }
}

extension Resource {
    /// The resources of the defect desk.
    static func defectProperties(_ resource: Resource) -> [Property] {
        switch resource {
        case .defect: caseProperties
        case .defectCards:
            ["total", "pending", "with_supplier", "resolved"].map {
                Property($0, .object([Property("cases", .count), Property("remaining", .count, "Still defective.")]))
            }
        case .defectHistoryItem:
            [
                Property("event", .text), Property("at", .time), Property("kind", .choice(EventKind.self)),
                Property("actor", .text, optional: true), Property("station", .text, optional: true),
                Property("note", .text(65_536), optional: true), Property("before", .named(.defect), optional: true),
                Property("after", .named(.defect), optional: true),
                Property(
                    "fields", .list(.anything), "What differs between the two: each `name` with `before` and `after`.",
                    optional: true),
            ]
        case .repair:
            [
                Property("event", .text), Property("at", .time), Property("defect", .text, "Id of the case."),
                Property("product", .text), Property("quantity", .count), Property("serials", .list(.text)),
                Property("to", .text, "`stock`, or a stage."),
                Property(
                    "spare_parts",
                    .list(
                        .object([
                            Property("product", .text), Property("quantity", .count),
                            Property("cost", .money, "Of one.", optional: true),
                        ]))), Property("cost", .money, "Of all spare parts.", optional: true),
                Property("actor", .text, optional: true), Property("note", .text(65_536), optional: true),
            ]
        case .writeOff:
            [
                Property("event", .text), Property("at", .time), Property("product", .text),
                Property("serial", .text, optional: true), Property("quantity", .count),
                Property("reason", .choice(WriteOffReason.self)),
                Property("price", .money, "Of one.", optional: true),
                Property("cost", .money, "Of one.", optional: true),
                Property("total_cost", .number, "Of all of them.", optional: true),
                Property("proceeds", .number, "What all of them were sold for.", optional: true),
                Property("source", .choice(WriteOffSource.self)),
                Property("defect", .text, "Id of the case.", optional: true), Property("team", .text, optional: true),
                Property("actor", .text, optional: true), Property("note", .text(65_536), optional: true),
            ]
        case .supplierReturn:
            [
                Property("id", .text), Property("supplier", .text), Property("rma", .text),
                Property("note", .text(65_536)), Property("at", .time), Property("actor", .text, optional: true),
                Property("count", .count, "Cases that it went out with."), Property("quantity", .count),
                Property("with_supplier", .count, "Cases that are still there."), Property("resolved", .count),
                Property("credit", .number), Property("cases", .list(.named(.defect)), "Not in lists.", optional: true),
            ]
        case .sparePart:
            [
                Property("code", .text), Property("name", .text), Property("min_stock", .count, optional: true),
                Property("in_stock", .count, "For those who see balances.", optional: true),
                Property("low", .flag, "Below the minimum.", optional: true),
                Property("cost", .money, optional: true), Property("supplier", .text, optional: true),
                Property("retired", .flag),
            ]
        case .defectLine:
            [
                Property("key", .text), Property("cases", .count), Property("quantity", .count),
                Property("repairable", .count), Property("non_repairable", .count),
                Property("repaired", .count, "Good again, by whatever way."),
                Property("written_off", .count, "Written off or replaced."), Property("remaining", .count),
                Property("repair_success", .number, "Of what is decided, the part that is good again.", optional: true),
                Property("repair_cost", .number, "Of spare parts.", optional: true),
                Property("write_off_cost", .number, optional: true), Property("credit", .number, optional: true),
                Property("received", .count, "Units received from the supplier.", optional: true),
                Property("received_defective", .count, "Of these, those found defective since.", optional: true),
                Property("defect_rate", .number, "Of those received, the part found defective.", optional: true),
                Property("with_type", .count, "Pieces that have the type; by type.", optional: true),
            ]
        case .costLine:
            [
                Property("key", .text), Property("lines", .count), Property("quantity", .count),
                Property("cost", .number, "Of all pieces.", optional: true),
                Property("proceeds", .number, "What all pieces were sold for."),
            ]
        case .defectReport:
            [Property("items", .list(.named(.defectLine))), Property("totals", .named(.defectLine))]
        case .costReport:
            [
                Property("items", .list(.named(.costLine))),
                Property("totals", .named(.costLine), optional: true),
            ]
        default: []
        }
    }

    private static let caseProperties = [
        Property("id", .text), Property("product", .text), Property("team", .text, optional: true),
        Property("status", .choice(DefectStatus.self)), Property("serialised", .flag), Property("quantity", .count),
        Property("remaining", .count, "Still defective."),
        Property("awaiting", .count, "Still defective although the case is resolved."),
        Property("repairable", .count, "Of the quantity; once it is inspected.", optional: true),
        Property("non_repairable", .count, optional: true),
        Property("repairable_left", .count, "Of what remains.", optional: true),
        Property("non_repairable_left", .count, optional: true), Property("repaired", .count),
        Property("reworked", .count), Property("supplier_repaired", .count), Property("replaced", .count),
        Property("written_off", .count),
        Property(
            "types",
            .list(
                .object([
                    Property("type", .text), Property("quantity", .count),
                    Property("note", .text(65_536), optional: true),
                ]))), Property("reason", .text, optional: true), Property("note", .text(65_536), optional: true),
        Property("location", .text, optional: true), Property("source", .choice(DefectSource.self)),
        Property("supplier", .text, optional: true), Property("rma", .text, optional: true),
        Property("supplier_return", .text, "Id.", optional: true), Property("detected_at", .time),
        Property("detected_by", .text, optional: true), Property("resolution", .text(65_536), optional: true),
        Property("credit", .money, optional: true), Property("resolved_at", .time, optional: true),
        Property("updated_at", .time),
        Property("serial", .text, "In lists its unit; of several the first.", optional: true),
        Property(
            "units",
            .list(
                .object([
                    Property("serial", .text), Property("outcome", .choice(DefectOutcome.self)),
                    Property("replaced_by", .text, optional: true),
                ])), "Not in lists.", optional: true),
    ]
}
