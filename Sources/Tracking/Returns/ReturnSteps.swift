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
        // What was said before any order was open is about the goods of this one.
        if session.returning?.order != nil { session.returning = nil }
        var returning = session.returning ?? Session.Returning()
        (returning.order, returning.item) = (number, nil)
        (session.returning, session.bench, session.quantity) = (returning, nil, nil)
        session.forgetFinalStep()
        return "Returns from \(number). Scan each unit that came back."
    }

    /// Takes what a code says of the goods that follow.
    mutating func take<Word: Vocabulary>(
        _ text: String, _ what: String, _ place: WritableKeyPath<Session.Returning, Word?>
    ) throws(Stop) -> String {
        guard let word = Word(spelling: text) else {
            let known = Word.allCases.map(\.rawValue).joined(separator: ", ")
            throw Stop(reason: .unknownCode, message: "There is no \(what) \(text). Use one of \(known).")
        }
        var returning = session.returning ?? Session.Returning()
        returning[keyPath: place] = word
        session.returning = returning
        return "The \(what) of what follows is \(word.rawValue)."
    }

    mutating func closeReturns(in state: inout State) throws(Stop) -> String {
        let number = try orderOfReturns()
        var count = 0
        for found in state.returns(ofOrder: number) where found.isOpen {
            count += state.tally(ofReturn: found.id).open
        }
        (session.returning, session.bench, session.quantity) = (nil, nil, nil)
        session.step = Session.Step(event: 0, at: moment, effect: .final)
        guard isShown(nil) else { return "Done with \(number)." }
        return "Done with \(number): \(count) \(count == 1 ? "item is" : "items are") in the repacking queue."
    }

    /// Whether the one at a terminal may hear of what came back of a team; of no team for goods without serials.
    private func isShown(_ team: String?) -> Bool { terminal?.seesReturns(of: team) ?? true }

    /// What a unit on hold asks for, after what its scan says; empty for a free one.
    private mutating func noteOfHold(_ state: UnitState) -> String {
        guard state.onHold else { return "" }
        if warning == nil { warning = Reason.onHold.rawValue }
        return " It is on hold: set it aside until it is released."
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
                    message: "\(unit.serial) was received and is on the bench."
                        + (unit.state.onHold ? noteOfHold(unit.state) : " Scan TRV:PASS or TRV:SCRAP:<type>."),
                    serial: unit.serial, next: unit.state.next)
            }
            putOnBench(item)
            let found = state.customerReturn(item.customerReturn)
            let order = isShown(unit.team) ? found.map { ", from \($0.order)" } ?? "" : ""
            let back = "\(unit.serial) came back already\(order). It is on the bench"
            if unit.state.onHold { return back + "." + noteOfHold(unit.state) }
            warning = Reason.isReturned.rawValue
            return back + ": TRV:PASS puts it into stock, TRV:SCRAP:<type> writes it off."
        }
        let order = try orderOfReturns()
        switch unit.state.status {
        case .inProduction, .inStock:
            throw Stop(
                reason: .notDelivered,
                message: "\(unit.serial) is not with a customer: it is \(unit.state.sentence) Nobody can send it back.",
                serial: unit.serial, next: unit.state.next)
        default: try require(.delivered, unit)
        }
        let before = state.announcement(ofUnit: unit.serial)
        var found = returnOf(before, order, in: &state)
        var item = before ?? state.newItem(of: unit, in: found, "", at)
        (item.arrivedAt, item.delivery) = (at, unit.state.delivery)
        item.otherOrder = state.otherOrder(of: unit, than: found.order)
        describe(&item, in: found)
        arrive(&found, item, in: &state)
        if before == nil { item.id = String(numberOfNextEvent(state)) }
        var event = Event.returned(.unitReturned, unit, to: unit.state.returned(as: item), before, item)
        event.after?.worker = person?.login ?? unit.state.worker
        record(event)
        putOnBench(item)
        session.lastSerial = unit.serial
        session.step = Session.Step(
            event: 0, at: moment, effect: .item(id: item.id, before: before, unit: unit.state))
        guard let other = found.order == order ? item.otherOrder : found.order else {
            return "\(unit.serial) came back from \(order). It is in the repacking queue." + noteOfHold(unit.state)
        }
        let isNamed = isShown(unit.team)
        warning = "other_order" + (isNamed ? ":\(other)" : "")
        let (name, desk) = isNamed ? (other, "who handles \(other)") : ("another order", "the returns desk")
        return
            (found.order == order
            ? "\(unit.serial) came back, but was delivered under \(name), not under \(order). "
                + "It is in the repacking queue; tell \(desk)."
            : "\(unit.serial) came back, but is announced from \(name), not from \(order). "
                + "It was received there; tell \(desk).") + noteOfHold(unit.state)
    }

    /// Goods without serials, by product code or GTIN, as many as `TRV:QTY` said. Less than was announced leaves the
    /// rest announced; more is taken if it can come back, too.
    mutating func decide(returned product: Product, _ quantity: Int, in state: inout State) throws(Stop) -> String {
        let order = try orderOfReturns()
        let announcements = state.announcements(of: product.code, fromOrder: order)
        let announced =
            announcements.first { $0.quantity == quantity } ?? announcements.max { $0.quantity < $1.quantity }
        let more = quantity - (announced?.quantity ?? 0)
        if more > 0 {
            do throws(Refusal) {
                try state.checkCanComeBack(
                    .init(product: product.code, quantity: more), underOrder: order, isTold: isShown(nil))
            } catch {
                if announcements.count > 1 {
                    let parts = announcements.map { String($0.quantity) }.joined(separator: " and ")
                    throw Stop(
                        reason: .notDelivered,
                        message: isShown(nil)
                            ? "\(product.code) is announced as \(parts): scan each of these numbers by itself."
                            : "\(product.code) is announced in parts: scan each of them by itself.")
                }
                let known = announced.map { isShown(nil) ? "\($0.quantity) are announced; beside them " : "" } ?? ""
                throw Stop(reason: .notDelivered, message: known.isEmpty ? error.sentence : known + error.message + ".")
            }
        }
        var found = returnOf(announced, order, in: &state)
        let goods = ReturnLot.Goods(product: product.code, quantity: quantity)
        let before = more < 0 ? nil : announced
        var item = before ?? state.newItem(of: goods, in: found, "", at)
        (item.arrivedAt, item.quantity) = (at, quantity)
        if var rest = announced, more < 0 {
            (item.isExpected, item.partOf, item.reason, item.condition) = (true, rest.id, rest.reason, rest.condition)
            rest.quantity -= quantity
            record(.returnItem(.returnItemExpected, announced, rest))
        }
        describe(&item, in: found)
        arrive(&found, item, in: &state)
        if before == nil { item.id = String(numberOfNextEvent(state)) }
        record(.returnItem(.stockReturned, before, item))
        putOnBench(item)
        session.step = Session.Step(event: 0, at: moment, effect: .item(id: item.id, before: before, unit: nil))
        return "\(quantity) \(product.code) came back from \(order). They are in the repacking queue."
            + (more < 0 && isShown(nil) ? " \(-more) more are announced." : "")
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

    /// The return that something comes into: the one that announces it; else an open one of the order, and of the kind
    /// that was scanned, of which something is here; else one that is still to be made.
    private func returnOf(_ announced: ReturnItem?, _ order: String, in state: inout State) -> CustomerReturn {
        if let announced, let found = state.customerReturn(announced.customerReturn) { return found }
        let kind = session.returning?.kind
        let here = state.returns(ofOrder: order).last { $0.isOpen && !$0.isExpected && (kind ?? $0.kind) == $0.kind }
        if let here { return here }
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
        var event = Event.customerReturn(.returnCreated, before, found, others + [item], lines: [.init(item)])
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
        (serial, product) = (item.serial, item.product)
        return item
    }

    mutating func passReturned(in state: inout State) throws(Stop) -> String {
        let item = try itemOnBench(&state)
        let (name, rest) = try process(item, .ready, nil, in: &state)
        let place = item.condition.flatMap { state.plant.settings.returnLocations[$0.rawValue] }
        return "\(name): into stock\(place.map { ", at \($0)" } ?? "").\(rest)"
    }

    mutating func scrapReturned(_ type: String, in state: inout State) throws(Stop) -> String {
        try require(.handleReturns, for: "TRV:SCRAP")
        let item = try itemOnBench(&state)
        guard let known = state.plant.defectTypes[type], !known.retired else {
            throw Stop(
                reason: .unknownDefectType, message: "There is no defect type \(type). Use one from the control sheet.",
                serial: item.serial)
        }
        let (name, rest) = try process(item, .writeOff, type, in: &state)
        return "\(name): written off (\(type)). Put \(item.serial == nil ? "them" : "it") into the scrap bin.\(rest)"
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
        session.step = Session.Step(event: 0, at: moment, effect: .unit(serial: unit.serial, before: unit.state))
        return isHeld ? "\(unit.serial) is on hold. Set it aside." : "\(unit.serial) is released and on the bench."
    }

    /// Returns what left the queue, and what is left of it on the bench.
    private mutating func process(
        _ item: ReturnItem, _ action: RepackingAction, _ type: String?, in state: inout State
    ) throws(Stop) -> (name: String, rest: String) {
        let unit = state.unit(of: item)
        let after: ReturnItem
        var count = item.open
        if item.serial == nil {
            count = session.quantity ?? count
            session.quantity = nil
        }
        do throws(Refusal) {
            let actor = person.map { Actor.person($0) } ?? .device(station.name)
            var event: Event
            (event, after) = try state.processed(item, action, count, .scrap, actor)
            event.details.defectType = type
            record(event)
        } catch {
            let reason: Reason =
                switch error.kind {
                case .rule(.onHold): .onHold
                case .rule(.exceedsRemaining): .insufficientStock
                // It has to go another way.
                default: .isReturned
                }
            throw Stop(reason: reason, message: error.message + ".", serial: item.serial, next: unit?.state.next)
        }
        if after.open == 0 { session.clearBench() }
        session.lastSerial = item.serial ?? session.lastSerial
        session.step = Session.Step(
            event: 0, at: moment, effect: .item(id: item.id, before: item, unit: unit?.state))
        let rest = after.open == 0 ? "" : " \(after.open) \(after.open == 1 ? "is" : "are") left on the bench."
        return (item.serial ?? "\(count) \(item.product)", rest)
    }

    // MARK: Undo

    mutating func undoItem(
        _ step: Session.Step, _ id: String, _ prior: ReturnItem?, _ state: UnitState?, in all: inout State
    ) throws(Stop) -> String {
        guard let item = all.returnItem(id), item.lastEvent == step.event,
            let found = all.customerReturn(item.customerReturn), found.isOpen
        else {
            throw Stop(reason: .nothingToUndo, message: "What was done here last was worked on since; it stays.")
        }
        let others = all.tally(ofReturn: found.id, except: id)
        guard prior?.arrivedAt != nil || found.status == .created || others.arrived > 0 else {
            throw Stop(
                reason: .nothingToUndo,
                message: "The inspection of \(item.name) was started; it stays. Tell the returns desk.")
        }
        var prior = prior
        if prior == nil, let rest = item.partOf.flatMap({ all.returnItem($0) }) {
            // A part of what was announced: that is announced whole again, or if the rest came since, this part is.
            var announced = rest.status == .expected ? rest : item
            if rest.status == .expected {
                announced.quantity += item.quantity
                var event = Event.returnItem(.returnItemExpected, rest, announced)
                event.undoes = step.event
                record(event)
            } else {
                (announced.arrivedAt, announced.condition) = (nil, rest.condition)
                prior = announced
            }
        }
        if prior == nil, others.items == 0 {
            do throws(Refusal) {
                try all.checkNothingWasSent(for: found)
            } catch {
                let why = isShown(item.team) ? error.sentence : "Something was sent in exchange for it, so it stays."
                throw Stop(reason: .nothingToUndo, message: why + " Tell the returns desk.")
            }
        }
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
            product = item.product
        }
        if prior == nil, others.items == 0 {
            record(.customerReturn(.returnUndone, found, nil, []))
        } else if prior?.arrivedAt == nil, !found.isExpected, others.arrived == 0 {
            var announced = found
            announced.isExpected = others.items > 0 || prior != nil
            let rest = all.items(ofReturn: found.id).filter { $0.id != id }
            record(.customerReturn(.returnUndone, found, announced, rest))
        }
        session.clearBench()
        return "Taken back. \(item.name) \(item.serial == nil ? "are" : "is") as before."
    }
}
