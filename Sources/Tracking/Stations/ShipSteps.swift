// What a ship station does: deliveries opened, filled and closed; and what every station can do: undo.

extension Interlock {
    /// Opens the delivery of what is sent for an exchange, under the order that the goods came back from.
    mutating func open(replacementOf id: String, in state: inout State) throws(Stop) -> String {
        let found: CustomerReturn
        do throws(Refusal) {
            found = try state.exchange(id, terminal.map { .person($0) } ?? .device(station.name))
        } catch {
            throw Stop(reason: .unknownCode, message: error.sentence)
        }
        return try open(order: found.order, replacing: found, in: &state)
    }

    mutating func open(
        order number: String, replacing found: CustomerReturn? = nil, in state: inout State
    ) throws(Stop) -> String {
        func name(_ order: String, _ customerReturn: String?) -> String {
            "the delivery for \(order)" + (customerReturn.map { " in exchange for return \($0)" } ?? "")
        }
        let wanted = name(number, found?.id)
        if let id = session.delivery, let open = state.delivery(id), !open.isClosed {
            if open.order == number, open.customerReturn == found?.id {
                throw Stop(
                    reason: .alreadyDone, message: "\(wanted.capitalisedFirst) is open here, with \(open.count) items.")
            }
            let name = name(open.order, open.customerReturn).capitalisedFirst
            throw Stop(
                reason: .benchBusy,
                message: "\(name) is still open here. Scan TRV:CLOSE before you open \(wanted).")
        }
        if let open = state.openDelivery(ofOrder: number) {
            guard open.customerReturn == found?.id else {
                // That can be this station, too: its scanner and each terminal have a delivery of their own in hand.
                let name = name(open.order, open.customerReturn).capitalisedFirst
                throw Stop(
                    reason: .benchBusy,
                    message: "\(name) is open at \(open.station ?? "another station"), at its scanner or a terminal. "
                        + "Scan TRV:CLOSE there before you open \(wanted).")
            }
            session.delivery = open.id
            session.forgetFinalStep()
            return "\(wanted.capitalisedFirst) goes on, with \(open.count) items so far."
        }
        if state.workOrder(number) == nil, !state.isOrder(number) { try requireFewTries() }
        do {
            try state.checkOrderNumber(number)
        } catch {
            throw Stop(reason: .unknownCode, message: error.sentence)
        }
        var delivery = Delivery(
            id: String(numberOfNextEvent(state)), order: number, station: station.name, openedAt: at)
        (delivery.customerReturn, delivery.customer) = (found?.id, found?.customer)
        record(.opened(delivery))
        session.delivery = delivery.id
        session.forgetFinalStep()
        return "\(wanted.capitalisedFirst) is open. Scan what goes into it, then TRV:CLOSE."
    }

    func openDelivery(_ state: inout State, _ serial: String? = nil) throws(Stop) -> Delivery {
        guard let id = session.delivery, let delivery = state.delivery(id), !delivery.isClosed else {
            throw Stop(
                reason: .noOpenOrder, message: "No delivery is open. Scan TRV:ORDER:<number> first.", serial: serial)
        }
        return delivery
    }

    /// The open delivery, where it may still be filled: nothing is sent for a return that was cancelled meanwhile.
    func deliveryToFill(_ state: inout State, _ serial: String? = nil) throws(Stop) -> Delivery {
        let delivery = try openDelivery(&state, serial)
        if let id = delivery.customerReturn, state.customerReturn(id)?.status == .cancelled {
            throw Stop(
                reason: .noOpenOrder,
                message: "Return \(id) was cancelled. Scan TRV:CLOSE, then TRV:ORDER:\(delivery.order) if it goes out "
                    + "all the same.", serial: serial)
        }
        return delivery
    }

    mutating func closeDelivery(in state: inout State) throws(Stop) -> String {
        let delivery = try openDelivery(&state)
        var event = Event(.deliveryClosed)
        event.change = .deliveryClosed
        event.details.delivery = delivery.id
        record(event)
        (session.delivery, session.quantity) = (nil, nil)
        session.step = Session.Step(event: 0, at: moment, effect: .final)
        return
            "The delivery for \(delivery.order) is closed with \(delivery.count) \(delivery.count == 1 ? "item" : "items")."
    }

    mutating func ship(_ unit: Unit, in state: inout State) throws(Stop) -> String {
        let delivery = try deliveryToFill(&state)
        try require(.inStock, unit)
        try requireFree(unit)
        record(step(.unitDelivered, unit, to: unit.state.delivered(in: delivery)))
        session.lastSerial = unit.serial
        session.step = Session.Step(event: 0, at: moment, effect: .unit(serial: unit.serial, before: unit.state))
        return "\(unit.serial) goes out under \(delivery.order), item \(delivery.count + 1)."
    }

    /// Unserialised goods, by product code or GTIN.
    mutating func decide(product: Product?, code: String, in state: inout State) throws(Stop) -> String {
        // It was for this scan, whatever comes of it.
        let quantity = session.quantity ?? 1
        session.quantity = nil
        guard let product, !product.retired else {
            throw Stop(reason: .unknownCode, message: "There is no product \(code). Check the label.")
        }
        self.product = product.code
        switch station.mode {
        case .returns: return try decide(returned: product, quantity, in: &state)
        case .label: return try produce(product, quantity, in: &state)
        case .lookup: return lookUp(product, in: &state)
        case .ship: break
        case .pass, .verdict:
            throw Stop(reason: .unknownCode, message: "\(product.code) is a product. Scan the serial of the unit.")
        }
        let delivery = try deliveryToFill(&state)
        do throws(Refusal) {
            try state.checkStock(product.code, quantity, isTold: terminal?.seesBalances ?? true)
        } catch {
            throw Stop(reason: .insufficientStock, message: error.sentence)
        }
        record(.shipped(product.code, quantity, delivery.id))
        session.step = Session.Step(
            event: 0, at: moment, effect: .stock(product: product.code, quantity: quantity, delivery: delivery.id))
        return "\(quantity) \(product.code) go out under \(delivery.order)."
    }

    private func lookUp(_ product: Product, in state: inout State) -> String {
        guard let counts = state.counts(of: product, after: [], for: terminal) else {
            return "\(product.code): \(product.name)."
        }
        return
            "\(product.code): \(counts.inStock) in stock, \(counts.inProduction) \(product.isMadeByQuantity ? "to make" : "in production"), "
            + "\(counts.inRepacking) in repacking."
    }

    // MARK: Undo

    mutating func undo(in state: inout State) throws(Stop) -> String {
        let limit = Int64(state.plant.settings.undoWithin)
        guard let step = session.step else {
            throw Stop(reason: .nothingToUndo, message: "Nothing was done here that could be taken back.")
        }
        let age = moment.age(of: step.at)
        guard (0...limit).contains(age) else {
            throw Stop(
                reason: .nothingToUndo,
                message: age < 0
                    ? "The clock was set back, so nobody can tell how long ago the last step here was. Ask your team lead."
                    : "The last step here is more than \(duration(limit)) ago. Ask your team lead.")
        }
        let message =
            switch step.effect {
            case .final:
                throw Stop(
                    reason: .nothingToUndo, message: "A registered label and a closed delivery can't be taken back.")
            case .unit(let serial, let before, let opened): try undo(step, serial, before, opened, in: &state)
            case .item(let id, let before, let unit): try undoItem(step, id, before, unit, in: &state)
            case .label(let serial): try undoLabel(step, serial, in: &state)
            case .stock(let product, let quantity, let delivery):
                try undoStock(step, product, quantity, delivery, in: &state)
            case .produced(let product, let quantity, let order):
                try undoProduced(step, product, quantity, order, in: &state)
            }
        session.step = nil
        return message
    }

    private mutating func undo(
        _ step: Session.Step, _ serial: String, _ before: UnitState, _ opened: String?, in state: inout State
    ) throws(Stop) -> String {
        guard let unit = state.unit(serial), unit.lastEvent == step.event else {
            throw Stop(
                reason: .nothingToUndo, message: "\(serial) moved on since; its last step here stays.", serial: serial)
        }
        if let id = unit.state.delivery, state.delivery(id)?.isClosed ?? true {
            throw Stop(reason: .nothingToUndo, message: "\(serial) left in a closed delivery.", serial: serial)
        }
        if unit.state.status == .delivered, state.announcement(ofUnit: serial) != nil {
            throw Stop(
                reason: .nothingToUndo, message: "\(serial) is announced to come back; its last step here stays.",
                serial: serial)
        }
        let found = opened.flatMap { state.defectCase($0) }
        if let found, String(found.lastEvent) != found.id {
            throw Stop(
                reason: .nothingToUndo,
                message: "The defect of \(serial) was worked on since; its last step here stays.", serial: serial)
        }
        var event = Event(.unitUndone, unit: unit, to: before)
        event.undoes = step.event
        record(event)
        if let found {
            var undone = Event.defect(.defectUndone, found, nil)
            undone.unit = serial
            record(undone)
        }
        self.serial = serial
        session.clearBench()
        return "Taken back. \(serial) is again \(before.sentence)"
    }

    private mutating func undoLabel(_ step: Session.Step, _ serial: String, in state: inout State) throws(Stop)
        -> String
    {
        guard let label = state.pendingLabel(serial), !label.voided else {
            throw Stop(reason: .nothingToUndo, message: "The label \(serial) was scanned back since.", serial: serial)
        }
        record(.voided(label, undoes: step.event))
        for event in state.cancelJobs(ofSerial: serial) { record(event) }
        self.serial = serial
        session.lastSerial = nil
        return "Taken back. If \(serial) was printed, destroy the label: its serial is never used again."
    }

    private mutating func undoStock(
        _ step: Session.Step, _ product: String, _ quantity: Int, _ id: String, in state: inout State
    ) throws(Stop) -> String {
        guard let delivery = state.delivery(id), !delivery.isClosed else {
            throw Stop(reason: .nothingToUndo, message: "The delivery is closed.")
        }
        let out = state.delivered(product, underOrder: delivery.order)
        guard out >= quantity else {
            throw Stop(
                reason: .nothingToUndo,
                message:
                    "Some of it came back since, or is announced: \(max(out, 0)) \(product) of \(delivery.order) are "
                    + "still out, not \(quantity). The last step here stays.")
        }
        var event = Event(.stockUndone)
        (event.product, event.change, event.undoes) = (product, .stock(quantity), step.event)
        event.details.delivery = id
        record(event)
        return "Taken back. \(quantity) \(product) are in stock again."
    }
}

extension UnitState {
    func delivered(in delivery: Delivery) -> UnitState {
        var after = self
        (after.status, after.delivery) = (.delivered, delivery.id)
        return after
    }
}

extension Event {
    static func opened(_ delivery: Delivery) -> Event {
        var event = Event(.deliveryOpened)
        event.change = .deliveryOpened(delivery)
        event.details.delivery = delivery.id
        return event
    }

    static func shipped(_ product: String, _ quantity: Int, _ delivery: String) -> Event {
        var event = Event(.stockDelivered)
        (event.product, event.change) = (product, .stock(-quantity))
        event.details.delivery = delivery
        return event
    }

    static func voided(_ label: PendingLabel, undoes: Int64? = nil) -> Event {
        var event = Event(.labelVoided)
        (event.unit, event.product, event.workOrder) = (label.serial, label.product, label.workOrder)
        (event.change, event.undoes) = (.labelVoided, undoes)
        return event
    }
}

extension State {
    /// Refuses an order number that could be taken for something else, unless there is an order or a work order with it.
    mutating func checkOrderNumber(_ number: String) throws(Refusal) {
        if workOrder(number) != nil || isOrder(number) { return }
        guard TextForm.orderNumber.holds(number) else {
            throw Refusal(.invalid, "this can't be an order number; expected \(TextForm.orderNumber.words)")
        }
        try checkNewName(number, "order number")
    }

    /// Cancels the label jobs of a serial that were not printed.
    mutating func cancelJobs(ofSerial serial: String) -> [Event] {
        labelJobs(ofSerial: serial).compactMap { job in
            guard job.status == .queued || job.status == .failed else { return nil }
            var job = job
            (job.status, job.problem) = (.cancelled, nil)
            return .changed(job, .labelCancelled)
        }
    }
}

extension Event {
    /// A label job is as `job` says from now on.
    static func changed(_ job: LabelJob, _ kind: EventKind) -> Event {
        var event = Event(kind)
        (event.unit, event.product, event.team) = (job.serial, job.product, job.team)
        (event.change, event.note) = (.job(job), job.problem)
        return event
    }
}
