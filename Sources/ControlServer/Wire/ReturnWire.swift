import ControlAPI
import Ledger
import Tracking

// How customers' returns and what belongs to them stand on the wire.

extension CustomerReturn {
    /// What the return itself says; its suggested refund follows from the items until it is completed.
    fileprivate var fields: KeyValuePairs<String, JSONValue?> {
        [
            "id": .string(id), "order": .string(order), "customer": .init(customer), "kind": .string(kind.rawValue),
            "reason": .string(reason.rawValue), "status": .string(status.rawValue), "expected": .bool(isExpected),
            "inspector": .init(inspector), "qc_task": .init(task?.id), "created_at": .init(time: createdAt),
            "created_by": .init(createdBy), "ended_at": endedAt.map { .init(time: $0) }, "note": .init(note),
            "refund": refund.map(JSONValue.int), "updated_at": .init(time: updatedAt),
        ]
    }

    /// The return in events.
    var json: JSONValue { JSONValue(omittingNil: fields) }

    /// The return with its items, the refund that the plant's policy suggests, and its checklist.
    func json(_ items: [ReturnItem], replacements: [String]?, in settings: Settings) -> JSONValue {
        var object = json.object ?? [:]
        let here = items.filter { $0.status != .cancelled && $0.status != .expected }
        object["quantity"] = .int(items.reduce(0) { $0 + $1.quantity })
        object["in_repacking"] = .int(items.reduce(0) { $0 + $1.open })
        if refund == nil, status != .cancelled {
            object["refund"] = settings.refund(here, of: self).map(JSONValue.int)
        }
        object["items"] = .array(items.map { $0.json(of: self, in: settings) })
        object["checklist"] = task.map { .array($0.json) }
        object["replacements"] = replacements.map { .array($0.map(JSONValue.string)) }
        var warnings = items.compactMap { item in
            item.otherOrder.map { "\(item.serial ?? item.product) was delivered under \($0)" }
        }
        if status == .cancelled, let replacements, !replacements.isEmpty {
            let deliveries = replacements.count == 1 ? "delivery" : "deliveries"
            warnings.append(
                "it was cancelled, but something was sent for it: \(deliveries) \(replacements.joined(separator: ", "))"
            )
        }
        if items.contains(where: { $0.decision == .restock || $0.outcomes.restocked > 0 }) {
            for (index, check) in (task?.checklist ?? []).enumerated() where check.answer == .no {
                warnings.append(
                    "question \(index + 1) was answered no: \(check.question)"
                        + (check.note.map { " (\($0))" } ?? "; a note must say why it may go into stock"))
            }
        }
        object["warnings"] = warnings.isEmpty ? nil : .array(warnings.map(JSONValue.string))
        return .object(object)
    }

    /// The inspection as a task of quality control.
    func taskJSON() -> JSONValue {
        JSONValue(omittingNil: [
            "id": .init(task?.id), "type": "return_inspection", "return": .string(id), "order": .string(order),
            "kind": .string(kind.rawValue), "status": .init(task?.status.rawValue), "inspector": .init(inspector),
            "result": task?.passed.map { $0 ? "passed" : "failed" }, "checklist": .array(task?.json ?? []),
            "started_at": task.map { .init(time: $0.startedAt) },
            "ended_at": task?.endedAt.map { .init(time: $0) },
        ])
    }
}

extension QCTask {
    /// The questions whose answers or notes are others than before; nil where there are none.
    static func changedAnswers(_ before: QCTask?, _ after: QCTask?) -> JSONValue? {
        let changed = (after?.checklist ?? []).enumerated().compactMap { index, check -> JSONValue? in
            let earlier = before.flatMap { $0.checklist.indices.contains(index) ? $0.checklist[index] : nil }
            guard check.answer != earlier?.answer || check.note != earlier?.note else { return nil }
            return JSONValue(omittingNil: [
                "question": .int(index + 1), "text": .string(check.question),
                "before": .init(earlier?.answer?.rawValue), "after": .init(check.answer?.rawValue),
                "note": .init(check.note),
            ])
        }
        return changed.isEmpty ? nil : .array(changed)
    }

    fileprivate var json: [JSONValue] {
        checklist.enumerated().map { index, check in
            JSONValue(omittingNil: [
                "question": .int(index + 1), "text": .string(check.question),
                "answer": .init(check.answer?.rawValue), "note": .init(check.note),
            ])
        }
    }
}

extension ReturnItem {
    /// The item in events.
    var json: JSONValue {
        JSONValue(omittingNil: [
            "id": .string(id), "return": .string(customerReturn), "product": .string(product),
            "serial": .init(serial), "team": .init(team), "quantity": .int(quantity),
            "status": .string(status.rawValue), "in_repacking": .int(open), "reason": .init(reason?.rawValue),
            "condition": .init(condition?.rawValue), "decision": .init(decision?.rawValue), "note": .init(note),
            "inspected_by": .init(inspectedBy), "inspected_at": inspectedAt.map { .init(time: $0) },
            "delivered_under": .init(otherOrder), "delivery": .init(delivery),
            "restocked": .int(outcomes.restocked), "refurbished": .int(outcomes.refurbished),
            "written_off": .int(outcomes.writtenOff), "to_defect": .int(outcomes.defective),
            "location": .init(location), "defect": .init(defect), "photos": .array(photos.map(\.json)),
            "created_at": .init(time: createdAt), "arrived_at": arrivedAt.map { .init(time: $0) },
            "updated_at": .init(time: updatedAt),
        ])
    }

    /// The item as its return makes it.
    func json(of found: CustomerReturn, in settings: Settings) -> JSONValue {
        var object = json.object ?? [:]
        object["status"] = .string(found.status(of: self).rawValue)
        object["reason"] = .string((reason ?? found.reason).rawValue)
        object["refund"] = status == .cancelled ? nil : settings.refund(self, of: found).map(JSONValue.int)
        return .object(object)
    }
}

extension ReturnItem.Photo {
    var json: JSONValue {
        JSONValue(omittingNil: [
            "id": .string(id), "digest": .string(digest), "type": .string(format.mediaType), "size": .int(size),
            "kind": .string(kind.rawValue), "note": .init(note), "by": .init(by), "at": .init(time: at),
        ])
    }

    /// A list of photos.
    static func json(_ photos: [ReturnItem.Photo]) -> JSONValue { ["items": .array(photos.map(\.json))] }
}

extension ReturnRow {
    var json: JSONValue {
        var object = found.json.object ?? [:]
        object["quantity"] = .int(quantity)
        object["in_repacking"] = .int(open)
        return .object(object)
    }
}

extension RepackingRow {
    func json(in settings: Settings) -> JSONValue {
        var object = item.json(of: found, in: settings).object ?? [:]
        object["order"] = .string(found.order)
        object["customer"] = .init(found.customer)
        object["kind"] = .string(found.kind.rawValue)
        return .object(object)
    }
}

extension ReturnCounters {
    var json: JSONValue {
        ["returns": .int(returns), "exchanges": .int(exchanges), "write_offs": .int(writeOffs)]
    }
}

extension CustomerRow {
    var json: JSONValue {
        var object = counters.json.object ?? [:]
        object["name"] = .string(name)
        return .object(object)
    }
}

extension ReturnFigures {
    var json: JSONValue {
        JSONValue(omittingNil: [
            "key": .string(key), "quantity": .int(quantity), "restocked": .int(restocked),
            "refurbished": .int(refurbished), "written_off": .int(writtenOff), "to_defect": .int(defective),
            "in_repacking": .int(open), "inspected": .int(inspected),
            "hours_to_inspect": hoursToInspect.map(JSONValue.double),
            "delivered": delivered > 0 ? .int(delivered) : nil, "return_rate": rate.map(JSONValue.double),
            "orders": orders > 0 ? .int(orders) : nil,
            "orders_delivered": ordersDelivered > 0 ? .int(ordersDelivered) : nil,
            "return_rate_by_orders": rateByOrders.map(JSONValue.double),
        ])
    }
}

extension ReturnChange.Line {
    var json: JSONValue {
        JSONValue(omittingNil: [
            "product": .string(product), "serial": .init(serial), "quantity": .int(quantity),
            "condition": .init(condition?.rawValue), "decision": .init(decision?.rawValue),
            "refund": refund.map(JSONValue.int),
        ])
    }
}

extension State {
    /// A return with its items, as it is after a command.
    mutating func returnJSON(_ id: String, replacements: [String]? = nil) -> JSONValue {
        let items = items(ofReturn: id)
        return customerReturn(id)?.json(items, replacements: replacements, in: plant.settings) ?? [:]
    }

    /// An item, as it is after a command.
    mutating func itemJSON(_ id: String) -> JSONValue {
        guard let item = returnItem(id), let found = customerReturn(item.customerReturn) else { return [:] }
        return RepackingRow(item: item, found: found).json(in: plant.settings)
    }
}

extension Resource {
    private static let checklist = Shape.list(
        .object([
            Property("question", .count), Property("text", .text),
            Property("answer", .choice(QCTask.Answer.self), optional: true),
            Property("note", .text(65_536), optional: true),
        ]))
    private static let counters = [
        Property("returns", .count, "Pieces that were sent back."),
        Property("exchanges", .count, "Pieces that were sent back for something else."),
        Property("write_offs", .count, "Of both, pieces that were written off."),
    ]
    /// What came back of a product or from a customer.
    static let returnCounters = Shape.object(counters)

    /// The resources of customers' returns.
    static func returnProperties(_ resource: Resource) -> [Property] {
        switch resource {
        case .customerReturn:
            [
                Property("id", .text), Property("order", .text), Property("customer", .text, optional: true),
                Property("kind", .choice(ReturnKind.self)), Property("reason", .choice(ReturnReason.self)),
                Property("status", .choice(ReturnStatus.self)),
                Property("expected", .flag, "Announced, and nothing of it is here yet."),
                Property("inspector", .text, optional: true),
                Property("qc_task", .text, "Id of the inspection.", optional: true), Property("created_at", .time),
                Property("created_by", .text, optional: true),
                Property("ended_at", .time, "When it was completed or cancelled.", optional: true),
                Property("note", .text(65_536), "Why it was cancelled.", optional: true),
                Property("refund", .count, "Suggested refund in percent, over all pieces.", optional: true),
                Property("updated_at", .time), Property("quantity", .count, "Pieces.", optional: true),
                Property("in_repacking", .count, "Of these, in the repacking queue.", optional: true),
                Property("items", .list(.named(.returnItem)), "Not in lists.", optional: true),
                Property("checklist", checklist, "Once the inspection was started; not in lists.", optional: true),
                Property("replacements", .list(.text), "Deliveries that were sent for it.", optional: true),
                Property("warnings", .list(.text), "What to look at although it counts.", optional: true),
            ]
        case .returnItem: itemProperties
        case .photo: photoProperties
        case .qcTask:
            [
                Property("id", .text), Property("type", .choice(["return_inspection"])),
                Property("return", .text, "Id."), Property("order", .text),
                Property("kind", .choice(ReturnKind.self)), Property("status", .choice(QCTask.Status.self)),
                Property("inspector", .text, optional: true),
                Property("result", .choice(["passed", "failed"]), optional: true), Property("checklist", checklist),
                Property("started_at", .time), Property("ended_at", .time, optional: true),
            ]
        case .customer: [Property("name", .text)] + counters
        case .returnLine:
            [
                Property("key", .text), Property("quantity", .count, "Pieces that came back."),
                Property("restocked", .count), Property("refurbished", .count), Property("written_off", .count),
                Property("to_defect", .count, "Into defect cases."),
                Property("in_repacking", .count, "Still on their way."), Property("inspected", .count, "Items."),
                Property("hours_to_inspect", .number, "From arrival, on average.", optional: true),
                Property("delivered", .count, "Pieces delivered in the period.", optional: true),
                Property("return_rate", .number, "Pieces that came back per piece delivered.", optional: true),
                Property("orders", .count, "Orders from which something came back; not by decision.", optional: true),
                Property("orders_delivered", .count, "Orders delivered in the period.", optional: true),
                Property(
                    "return_rate_by_orders", .number, "Orders from which something came back per order delivered.",
                    optional: true),
            ]
        case .returnReport:
            [Property("items", .list(.named(.returnLine))), Property("totals", .named(.returnLine))]
        default: []
        }
    }

    private static let photoProperties = [
        Property("id", .text), Property("digest", .text(64), "SHA-256 in hexadecimal digits."),
        Property("type", .choice(PhotoFormat.allCases.map(\.mediaType))), Property("size", .count, "Bytes."),
        Property("kind", .choice(ReturnItem.Photo.Kind.self)), Property("note", .text(65_536), optional: true),
        Property("by", .text, optional: true), Property("at", .time),
    ]

    private static let itemProperties = [
        Property("id", .text), Property("return", .text, "Id."), Property("product", .text),
        Property("serial", .text, optional: true), Property("team", .text, optional: true),
        Property("quantity", .count), Property("status", .choice(RepackingStatus.self)),
        Property("in_repacking", .count, "Pieces that are in the repacking queue."),
        Property("reason", .choice(ReturnReason.self), optional: true),
        Property("condition", .choice(ReturnCondition.self), optional: true),
        Property("decision", .choice(ReturnDecision.self), optional: true),
        Property("note", .text(65_536), optional: true), Property("inspected_by", .text, optional: true),
        Property("inspected_at", .time, optional: true),
        Property("delivered_under", .text, "The order of the unit, where it is another.", optional: true),
        Property("delivery", .text, "Id of the delivery that the unit left in.", optional: true),
        Property("restocked", .count), Property("refurbished", .count), Property("written_off", .count),
        Property("to_defect", .count, "Into a defect case."),
        Property("location", .text, "Where it was put into stock.", optional: true),
        Property("defect", .text, "Id of the defect case.", optional: true),
        Property("photos", .list(.named(.photo))), Property("created_at", .time),
        Property("arrived_at", .time, optional: true), Property("updated_at", .time),
        Property("refund", .count, "Suggested refund in percent.", optional: true),
        Property("order", .text, "In the repacking queue.", optional: true),
        Property("customer", .text, "In the repacking queue.", optional: true),
        Property("kind", .choice(ReturnKind.self), "In the repacking queue.", optional: true),
    ]
}
