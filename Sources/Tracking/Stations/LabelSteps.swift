import Barcodes

// What a label station does: serials made and printed, labels scanned back, labels again.

extension Interlock {
    mutating func take(workOrder number: String, in state: inout State) throws(Stop) -> String {
        guard let order = state.workOrder(number) else {
            throw Stop(reason: .workOrderNotOpen, message: "There is no work order \(number). Check the sheet.")
        }
        try requireOpen(order)
        session.workOrder = number
        session.quantity = nil
        let next =
            state.plant.products[order.product]?.isMadeByQuantity == true
            ? " Scan TRV:QTY:<n> for what is made, then the product." : ""
        return "Working on \(number): \(max(order.room, 0)) of \(order.quantity) \(order.product) to go.\(next)"
    }

    private func requireOpen(_ order: WorkOrder, _ serial: String? = nil) throws(Stop) {
        guard order.isOpen else {
            throw Stop(
                reason: .workOrderNotOpen,
                message: "Work order \(order.number) is \(order.status.rawValue). "
                    + (order.status == .planned ? "Ask an admin to release it." : "Use another work order."),
                serial: serial)
        }
    }

    private func openOrder(in state: inout State, _ serial: String? = nil) throws(Stop) -> WorkOrder {
        guard let number = session.workOrder, let order = state.workOrder(number) else {
            throw Stop(
                reason: .noOpenOrder, message: "No work order is open. Scan TRV:WO:<number> first.", serial: serial)
        }
        try requireOpen(order, serial)
        guard order.room > 0 else {
            throw Stop(
                reason: .workOrderFull,
                message: "Work order \(number) has all its \(order.quantity) units. Scan the next order.",
                serial: serial)
        }
        return order
    }

    private func isMadeByQuantity(_ order: WorkOrder) -> Stop {
        Stop(
            reason: .serialRule,
            message: "\(order.product) of \(order.number) has no serials. "
                + "Scan TRV:QTY:<n> for how many are made, then the product's code.")
    }

    /// Goods without serials are made: they come into stock, and count on the open order.
    mutating func produce(_ product: Product, _ quantity: Int, in state: inout State) throws(Stop) -> String {
        let order = try openOrder(in: &state)
        guard product.code == order.product else {
            throw Stop(
                reason: .notHere,
                message:
                    "\(order.number) makes \(order.product), not \(product.code). Scan TRV:WO:<number> of its order.")
        }
        guard product.isMadeByQuantity else {
            throw Stop(reason: .unknownCode, message: "\(product.code) is a product. Scan the serial of the unit.")
        }
        guard quantity <= order.room else {
            throw Stop(
                reason: .workOrderFull,
                message: "\(order.number) has \(order.room) \(product.code) to go, not \(quantity). Count them again.")
        }
        let event = Event.produced(product.code, quantity, order)
        record(event)
        session.step = Session.Step(
            event: 0, at: moment,
            effect: .produced(product: product.code, quantity: quantity, workOrder: order.number))
        return "\(quantity) \(product.code) came into stock. \(order.number) has \(order.room - quantity) to go."
    }

    mutating func undoProduced(
        _ step: Session.Step, _ product: String, _ quantity: Int, _ number: String, in state: inout State
    ) throws(Stop) -> String {
        guard let order = state.workOrder(number), order.isOpen else {
            throw Stop(reason: .nothingToUndo, message: "The work order \(number) was closed; what was made stays.")
        }
        let there = state.card(CardKey(product: product)).unserialised
        guard there >= quantity else {
            throw Stop(
                reason: .nothingToUndo, message: "Some of the \(product) left stock since; the last step here stays.")
        }
        var event = Event.produced(product, -quantity, order)
        (event.kind, event.undoes) = (.stockUndone, step.event)
        record(event)
        self.product = product
        return "Taken back. \(order.number) has \(order.room + quantity) \(product) to go again."
    }

    mutating func makeLabel(in state: inout State) throws(Stop) -> String {
        let order = try openOrder(in: &state)
        if state.plant.products[order.product]?.isMadeByQuantity == true { throw isMadeByQuantity(order) }
        guard let product = state.plant.products[order.product], case .pattern(let text, let per)? = product.serial
        else {
            throw Stop(
                reason: .serialRule,
                message: "\(order.product) brings its own serials. Scan one instead of TRV:NEW.")
        }
        guard !product.retired else {
            throw Stop(
                reason: .workOrderNotOpen,
                message: "\(product.code) is no longer made. Ask an admin what to do with \(order.number).")
        }
        let label = try nextSerial(text, per, order, in: &state)
        var event = Event(.labelReserved)
        (event.unit, event.product) = (label.serial, label.product)
        (event.team, event.workOrder) = (order.team, order.number)
        event.change = .labelReserved(label)
        record(event)
        (serial, session.lastSerial) = (label.serial, label.serial)
        session.step = Session.Step(event: 0, at: moment, effect: .label(serial: label.serial))
        guard queueJob(label.serial, label.product, order.team, copy: 0, state) else {
            return
                "\(label.serial) is reserved, but \(station.name) has no printer. Print its label elsewhere, then scan it."
        }
        return "\(label.serial): stick the label on and scan it."
    }

    private func nextSerial(
        _ text: String, _ per: String, _ order: WorkOrder, in state: inout State
    ) throws(Stop) -> PendingLabel {
        do {
            guard let period = SerialPattern.Period(rawValue: per) else {
                throw Refusal(.invalid, "there is no counting per \(per)")
            }
            let pattern = try SerialPattern(text, per: period)
            let date = state.localDate(at)
            let key = pattern.counterKey(product: order.product, order: order.number, date: date)
            var counter = state.counter(key)
            var misread = 0
            while true {
                counter += 1
                let serial = try pattern.serial(
                    product: order.product, order: order.number, date: date, counter: counter)
                // Some counts of a pattern may look like a GTIN; where all of them do, there is no end to it.
                if let misreading = Name.misreading(of: serial) {
                    misread += 1
                    if misread < 100 { continue }
                    throw Refusal(.invalid, "a scan of \(serial) would be read \(misreading)")
                }
                // What is the name of something already, or was voided before, is passed over.
                if state.owner(of: serial) == nil {
                    return PendingLabel(
                        serial: serial, product: order.product, workOrder: order.number, station: station.name,
                        counterKey: key, counter: counter)
                }
            }
        } catch {
            throw Stop(
                reason: .serialRule,
                message:
                    "No serial can be made for \(order.product): \((error as? Refusal)?.message ?? "\(error)"). Ask an admin."
            )
        }
    }

    /// Queues a label at the station's first printer, or warns that it has none.
    private mutating func queueJob(
        _ serial: String, _ product: String, _ team: String?, copy: Int, _ state: State
    ) -> Bool {
        guard let printer = station.printers.first else {
            warning = "no_printer"
            return false
        }
        record(.queued(serial, product, team, printer, copy: copy, id: numberOfNextEvent(state), at: at))
        return true
    }

    /// Whether a name is free tells, of a badge, that it is one: only so many are tried at a terminal within a minute.
    func requireFewTries() throws(Stop) {
        guard scan.takesBadges else {
            throw Stop(
                reason: .notPermitted,
                message: "Too many codes were tried here that are nobody's. Wait a minute, then scan it again.")
        }
    }

    /// A label was scanned: the unit exists from now on.
    mutating func scanBack(
        _ serial: String, of product: CodedItem.Product?, in state: inout State
    ) throws(Stop) -> String {
        if let unit = state.unit(serial) {
            try requireLabel(product, of: unit, state)
            throw Stop(
                reason: .alreadyDone, message: "\(serial) is registered already: \(unit.state.sentence)",
                serial: serial, next: unit.state.next)
        }
        let order: WorkOrder
        if let label = state.pendingLabel(serial) {
            guard !label.voided, let known = state.workOrder(label.workOrder) else {
                throw Stop(
                    reason: .unknownSerial, message: "The label \(serial) was taken back. Destroy it.", serial: serial)
            }
            try requireOpen(known, serial)
            order = known
        } else {
            order = try openOrder(in: &state)
            if state.plant.products[order.product]?.isMadeByQuantity == true { throw isMadeByQuantity(order) }
            if case .pattern? = state.plant.products[order.product]?.serial, state.plant.product(named: serial) == nil {
                throw Stop(
                    reason: .unknownSerial,
                    message: "No label \(serial) was made here. Scan TRV:NEW for the next one of \(order.number).")
            }
            try requireFewTries()
            do {
                try state.checkNewSerial(serial, of: order.product)
            } catch {
                throw Stop(reason: error.kind == .conflict ? .unknownSerial : .serialRule, message: error.sentence)
            }
        }
        try requireLabel(product, toName: order.product, "\(order.number) makes \(order.product)", state)
        guard let unit = state.newUnit(serial, order.product, order: order, at: at) else {
            throw Stop(reason: .notHere, message: "\(order.product) has no routing. Ask an admin.", serial: serial)
        }
        var event = Event(.unitRegistered, unit: unit, to: unit.state)
        event.before = nil
        event.after?.worker = person?.login
        record(event)
        (self.serial, session.lastSerial) = (serial, serial)
        session.step = Session.Step(event: 0, at: moment, effect: .final)
        return "\(serial) is registered. Next: \(unit.state.stage ?? "-")."
    }

    mutating func reprint(in state: inout State) throws(Stop) -> String {
        guard let serial = session.bench ?? session.lastSerial else {
            throw Stop(
                reason: .benchEmpty,
                message:
                    "No unit is in hand here: the label is that of the unit on the bench, or of the last that counted.")
        }
        let unit = state.unit(serial)
        let label = state.pendingLabel(serial).flatMap { $0.voided ? nil : $0 }
        guard let product = unit?.product ?? label?.product else {
            throw Stop(
                reason: .unknownSerial, message: "The label \(serial) was taken back. Destroy it.", serial: serial)
        }
        let copy = state.labelCount(serial)
        guard queueJob(serial, product, unit?.team, copy: copy, state) else {
            throw Stop(
                reason: .notHere, message: "\(station.name) has no printer. Print the label at a label station.",
                serial: serial)
        }
        self.serial = serial
        return copy == 0
            ? "The label of \(serial) is printed." : "The label of \(serial) is printed again, as copy \(copy)."
    }
}

extension Event {
    /// Goods without serials were made.
    static func produced(_ product: String, _ quantity: Int, _ order: WorkOrder?) -> Event {
        var event = Event(.stockProduced)
        (event.product, event.change) = (product, .stock(quantity))
        (event.team, event.workOrder) = (order?.team, order?.number)
        return event
    }

    /// A label waits for its printer.
    static func queued(
        _ serial: String, _ product: String, _ team: String?, _ printer: String, copy: Int, id: Int64, at: Int64
    ) -> Event {
        var event = Event(.labelQueued)
        (event.unit, event.product, event.team) = (serial, product, team)
        event.change = .job(
            LabelJob(
                id: id, serial: serial, product: product, team: team, printer: printer, copy: copy, status: .queued,
                createdAt: at))
        return event
    }
}

extension State {
    /// Refuses a given serial that can't become a unit of `product`.
    mutating func checkNewSerial(_ serial: String, of product: String) throws(Refusal) {
        do {
            try Serial.check(serial)
        } catch {
            throw Refusal(.invalid, error.message)
        }
        try checkNewName(serial, "serial")
        if case .external(let expression)? = plant.products[product]?.serial {
            switch matches(serial, expression) {
            case true?: break
            case false?:
                throw Refusal(.rule(.serialRule), "\(serial) is no serial of \(product): it must match \(expression)")
            case nil:
                throw Refusal(
                    .rule(.serialRule),
                    "the rule for serials of \(product), \(expression), can't be used any more; ask an admin to change it"
                )
            }
        }
    }

    /// A unit of `product` at its first stage; nil where the product has no routing.
    func newUnit(_ serial: String, _ product: String, order: WorkOrder?, at: Int64) -> Unit? {
        guard let routing = plant.currentRouting(of: product), let first = plant.stages(routing)?.first else {
            return nil
        }
        var state = UnitState(status: .inProduction)
        (state.stage, state.routing) = (first.name, routing)
        return Unit(
            serial: serial, product: product, workOrder: order?.number, team: order?.team, createdAt: at, updatedAt: at,
            lastEvent: 0, state: state)
    }

    /// How many labels were ever queued for a serial.
    mutating func labelCount(_ serial: String) -> Int { labelJobs(ofSerial: serial).count }

    /// The label jobs of a serial as they are now, oldest first.
    mutating func labelJobs(ofSerial serial: String) -> [LabelJob] {
        var ids = Set(records.labelJobs(ofSerial: serial).map(\.id))
        ids.formUnion(labelJobs.unrecorded.lazy.filter { $0.serial == serial }.map(\.id))
        return ids.sorted().compactMap { labelJob($0) }
    }
}
