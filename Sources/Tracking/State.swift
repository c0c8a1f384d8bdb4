public import Barcodes

/// All that the rules know: the plant, and the working set of records over what is on record.
///
/// `decide` reads it, `apply` changes it. The ledger puts on record what `apply` changed.
public struct State {
    /// The plant as it is now.
    public var plant = Plant()
    /// Number of the last event; the next one is one more.
    public var head: Int64 = 0
    /// Units by serial.
    public var units = Working<String, Unit>()
    /// Work orders by number.
    public var workOrders = Working<String, WorkOrder>()
    /// Labels that were not scanned back, by serial.
    public var pendingLabels = Working<String, PendingLabel>()
    /// Serial counters by key.
    public var counters = Working<String, Int>()
    /// Counts of products.
    public var cards = Working<CardKey, Card>()
    /// What the stations have in hand.
    public var sessions = Working<Session.Key, Session>()
    /// Deliveries by id.
    public var deliveries = Working<String, Delivery>()
    /// Label jobs by number.
    public var labelJobs = Working<Int64, LabelJob>()
    /// Defect cases by id.
    public var defects = Working<String, DefectCase>()
    /// What became of the units in defect cases.
    public var defectUnits = Working<DefectUnit.Key, DefectUnit>()
    /// Customers' returns by id.
    public var customerReturns = Working<String, CustomerReturn>()
    /// Items of customers' returns by id.
    public var returnItems = Working<String, ReturnItem>()
    /// Lines of the write-off log by the number of their event.
    public var writeOffs = Working<Int64, WriteOff>()
    /// Events of defect cases that are not yet on record, with what else they say.
    public var defectEvents: [DefectEvent] = []
    /// Who received, opened or inspected returns and cases, as far as that is not yet on record, by their ids.
    public var handlers: [String: Set<Handler>] = [:]
    /// Supplier returns that are not yet on record.
    public var supplierReturns: [SupplierReturn] = []
    /// Lines that were added to the inventory log and are not yet on record.
    public var inventoryLog: [InventoryEntry] = []
    /// Lines that were added to deliveries, or taken back, and are not yet on record.
    public var deliveryLines: [DeliveryLine] = []

    /// What is on record.
    public let records: any Records
    /// The plant's local date at a time in milliseconds since 1970.
    public let localDate: (Int64) -> LocalDate
    /// The keyed hash of a badge code.
    public let badgeDigest: (String) -> String
    /// Logins by the keyed hash of their badge.
    private(set) var badges: [String: String] = [:]
    /// The badges of people who left: they sign nobody on, and come back with them.
    private var badgesOfRetired: Set<String> = []
    /// What the serials of products from elsewhere must match, by the text of the rule.
    private var expressions: [String: SerialExpression] = [:]

    /// A unit or a quantity that was added to a delivery, or taken back from it.
    public struct DeliveryLine: Sendable, Equatable {
        /// Id of the delivery.
        public var delivery: String
        /// Code of the product.
        public var product: String
        /// The unit; nil for unserialised goods.
        public var serial: String?
        /// How many; negative when taken back.
        public var quantity: Int
        /// Number of the event.
        public var event: Int64
    }

    /// An event of a defect case.
    public struct DefectEvent: Sendable, Equatable {
        /// Id of the case.
        public var id: String
        /// Number of the event.
        public var event: Int64
        /// When it happened, in milliseconds since 1970.
        public var at: Int64
        /// Login of the person.
        public var actor: String?
        /// What was written to it.
        public var note: String?
        /// The repair that it was.
        public var repair: Repair?
    }

    /// A state over what is on record.
    public init(
        records: any Records, localDate: @escaping (Int64) -> LocalDate, badgeDigest: @escaping (String) -> String
    ) {
        (self.records, self.localDate, self.badgeDigest) = (records, localDate, badgeDigest)
    }

    /// Takes the plant as it was put on record, with the number of the last event.
    public mutating func restore(_ plant: Plant, head: Int64) {
        self.plant = plant
        self.head = head
        index()
    }

    /// Forgets records that were read, where they are more than `limit` of a kind. Only after all changes were taken.
    public mutating func trim(to limit: Int) {
        units.trim(to: limit)
        workOrders.trim(to: limit)
        pendingLabels.trim(to: limit)
        counters.trim(to: limit)
        cards.trim(to: limit)
        sessions.trim(to: limit)
        deliveries.trim(to: limit)
        labelJobs.trim(to: limit)
        customerReturns.trim(to: limit)
        returnItems.trim(to: limit)
        // These are searched, not only looked up.
        defectUnits.trim(to: min(limit, 1_024))
        defects.trim(to: limit)
        writeOffs.trim(to: limit)
    }

    /// Prepares what each scan and each new serial asks of the plant.
    private mutating func index() {
        (badges, badgesOfRetired) = ([:], [])
        for person in plant.people.values {
            guard let badge = person.badge else { continue }
            if person.retired { badgesOfRetired.insert(badge) } else { badges[badge] = person.login }
        }
        var known: [String: SerialExpression] = [:]
        for case .external(let text)? in plant.products.values.map(\.serial) where known[text] == nil {
            known[text] = expressions[text] ?? (try? SerialExpression(text))
        }
        expressions = known
    }

    /// The unit with this serial.
    public mutating func unit(_ serial: String) -> Unit? { units.read(serial, or: records.unit) }
    /// The work order with this number.
    public mutating func workOrder(_ number: String) -> WorkOrder? { workOrders.read(number, or: records.workOrder) }
    /// The label with this serial that was not scanned back.
    public mutating func pendingLabel(_ serial: String) -> PendingLabel? {
        pendingLabels.read(serial, or: records.pendingLabel)
    }
    /// The counts of a product, of the whole plant or of one team.
    public mutating func card(_ key: CardKey) -> Card { cards.read(key, or: records.card) ?? Card() }
    /// What a station has in hand.
    public mutating func session(_ key: Session.Key) -> Session {
        sessions.read(key, or: records.session) ?? Session()
    }
    /// The delivery with this id.
    public mutating func delivery(_ id: String) -> Delivery? { deliveries.read(id, or: records.delivery) }
    /// Who received, opened or inspected the customer's return or the defect case with this id.
    public func handlers(of id: String) -> Set<Handler> {
        records.handlers(of: id).union(handlers[id] ?? [])
    }
    /// The label job with this number.
    public mutating func labelJob(_ id: Int64) -> LabelJob? { labelJobs.read(id, or: records.labelJob) }
    /// The defect case with this id.
    public mutating func defectCase(_ id: String) -> DefectCase? { defects.read(id, or: records.defectCase) }
    /// The last value of a serial counter.
    public mutating func counter(_ key: String) -> Int { counters.read(key, or: records.counter) ?? 0 }

    /// The login of the active person whose badge this is.
    func person(withBadge code: String) -> String? {
        badges.isEmpty ? nil : badges[badgeDigest(code)]
    }

    /// Whether this is anybody's badge, also of somebody who left.
    func isBadge(_ code: String) -> Bool {
        if badges.isEmpty && badgesOfRetired.isEmpty { return false }
        let digest = badgeDigest(code)
        return badges[digest] != nil || badgesOfRetired.contains(digest)
    }

    /// Whether a serial is one of a product's, where the product's serials are made elsewhere; nil for a rule that can't be
    /// used: an older version took it.
    func matches(_ serial: String, _ rule: String) -> Bool? {
        expressions[rule]?.matches(serial)
    }

    /// The open delivery of an order, looked for among changed ones first.
    mutating func openDelivery(ofOrder order: String) -> Delivery? {
        if let known = deliveries.unrecorded.first(where: { $0.order == order && !$0.isClosed }) { return known }
        guard let id = records.openDelivery(ofOrder: order), let found = delivery(id), !found.isClosed else {
            return nil
        }
        return found
    }

    /// Whether a delivery was ever opened for this order.
    mutating func isOrder(_ number: String) -> Bool {
        records.isOrder(number) || deliveries.unrecorded.contains { $0.order == number }
    }

    /// Serials of the labels of a work order that wait to be scanned back.
    mutating func waitingLabels(ofWorkOrder number: String) -> [String] {
        let onRecord = Set(records.pendingLabels(ofWorkOrder: number))
        let inMemory = pendingLabels.unrecorded.lazy.filter { $0.workOrder == number }.map(\.serial)
        return onRecord.union(inMemory).filter { pendingLabel($0)?.voided == false }.sorted()
    }
}

extension State {
    /// Makes an event true and answers its number. Knows nothing of rules: what was decided once is applied the same
    /// way when the ledger is rebuilt.
    @discardableResult
    public mutating func apply(_ event: Event, at: Int64) -> Int64 {
        head += 1
        if let after = event.after { applyUnit(event, after, at) }
        if let (id, new) = event.handling { handlers[id, default: []].formUnion(new) }
        switch event.change {
        case nil: break
        case .workOrder(let order): workOrders.write(order.number, order)
        case .workOrderStatus(let status): changeOrder(event.workOrder) { $0.status = status }
        case .labelReserved(let label):
            pendingLabels.write(label.serial, label)
            counters.write(label.counterKey, label.counter)
            changeOrder(label.workOrder) { $0.pendingLabels += 1 }
        case .labelVoided:
            guard let serial = event.unit, var label = pendingLabel(serial) else { break }
            label.voided = true
            pendingLabels.write(serial, label)
            changeOrder(label.workOrder) { $0.pendingLabels -= 1 }
        case .job(let job): labelJobs.write(job.id, job)
        case .stock(let change):
            guard let product = event.product else { break }
            changeStock(product, by: change, event.kind.inventoryAction ?? .adjustment) { $0.unserialised += change }
            changeOrder(event.workOrder) { order in
                order.registered += change
                order.good += change
            }
            if let delivery = event.details.delivery {
                addLine(delivery, product, serial: nil, quantity: -change)
            }
        case .defectStock(let balance, let defect):
            guard let product = event.product else { break }
            changeStock(product, by: balance, event.kind.inventoryAction) {
                $0.unserialised += balance
                $0.unserialisedDefect += defect
            }
            if event.kind == .stockWrittenOff { logWriteOff(event, product, quantity: -defect, .defect, at) }
        case .defect(let change): applyDefect(event, change, at)
        case .supplierReturn(let sent): supplierReturns.append(sent)
        case .customerReturn(let change): applyReturn(change)
        case .returnItem(let change): applyItem(event, change, at)
        case .deliveryOpened(var delivery):
            delivery.openedBy = event.actor
            deliveries.write(delivery.id, delivery)
        case .deliveryClosed:
            guard let id = event.details.delivery, var delivery = delivery(id) else { break }
            (delivery.isClosed, delivery.closedAt) = (true, at)
            deliveries.write(id, delivery)
        case .plant(let changes):
            for change in changes { plant.apply(change) }
            index()
        }
        return head
    }

    private mutating func applyUnit(_ event: Event, _ after: UnitState, _ at: Int64) {
        guard let serial = event.unit, let product = event.product else { return }
        var unit = unit(serial) ?? Unit(made: serial, product, by: event, after, at: at, number: head)
        (unit.state, unit.updatedAt, unit.lastEvent) = (after, at, head)
        if event.kind == .unitReturnRestocked, case .returnItem(let change) = event.change {
            unit.location = change.after?.location
        } else if !after.status.keepsLocation {
            unit.location = nil
        }
        units.write(serial, unit)

        let before = event.before
        if before?.status != after.status || before?.writeOffReason != after.writeOffReason {
            let change = (after.status == .inStock ? 1 : 0) - (before?.status == .inStock ? 1 : 0)
            changeStock(product, by: change, event.kind.inventoryAction) { $0.move(from: before, to: after) }
            if let team = unit.team {
                let key = CardKey(product: product, team: team)
                var card = card(key)
                card.move(from: before, to: after)
                cards.write(key, card)
            }
            changeOrder(unit.workOrder) { $0.move(from: before, to: after) }
        }
        if before?.defectCase != after.defectCase {
            moveCase(event, serial, from: before?.defectCase, to: after.defectCase)
        }
        if before?.status != after.status {
            if after.status == .writtenOff, let before {
                // What takes a unit out of the repacking queue is of the return, also by way of a defect case.
                let source =
                    if case .returnItem = event.change { WriteOffSource.return } else {
                        WriteOffSource(before.status)
                    }
                logWriteOff(event, product, quantity: 1, source, at)
            } else if before?.status == .writtenOff, let written = event.undoes {
                writeOffs.write(written, nil)
            }
        }
        if before == nil, pendingLabel(serial) != nil {
            pendingLabels.write(serial, nil)
            changeOrder(unit.workOrder) { $0.pendingLabels -= 1 }
        }
        if before?.delivery != after.delivery {
            // A unit that comes back stays on the packing list that it left with.
            if event.kind == .unitDelivered, let id = after.delivery {
                addLine(id, product, serial: serial, quantity: 1)
            } else if event.kind == .unitUndone, let id = before?.delivery {
                addLine(id, product, serial: serial, quantity: -1)
            }
        }
    }

    /// A unit came into a defect case, or left it.
    private mutating func moveCase(_ event: Event, _ serial: String, from old: String?, to new: String?) {
        if let old {
            let key = DefectUnit.Key(id: old, serial: serial)
            defectUnits.write(
                key,
                event.kind == .unitUndone
                    ? nil
                    : DefectUnit(outcome: DefectOutcome(event), event: head, replacedBy: event.details.replacedBy))
        }
        if let new {
            defectUnits.write(DefectUnit.Key(id: new, serial: serial), DefectUnit(outcome: .open, event: head))
        }
    }

    private mutating func applyDefect(_ event: Event, _ change: DefectChange, _ at: Int64) {
        guard let id = (change.after ?? change.before)?.id else { return }
        if var after = change.after {
            after.lastEvent = head
            defects.write(id, after)
        } else {
            // Only the step that opened a case can be taken back, and that opens it for one unit.
            defects.write(id, nil)
            if let serial = event.unit { defectUnits.write(DefectUnit.Key(id: id, serial: serial), nil) }
        }
        defectEvents.append(
            DefectEvent(
                id: id, event: head, at: at, actor: event.actor, note: event.note, repair: change.repair))
    }

    mutating func logWriteOff(
        _ event: Event, _ product: String, quantity: Int, _ source: WriteOffSource, _ at: Int64
    ) {
        let details = event.details
        writeOffs.write(
            head,
            WriteOff(
                event: head, at: at, product: product, serial: event.unit, quantity: quantity,
                reason: details.reason ?? WriteOffReason.other.rawValue, price: details.price, cost: details.cost,
                source: source, defect: details.defect ?? event.before?.defectCase, team: event.team,
                actor: event.actor, note: event.note))
    }

    /// Changes the card of the whole plant and writes the inventory log, so that the log always adds up to the card.
    mutating func changeStock(
        _ product: String, by change: Int, _ action: InventoryAction?, _ body: (inout Card) -> Void
    ) {
        let key = CardKey(product: product)
        var card = card(key)
        let before = card.store
        body(&card)
        cards.write(key, card)
        if let action, change != 0 || action == .defect {
            inventoryLog.append(
                InventoryEntry(
                    event: head, product: product, action: action, change: change, before: before, after: card.store))
        }
    }

    private mutating func changeOrder(_ number: String?, _ body: (inout WorkOrder) -> Void) {
        guard let number, var order = workOrder(number) else { return }
        body(&order)
        workOrders.write(number, order)
    }

    private mutating func addLine(_ id: String, _ product: String, serial: String?, quantity: Int) {
        deliveryLines.append(
            DeliveryLine(delivery: id, product: product, serial: serial, quantity: quantity, event: head))
        guard var delivery = delivery(id) else { return }
        delivery.count += quantity
        deliveries.write(id, delivery)
    }
}

extension Unit {
    /// A unit as its first event makes it.
    public init(made serial: String, _ product: String, by event: Event, _ state: UnitState, at: Int64, number: Int64) {
        self.init(
            serial: serial, product: product, workOrder: event.workOrder, team: event.team,
            supplier: event.details.supplier, cost: event.details.cost, replaces: event.details.replaces,
            createdAt: at, updatedAt: at, lastEvent: number, state: state)
    }
}

extension WorkOrder {
    mutating func move(from before: UnitState?, to after: UnitState) {
        if before == nil { registered += 1 }
        func count(_ state: UnitState?, _ sign: Int) {
            guard let status = state?.status else { return }
            if status == .inProduction { inProduction += sign }
            if status == .writtenOff { writtenOff += sign }
            if status.isGood { good += sign }
        }
        count(before, -1)
        count(after, 1)
    }
}

extension Status {
    /// Whether a unit may come back into stock from there to where it was, as when a delivery is taken back.
    fileprivate var keepsLocation: Bool {
        switch self {
        case .inStock, .delivered, .defect: true
        case .inProduction, .returned, .installed, .split, .writtenOff: false
        }
    }

    /// Finished and good, wherever it is.
    var isGood: Bool {
        switch self {
        case .inStock, .delivered, .returned, .installed, .split: true
        case .inProduction, .defect, .writtenOff: false
        }
    }
}

extension EventKind {
    /// The inventory log's word for what this event does to stock; nil where it never does anything.
    var inventoryAction: InventoryAction? {
        switch self {
        case .unitReceived: .restock
        case .unitPassed: .qaApproval
        case .unitDefect, .unitFailed, .stockDefect: .defect
        case .unitRepaired, .stockRepaired: .repair
        case .unitSupplierRepaired, .stockSupplierRepaired: .supplierRepair
        case .stockConsumed: .consume
        case .unitDelivered, .stockDelivered: .delivery
        case .unitWrittenOff: .writeOff
        case .unitReturnRestocked, .stockReturnRestocked: .returnRestock
        case .unitUndone, .stockUndone: .undo
        case .stockAdjusted: .adjustment
        case .stockProduced: .production
        default: nil
        }
    }
}
