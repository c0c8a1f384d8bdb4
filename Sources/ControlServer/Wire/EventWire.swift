import Barcodes
import ControlAPI
import Ledger
import Tracking

/// An event as one caller sees it.
struct ShownEvent: Sendable {
    let record: EventRecord
    /// It happened within the caller's scope, but to a unit that does not: what names the unit is left out.
    let isRedacted: Bool

    var id: Int64 { record.id }
    private var unit: String? { isRedacted ? nil : record.event.unit }

    /// The code that was read. What meant nothing at a terminal is for admins: it could be somebody's badge.
    private func code(for access: Access) -> String? {
        let event = record.event
        let isUnknown = event.kind == .scanRefused || event.kind == .scanIgnored
        let isTry = isUnknown && event.frame?.device == "terminal" && event.unit == nil && !access.isAdmin
        return isRedacted || isTry ? nil : event.frame?.code
    }

    /// The event in the audit log and in the stream of events.
    func json(for access: Access) -> JSONValue {
        let event = record.event
        return JSONValue(omittingNil: [
            "event": .string(String(id)), "at": .init(time: record.at), "kind": .string(event.kind.rawValue),
            "actor": .init(event.actor), "station": .init(event.station), "unit": .init(unit),
            "product": isRedacted ? nil : .init(event.product), "work_order": isRedacted ? nil : .init(event.workOrder),
            "team": .init(event.team), "reason": .init(event.reason?.rawValue),
            "note": isRedacted ? nil : .init(event.note), "code": .init(code(for: access)),
            "before": event.before?.json,
            "after": event.after?.json, "details": isRedacted ? nil : event.detailsJSON(for: access),
        ])
    }

    /// The event in the log of scans.
    func scanItem(for access: Access) -> JSONValue {
        let event = record.event
        let isDevice = event.details.device != nil
        let result =
            switch event.kind {
            case .scanRefused: "refused"
            case .scanIgnored: "ignored"
            case .deviceConnected: "connected"
            case .deviceDisconnected: "disconnected"
            default: "accepted"
            }
        return JSONValue(omittingNil: [
            "event": .string(String(id)), "at": .init(time: record.at), "station": .init(event.station),
            "device": .init(event.frame?.device ?? event.details.device?.description), "code": .init(code(for: access)),
            "result": .string(result), "reason": .init(event.reason?.rawValue),
            "note": isDevice || event.reason == .brokenScan ? .init(event.note) : nil, "unit": .init(unit),
            "operator": .init(event.actor),
        ])
    }
}

extension Connection {
    /// Events within a scope.
    func shownEvents(
        _ filter: EventFilter, for access: Access, in plant: Plant, _ page: Page
    ) throws -> Listing<ShownEvent> {
        let listing = try events(filter, for: access, in: plant, page)
        let shown = try listing.items.map { record in
            var record = record
            if let new = record.event.details.replacedBy, try unit(new, for: access) == nil {
                record.event.details.replacedBy = nil
            }
            return ShownEvent(record: record, isRedacted: try hides(record.event, from: access, in: plant))
        }
        return Listing(items: shown, nextCursor: listing.nextCursor, total: listing.total)
    }

    /// Whether an event that happened at a station within a caller's scope is about a unit or an order that lies outside
    /// of it: a unit of another team that was refused there, say.
    func hides(_ event: Event, from access: Access, in plant: Plant) throws -> Bool {
        if access.scope == .all || event.actor == access.login { return false }
        if let id = event.returnOrCase, try isHandled(id, for: access) { return false }
        // Whoever sees balances sees that they changed, and not what a return or a case outside of their scope says.
        if event.isOfBalance, !access.seesGoods, !access.seesAllReturns { return true }
        var isOwn = false
        if case .own = access.scope { isOwn = true }
        // A badge that was read as something else: its code stands in the answer.
        if event.kind == .scanRefused || event.kind == .scanIgnored, event.frame?.code.hasPrefix("badge:") == true {
            return true
        }
        if let state = event.after { return !access.sees(team: event.team, state) }
        if access.seesAllReturns, event.kind.rawValue.hasPrefix("return.") { return false }
        if let team = event.team { return !access.sees(team: team, in: plant) || isOwn && event.unit != nil }
        if let serial = event.unit { return try unit(serial, for: access) == nil }
        guard let code = event.frame?.code else { return false }
        // What others scan is not in a member's hands, whatever it names.
        if isOwn { return true }
        let name: String
        switch Code(frame: code) {
        case .control(.workOrder(let number)): name = number
        case .text(let text): name = text
        case .item(let item) where item.serial != nil: name = item.serial ?? ""
        default: return false
        }
        guard let all = Access(login: access.login, isAdmin: true, in: plant) else { return true }
        return try unit(name, for: access) == nil && unit(name, for: all) != nil
            || workOrder(name, for: access, in: plant) == nil && workOrder(name, for: all, in: plant) != nil
    }
}

extension EventRecord {
    /// The event in its unit's history.
    ///
    /// - Parameter order: the customer's order that the unit left under by it, or came back from.
    func historyItem(_ order: CustomerOrder?, for access: Access) -> JSONValue {
        JSONValue(omittingNil: [
            "event": .string(String(id)), "at": .init(time: at), "kind": .string(event.kind.rawValue),
            "actor": .init(event.actor), "station": .init(event.station), "note": .init(event.note),
            "before": event.before?.json, "after": event.after?.json, "type": .init(event.details.defectType),
            "reason": .init(event.details.reason ?? event.reason?.rawValue),
            "price": access.seesPurchase ? .init(event.details.price) : nil,
            "defect": .init(event.details.defect ?? event.after?.defectCase ?? event.before?.defectCase),
            "undoes": event.undoes.map { .string(String($0)) }, "work_order": .init(event.workOrder),
            "return": .init(event.returnItem?.customerReturn), "order": .init(order?.number),
            "customer": .init(order?.customer),
            "location": event.kind == .unitReturnRestocked ? .init(event.returnItem?.location) : nil,
        ])
    }
}

extension JSONValue {
    /// What differs between a resource before and after a change, field by field; nil where there was no change of it.
    static func changed(_ before: JSONValue?, _ after: JSONValue?) -> JSONValue? {
        guard let before = before?.object, let after = after?.object else { return nil }
        let names = before.map { $0.key } + after.map { $0.key }.filter { before[$0] == nil }
        let fields = names.filter { $0 != "updated_at" && before[$0] != after[$0] }.map { name in
            JSONValue(omittingNil: ["name": .string(name), "before": before[name], "after": after[name]])
        }
        return fields.isEmpty ? nil : .array(fields)
    }
}

extension PlantChange {
    /// The entry's values without the hash of a badge, which tells nobody anything: only whether there is one.
    fileprivate var auditFields: JSONObject {
        var fields = siteFields
        if case .person(let person) = self { fields["badge"] = person.badge == nil ? nil : "set" }
        return fields
    }
}

extension Event {
    /// The balance changed by a return, or by a defect case.
    var isOfBalance: Bool {
        kind.rawValue.hasPrefix("stock.") && (returnOrCase != nil || details.defect != nil)
    }

    /// The item of a customer's return that changed.
    fileprivate var returnItem: ReturnItem? {
        guard case .returnItem(let change) = change else { return nil }
        return change.after ?? change.before
    }

    /// What belongs to the event beside its states; nil where there is nothing.
    fileprivate func detailsJSON(for access: Access) -> JSONValue? {
        let showsPurchase = access.may(.seeOrders)
        var object = JSONObject()
        object["type"] = .init(details.defectType)
        object["reason"] = .init(details.reason)
        if access.seesPurchase { object["price"] = .init(details.price) }
        if showsPurchase {
            object["supplier"] = .init(details.supplier)
            object["cost"] = .init(details.cost)
        }
        object["delivery"] = .init(details.delivery)
        object["device"] = .init(details.device?.description)
        object["defect"] = .init(details.defect)
        object["replaces"] = .init(details.replaces)
        object["replaced_by"] = .init(details.replacedBy)
        object["undoes"] = undoes.map { .string(String($0)) }
        switch change {
        case nil, .labelVoided, .deliveryClosed: break
        case .workOrder(let order): object["work_order"] = order.json
        case .workOrderStatus(let status): object["status"] = .string(status.rawValue)
        case .labelReserved(let label): object["station"] = .string(label.station)
        case .job(let job): object["label_job"] = job.json
        case .stock(let change): object["change"] = .int(change)
        case .defectStock(let balance, let defect):
            (object["change"], object["defect_change"]) = (.int(balance), .int(defect))
        case .defect(let change):
            object["before"] = change.before?.json(for: access)
            object["after"] = change.after?.json(for: access)
            object["repair"] = change.repair?.json(for: access)
            object["fields"] = .changed(object["before"], object["after"])
        case .supplierReturn(let sent):
            object["supplier_return"] = .string(sent.id)
            object["cases"] = .array(sent.cases.map { .string($0.id) })
            if showsPurchase { object["rma"] = .string(sent.rma) }
        case .customerReturn(let change):
            object["before"] = change.before?.json
            object["after"] = change.after?.json
            object["fields"] = .changed(object["before"], object["after"])
            object["checklist"] = QCTask.changedAnswers(change.before?.task, change.after?.task)
            object["items"] = change.lines.map { .array($0.map(\.json)) }
        case .returnItem(let change):
            object["before"] = change.before?.json
            object["after"] = change.after?.json
            object["fields"] = .changed(object["before"], object["after"])
        case .deliveryOpened(let delivery):
            object["order"] = .string(delivery.order)
            object["return"] = .init(delivery.customerReturn)
            if access.seesCustomers { object["customer"] = .init(delivery.customer) }
        case .plant(let changes):
            object["changes"] = .array(
                changes.map { change in
                    let before = details.replaced?.first { $0.key == change.key }
                    return JSONValue(omittingNil: [
                        "kind": .string(change.key.kind), "name": .string(change.key.code),
                        "fields": .changed(before.map { .object($0.auditFields) }, .object(change.auditFields)),
                    ])
                })
        }
        return object.isEmpty ? nil : .object(object)
    }
}
