// What a returns station does: goods received back under an order, put on the bench, and taken out of the queue.

extension Interlock {
    /// Takes the order that the goods come back from.
    mutating func take(returnsFrom number: String, in state: inout State) throws(Stop) -> String {
        guard state.isOrder(number) else {
            throw Stop(
                reason: .unknownCode, message: "Nothing was ever delivered under \(number). Check the order's number.")
        }
        if session.returning?.order == number {
            throw Stop(reason: .alreadyDone, message: "\(number) is open here already. Scan what comes back from it.")
        }
        session.returning = Session.Returning()
        session.returning?.order = number
        (session.bench, session.quantity) = (nil, nil)
        return "Returns from \(number). Scan each unit that came back."
    }

    /// Takes what a code says of the goods that follow.
    mutating func take<Word: RawRepresentable & CaseIterable>(
        _ text: String, _ what: String, _ place: WritableKeyPath<Session.Returning, Word?>
    ) throws(Stop) -> String where Word.RawValue == String {
        guard let word = Word(rawValue: text) else {
            let known = Word.allCases.map(\.rawValue).joined(separator: ", ")
            throw Stop(reason: .unknownCode, message: "There is no \(what) \(text). Use one of \(known).")
        }
        var returning = session.returning ?? Session.Returning()
        returning[keyPath: place] = word
        session.returning = returning
        return "The \(what) of what follows is \(text)."
    }

    mutating func closeReturns(in state: inout State) throws(Stop) -> String {
        let number = try orderOfReturns()
        let found = state.returns(ofOrder: number).last { $0.isOpen }
        let count = found.map { state.items(ofReturn: $0.id).reduce(0) { $0 + $1.open } } ?? 0
        (session.returning, session.bench, session.quantity) = (nil, nil, nil)
        session.step = Session.Step(event: 0, at: at, effect: .final)
        return "Done with \(number): \(count) \(count == 1 ? "item is" : "items are") in the repacking queue."
    }

    private func orderOfReturns() throws(Stop) -> String {
        guard let number = session.returning?.order else {
            throw Stop(reason: .noOpenOrder, message: "No order is open. Scan TRV:ORDER:<number> first.")
        }
        return number
    }

    // MARK: Serials and products

    /// A serial at a returns station: one in the queue goes on the bench, one that a customer has is received back.
    mutating func decide(returned unit: Unit, in state: inout State) throws(Stop) -> String {
        if unit.state.status == .returned, let item = unit.state.returnItem.flatMap({ state.returnItem($0) }) {
            guard session.returning?.item != item.id else {
                throw Stop(
                    reason: .alreadyDone,
                    message: "\(unit.serial) was received and is on the bench. Scan TRV:PASS or TRV:SCRAP:<type>.",
                    serial: unit.serial, next: unit.state.next)
            }
            putOnBench(item)
            let found = state.customerReturn(item.customerReturn)
            warning = Reason.isReturned.rawValue
            return "\(unit.serial) came back already, from \(found?.order ?? "an order"). It is on the bench: "
                + "TRV:PASS puts it into stock, TRV:SCRAP:<type> writes it off."
        }
        let order = try orderOfReturns()
        switch unit.state.status {
        case .inProduction, .inStock:
            throw Stop(
                reason: .notDelivered,
                message: "\(unit.serial) was never delivered: it is \(unit.state.sentence) Nobody can send it back.",
                serial: unit.serial, next: unit.state.next)
        default: try require(.delivered, unit)
        }
        var found = open(returnFrom: order, expecting: unit.serial, in: &state)
        let before = state.expectedItems(ofReturn: found.id).first { $0.serial == unit.serial }
        var item = before ?? state.newItem(of: unit, in: found, "", at)
        (item.arrivedAt, item.delivery) = (at, unit.state.delivery)
        describe(&item, in: found)
        arrive(&found, item, in: &state)
        if before == nil { item.id = String(numberOfNextEvent(state)) }
        var event = Event.returned(.unitReturned, unit, to: unit.state.returned(as: item), before, item)
        event.after?.worker = person?.login ?? unit.state.worker
        record(event)
        putOnBench(item)
        session.lastSerial = unit.serial
        session.step = Session.Step(
            event: 0, at: at, effect: .item(id: item.id, before: before, unit: unit.state))
        guard let other = item.otherOrder else {
            return "\(unit.serial) came back from \(order). It is in the repacking queue."
        }
        warning = "other_order:\(other)"
        return "\(unit.serial) came back, but was delivered under \(other), not under \(order). "
            + "It is in the repacking queue; tell who handles \(other)."
    }

    /// Goods without serials, by product code or GTIN, as many as `TRV:QTY` said.
    mutating func decide(returned product: Product, in state: inout State) throws(Stop) -> String {
        let order = try orderOfReturns()
        let goods = ReturnLot.Goods(product: product.code, quantity: session.quantity ?? 1)
        var found = open(returnFrom: order, expecting: nil, in: &state)
        let before = state.expectedItems(ofReturn: found.id).first {
            $0.product == goods.product && $0.quantity == goods.quantity && $0.serial == nil
        }
        if before == nil {
            do throws(Refusal) {
                try state.checkCanComeBack(goods, underOrder: order)
            } catch {
                throw Stop(reason: .notDelivered, message: error.message + ".")
            }
        }
        var item = before ?? state.newItem(of: goods, in: found, "", at)
        item.arrivedAt = at
        describe(&item, in: found)
        arrive(&found, item, in: &state)
        if before == nil { item.id = String(numberOfNextEvent(state)) }
        record(.returnItem(.stockReturned, before, item))
        putOnBench(item)
        session.quantity = nil
        session.step = Session.Step(event: 0, at: at, effect: .item(id: item.id, before: before, unit: nil))
        return "\(goods.quantity) \(goods.product) came back from \(order). They are in the repacking queue."
    }

    private mutating func putOnBench(_ item: ReturnItem) {
        var returning = session.returning ?? Session.Returning()
        returning.item = item.id
        (session.returning, session.bench) = (returning, item.serial)
    }

    /// What was scanned of the goods that follow.
    private func describe(_ item: inout ReturnItem, in found: CustomerReturn) {
        if let reason = session.returning?.reason { item.reason = reason == found.reason ? nil : reason }
        if let condition = session.returning?.condition { item.condition = condition }
    }

    /// The open return from an order, one that expects the unit before others; or one that is still to be made.
    private func open(returnFrom order: String, expecting serial: String?, in state: inout State) -> CustomerReturn {
        let all = state.returns(ofOrder: order).filter(\.isOpen)
        let expecting = all.last { found in
            serial != nil && state.expectedItems(ofReturn: found.id).contains { $0.serial == serial }
        }
        if let found = expecting ?? all.last { return found }
        return CustomerReturn(
            id: String(numberOfNextEvent(state)), order: order, customer: state.customer(ofOrder: order),
            kind: session.returning?.kind ?? .return, reason: session.returning?.reason ?? .other, isExpected: false,
            createdAt: at, createdBy: person?.login)
    }

    /// Makes the return of an item that arrives, or says that the first of an announced one is here.
    private mutating func arrive(_ found: inout CustomerReturn, _ item: ReturnItem, in state: inout State) {
        let before = state.customerReturn(found.id)
        guard before == nil || found.isExpected else { return }
        found.isExpected = false
        let others = state.items(ofReturn: found.id).filter { $0.id != item.id }
        let all = others + [item]
        var event = Event.customerReturn(.returnCreated, before, found, all, lines: all.map { .init($0) })
        event.unit = item.serial
        record(event)
    }

    // MARK: The bench

    private mutating func itemOnBench(_ state: inout State) throws(Stop) -> ReturnItem {
        guard let id = session.returning?.item, let item = state.returnItem(id), item.open > 0 else {
            session.clearBench()
            throw Stop(
                reason: .benchEmpty, message: "Nothing is on the bench. Scan what came back first.")
        }
        serial = item.serial
        return item
    }

    mutating func passReturned(in state: inout State) throws(Stop) -> String {
        let item = try itemOnBench(&state)
        try process(item, .ready, nil, in: &state)
        let place = item.condition.flatMap { state.plant.settings.returnLocations[$0.rawValue] }
        return "\(item.name): into stock\(place.map { ", at \($0)" } ?? "")."
    }

    mutating func scrapReturned(_ type: String, in state: inout State) throws(Stop) -> String {
        try require(.handleReturns, for: "TRV:SCRAP")
        let item = try itemOnBench(&state)
        guard let known = state.plant.defectTypes[type], !known.retired else {
            throw Stop(
                reason: .unknownDefectType, message: "There is no defect type \(type). Use one from the control sheet.",
                serial: item.serial)
        }
        try process(item, .writeOff, type, in: &state)
        return "\(item.name): written off (\(type)). Put it into the scrap bin."
    }

    /// Puts the unit on the bench on hold, or takes it off; nothing is restocked meanwhile.
    mutating func hold(_ isHeld: Bool, in state: inout State) throws(Stop) -> String {
        if !isHeld { try require(.hold, for: "TRV:RELEASE") }
        let item = try itemOnBench(&state)
        guard let unit = state.unit(of: item) else {
            throw Stop(reason: .unknownCode, message: "\(item.name) have no serials; only units are held.")
        }
        guard unit.state.onHold != isHeld else {
            throw Stop(
                reason: isHeld ? .onHold : .alreadyDone,
                message: "\(unit.serial) is \(isHeld ? "already" : "not") on hold.", serial: unit.serial)
        }
        var after = unit.state
        after.onHold = isHeld
        record(step(isHeld ? .unitHeld : .unitReleased, unit, to: after))
        if isHeld { session.clearBench() }
        session.lastSerial = unit.serial
        session.step = Session.Step(event: 0, at: at, effect: .unit(serial: unit.serial, before: unit.state))
        return isHeld ? "\(unit.serial) is on hold. Set it aside." : "\(unit.serial) is released and on the bench."
    }

    private mutating func process(
        _ item: ReturnItem, _ action: RepackingAction, _ type: String?, in state: inout State
    ) throws(Stop) {
        let unit = state.unit(of: item)
        do throws(Refusal) {
            let actor = person.map { Actor.person($0) } ?? .device(station.name)
            let count = session.quantity ?? item.open
            var (event, _) = try state.processed(item, action, count, .scrap, actor)
            event.details.defectType = type
            record(event)
        } catch {
            let reason: Reason = if case .rule(let reason) = error.kind { reason } else { .isReturned }
            throw Stop(reason: reason, message: error.message + ".", serial: item.serial, next: unit?.state.next)
        }
        session.clearBench()
        session.quantity = nil
        session.lastSerial = item.serial ?? session.lastSerial
        session.step = Session.Step(
            event: 0, at: at, effect: .item(id: item.id, before: item, unit: unit?.state))
    }

    // MARK: Undo

    mutating func undoItem(
        _ step: Session.Step, _ id: String, _ prior: ReturnItem?, _ state: UnitState?, in all: inout State
    ) throws(Stop) -> String {
        guard let item = all.returnItem(id), item.lastEvent == step.event,
            let found = all.customerReturn(item.customerReturn), found.isOpen,
            prior?.arrivedAt != nil || found.status == .created
        else {
            throw Stop(reason: .nothingToUndo, message: "What was done here last was worked on since; it stays.")
        }
        let others = all.items(ofReturn: found.id).filter { $0.id != id }
        if let serial = item.serial, let state {
            guard let unit = all.unit(serial), unit.lastEvent == step.event else {
                throw Stop(
                    reason: .nothingToUndo, message: "\(serial) moved on since; its last step here stays.",
                    serial: serial)
            }
            var event = Event.returned(.unitUndone, unit, to: state, item, prior)
            event.undoes = step.event
            record(event)
            self.serial = serial
        } else {
            let restocked = item.outcomes.restocked - (prior?.outcomes.restocked ?? 0)
            let there = all.card(CardKey(product: item.product)).unserialised
            guard there >= restocked else {
                throw Stop(
                    reason: .nothingToUndo, message: "\(item.name) left stock since; the last step here stays.")
            }
            var event = Event.returnItem(.stockUndone, item, prior)
            event.undoes = step.event
            record(event)
        }
        if prior == nil, others.isEmpty {
            record(.customerReturn(.returnUndone, found, nil, []))
        } else if prior?.arrivedAt == nil, !found.isExpected, !others.contains(where: { $0.arrivedAt != nil }) {
            var announced = found
            announced.isExpected = !others.isEmpty || prior != nil
            record(.customerReturn(.returnUndone, found, announced, others))
        }
        session.clearBench()
        return "Taken back. \(item.name) \(item.serial == nil ? "are" : "is") as before."
    }
}
