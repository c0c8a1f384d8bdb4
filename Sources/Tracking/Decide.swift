import Barcodes

extension State {
    /// Decides a command: answers what happens, or refuses. Changes nothing that the rules know.
    ///
    /// - Parameters:
    ///   - device: the device that read a scan, or `terminal`.
    ///   - moment: when, by both clocks.
    public mutating func decide(
        _ command: Command, by actor: Actor, device: String = "terminal", at moment: Moment
    ) throws(Refusal) -> Decision {
        let at = moment.wall
        if case .person(let access) = actor, !access.may(command.verb) {
            throw Refusal(.notPermitted, access.denial([command.verb]))
        }
        var decision =
            switch command {
            case .scan(let scan): try decide(scan, by: actor, device: device, at: moment)
            case .changePlant(let change, let badges): try changePlant(change, badges)
            case .createWorkOrder(let number, let product, let quantity, let team, let due):
                try createWorkOrder(number, product, quantity, team, due, at)
            case .moveWorkOrder(let number, let status): try moveWorkOrder(number, to: status)
            case .register(let product, let serials, let order): try register(product, serials, order, actor, at)
            case .receive(let product, let serials, let supplier, let cost, let replaces, let note):
                try receive(product, serials, supplier, cost, replaces, note, actor, at)
            case .hold(let serial, let note): try setHold(serial, true, note, actor)
            case .release(let serial, let note): try setHold(serial, false, note, actor)
            case .assign(let serial, let login): try assign(serial, login, actor)
            case .markDefect(let serial, let disposition, let type, let stage, let note):
                try markDefect(serial, disposition, type, stage, note, actor, at)
            case .writeOff(let serial, let reason, let price, let note):
                try writeOff(serial, reason, price, note, actor, at)
            case .openDefect(let lot, let product, let report): try openDefect(lot, product, report, actor, at)
            case .correctDefect(let id, let note, let location, let supplier, let credit):
                try correctDefect(id, note, location, supplier, credit, actor)
            case .inspectDefect(let id, let split, let findings): try inspectDefect(id, split, findings, actor)
            case .repairDefect(let id, let lot, let parts, let target, let note):
                try repairDefect(id, lot, parts, target, note, actor, at)
            case .writeOffDefect(let id, let lot, let reason, let price, let note):
                try writeOffDefect(id, lot, reason, price, note, actor, at)
            case .routeDefects(let ids, let supplier, let rma, let note, let isTrial):
                try routeDefects(ids, supplier, rma, note, isTrial, actor, at)
            case .revertDefect(let id, let note): try revertDefect(id, note, actor)
            case .supplierRepairDefect(let id, let lot, let note): try supplierRepair(id, lot, note, actor, at)
            case .supplierRepair(let serial, let note): try supplierRepair(serial, note, actor, at)
            case .resolveDefect(let id, let note, let credit): try resolveDefect(id, note, credit, actor, at)
            case .fileDefects: fileDefects()
            case .adjust(let product, let change, let note): try adjust(product, change, note)
            case .produce(let product, let quantity, let order, let note):
                try produce(product, quantity, order, note)
            case .adjustSerials(let product, let serials, let note, let found):
                try adjust(product, serials, note, found, actor, at)
            case .deliver(let order, let customer, let serials, let items, let replacing):
                try deliver(order, customer, serials, items, replacing, actor, at)
            case .createReturn(let order, let customer, let kind, let reason, let isExpected, let lot):
                try createReturn(order, customer, kind, reason, isExpected, lot, actor, at)
            case .correctReturn(let id, let correction): try correctReturn(id, correction)
            case .correctReturnItem(let id, let item, let reason, let condition):
                try correctItem(id, item, reason, condition)
            case .startInspection(let id, let inspector): try startInspection(id, inspector, actor, at)
            case .inspectReturnItem(let id, let item, let condition, let decision, let note):
                try inspectItem(id, item, condition, decision, note, actor, at)
            case .answerChecklist(let id, let answers): try answerChecklist(id, answers, actor, at)
            case .addPhoto(let id, let item, let photo): try addPhoto(id, item, photo, actor, at)
            case .deletePhoto(let id, let item, let photo): try deletePhoto(id, item, photo)
            case .completeReturn(let id): try completeReturn(id, actor, at)
            case .cancelReturn(let id, let note): try cancelReturn(id, note, at)
            case .processItem(let id, let action, let quantity, let reason, let note):
                try processItem(id, action, quantity, reason, note, actor, at)
            case .printLabel(let serial, let station): try printLabel(serial, station, actor, at)
            case .retryLabel(let id): try retryLabel(id, actor)
            case .cancelLabel(let id): try cancelLabel(id, actor)
            case .reportLabel(let id, let status, let problem, let mayBeDouble):
                reportLabel(id, status, problem, mayBeDouble)
            case .addWebhook(let url, let kinds): try addWebhook(url, kinds, at)
            case .removeWebhook(let id): try removeWebhook(id)
            case .retryDelivery(let id, let event): try retryDelivery(id, event, moment)
            case .recordDelivery(let delivery, let isDone): recordDelivery(delivery, isDone: isDone)
            case .recordDenial(let who, let request): Decision.denial(who, request)
            case .recordDevice(let address, let station, let isConnected, let note):
                Decision.device(address, at: plant.stations[station], isConnected, note)
            case .recordStart(let version): Decision.start(version)
            }
        // At a station the signed-on person acted, not the device, and a scan's events name that person already.
        if decision.answer == nil {
            for index in decision.events.indices where decision.events[index].actor == nil {
                decision.events[index].actor = actor.login
            }
        }
        leaveQueue(&decision)
        completeOrders(&decision)
        for index in decision.events.indices { decision.events[index].change?.stamp(at) }
        return decision
    }

    /// Completes a work order whose good units reach its quantity, and reopens it when an undo takes one back.
    private mutating func completeOrders(_ decision: inout Decision) {
        var change: [String: (good: Int, undone: Bool)] = [:]
        for event in decision.events {
            guard let number = event.workOrder else { continue }
            let difference: Int
            if case .stock(let change) = event.change {
                difference = change
            } else if let after = event.after {
                difference = (after.status.isGood ? 1 : 0) - (event.before?.status.isGood == true ? 1 : 0)
            } else {
                continue
            }
            change[number, default: (0, false)].good += difference
            if event.kind == .unitUndone || event.kind == .stockUndone { change[number]?.undone = true }
        }
        for (number, (difference, undone)) in change.sorted(by: { $0.key < $1.key }) where difference != 0 {
            guard let order = workOrder(number) else { continue }
            let isFull = order.good + difference >= order.quantity
            if order.status == .released, isFull {
                decision.events.append(.order(order, to: .completed, .workOrderCompleted))
            } else if order.status == .completed, undone, !isFull {
                decision.events.append(.order(order, to: .released, .workOrderReopened))
            }
        }
    }
}

extension Event {
    static func order(_ order: WorkOrder, to status: WorkOrderStatus, _ kind: EventKind) -> Event {
        var event = Event(kind)
        (event.workOrder, event.product, event.team) = (order.number, order.product, order.team)
        event.change = .workOrderStatus(status)
        return event
    }
}

extension Decision {
    /// - Parameter before: the plant that the changes are about.
    static func plant(_ changes: [PlantChange], before: Plant) -> Decision {
        guard !changes.isEmpty else { return Decision() }
        var event = Event(.plantChanged)
        event.change = .plant(changes)
        let replaced = changes.compactMap(before.entry(like:))
        event.details.replaced = replaced.isEmpty ? nil : replaced
        return Decision([event])
    }

    static func denial(_ who: String, _ request: String) -> Decision {
        var event = Event(.accessDenied)
        (event.actor, event.note) = (who, request)
        return Decision([event])
    }
}

extension Decision {
    static func device(
        _ address: DeviceAddress, at station: Station?, _ isConnected: Bool, _ note: String
    ) -> Decision {
        var event = Event(isConnected ? .deviceConnected : .deviceDisconnected)
        (event.station, event.team, event.note) = (station?.name, station?.team, note)
        event.details.device = address
        return Decision([event])
    }

    static func start(_ version: String) -> Decision {
        var event = Event(.daemonStarted)
        event.note = "travelerd \(version)"
        return Decision([event])
    }
}

// MARK: Work orders

extension State {
    private mutating func changePlant(
        _ change: (Plant) throws(Refusal) -> [PlantChange], _ badges: [String]
    ) throws(Refusal) -> Decision {
        let changes = try change(plant)
        try checkNames(of: changes, badges: badges)
        return Decision.plant(changes, before: plant)
    }

    private mutating func createWorkOrder(
        _ number: String, _ code: String, _ quantity: Int, _ team: String, _ due: String?, _ at: Int64
    ) throws(Refusal) -> Decision {
        try checkOrderNumber(number)
        if workOrder(number) != nil { throw Refusal(.conflict, "the work order \(number) exists already") }
        let product = try activeProduct(code)
        guard product.isMadeByQuantity || product.routing.flatMap({ plant.routings[$0] }) != nil else {
            throw Refusal(
                .rule(.noRouting), "\(code) has no routing, so it can't be made; give it one in the site file")
        }
        guard let known = plant.teams[team], !known.retired else {
            throw Refusal(.invalid, "there is no team \(team.shown)")
        }
        guard Limits.ordered.contains(quantity) else {
            throw Refusal(.invalid, "a quantity is \(Limits.ordered.words), not \(quantity)")
        }
        let order = WorkOrder(number: number, product: code, quantity: quantity, team: team, due: due, createdAt: at)
        var event = Event(.workOrderCreated)
        (event.workOrder, event.product, event.team) = (number, code, team)
        event.change = .workOrder(order)
        return Decision([event], created: number)
    }

    private mutating func moveWorkOrder(_ number: String, to status: WorkOrderStatus) throws(Refusal) -> Decision {
        guard let order = workOrder(number) else { throw .notFound("work order", number) }
        let (from, kind): ([WorkOrderStatus], EventKind) =
            switch status {
            case .released: ([.planned], .workOrderReleased)
            case .closed: ([.released, .completed], .workOrderClosed)
            default: ([.planned, .released], .workOrderCancelled)
            }
        guard from.contains(order.status) else {
            throw Refusal(
                .rule(.wrongStatus),
                "the work order \(number) is \(order.status.rawValue); it must be \(from.map(\.rawValue).joined(separator: " or "))"
            )
        }
        var events: [Event] = []
        if status == .closed || status == .cancelled {
            guard order.inProduction == 0 else {
                throw Refusal(
                    .rule(.unitsInProduction),
                    "\(order.inProduction) units of \(number) are in production; finish them or write them off first")
            }
            for serial in waitingLabels(ofWorkOrder: number) {
                guard let label = pendingLabel(serial) else { continue }
                events.append(.voided(label))
                events += cancelJobs(ofSerial: serial)
            }
        }
        events.append(.order(order, to: status, kind))
        return Decision(events)
    }
}

// MARK: What several commands ask

extension State {
    func activeProduct(_ code: String) throws(Refusal) -> Product {
        guard let product = plant.products[code], !product.retired else {
            throw Refusal(.invalid, "there is no product \(code.shown)")
        }
        return product
    }

    /// The unit with this serial, if the actor may see it.
    mutating func visibleUnit(_ serial: String, _ actor: Actor) throws(Refusal) -> Unit {
        guard let unit = unit(serial) else { throw .notFound("unit", serial) }
        if case .person(let access) = actor, !access.sees(unit) { throw .notFound("unit", serial) }
        return unit
    }

    /// Refuses an empty list, one that is too long, and one that names a serial twice or none that can be one.
    func checkList(_ serials: [String]) throws(Refusal) {
        guard Limits.listed.contains(serials.count) else {
            throw Refusal(.invalid, "a request names \(Limits.listed.words) serials, not \(serials.count)")
        }
        var seen: Set<String> = []
        for serial in serials {
            do {
                try Serial.check(serial)
            } catch {
                throw Refusal(.invalid, error.message)
            }
            guard seen.insert(serial).inserted else {
                throw Refusal(.invalid, "the serial \(serial) stands twice in the request")
            }
        }
    }

    func checkNote(_ note: String) throws(Refusal) {
        guard TextForm.note.holds(note) else {
            throw Refusal(.invalid, "a note is required, \(TextForm.note.words): say why")
        }
    }
}
