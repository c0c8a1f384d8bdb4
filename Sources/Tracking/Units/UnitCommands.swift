import Barcodes

// What people do to units from a terminal.

extension State {
    mutating func register(
        _ code: String, _ serials: [String], _ number: String?, _ actor: Actor, _ at: Int64
    ) throws(Refusal) -> Decision {
        _ = try activeProduct(code)
        try checkList(serials)
        var order: WorkOrder?
        if let number {
            order = try openOrder(number, of: code, room: serials.count) { [plant] in $0.isSeen(by: actor, in: plant) }
        } else if case .person(let access) = actor, access.scope != .all {
            throw Refusal(.invalid, "a work order of your team is required: units without one belong to no team")
        }
        var events: [Event] = []
        events.reserveCapacity(serials.count + 2)
        for serial in serials {
            try checkNewSerial(serial, of: code)
            guard let unit = newUnit(serial, code, order: order, at: at) else {
                throw Refusal(.rule(.noRouting), "\(code) has no routing; receive its units instead")
            }
            events.append(.first(.unitRegistered, unit, actor))
        }
        return Decision(events, serials: serials)
    }

    /// The order under which so many more of a product are made, if it is seen.
    mutating func openOrder(
        _ number: String, of code: String, room: Int, isSeen: (WorkOrder) -> Bool
    ) throws(Refusal) -> WorkOrder {
        guard let known = workOrder(number), isSeen(known) else { throw .notFound("work order", number) }
        guard known.product == code else {
            throw Refusal(.invalid, "the work order \(number) makes \(known.product), not \(code)")
        }
        guard known.isOpen else {
            throw Refusal(
                .rule(.workOrderNotOpen),
                "the work order \(number) is \(known.status.rawValue); "
                    + (known.status == .planned ? "release it first" : "use another one"))
        }
        guard known.room >= room else {
            throw Refusal(
                .rule(.workOrderFull),
                "the work order \(number) has room for \(max(known.room, 0)) more units, not \(room)")
        }
        return known
    }

    mutating func receive(
        _ code: String, _ serials: [String], _ supplier: String?, _ cost: Money?, _ replaces: String?, _ note: String,
        _ actor: Actor, _ at: Int64
    ) throws(Refusal) -> Decision {
        _ = try activeProduct(code)
        try checkList(serials)
        try checkNote(note)
        try checkSupplier(supplier)
        var events: [Event] = []
        events.reserveCapacity(serials.count + 2)
        for serial in serials {
            try checkNewSerial(serial, of: code)
            events.append(.received(serial, code, supplier, cost, note, actor))
        }
        if let replaces {
            guard serials.count == 1 else {
                throw Refusal(.invalid, "one unit replaces \(replaces), not \(serials.count); receive it by itself")
            }
            events[0].details.replaces = replaces
            let (found, gone) = try replaced(replaces, by: serials[0], note, actor, at)
            guard found.product == code else {
                throw Refusal(
                    .invalid,
                    "a \(code) does not replace \(replaces), which is a \(found.product); receive it by itself, and write "
                        + "\(replaces) off")
            }
            events[0].details.supplier = supplier ?? found.supplier
            events += gone
        }
        return Decision(events, serials: serials)
    }

    mutating func setHold(_ serial: String, _ hold: Bool, _ note: String, _ actor: Actor) throws(Refusal) -> Decision {
        try checkNote(note)
        let unit = try visibleUnit(serial, actor)
        guard unit.state.status != .writtenOff, unit.state.status != .split else {
            throw Refusal(
                .rule(unit.state.status == .split ? .isInstalled : .isWrittenOff), "\(serial) is gone for good")
        }
        guard unit.state.onHold != hold else {
            throw Refusal(.rule(hold ? .onHold : .alreadyDone), "\(serial) is \(hold ? "already" : "not") on hold")
        }
        var after = unit.state
        after.onHold = hold
        var event = Event(hold ? .unitHeld : .unitReleased, unit: unit, to: after)
        event.note = note
        return Decision([event], serials: [serial])
    }

    mutating func assign(_ serial: String, _ login: String?, _ actor: Actor) throws(Refusal) -> Decision {
        let unit = try visibleUnit(serial, actor)
        if let login {
            guard let person = plant.people[login], !person.retired, reaches(person, actor) else {
                throw Refusal(.invalid, "there is no \(login.shown) to assign units to")
            }
        }
        var after = unit.state
        after.assignee = login
        return Decision([Event(.unitAssigned, unit: unit, to: after)], serials: [serial])
    }

    /// A lead assigns to people of their own teams only.
    private func reaches(_ person: Person, _ actor: Actor) -> Bool {
        guard case .person(let access) = actor else { return true }
        return access.isAdmin || person.login == access.login || access.sees(team: person.team, in: plant)
    }

    mutating func markDefect(
        _ serial: String, _ disposition: Disposition, _ type: String?, _ stage: String?, _ note: String,
        _ actor: Actor, _ at: Int64
    ) throws(Refusal) -> Decision {
        try checkNote(note)
        var unit = try visibleUnit(serial, actor)
        if let type { try checkType(type) }
        guard (disposition == .rework) == (stage != nil) else {
            throw Refusal(
                .invalid,
                stage == nil ? "rework asks for to_stage: the stage to go back to" : "to_stage goes with rework only")
        }
        var events: [Event] = []
        var opened: DefectCase?
        if unit.state.status != .defect {
            // The case is opened by the last event, so that its first snapshot says what became of the unit.
            let id = String(head + (disposition == .pending ? 2 : 3))
            let report = DefectReport(
                findings: type.map { [.init(type: $0, quantity: 1)] } ?? [], reason: type == nil ? note : nil,
                note: type == nil ? nil : note)
            opened = newCase(id, [unit], report, at, by: actor.login)
            var after = try unit.defective(in: id)
            after.worker = actor.login ?? after.worker
            var event = Event(.unitDefect, unit: unit, to: after)
            (event.details.defectType, event.note) = (type, note)
            events.append(event)
            unit.state = after
        } else if disposition == .pending {
            throw .isDefectAlready(unit)
        }
        let id = opened == nil ? unit.state.defectCase : nil
        switch disposition {
        case .pending: break
        case .scrap:
            events.append(writtenOff(unit, .scrap, type: type))
            opened?.book(.writtenOff, 1, at: at)
            if let left = leave(id, .writtenOff, 1, .defectWrittenOff, at) { events.append(left) }
        case .rework:
            if unit.state.onHold { throw Refusal(.rule(.onHold), "\(serial) is on hold; release it first") }
            if let id, let found = defectCase(id) { try checkIsHere(found, serial) }
            events.append(try rework(unit, to: stage ?? ""))
            opened?.book(.reworked, 1, at: at)
            if let left = leave(id, .reworked, 1, .defectReworked, at) { events.append(left) }
        }
        if let opened { events.append(.defect(.defectOpened, nil, opened)) }
        for index in events.indices where events[index].kind != .unitDefect {
            events[index].note = note
            events[index].unit = serial
            if events[index].after != nil { events[index].details.defectType = type }
        }
        return Decision(events, serials: [serial], created: opened?.id)
    }

    mutating func writeOff(
        _ serial: String, _ reason: WriteOffReason, _ price: Money?, _ note: String, _ actor: Actor, _ at: Int64
    ) throws(Refusal) -> Decision {
        let unit = try visibleUnit(serial, actor)
        switch unit.state.status {
        case .inProduction, .inStock, .returned, .defect: break
        default: throw .status(unit, "written off")
        }
        try checkNote(note)
        try checkPrice(price, reason)
        var events = [writtenOff(unit, reason)]
        events[0].after?.worker = actor.login ?? unit.state.worker
        events[0].details.price = price
        if let left = leave(unit.state.defectCase, .writtenOff, 1, .defectWrittenOff, at) { events.append(left) }
        for index in events.indices { (events[index].unit, events[index].note) = (serial, note) }
        return Decision(events, serials: [serial])
    }
}

extension Event {
    static func first(_ kind: EventKind, _ unit: Unit, _ actor: Actor) -> Event {
        var event = Event(kind, unit: unit, to: unit.state)
        event.before = nil
        event.after?.worker = actor.login
        return event
    }

    static func received(
        _ serial: String, _ product: String, _ supplier: String?, _ cost: Money?, _ note: String, _ actor: Actor
    ) -> Event {
        var event = Event(.unitReceived)
        (event.unit, event.product, event.note) = (serial, product, note)
        (event.details.supplier, event.details.cost) = (supplier, cost)
        var state = UnitState(status: .inStock)
        (state.wasInStock, state.worker) = (true, actor.login)
        event.after = state
        return event
    }
}

extension Refusal {
    /// The unit can't be marked twice.
    static func isDefectAlready(_ unit: Unit) -> Refusal {
        let place = unit.state.defectCase.map { ", in case \($0)" } ?? ""
        return Refusal(.rule(.isDefect), "\(unit.serial) is defective already\(place)")
    }

    /// The unit's status does not allow what was asked.
    static func status(_ unit: Unit, _ what: String) -> Refusal {
        let reason: Reason =
            switch unit.state.status {
            case .inProduction: .wrongStage
            case .inStock: .notHere
            case .delivered: .isDelivered
            case .returned: .isReturned
            case .defect: .isDefect
            case .installed, .split: .isInstalled
            case .writtenOff: .isWrittenOff
            }
        return Refusal(.rule(reason), "\(unit.serial) can't be \(what): it is \(unit.state.sentence)")
    }
}

extension WorkOrder {
    fileprivate func isSeen(by actor: Actor, in plant: Plant) -> Bool {
        guard case .person(let access) = actor else { return true }
        return access.sees(team: team, in: plant)
    }
}
