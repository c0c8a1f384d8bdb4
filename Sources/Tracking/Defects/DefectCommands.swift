import Barcodes

// What people do at the defect desk: cases opened, corrected, inspected, repaired and written off.

extension State {
    mutating func openDefect(
        _ lot: DefectLot, _ code: String?, _ report: DefectReport, _ actor: Actor, _ at: Int64
    ) throws(Refusal) -> Decision {
        try checkNote(report.note ?? "")
        try checkSupplier(report.supplier)
        guard !report.findings.isEmpty || report.reason?.allSatisfy(\.isWhitespace) == false else {
            throw Refusal(.invalid, "say what is wrong: `types` with their quantities, or a `reason` in words")
        }
        guard lot.serials.isEmpty != (lot.quantity == nil), lot.serials.isEmpty || code == nil else {
            throw Refusal(.invalid, "a defect case names either `serials`, or a `product` and a `quantity`")
        }
        var events: [Event] = []
        var found: DefectCase
        if let quantity = lot.quantity {
            guard let code, plant.products[code] != nil else {
                throw Refusal(.invalid, "there is no product \((code ?? "-").shown)")
            }
            if case .person(let access) = actor, !access.seesGoods {
                throw Refusal(
                    .notPermitted,
                    "for goods without serials it also takes \(Verb.missing([.adjust])); ask an admin")
            }
            try checkQuantity(quantity)
            try checkStock(code, quantity, isTold: true)
            found = newCase(String(head + 2), product: code, quantity: quantity, report, at, by: actor.login)
            events.append(.stock(.stockDefect, found, balance: -quantity, defect: quantity))
        } else {
            try checkList(lot.serials)
            var units: [Unit] = []
            for serial in lot.serials { units.append(try visibleUnit(serial, actor)) }
            if let other = units.first(where: { $0.product != units[0].product }) {
                throw Refusal(
                    .invalid,
                    "a defect case is about one product: \(units[0].serial) is a \(units[0].product), "
                        + "\(other.serial) a \(other.product)")
            }
            try checkTeams(units, actor)
            let id = String(head + Int64(units.count) + 1)
            found = newCase(id, units, report, at, by: actor.login)
            for unit in units {
                var after = try unit.defective(in: id)
                after.worker = actor.login ?? after.worker
                events.append(Event(.unitDefect, unit: unit, to: after))
            }
        }
        try checkFindings(report.findings, found.quantity)
        if let repairable = report.repairable {
            guard (0...found.quantity).contains(repairable) else {
                throw Refusal(
                    .invalid, "of \(found.quantity), 0 to \(found.quantity) are repairable, not \(repairable)")
            }
            found.split = .init(repairable: repairable, nonRepairable: found.quantity - repairable)
            found.status = .inspected
        }
        for index in events.indices {
            events[index].note = report.note
            events[index].details.defectType = report.findings.first?.type
        }
        var opened = Event.defect(.defectOpened, nil, found)
        opened.note = report.note
        if lot.serials.count == 1 { opened.unit = lot.serials[0] }
        return Decision(events + [opened], serials: lot.serials, created: found.id)
    }

    mutating func correctDefect(
        _ id: String, _ note: String?, _ location: String??, _ supplier: String??, _ credit: Money??, _ actor: Actor
    ) throws(Refusal) -> Decision {
        let before = try visibleCase(id, actor)
        guard note != nil || location != nil || supplier != nil || credit != nil else {
            throw Refusal(.invalid, "a correction names `note`, `location`, `supplier` or `credit`")
        }
        var after = before
        if let note {
            try checkNote(note)
            after.note = note
        }
        if let location { after.location = location }
        if let supplier, supplier != before.supplier {
            try checkSupplier(supplier)
            guard before.shipment == nil else {
                throw Refusal(
                    .rule(.wrongStatus),
                    "the case \(id) went to \(before.supplier ?? "its supplier") under \(before.rma ?? "-"); "
                        + "revert that before you name another supplier")
            }
            after.supplier = supplier
        }
        if let credit {
            // The supplier's credit note often comes when the goods are long back.
            guard before.status == .resolved else {
                throw Refusal(
                    .rule(.wrongStatus),
                    "the case \(id) is not resolved yet; its credit is written down when it is")
            }
            after.credit = credit
        }
        if after == before { return Decision(created: id) }
        return changed(.defectCorrected, before, after, note)
    }

    mutating func inspectDefect(
        _ id: String, _ split: DefectCase.Split, _ findings: [DefectCase.Finding]?, _ actor: Actor
    ) throws(Refusal) -> Decision {
        let before = try visibleCase(id, actor)
        try require(before, DefectStatus.open, "inspected")
        guard split.repairable >= 0, split.nonRepairable >= 0,
            split.repairable.addingReportingOverflow(split.nonRepairable) == (before.remaining, false)
        else {
            throw Refusal(
                .invalid,
                "repairable and non-repairable must add up to the \(before.remaining) that remain of the case \(id)")
        }
        var after = before
        if let findings {
            try checkFindings(findings, before.quantity, known: before.findings)
            guard !findings.isEmpty || before.reason != nil else {
                throw Refusal(.invalid, "say what is wrong: `types` with their quantities")
            }
            after.findings = findings
        }
        (after.split, after.status) = (split, .inspected)
        return changed(.defectInspected, before, after, nil)
    }

    mutating func repairDefect(
        _ id: String, _ lot: DefectLot, _ parts: [(product: String, quantity: Int)], _ target: String, _ note: String,
        _ actor: Actor, _ at: Int64
    ) throws(Refusal) -> Decision {
        let (before, inspection) = inspected(try visibleCase(id, actor), as: .init(repairable: 1, nonRepairable: 0))
        try checkNote(note)
        try require(before, [.inspected, .processing], "repaired")
        let (units, count) = try pieces(lot, of: before, upTo: before.split?.repairable ?? 0, "repairable", actor)
        var events = inspection
        for unit in units { events.append(try repaired(unit, to: target, actor)) }
        if !before.isSerialised {
            guard target == "stock" else {
                throw Refusal(.invalid, "goods without serials are repaired to stock, not to \(target)")
            }
            events.append(.stock(.stockRepaired, before, balance: count, defect: -count))
        }
        let used = try take(parts, of: before, actor, &events)
        let repair = Repair(
            defect: id, product: before.product, team: before.team, quantity: count, serials: units.map(\.serial),
            target: target, parts: used)
        var after = before
        after.book(.repaired, count, at: at)
        events.append(.defect(.defectRepaired, before, after, repair: repair))
        return finish(events, units, note, id)
    }

    private func repaired(_ unit: Unit, to target: String, _ actor: Actor) throws(Refusal) -> Event {
        if unit.state.onHold { throw Refusal(.rule(.onHold), "\(unit.serial) is on hold; release it first") }
        var event: Event
        if target == "stock" {
            guard unit.state.wasInStock else {
                throw Refusal(
                    .rule(.wrongStage), "\(unit.serial) was never in stock, so it goes back to a stage: name one")
            }
            event = Event(.unitRepaired, unit: unit, to: unit.state.restocked)
        } else {
            event = try rework(unit, to: target)
            event.kind = .unitRepaired
        }
        event.after?.worker = actor.login ?? unit.state.worker
        return event
    }

    /// Takes spare parts from stock: all of them, or the repair does not happen.
    private mutating func take(
        _ parts: [(product: String, quantity: Int)], of found: DefectCase, _ actor: Actor, _ events: inout [Event]
    ) throws(Refusal) -> [Repair.Part] {
        var used: [Repair.Part] = []
        for (code, quantity) in parts {
            guard let product = plant.products[code], product.sparePart else {
                throw Refusal(.invalid, "\(code) is no spare part; 'travelerctl spare-part add' makes it one")
            }
            try checkQuantity(quantity)
            guard !used.contains(where: { $0.product == code }) else {
                throw Refusal(.invalid, "the spare part \(code) stands twice in the request")
            }
            try checkStock(code, quantity, isTold: seesBalances(actor))
            used.append(.init(product: code, quantity: quantity, cost: product.cost))
            var event = Event(.stockConsumed)
            (event.product, event.change) = (code, .stock(-quantity))
            event.details.defect = found.id
            events.append(event)
        }
        return used
    }

    mutating func writeOffDefect(
        _ id: String, _ lot: DefectLot, _ reason: WriteOffReason, _ price: Money?, _ note: String, _ actor: Actor,
        _ at: Int64
    ) throws(Refusal) -> Decision {
        let (before, inspection) = inspected(try visibleCase(id, actor), as: .init(repairable: 0, nonRepairable: 1))
        try checkNote(note)
        try checkPrice(price, reason)
        try require(before, [.inspected, .processing, .resolved], "written off")
        let isAwaiting = before.status == .resolved
        let (units, count) = try pieces(
            lot, of: before, upTo: isAwaiting ? before.remaining : before.split?.nonRepairable ?? 0,
            isAwaiting ? "awaiting" : "non-repairable", actor)
        var events = inspection + units.map { writtenOff($0, reason) }
        if !before.isSerialised {
            var event = Event.stock(.stockWrittenOff, before, balance: 0, defect: -count)
            event.details.reason = reason.rawValue
            event.details.cost = plant.products[before.product]?.cost
            events.append(event)
        }
        for index in events.indices.dropFirst(inspection.count) { events[index].details.price = price }
        var after = before
        after.book(.writtenOff, count, at: at)
        events.append(.defect(.defectWrittenOff, before, after))
        return finish(events, units, note, id)
    }

    // MARK: What several of these ask

    /// A case of a single piece that nobody inspected yet, as the step that is taken with it says: what is repaired could
    /// be, and what is written off could not. Any other case is as it was.
    private func inspected(
        _ found: DefectCase, as split: DefectCase.Split
    ) -> (found: DefectCase, events: [Event]) {
        guard found.status == .pending, found.quantity == 1 else { return (found, []) }
        var after = found
        (after.split, after.status) = (split, .inspected)
        return (after, [.defect(.defectInspected, found, after)])
    }

    /// The units or the quantity that a command is about, within what the case allows.
    mutating func pieces(
        _ lot: DefectLot, of found: DefectCase, upTo limit: Int, _ what: String, _ actor: Actor
    ) throws(Refusal) -> (units: [Unit], count: Int) {
        guard found.isSerialised else {
            guard lot.serials.isEmpty else {
                throw Refusal(.invalid, "the case \(found.id) holds goods without serials; name a quantity")
            }
            guard let quantity = lot.quantity ?? (found.remaining == 1 ? 1 : nil) else {
                throw Refusal(.invalid, "name the quantity, of the \(found.remaining) that remain of \(found.id)")
            }
            try checkQuantity(quantity)
            try checkLimit(quantity, limit, found, what)
            return ([], quantity)
        }
        guard lot.quantity == nil else {
            throw Refusal(.invalid, "the case \(found.id) holds units; name their serials")
        }
        var serials = lot.serials
        if serials.isEmpty {
            serials = units(ofDefect: found.id).filter { $0.value.outcome == .open }.map(\.key)
            guard serials.count == 1 else {
                throw Refusal(.invalid, "name the serials, of the \(found.remaining) that remain of \(found.id)")
            }
        }
        try checkList(serials)
        var units: [Unit] = []
        for serial in serials {
            let unit = try visibleUnit(serial, actor)
            guard unit.state.defectCase == found.id else {
                throw Refusal(.rule(.wrongStatus), "\(serial) is not in the defect case \(found.id), or left it")
            }
            units.append(unit)
        }
        try checkLimit(units.count, limit, found, what)
        return (units, units.count)
    }

    private func checkLimit(_ count: Int, _ limit: Int, _ found: DefectCase, _ what: String) throws(Refusal) {
        guard count <= limit else {
            throw Refusal(.rule(.exceedsRemaining), "\(limit) \(what) of the case \(found.id) are left, not \(count)")
        }
    }

    func finish(_ events: [Event], _ units: [Unit], _ note: String?, _ id: String) -> Decision {
        var events = events
        for index in events.indices { events[index].note = note }
        if units.count == 1, let last = events.indices.last { events[last].unit = units[0].serial }
        return Decision(events, serials: units.map(\.serial), created: id)
    }

    mutating func changed(_ kind: EventKind, _ before: DefectCase, _ after: DefectCase, _ note: String?) -> Decision {
        var event = Event.defect(kind, before, after)
        event.note = note
        return Decision([event], created: before.id)
    }

    /// The units that are or were in a case, by serial.
    public mutating func units(ofDefect id: String) -> [String: DefectUnit] {
        var units = records.units(ofDefect: id)
        for (key, unit) in defectUnits.filter({ $0.id == id }) { units[key.serial] = unit }
        return units
    }

    /// The defect case with this id, if the actor may see it.
    mutating func visibleCase(_ id: String, _ actor: Actor) throws(Refusal) -> DefectCase {
        guard let found = defectCase(id) else { throw .notFound("defect case", id) }
        if case .person(let access) = actor,
            !access.sees(
                found, units: { units(ofDefect: id).keys.compactMap { unit($0) } }, handlers: { handlers(of: id) })
        {
            throw .notFound("defect case", id)
        }
        return found
    }

    func require(_ found: DefectCase, _ wanted: [DefectStatus], _ what: String) throws(Refusal) {
        if wanted.contains(found.status) { return }
        let advice =
            switch found.status {
            case .pending: "is pending; inspect it first"
            case .withSupplier: "is with the supplier; revert that, or resolve it"
            case .resolved: "is resolved"
            case .inspected, .processing: "is \(found.status.rawValue)"
            }
        throw Refusal(.rule(.wrongStatus), "the defect case \(found.id) can't be \(what): it \(advice)")
    }

    /// Refuses what can be done only with a unit that lies here.
    func checkIsHere(_ found: DefectCase, _ serial: String) throws(Refusal) {
        guard found.shipment == nil else {
            throw Refusal(
                .rule(.wrongStatus),
                "\(serial) went to the supplier: it comes back repaired from there, is replaced, or is written off")
        }
    }

    func checkQuantity(_ quantity: Int) throws(Refusal) {
        guard Limits.pieces.contains(quantity) else {
            throw Refusal(.invalid, "a quantity is \(Limits.pieces.words), not \(quantity)")
        }
    }

    func checkType(_ type: String) throws(Refusal) {
        guard let known = plant.defectTypes[type] else {
            throw Refusal(.rule(.unknownDefectType), "there is no defect type \(type.shown)")
        }
        guard !known.retired else {
            throw Refusal(.rule(.unknownDefectType), "the defect type \(type) is retired; use another one")
        }
    }

    /// A lead opens no case over several teams that they would not see: nobody but admins would. One of a single other
    /// team, whose unit a grant shows to them, is that team's from then on.
    private func checkTeams(_ units: [Unit], _ actor: Actor) throws(Refusal) {
        guard case .person(let access) = actor, case .teams = access.scope,
            let other = units.first(where: { $0.team != units[0].team }), !access.seesTeams(of: units)
        else { return }
        throw Refusal(
            .invalid,
            "a defect case is about units of one team: \(units[0].serial) is of \(units[0].team ?? "none"), "
                + "\(other.serial) of \(other.team ?? "none"); open a case for each team")
    }

    /// A type that was retired since stays true of the case that has it.
    private func checkFindings(
        _ findings: [DefectCase.Finding], _ quantity: Int, known: [DefectCase.Finding] = []
    ) throws(Refusal) {
        var seen: Set<String> = []
        for finding in findings {
            if !known.contains(where: { $0.type == finding.type }) { try checkType(finding.type) }
            guard seen.insert(finding.type).inserted else {
                throw Refusal(.invalid, "the defect type \(finding.type) stands twice in the request")
            }
            guard (1...quantity).contains(finding.quantity) else {
                throw Refusal(
                    .invalid, "1 to \(quantity) pieces can have the defect \(finding.type), not \(finding.quantity)")
            }
        }
    }

    func checkPrice(_ price: Money?, _ reason: WriteOffReason) throws(Refusal) {
        guard (reason == .outletSale) == (price != nil) else {
            throw Refusal(
                .invalid, price == nil ? "an outlet sale asks for its price" : "a price goes with outlet_sale only")
        }
    }

    func checkSupplier(_ code: String?) throws(Refusal) {
        guard let code else { return }
        guard let known = plant.suppliers[code] else { throw Refusal(.invalid, "there is no supplier \(code.shown)") }
        guard !known.retired else {
            throw Refusal(.invalid, "the supplier \(code) is retired; name another one")
        }
    }

    func seesBalances(_ actor: Actor) -> Bool {
        if case .person(let access) = actor { access.seesBalances } else { true }
    }

    /// A case of units that become defective; they are given as they were before. It names the supplier that all of them
    /// came from, and none where they came from several: who sends it back then says to whom.
    func newCase(
        _ id: String, _ units: [Unit], _ report: DefectReport, _ at: Int64, by login: String?
    ) -> DefectCase {
        func common<Value: Hashable>(_ value: (Unit) -> Value?) -> Value? {
            let values = Set(units.map(value))
            return values.count == 1 ? values.first.flatMap { $0 } : nil
        }
        var found = DefectCase(
            id: id, product: units.first?.product ?? "", team: common(\.team), isSerialised: true,
            quantity: units.count, source: common { DefectSource($0.state.status) } ?? .stock, detectedAt: at)
        found.supplier = report.supplier ?? common { $0.supplier ?? plant.products[$0.product]?.supplier }
        return filled(found, report, login)
    }

    func newCase(
        _ id: String, product: String, quantity: Int, _ report: DefectReport, _ at: Int64, by login: String?,
        source: DefectSource = .stock
    ) -> DefectCase {
        var found = DefectCase(
            id: id, product: product, isSerialised: false, quantity: quantity, source: source, detectedAt: at)
        found.supplier = report.supplier ?? plant.products[product]?.supplier
        return filled(found, report, login)
    }

    private func filled(_ found: DefectCase, _ report: DefectReport, _ login: String?) -> DefectCase {
        var found = found
        (found.findings, found.reason, found.note) = (report.findings, report.reason, report.note)
        (found.location, found.detectedBy) = (report.location, login)
        return found
    }

    /// What becomes of a case that units leave; nil for units without one.
    mutating func leave(
        _ id: String?, _ outcome: DefectOutcome, _ count: Int, _ kind: EventKind, _ at: Int64
    ) -> Event? {
        guard let id, let before = defectCase(id) else { return nil }
        var after = before
        after.book(outcome, count, at: at)
        return .defect(kind, before, after)
    }
}

extension Unit {
    /// The state of this unit once it is found defective.
    func defective(in id: String) throws(Refusal) -> UnitState {
        var after = state
        switch state.status {
        case .inProduction: after.failedStage = state.stage
        case .inStock, .returned: break
        case .defect: throw .isDefectAlready(self)
        default: throw .status(self, "marked defective")
        }
        (after.status, after.stage, after.defectCase, after.returnItem) = (.defect, nil, id, nil)
        return after
    }
}

extension UnitState {
    /// Good again, and in stock.
    var restocked: UnitState {
        var after = self
        (after.status, after.stage, after.failedStage, after.defectCase) = (.inStock, nil, nil, nil)
        after.returnItem = nil
        after.wasInStock = true
        return after
    }
}

extension Event {
    /// A defect case changed.
    static func defect(
        _ kind: EventKind, _ before: DefectCase?, _ after: DefectCase?, repair: Repair? = nil
    ) -> Event {
        var event = Event(kind)
        let found = after ?? before
        (event.product, event.team) = (found?.product, found?.team)
        event.details.defect = found?.id
        event.change = .defect(DefectChange(before, after, repair: repair))
        return event
    }

    /// Goods without serials became defective, or no longer are.
    static func stock(_ kind: EventKind, _ found: DefectCase, balance: Int, defect: Int) -> Event {
        var event = Event(kind)
        (event.product, event.change) = (found.product, .defectStock(balance: balance, defect: defect))
        event.details.defect = found.id
        return event
    }
}
