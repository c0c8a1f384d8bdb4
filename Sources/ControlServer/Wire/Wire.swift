import ControlAPI
import Ledger
import Tracking

// How the resources stand on the wire. What a field shows depends on who asks where it belongs to somebody else:
// suppliers and costs are for those who may see suppliers.

extension Unit {
    func json(for access: Access) -> JSONValue {
        let showsPurchase = access.may(.seeOrders)
        return JSONValue(omittingNil: [
            "serial": .string(serial), "product": .string(product), "status": .string(state.status.rawValue),
            "stage": .init(state.stage), "next": .init(state.next), "iteration": .int(state.iteration),
            "on_hold": .bool(state.onHold), "work_order": .init(workOrder), "team": .init(team),
            "assignee": .init(state.assignee), "worker": .init(state.worker),
            "supplier": showsPurchase ? .init(supplier) : nil, "cost": showsPurchase ? .init(cost) : nil,
            "delivery": .init(state.delivery), "failed_stage": .init(state.failedStage),
            "defect_case": .init(state.defectCase), "return_item": .init(state.returnItem),
            "replaces": .init(replaces), "location": state.status == .inStock ? .init(location) : nil,
            "write_off_reason": .init(state.writeOffReason),
            "routing": state.routing.map { .string("\($0.code)/\($0.version)") },
            "created_at": .init(time: createdAt), "updated_at": .init(time: updatedAt),
        ])
    }
}

extension UnitState {
    /// The state in events.
    var json: JSONValue {
        JSONValue(omittingNil: [
            "status": .string(status.rawValue), "stage": .init(stage), "iteration": .int(iteration),
            "on_hold": .bool(onHold), "assignee": .init(assignee), "worker": .init(worker),
        ])
    }
}

extension WorkOrder {
    var json: JSONValue {
        JSONValue(omittingNil: [
            "number": .string(number), "product": .string(product), "quantity": .int(quantity), "team": .string(team),
            "due": .init(due), "status": .string(status.rawValue), "pending_labels": .int(pendingLabels),
            "registered": .int(registered), "in_production": .int(inProduction), "good": .int(good),
            "written_off": .int(writtenOff), "created_at": .init(time: createdAt),
        ])
    }
}

extension LabelJob {
    var json: JSONValue {
        JSONValue(omittingNil: [
            "id": .string(String(id)), "serial": .string(serial), "product": .string(product),
            "printer": .string(printer), "copy": .int(copy), "status": .string(status.rawValue),
            "problem": .init(problem), "attempts": .int(attempts), "may_be_double": .bool(mayBeDouble),
            "created_at": .init(time: createdAt),
        ])
    }
}

extension Delivery {
    /// - Parameter items: what it holds, where that is asked for.
    func json(items: [JSONValue]? = nil) -> JSONValue {
        JSONValue(omittingNil: [
            "id": .string(id), "order": .string(order), "customer": .init(customer),
            "status": isClosed ? "closed" : "open", "station": .init(station), "return": .init(customerReturn),
            "count": .int(count),
            "opened_at": .init(time: openedAt), "closed_at": closedAt.map { .init(time: $0) },
            "items": items.map(JSONValue.array),
        ])
    }

    static func item(product: String, serial: String?, quantity: Int) -> JSONValue {
        JSONValue(omittingNil: [
            "product": .string(product), "serial": .init(serial), "quantity": .int(quantity),
        ])
    }
}

extension Product {
    /// - Parameters:
    ///   - card: counts within the caller's scope.
    ///   - store: store quantity of the whole plant; only for those who see balances.
    func json(_ card: Card, store: Int?, for access: Access) -> JSONValue {
        let showsPurchase = access.may(.seeOrders)
        return JSONValue(omittingNil: [
            "code": .string(code), "name": .string(name), "type": .string(type),
            "attributes": .object(JSONObject(omittingNil: attributes.map { (key: $0.key, value: .string($0.value)) })),
            "gtin": .init(gtin), "routing": .init(routing), "label": .init(label),
            "supplier": showsPurchase ? .init(supplier) : nil, "cost": showsPurchase ? .init(cost) : nil,
            "spare_part": .bool(sparePart), "min_stock": minStock.map(JSONValue.int), "retired": .bool(retired),
            "in_stock": .int(card.store),
            "in_production": .int(card[.inProduction]), "defect": .int(card[.defect]),
            "written_off": .int(card[.writtenOff]), "scrapped": .int(card.scrapped),
            "delivered": .int(card[.delivered]), "returned": .int(card[.returned]),
            "in_repacking": .int(card[.returned]),
            "installed": .int(card[.installed]), "split": .int(card[.split]), "total": .int(card.total),
            "unserialised": store == nil ? nil : .int(card.unserialised),
            "unserialised_defect": store == nil ? nil : .int(card.unserialisedDefect),
            "unserialised_in_repacking": store == nil ? nil : .int(card.unserialisedRepacking),
            "low_stock": store.map { .bool($0 < lowStock) }, "low_stock_threshold": store == nil ? nil : .int(lowStock),
        ])
    }
}

extension Supplier {
    var json: JSONValue { ["code": .string(code), "name": .string(name), "retired": .bool(retired)] }
}

extension DefectType {
    var json: JSONValue {
        JSONValue(omittingNil: [
            "code": .string(code), "name": .string(name), "category": .init(category), "retired": .bool(retired),
        ])
    }
}

extension Department {
    var json: JSONValue {
        JSONValue(omittingNil: [
            "code": .string(code), "name": .string(name), "lead": .init(lead), "retired": .bool(retired),
        ])
    }
}

extension Team {
    var json: JSONValue {
        JSONValue(omittingNil: [
            "code": .string(code), "name": .string(name), "department": .string(department), "lead": .init(lead),
            "retired": .bool(retired),
        ])
    }
}

extension Person {
    var json: JSONValue {
        JSONValue(omittingNil: [
            "login": .string(login), "name": .string(name), "role": .string(role.rawValue),
            "department": .init(department), "team": .init(team), "has_badge": .bool(badge != nil),
            "grants": .init(grants), "retired": .bool(retired),
        ])
    }
}

extension JSONValue {
    /// A text, or nil for nothing.
    init?(_ text: String?) {
        guard let text else { return nil }
        self = .string(text)
    }

    /// An amount, or nil for nothing.
    init?(_ money: Money?) {
        guard let money else { return nil }
        self = .double(Double(money.tenThousandths) / 10_000)
    }

    /// A time in milliseconds since 1970.
    init(time: Int64) { self = .string(Timestamp.text(time)) }

    /// Grants, in the order of their names.
    init(_ grants: Set<Grant>) { self = .array(grants.map(\.rawValue).sorted().map(JSONValue.string)) }
}
