// What is on record of customers' returns, and how their events become true.

extension State {
    /// The customer's return with this id.
    public mutating func customerReturn(_ id: String) -> CustomerReturn? {
        customerReturns.read(id, or: records.customerReturn)
    }
    /// The item of a customer's return with this id.
    public mutating func returnItem(_ id: String) -> ReturnItem? { returnItems.read(id, or: records.returnItem) }

    /// The items of a return, oldest first.
    public mutating func items(ofReturn id: String) -> [ReturnItem] { items(id, records.items(ofReturn: id)) }

    /// The items of a return that are a product without serials, oldest first. A scan asks for no others: a return can
    /// be large.
    private mutating func goods(_ product: String, ofReturn id: String) -> [ReturnItem] {
        items(id, records.goods(product, ofReturn: id)).filter { $0.product == product && $0.serial == nil }
    }

    /// How much there is of a return, beside one of its items.
    func tally(ofReturn id: String, except item: String? = nil) -> ReturnTally {
        var tally = records.tally(ofReturn: id, except: returnItems.unrecordedKeys + (item.map { [$0] } ?? []))
        for other in returnItems.unrecorded where other.customerReturn == id && other.id != item {
            tally.items += 1
            tally.arrived += other.arrivedAt == nil ? 0 : 1
            tally.open += other.open
        }
        return tally
    }

    private mutating func items(_ id: String, _ onRecord: [String]) -> [ReturnItem] {
        let known = returnItems.unrecorded.lazy.filter { $0.customerReturn == id }.map(\.id)
        return Set(onRecord).union(known).compactMap { returnItem($0) }
            .sorted { (Int64($0.id) ?? 0) < (Int64($1.id) ?? 0) }
    }

    /// The unit that an item is.
    mutating func unit(of item: ReturnItem) -> Unit? { item.serial.flatMap { unit($0) } }

    /// The returns from an order, oldest first.
    mutating func returns(ofOrder number: String) -> [CustomerReturn] {
        let known = customerReturns.unrecorded.lazy.filter { $0.order == number }.map(\.id)
        return Set(records.returns(ofOrder: number)).union(known).compactMap { customerReturn($0) }
            .sorted { (Int64($0.id) ?? 0) < (Int64($1.id) ?? 0) }
    }

    /// How much of a product without serials a customer has of an order: what was delivered and did not come back.
    mutating func delivered(_ product: String, underOrder number: String) -> Int {
        var count = records.delivered(product, underOrder: number)
        for line in deliveryLines where line.product == product && line.serial == nil {
            if delivery(line.delivery)?.order == number { count += line.quantity }
        }
        for found in returns(ofOrder: number) where found.status != .cancelled {
            for item in goods(product, ofReturn: found.id) {
                count -= item.quantity - item.outcomes.cancelled
            }
        }
        return count
    }

    /// Who got an order: the customer of its last delivery that names one.
    mutating func customer(ofOrder number: String) -> String? {
        let known = deliveries.unrecorded.lazy.filter { $0.order == number }.map(\.id)
        let last = records.deliveryWithCustomer(ofOrder: number).map { [$0] } ?? []
        return Set(last).union(known).compactMap { delivery($0) }.filter { $0.customer != nil }
            .max { (Int64($0.id) ?? 0) < (Int64($1.id) ?? 0) }?.customer
    }

    /// The order that a delivered unit left under, where it is another than this one.
    mutating func otherOrder(of unit: Unit, than number: String) -> String? {
        let order = unit.state.delivery.flatMap { delivery($0)?.order }
        return order == number ? nil : order
    }

    /// The item that announces a unit: one at most, as a unit comes back once.
    mutating func announcement(ofUnit serial: String) -> ReturnItem? {
        let known = returnItems.unrecorded.lazy.filter { $0.serial == serial }.map(\.id)
        return Set(records.items(ofUnit: serial)).union(known).compactMap { returnItem($0) }
            .first { $0.status == .expected }
    }

    /// The items that announce goods without serials from an order.
    mutating func announcements(of product: String, fromOrder number: String) -> [ReturnItem] {
        returns(ofOrder: number).filter(\.isOpen).flatMap { goods(product, ofReturn: $0.id) }
            .filter { $0.status == .expected }
    }

    /// The order of a delivery that was sent for a return.
    mutating func replacement(ofReturn id: String) -> String? {
        let known = deliveries.unrecorded.first { $0.customerReturn == id }?.id
        return (known ?? records.replacement(ofReturn: id)).flatMap { delivery($0)?.order }
    }

    // MARK: What events do

    mutating func applyReturn(_ change: ReturnChange) {
        guard let id = (change.after ?? change.before)?.id else { return }
        var after = change.after
        after?.lastEvent = head
        customerReturns.write(id, after)
    }

    mutating func applyItem(_ event: Event, _ change: ReturnItemChange, _ at: Int64) {
        guard let item = change.after ?? change.before else { return }
        var after = change.after
        after?.lastEvent = head
        returnItems.write(item.id, after)
        // A unit's counts follow from its states.
        guard item.serial == nil else { return }
        func difference(_ count: (ReturnItem) -> Int) -> Int {
            (change.after.map(count) ?? 0) - (change.before.map(count) ?? 0)
        }
        let balance = difference(\.outcomes.restocked)
        changeStock(item.product, by: balance, event.kind.inventoryAction) {
            $0.unserialised += balance
            $0.unserialisedDefect += difference(\.outcomes.defective)
            $0.unserialisedRepacking += difference(\.open)
        }
        let gone = difference(\.outcomes.writtenOff)
        if gone > 0 {
            logWriteOff(event, item.product, quantity: gone, .return, at)
        } else if gone < 0, let written = event.undoes {
            writeOffs.write(written, nil)
        }
    }
}

extension State {
    /// Takes units that leave `returned` by whatever way out of the repacking queue: nobody has to do it after that.
    /// What became of them is where they are at last, if a defect case was only on the way.
    mutating func leaveQueue(_ decision: inout Decision) {
        guard decision.events.contains(where: { $0.before?.returnItem != nil }) else { return }
        // The last event of each unit, as there can be thousands.
        var lasts: [String: Int] = [:]
        for (index, event) in decision.events.enumerated() where event.after != nil {
            if let unit = event.unit { lasts[unit] = index }
        }
        for event in decision.events {
            guard event.change == nil, let id = event.before?.returnItem, event.after?.returnItem == nil,
                let before = returnItem(id), let last = event.unit.flatMap({ lasts[$0] }),
                decision.events[last].change == nil
            else { continue }
            var after = before
            switch decision.events[last].after?.status {
            case .writtenOff: after.book(.dispose, 1)
            case .inProduction: after.book(.refurbish, 1)
            case .defect: after.book(.returnToSupplier, 1)
            default: continue
            }
            after.defect = event.after?.defectCase
            decision.events[last].change = .returnItem(ReturnItemChange(before, after))
        }
    }
}

extension Event {
    /// Id of the customer's return, or of the defect case, that changed.
    public var returnOrCase: String? {
        switch change {
        case .customerReturn(let change)?: (change.after ?? change.before)?.id
        case .returnItem(let change)?: (change.after ?? change.before)?.customerReturn
        case .defect(let change)?: (change.after ?? change.before)?.id
        default: nil
        }
    }

    /// The customer's return or the defect case that somebody received, opened or inspected by this event, and who did;
    /// nil where nobody did.
    var handling: (id: String, by: Set<Handler>)? {
        var by: Set<Handler> = []
        if let actor { by.insert(.person(actor)) }
        if let station { by.insert(.station(station)) }
        switch change {
        case .customerReturn(let change)?:
            guard let after = change.after else { return nil }
            let isOpened = change.before == nil
            let inspector = change.before?.inspector == after.inspector ? nil : after.inspector
            guard isOpened || inspector != nil else { return nil }
            if let inspector { by.insert(.person(inspector)) }
            return (after.id, by)
        case .returnItem(let change)?:
            guard let after = change.after else { return nil }
            let isReceived = after.arrivedAt != nil && change.before?.arrivedAt == nil
            let isInspected = after.inspectedAt != nil && change.before?.inspectedAt == nil
            return isReceived || isInspected ? (after.customerReturn, by) : nil
        case .defect(let change)?:
            guard let after = change.after else { return nil }
            let isOpened = change.before == nil
            guard isOpened || kind == .defectInspected else { return nil }
            if isOpened, let login = after.detectedBy { by.insert(.person(login)) }
            return (after.id, by)
        default: return nil
        }
    }

    /// A customer's return changed.
    static func customerReturn(
        _ kind: EventKind, _ before: CustomerReturn?, _ after: CustomerReturn?, _ items: [ReturnItem],
        lines: [ReturnChange.Line]? = nil
    ) -> Event {
        var event = Event(kind)
        let teams = Set(items.map(\.team))
        if teams.count == 1 { event.team = teams.first.flatMap { $0 } }
        event.change = .customerReturn(ReturnChange(before, after, lines: lines))
        return event
    }

    /// An item of a customer's return changed, and no unit.
    static func returnItem(_ kind: EventKind, _ before: ReturnItem?, _ after: ReturnItem?) -> Event {
        var event = Event(kind)
        let item = after ?? before
        (event.unit, event.product, event.team) = (item?.serial, item?.product, item?.team)
        event.change = .returnItem(ReturnItemChange(before, after))
        return event
    }

    /// A unit moved on, and its item in a return with it.
    static func returned(
        _ kind: EventKind, _ unit: Unit, to after: UnitState, _ before: ReturnItem?, _ item: ReturnItem?
    ) -> Event {
        var event = Event(kind, unit: unit, to: after)
        event.change = .returnItem(ReturnItemChange(before, item))
        return event
    }
}

extension ReturnChange.Line {
    init(_ item: ReturnItem, refund: Int? = nil) {
        (product, serial, quantity) = (item.product, item.serial, item.quantity)
        (condition, decision, self.refund) = (item.condition, item.decision, refund)
    }
}
