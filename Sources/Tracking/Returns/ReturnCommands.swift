import Barcodes

// What people do with customers' returns before they are decided: announced, received, corrected, inspected, cancelled.

/// What is to be corrected on a return; nil leaves it.
public struct ReturnCorrection: Sendable, Equatable {
    /// Who sends it; an inner nil clears it.
    public var customer: String??
    /// Whether something is sent instead.
    public var kind: ReturnKind?
    /// Why it comes back.
    public var reason: ReturnReason?

    /// A correction.
    public init(customer: String?? = nil, kind: ReturnKind? = nil, reason: ReturnReason? = nil) {
        (self.customer, self.kind, self.reason) = (customer, kind, reason)
    }
}

/// An answer to a question of a checklist.
public struct ChecklistAnswer: Sendable, Equatable {
    /// Number of the question, from 1.
    public var question: Int
    /// What was found.
    public var answer: QCTask.Answer
    /// What there is to say to it.
    public var note: String?

    /// An answer.
    public init(question: Int, answer: QCTask.Answer, note: String?) {
        (self.question, self.answer, self.note) = (question, answer, note)
    }
}

extension State {
    mutating func createReturn(
        _ order: String, _ customer: String?, _ kind: ReturnKind, _ reason: ReturnReason, _ isExpected: Bool,
        _ lot: ReturnLot, _ actor: Actor, _ at: Int64
    ) throws(Refusal) -> Decision {
        guard isOrder(order) else {
            throw Refusal(.invalid, "nothing was ever delivered under the order \(order); check its number")
        }
        guard !(lot.serials.isEmpty && lot.goods.isEmpty) else {
            throw Refusal(.invalid, "a return names what comes back: items with a serial, or a product and a quantity")
        }
        if !lot.serials.isEmpty { try checkList(lot.serials) }
        let made = CustomerReturn(
            id: String(head + 1), order: order, customer: customer ?? self.customer(ofOrder: order), kind: kind,
            reason: reason, isExpected: isExpected, createdAt: at, createdBy: actor.login)
        var events: [Event] = []
        var items: [ReturnItem] = []
        for serial in lot.serials {
            let unit = try visibleUnit(serial, actor)
            try checkIsDelivered(unit)
            if let announced = announcement(ofUnit: serial) {
                throw Refusal(
                    .conflict,
                    "\(serial) is announced in the return \(announced.customerReturn) already; scan it at a returns "
                        + "station, or cancel that return")
            }
            var item = newItem(of: unit, in: made, String(head + 2 + Int64(events.count)), at)
            if isExpected {
                (item.arrivedAt, item.isExpected) = (nil, true)
                events.append(.returnItem(.returnItemExpected, nil, item))
            } else {
                var after = unit.state.returned(as: item)
                after.worker = actor.login ?? after.worker
                events.append(.returned(.unitReturned, unit, to: after, nil, item))
            }
            items.append(item)
        }
        var seen: Set<String> = []
        for goods in lot.goods {
            guard seen.insert(goods.product).inserted else {
                throw Refusal(.invalid, "the product \(goods.product) stands twice in the request")
            }
            try checkQuantity(goods.quantity)
            try checkCanComeBack(goods, underOrder: order)
            var item = newItem(of: goods, in: made, String(head + 2 + Int64(events.count)), at)
            if isExpected { (item.arrivedAt, item.isExpected) = (nil, true) }
            events.append(.returnItem(isExpected ? .returnItemExpected : .stockReturned, nil, item))
            items.append(item)
        }
        let created = Event.customerReturn(
            isExpected ? .returnExpected : .returnCreated, nil, made, items, lines: items.map { .init($0) })
        return Decision([created] + events, serials: lot.serials, created: made.id)
    }

    mutating func correctReturn(
        _ id: String, _ correction: ReturnCorrection
    ) throws(Refusal) -> Decision {
        let before = try openReturn(id, "corrected")
        guard correction != ReturnCorrection() else {
            throw Refusal(.invalid, "a correction names `customer`, `kind` or `reason`")
        }
        var after = before
        if let customer = correction.customer { after.customer = customer }
        if let kind = correction.kind, kind != before.kind {
            if kind == .return { try checkNothingWasSent(for: before) }
            after.kind = kind
        }
        if let reason = correction.reason { after.reason = reason }
        if after == before { return Decision(created: id) }
        return Decision(
            [.customerReturn(.returnCorrected, before, after, items(ofReturn: id))], created: id)
    }

    mutating func correctItem(
        _ id: String, _ itemID: String, _ reason: ReturnReason?, _ condition: ReturnCondition?
    ) throws(Refusal) -> Decision {
        let found = try openReturn(id, "corrected")
        let before = try item(itemID, of: found)
        guard reason != nil || condition != nil else {
            throw Refusal(.invalid, "a correction names `reason` or `condition`")
        }
        var after = before
        if let reason { after.reason = reason == found.reason ? nil : reason }
        if let condition {
            guard !before.isInspected else {
                throw Refusal(.rule(.alreadyDone), "\(before.name) was inspected; its condition stands")
            }
            try checkSellable(condition, before.decision, before)
            after.condition = condition
        }
        if after == before { return Decision(created: id) }
        return Decision([.returnItem(.returnItemCorrected, before, after)], created: id)
    }

    mutating func startInspection(
        _ id: String, _ inspector: String?, _ actor: Actor, _ at: Int64
    ) throws(Refusal) -> Decision {
        let before = try knownReturn(id)
        guard before.status == .created else {
            throw Refusal(
                .rule(.wrongStatus),
                "the inspection of the return \(id) can't be started: it is \(before.status.rawValue)")
        }
        try checkSomethingCame(of: before)
        let items = items(ofReturn: id)
        guard let inspector = inspector ?? actor.login else {
            throw Refusal(.invalid, "an inspection names its inspector")
        }
        var mayInspect = Access(login: inspector, isAdmin: false, in: plant)?.may(.inspectReturns) ?? false
        if case .person(let access) = actor, access.login == inspector, access.may(.inspectReturns) {
            mayInspect = true
        }
        guard mayInspect else {
            throw Refusal(.invalid, "there is no \(inspector.shown) who may inspect returns")
        }
        var after = before
        (after.status, after.inspector) = (.inspecting, inspector)
        after.task = QCTask(
            id: String(head + 1), questions: plant.settings.checklist(before.kind), startedAt: at)
        return Decision([.customerReturn(.returnInspectionStarted, before, after, items)], created: id)
    }

    mutating func inspectItem(
        _ id: String, _ itemID: String, _ condition: ReturnCondition, _ decision: ReturnDecision, _ note: String?,
        _ actor: Actor, _ at: Int64
    ) throws(Refusal) -> Decision {
        let found = try knownReturn(id)
        let before = try item(itemID, of: found)
        try requireInspecting(found, "nothing of the return \(id) can be inspected")
        guard !before.isInspected else {
            throw Refusal(.rule(.alreadyDone), "\(before.name) was inspected already; an item is inspected once")
        }
        guard before.arrivedAt != nil else {
            throw Refusal(.rule(.wrongStatus), "\(before.name) is not here yet; scan it at a returns station")
        }
        guard before.open > 0 || before.outcomes[decision] > 0 else {
            let done = ReturnDecision.allCases.filter { before.outcomes[$0] > 0 }.map(\.rawValue)
            throw Refusal(
                .rule(.wrongStatus),
                "\(before.name) left the queue already; its decision is what was done: \(done.joined(separator: " or "))"
            )
        }
        try checkSellable(condition, decision, before)
        if decision == .refurbish, before.open > 0 { try checkRefurbish(before) }
        if let note { try checkNote(note) }
        var after = before
        (after.condition, after.decision, after.note) = (condition, decision, note)
        (after.inspectedBy, after.inspectedAt) = (actor.login, at)
        var event = Event.returnItem(.returnItemInspected, before, after)
        event.note = note
        let items = items(ofReturn: id).map { $0.id == itemID ? after : $0 }
        return inspected(found, items, [event], actor, at)
    }

    mutating func answerChecklist(
        _ id: String, _ answers: [ChecklistAnswer], _ actor: Actor, _ at: Int64
    ) throws(Refusal) -> Decision {
        let before = try knownReturn(id)
        try requireInspecting(before, "the checklist of the return \(id) can't be answered")
        let checklist = before.task?.checklist ?? []
        guard !answers.isEmpty else { throw Refusal(.invalid, "name at least one answer") }
        var after = before
        var seen: Set<Int> = []
        for answer in answers {
            guard answer.question >= 1, answer.question <= checklist.count else {
                throw Refusal(
                    .invalid, "the checklist has the questions 1 to \(checklist.count), not \(answer.question)")
            }
            guard seen.insert(answer.question).inserted else {
                throw Refusal(.invalid, "the question \(answer.question) is answered twice in the request")
            }
            if let note = answer.note { try checkNote(note) }
            after.task?.checklist[answer.question - 1].answer = answer.answer
            after.task?.checklist[answer.question - 1].note = answer.note
        }
        if after == before { return Decision(created: id) }
        let items = items(ofReturn: id)
        return inspected(
            after, items, [.customerReturn(.returnChecklistAnswered, before, after, items)], actor, at)
    }

    // MARK: Photos

    mutating func addPhoto(
        _ id: String, _ itemID: String, _ photo: ReturnItem.Photo, _ actor: Actor, _ at: Int64
    ) throws(Refusal) -> Decision {
        let found = try openReturn(id, "photographed")
        let before = try item(itemID, of: found)
        guard before.photos.count < ReturnItem.photoLimit else {
            throw Refusal(
                .rule(.photoLimit),
                "\(before.name) has \(before.photos.count) photos, the most that an item can have; delete one first")
        }
        if let note = photo.note { try checkNote(note) }
        var after = before
        var photo = photo
        (photo.id, photo.by, photo.at) = (String(head + 1), actor.login, at)
        after.photos.append(photo)
        return Decision([.returnItem(.returnPhotoAdded, before, after)], created: photo.id)
    }

    mutating func deletePhoto(
        _ id: String, _ itemID: String, _ photoID: String
    ) throws(Refusal) -> Decision {
        let found = try openReturn(id, "changed")
        let before = try item(itemID, of: found)
        var after = before
        after.photos.removeAll { $0.id == photoID }
        guard after.photos.count < before.photos.count else { throw .notFound("photo", photoID) }
        return Decision([.returnItem(.returnPhotoDeleted, before, after)], created: id)
    }

    // MARK: Cancelling

    mutating func cancelReturn(
        _ id: String, _ note: String, _ at: Int64
    ) throws(Refusal) -> Decision {
        let before = try openReturn(id, "cancelled")
        try checkNote(note)
        let items = items(ofReturn: id)
        if let done = items.first(where: { $0.outcomes.carriedOut > 0 }) {
            throw Refusal(
                .rule(.wrongStatus),
                "the return \(id) can't be cancelled any more: \(done.name) was carried out; complete it")
        }
        var events: [Event] = []
        for item in items {
            var cancelled = item
            cancelled.outcomes.cancelled = item.quantity
            if item.arrivedAt != nil, let unit = self.unit(of: item) {
                var after = unit.state
                (after.status, after.delivery, after.returnItem) = (.delivered, item.delivery, nil)
                events.append(.returned(.unitReturnCancelled, unit, to: after, item, cancelled))
            } else {
                events.append(.returnItem(.returnItemCancelled, item, cancelled))
            }
        }
        var after = before
        (after.status, after.endedAt, after.note) = (.cancelled, at, note)
        after.task?.status = .cancelled
        after.task?.endedAt = at
        events.append(.customerReturn(.returnCancelled, before, after, items))
        for index in events.indices { events[index].note = note }
        return Decision(events, serials: items.compactMap(\.serial), created: id)
    }

    // MARK: What several of these ask

    /// The return with this id. Who may work on returns at all may on every one.
    mutating func knownReturn(_ id: String) throws(Refusal) -> CustomerReturn {
        guard let found = customerReturn(id) else { throw .notFound("return", id) }
        return found
    }

    mutating func openReturn(_ id: String, _ what: String) throws(Refusal) -> CustomerReturn {
        let found = try knownReturn(id)
        guard found.isOpen else {
            throw Refusal(
                .rule(.wrongStatus), "the return \(id) can't be \(what) any more: it is \(found.status.rawValue)")
        }
        return found
    }

    /// Refuses what asks for a return that is being inspected; `what` is said of it then.
    func requireInspecting(_ found: CustomerReturn, _ what: String) throws(Refusal) {
        if found.status == .inspecting { return }
        if found.status == .created { try checkSomethingCame(of: found) }
        throw Refusal(
            .rule(.wrongStatus),
            "\(what): it is \(found.status.rawValue)"
                + (found.status == .created ? "; start its inspection first" : ""))
    }

    private func checkSomethingCame(of found: CustomerReturn) throws(Refusal) {
        guard !found.isExpected else {
            throw Refusal(
                .rule(.wrongStatus), "nothing of the return \(found.id) is here yet; scan it at a returns station")
        }
    }

    /// Refuses what would leave a delivery that was made in exchange for a return without its exchange.
    mutating func checkNothingWasSent(for found: CustomerReturn) throws(Refusal) {
        if let order = replacement(ofReturn: found.id) {
            throw Refusal(
                .rule(.wrongStatus),
                "a delivery under \(order) was made in exchange for the return \(found.id), so it stays an exchange")
        }
    }

    mutating func item(_ id: String, of found: CustomerReturn) throws(Refusal) -> ReturnItem {
        guard let item = returnItem(id), item.customerReturn == found.id else { throw .notFound("item", id) }
        return item
    }

    /// An item for a unit that a customer has.
    mutating func newItem(of unit: Unit, in found: CustomerReturn, _ id: String, _ at: Int64) -> ReturnItem {
        var item = ReturnItem(
            id: id, customerReturn: found.id, product: unit.product, serial: unit.serial, team: unit.team, quantity: 1,
            createdAt: at)
        (item.arrivedAt, item.delivery) = (at, unit.state.delivery)
        item.otherOrder = otherOrder(of: unit, than: found.order)
        return item
    }

    func newItem(of goods: ReturnLot.Goods, in found: CustomerReturn, _ id: String, _ at: Int64) -> ReturnItem {
        var item = ReturnItem(
            id: id, customerReturn: found.id, product: goods.product, serial: nil, team: nil, quantity: goods.quantity,
            createdAt: at)
        item.arrivedAt = at
        return item
    }

    private func checkIsDelivered(_ unit: Unit) throws(Refusal) {
        switch unit.state.status {
        case .delivered: return
        case .inProduction, .inStock:
            throw Refusal(
                .rule(.notDelivered),
                "\(unit.serial) can't come back, it is not with a customer: it is \(unit.state.sentence)")
        case .returned:
            throw Refusal(
                .rule(.isReturned), "\(unit.serial) came back already; it waits in the repacking queue")
        default: throw .status(unit, "received back")
        }
    }

    /// Refuses more of a product than the customer has of this order. How much that is, is told to who may know it.
    mutating func checkCanComeBack(
        _ goods: ReturnLot.Goods, underOrder order: String, isTold: Bool = true
    ) throws(Refusal) {
        guard plant.products[goods.product] != nil else {
            throw Refusal(.invalid, "there is no product \(goods.product.shown)")
        }
        let there = delivered(goods.product, underOrder: order)
        guard there >= goods.quantity else {
            throw Refusal(
                .rule(.notDelivered),
                isTold
                    ? "\(max(there, 0)) \(goods.product) without serials can come back from \(order), "
                        + "not \(goods.quantity). Units need their serial"
                    : "not as many \(goods.product) without serials can come back from \(order). "
                        + "Units need their serial")
        }
    }

    func checkSellable(
        _ condition: ReturnCondition?, _ decision: ReturnDecision?, _ item: ReturnItem
    ) throws(Refusal) {
        guard condition == .unsellable else { return }
        guard decision != .restock else {
            throw Refusal(.invalid, "\(item.name) is unsellable; what is unsellable is never restocked")
        }
        guard item.outcomes.restocked == 0 else {
            throw Refusal(
                .rule(.wrongStatus),
                "\(item.outcomes.restocked) of \(item.name) were put into stock already, so it is not unsellable")
        }
    }

    /// Refuses to refurbish what can't go to the plant's rework stage.
    mutating func checkRefurbish(_ item: ReturnItem) throws(Refusal) {
        guard let unit = self.unit(of: item) else {
            throw .notRefurbished(item)
        }
        _ = try refurbished(unit)
    }
}

extension UnitState {
    /// Back from the customer.
    func returned(as item: ReturnItem) -> UnitState {
        var after = self
        (after.status, after.delivery, after.returnItem, after.wasReturned) = (.returned, nil, item.id, true)
        return after
    }
}
