import Barcodes

// What people do to stock, deliveries and labels from a terminal, and what printers report.

extension State {
    mutating func adjust(_ code: String, _ change: Int, _ note: String) throws(Refusal) -> Decision {
        guard plant.products[code] != nil else { throw .notFound("product", code) }
        try checkNote(note)
        guard change != 0, Limits.change.contains(change) else {
            throw Refusal(
                .invalid,
                "a change is a whole number other than 0, up to \(Limits.change.upperBound.grouped) either way")
        }
        if change < 0 { try checkStock(code, -change, isTold: true) }
        var event = Event(.stockAdjusted)
        (event.product, event.note, event.change) = (code, note, .stock(change))
        return Decision([event])
    }

    /// Goods without serials were made: they come into stock, and count on their order where one is named.
    mutating func produce(
        _ code: String, _ quantity: Int, _ number: String?, _ note: String?
    ) throws(Refusal) -> Decision {
        guard let product = plant.products[code] else { throw .notFound("product", code) }
        guard !product.retired else { throw Refusal(.invalid, "the product \(code) is no longer made") }
        if let note { try checkNote(note) }
        try checkQuantity(quantity)
        guard product.isMadeByQuantity else {
            throw Refusal(.invalid, "\(code) is made with serials; register its units instead")
        }
        var order: WorkOrder?
        // The right on stock is plant-wide, and so are the orders that it is counted on.
        if let number { order = try openOrder(number, of: code, room: quantity) { _ in true } }
        var event = Event.produced(code, quantity, order)
        event.note = note
        return Decision([event])
    }

    /// Refuses to take more goods without serials than there are, and answers how many are left. How many there are is
    /// told only to those who see balances.
    ///
    /// - Parameter left: how many there are, where some of them are spoken for; nil for the balance.
    @discardableResult
    mutating func checkStock(
        _ code: String, _ quantity: Int, of left: Int? = nil, isTold: Bool
    ) throws(Refusal) -> Int {
        let balance = left ?? card(CardKey(product: code)).unserialised
        guard balance >= quantity else {
            throw Refusal(
                .rule(.insufficientStock),
                "not enough \(code) without serials in stock: \(quantity) asked for"
                    + (isTold ? ", \(balance) there" : "") + "; units go by their serials")
        }
        return balance - quantity
    }

    mutating func adjust(
        _ code: String, _ serials: [String], _ note: String, _ found: Bool?, _ actor: Actor, _ at: Int64
    ) throws(Refusal) -> Decision {
        guard plant.products[code] != nil else { throw .notFound("product", code) }
        try checkList(serials)
        try checkNote(note)
        let known = serials.filter { unit($0) != nil }
        if found == true, let taken = known.first {
            throw Refusal(.conflict, "the serial \(taken) is taken, so it can't have been found as a new unit")
        }
        if found == false, let new = serials.first(where: { unit($0) == nil }) { throw .notFound("unit", new) }
        guard known.isEmpty || known.count == serials.count else {
            throw Refusal(
                .conflict,
                "name serials that are all new (found) or all in stock (missing): \(known.prefix(3).joined(separator: ", ")) exist already"
            )
        }
        if known.isEmpty { return try receive(code, serials, nil, nil, nil, note, actor, at) }
        var events: [Event] = []
        events.reserveCapacity(serials.count + 2)
        for serial in serials {
            guard let unit = unit(serial), unit.product == code, unit.state.status == .inStock else {
                throw Refusal(.conflict, "the serial \(serial) is taken and not a unit of \(code) in stock")
            }
            var event = writtenOff(unit, .lost)
            event.note = note
            events.append(event)
        }
        return Decision(events, serials: serials)
    }

    mutating func deliver(
        _ order: String, _ customer: String?, _ serials: [String], _ items: [(product: String, quantity: Int)],
        _ replacing: String?, _ actor: Actor, _ at: Int64
    ) throws(Refusal) -> Decision {
        try checkOrderNumber(order)
        guard !(serials.isEmpty && items.isEmpty) else {
            throw Refusal(.invalid, "a delivery names serials, items, or both")
        }
        if !serials.isEmpty { try checkList(serials) }
        var delivery = Delivery(id: String(head + 1), order: order, customer: customer, openedAt: at)
        if let replacing {
            let found = try exchange(replacing, actor)
            if let known = found.customer, let customer, customer != known {
                throw Refusal(
                    .invalid, "the return \(replacing) is \(known)'s, not \(customer)'s; leave the customer out")
            }
            (delivery.customerReturn, delivery.customer) = (replacing, customer ?? found.customer)
        }
        var events = [Event.opened(delivery)]
        events.reserveCapacity(serials.count + items.count + 2)
        for serial in serials {
            let unit = try visibleUnit(serial, actor)
            guard unit.state.status == .inStock else { throw .status(unit, "delivered") }
            if unit.state.onHold { throw Refusal(.rule(.onHold), "\(serial) is on hold; release it first") }
            var after = unit.state.delivered(in: delivery)
            after.worker = actor.login ?? after.worker
            events.append(Event(.unitDelivered, unit: unit, to: after))
        }
        var left: [String: Int] = [:]
        for (code, quantity) in items {
            guard plant.products[code] != nil else { throw Refusal(.invalid, "there is no product \(code.shown)") }
            try checkQuantity(quantity)
            left[code] = try checkStock(code, quantity, of: left[code], isTold: seesBalances(actor))
            events.append(.shipped(code, quantity, delivery.id))
        }
        var closed = Event(.deliveryClosed)
        closed.change = .deliveryClosed
        closed.details.delivery = delivery.id
        return Decision(events + [closed], serials: serials, created: delivery.id)
    }

    /// The exchange that a delivery names, if the actor sees it.
    mutating func exchange(_ id: String, _ actor: Actor) throws(Refusal) -> CustomerReturn {
        guard let found = customerReturn(id) else { throw .notFound("return", id) }
        if case .person(let access) = actor {
            let handlers = handlers(of: id)
            guard items(ofReturn: id).contains(where: { access.sees($0, handlers: handlers) }) else {
                throw .notFound("return", id)
            }
        }
        guard found.kind == .exchange else {
            throw Refusal(.rule(.wrongStatus), "the return \(id) is no exchange; nothing is sent for it")
        }
        guard found.status != .cancelled else {
            throw Refusal(.rule(.wrongStatus), "the return \(id) was cancelled; nothing is sent for it")
        }
        return found
    }

    // MARK: Labels

    mutating func printLabel(
        _ serial: String, _ name: String?, _ actor: Actor, _ at: Int64
    ) throws(Refusal) -> Decision {
        let unit = try visibleUnit(serial, actor)
        let printer: String
        if let name {
            printer = try self.printer(at: name, actor)
        } else if let before = labelJobs(ofSerial: serial).last?.printer ?? labelPrinter(ofTeam: unit.team, actor) {
            printer = before
        } else {
            throw Refusal(.rule(.notHere), "no label station of yours has a printer; name a station that has one")
        }
        let event = Event.queued(
            serial, unit.product, unit.team, printer, copy: labelCount(serial), id: head + 1, at: at)
        return Decision([event], serials: [serial], created: String(head + 1))
    }

    /// The printer of the first label station, those of the unit's own team before others.
    private func labelPrinter(ofTeam team: String?, _ actor: Actor) -> String? {
        let stations = plant.stations.values.filter { station in
            guard station.mode == .label, !station.retired, !station.printers.isEmpty else { return false }
            guard case .person(let access) = actor else { return true }
            return access.sees(team: station.team, in: plant)
        }
        return stations.min { ($0.team == team ? 0 : 1, $0.name) < ($1.team == team ? 0 : 1, $1.name) }?.printers.first
    }

    private func printer(at name: String, _ actor: Actor) throws(Refusal) -> String {
        guard let station = plant.stations[name], !station.retired else { throw .notFound("station", name) }
        if case .person(let access) = actor, !access.sees(team: station.team, in: plant) {
            throw .notFound("station", name)
        }
        guard let printer = station.printers.first else {
            throw Refusal(.rule(.notHere), "\(name) has no printer; name a station that has one")
        }
        return printer
    }

    private mutating func visibleJob(_ id: Int64, _ actor: Actor) throws(Refusal) -> LabelJob {
        guard let job = labelJob(id) else { throw .notFound("label job", String(id)) }
        if case .person(let access) = actor, !access.sees(team: job.team, in: plant) {
            throw .notFound("label job", String(id))
        }
        return job
    }

    mutating func retryLabel(_ id: Int64, _ actor: Actor) throws(Refusal) -> Decision {
        var job = try visibleJob(id, actor)
        guard job.status == .failed || job.status == .queued || job.status == .cancelled else {
            throw Refusal(
                .rule(.alreadyDone), "the label job \(id) is \(job.status.rawValue); print the label again instead")
        }
        if pendingLabel(job.serial)?.voided == true {
            throw Refusal(.rule(.isWrittenOff), "the serial \(job.serial) was taken back and is never used again")
        }
        (job.status, job.problem) = (.queued, nil)
        return Decision([.changed(job, .labelQueued)], created: String(id))
    }

    mutating func cancelLabel(_ id: Int64, _ actor: Actor) throws(Refusal) -> Decision {
        var job = try visibleJob(id, actor)
        guard job.status == .failed || job.status == .queued else {
            throw Refusal(.rule(.alreadyDone), "the label job \(id) is \(job.status.rawValue)")
        }
        (job.status, job.problem) = (.cancelled, nil)
        return Decision([.changed(job, .labelCancelled)], created: String(id))
    }

    /// What a printer reported; nothing for a job that was cancelled meanwhile, or that says what is known.
    mutating func reportLabel(
        _ id: Int64, _ status: LabelJobStatus, _ problem: String?, _ mayBeDouble: Bool
    ) -> Decision {
        guard let before = labelJob(id), before.status == .queued || before.status == .sent else { return Decision() }
        var job = before
        if status == .sent && before.status != .sent { job.attempts += 1 }
        (job.status, job.problem) = (status, problem)
        if mayBeDouble { job.mayBeDouble = true }
        guard job != before else { return Decision() }
        let kind: EventKind =
            switch status {
            case .queued: .labelWaiting
            case .sent: .labelSent
            case .printed: .labelPrinted
            case .failed: .labelFailed
            case .cancelled: .labelCancelled
            }
        return Decision([.changed(job, kind)])
    }
}
