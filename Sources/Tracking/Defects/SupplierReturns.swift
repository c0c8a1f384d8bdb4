// Defect cases on their way to the supplier and back: routed, reverted, repaired there, replaced, resolved.

extension State {
    mutating func routeDefects(
        _ ids: [String], _ supplier: String?, _ rma: String, _ note: String, _ isTrial: Bool, _ actor: Actor,
        _ at: Int64
    ) throws(Refusal) -> Decision {
        guard Limits.listed.contains(ids.count) else {
            throw Refusal(.invalid, "a request routes \(Limits.listed.words) cases, not \(ids.count)")
        }
        guard Set(ids).count == ids.count else { throw Refusal(.invalid, "a case stands twice in the request") }
        try checkNote(note)
        guard !rma.allSatisfy(\.isWhitespace) else {
            throw Refusal(.invalid, "the supplier's RMA reference is required")
        }
        var cases: [DefectCase] = []
        for id in ids {
            let found = try visibleCase(id, actor)
            try require(found, DefectStatus.open, "routed")
            cases.append(found)
        }
        let to = if let supplier { supplier } else { try commonSupplier(of: cases) }
        try checkSupplier(to)
        if isTrial { return Decision() }
        let sent = SupplierReturn(
            id: String(head + 1), supplier: to, rma: rma, note: note, at: at, actor: actor.login,
            cases: cases.map { .init(id: $0.id, quantity: $0.remaining) })
        var first = Event(.supplierReturnSent)
        first.change = .supplierReturn(sent)
        first.details.supplier = to
        let teams = Set(cases.map(\.team))
        if teams.count == 1 { first.team = teams.first.flatMap { $0 } }
        var events = [first]
        for before in cases {
            var after = before
            (after.status, after.supplier, after.rma, after.shipment) = (.withSupplier, to, rma, sent.id)
            events.append(.defect(.defectRouted, before, after))
        }
        for index in events.indices { events[index].note = note }
        return Decision(events, created: sent.id)
    }

    private func commonSupplier(of cases: [DefectCase]) throws(Refusal) -> String {
        if let lost = cases.first(where: { $0.supplier == nil }) {
            throw Refusal(.invalid, "the case \(lost.id) names no supplier; name the one that all cases go to")
        }
        let suppliers = Set(cases.compactMap(\.supplier)).sorted()
        guard suppliers.count == 1 else {
            throw Refusal(
                .invalid,
                "the cases belong to several suppliers (\(suppliers.joined(separator: ", "))); name the one they go to")
        }
        return suppliers[0]
    }

    mutating func revertDefect(_ id: String, _ note: String, _ actor: Actor) throws(Refusal) -> Decision {
        let before = try visibleCase(id, actor)
        try checkNote(note)
        guard before.status == .withSupplier else {
            throw Refusal(
                .rule(.wrongStatus),
                "the defect case \(id) is \(before.status.rawValue); only one that is with the supplier can be reverted"
            )
        }
        var after = before
        // It is to be looked at anew: what was thought of it before does not bind.
        (after.status, after.split, after.rma, after.shipment) = (.pending, nil, nil, nil)
        return changed(.defectReverted, before, after, note)
    }

    mutating func resolveDefect(
        _ id: String, _ note: String, _ credit: Money?, _ actor: Actor, _ at: Int64
    ) throws(Refusal) -> Decision {
        let before = try visibleCase(id, actor)
        try checkNote(note)
        try require(before, DefectStatus.open + [.withSupplier], "resolved")
        var after = before
        (after.status, after.resolution, after.credit, after.resolvedAt) = (.resolved, note, credit, at)
        return changed(.defectResolved, before, after, note)
    }

    // MARK: What comes back

    mutating func supplierRepair(
        _ serial: String, _ note: String, _ actor: Actor, _ at: Int64
    ) throws(Refusal) -> Decision {
        let unit = try visibleUnit(serial, actor)
        guard unit.state.status == .defect else { throw .status(unit, "taken back from the supplier") }
        guard let id = unit.state.defectCase else {
            throw Refusal(.rule(.wrongStatus), "\(serial) was not sent to a supplier")
        }
        // The unit is seen, so its case may be named even where not all of it is.
        guard let found = defectCase(id) else { throw .notFound("defect case", id) }
        return try supplierRepair(found, DefectLot(serials: [serial]), note, actor, at)
    }

    mutating func supplierRepair(
        _ id: String, _ lot: DefectLot, _ note: String, _ actor: Actor, _ at: Int64
    ) throws(Refusal) -> Decision {
        try supplierRepair(try visibleCase(id, actor), lot, note, actor, at)
    }

    private mutating func supplierRepair(
        _ before: DefectCase, _ lot: DefectLot, _ note: String, _ actor: Actor, _ at: Int64
    ) throws(Refusal) -> Decision {
        try checkNote(note)
        try checkWasSent(before)
        let (units, count) = try pieces(lot, of: before, upTo: before.remaining, "still defective", actor)
        var events: [Event] = []
        for unit in units {
            if unit.state.onHold { throw Refusal(.rule(.onHold), "\(unit.serial) is on hold; release it first") }
            guard before.shipment != nil || unit.state.wasInStock else {
                throw Refusal(
                    .rule(.wrongStatus),
                    "\(unit.serial) was never in stock and went to no supplier; send it back to a stage instead")
            }
            var event = Event(.unitSupplierRepaired, unit: unit, to: unit.state.restocked)
            event.after?.worker = actor.login ?? unit.state.worker
            events.append(event)
        }
        if !before.isSerialised {
            events.append(.stock(.stockSupplierRepaired, before, balance: count, defect: -count))
        }
        var after = before
        after.book(.supplierRepaired, count, at: at)
        events.append(.defect(.defectSupplierRepaired, before, after))
        return finish(events, units, note, before.id)
    }

    private func checkWasSent(_ found: DefectCase) throws(Refusal) {
        guard found.status == .withSupplier || found.status == .resolved else {
            throw Refusal(
                .rule(.wrongStatus),
                "the defect case \(found.id) is \(found.status.rawValue): nothing of it went to a supplier")
        }
    }

    /// The events by which a unit makes room for the one that the supplier sent instead of it, and its case.
    mutating func replaced(
        _ serial: String, by new: String, _ note: String, _ actor: Actor, _ at: Int64
    ) throws(Refusal) -> (DefectCase, [Event]) {
        let unit = try visibleUnit(serial, actor)
        guard unit.state.status == .defect else { throw .status(unit, "replaced") }
        guard let id = unit.state.defectCase, let before = defectCase(id) else {
            throw Refusal(.rule(.wrongStatus), "\(serial) was not sent to a supplier")
        }
        try checkWasSent(before)
        var gone = writtenOff(unit, .defective)
        gone.details.replacedBy = new
        var after = before
        after.book(.replaced, 1, at: at)
        return (before, finish([gone, .defect(.defectReplaced, before, after)], [unit], note, id).events)
    }

    // MARK: Before there were cases

    /// How many units get their case in one command.
    private static let filedAtOnce = 200

    mutating func fileDefects() -> Decision {
        var events: [Event] = []
        var serials: [String] = []
        for serial in records.unitsWithoutCase(limit: Self.filedAtOnce) {
            guard let unit = unit(serial), unit.state.status == .defect, unit.state.defectCase == nil else { continue }
            let id = String(head + Int64(events.count) + 2)
            let detection = records.detection(ofUnit: serial)
            let event = detection?.event
            let report = DefectReport(
                findings: event?.details.defectType.map { [.init(type: $0, quantity: 1)] } ?? [],
                location: event?.station, note: event?.note)
            var found = newCase(id, [unit], report, detection?.at ?? unit.updatedAt, by: event?.actor)
            found.source = (event?.before?.status).map { DefectSource($0) } ?? .production
            var after = unit.state
            after.defectCase = id
            var opened = Event.defect(.defectOpened, nil, found)
            opened.unit = serial
            events += [Event(.unitCaseOpened, unit: unit, to: after), opened]
            serials.append(serial)
        }
        return Decision(events, serials: serials)
    }
}
