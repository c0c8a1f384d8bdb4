// What came back is carried to where it belongs: all at once when a return is completed, or from the repacking queue.

extension State {
    mutating func completeReturn(_ id: String, _ actor: Actor, _ at: Int64) throws(Refusal) -> Decision {
        let before = try knownReturn(id)
        try requireInspecting(before, "the return \(id) can't be completed")
        return try completed(before, items(ofReturn: id), after: [], actor, at)
    }

    /// What the last inspection, or the last answer of the checklist, of a return does: in a plant that says so it
    /// completes the return, as far as nothing stands against that. What was announced is waited for.
    ///
    /// - Parameters:
    ///   - found: the return as these events leave it.
    ///   - items: its items as these events leave them.
    mutating func inspected(
        _ found: CustomerReturn, _ items: [ReturnItem], _ events: [Event], _ actor: Actor, _ at: Int64
    ) -> Decision {
        let decision = Decision(events, created: found.id)
        guard plant.settings.autoComplete == true, items.allSatisfy({ $0.arrivedAt != nil }) else { return decision }
        do throws(Refusal) {
            return try completed(found, items, after: events, actor, at)
        } catch {
            return decision
        }
    }

    private mutating func completed(
        _ before: CustomerReturn, _ all: [ReturnItem], after earlier: [Event], _ actor: Actor, _ at: Int64
    ) throws(Refusal) -> Decision {
        var (items, events) = (all, earlier)
        try checkIsDecided(before, items)
        for index in items.indices where items[index].arrivedAt == nil {
            // What was announced and never came is not waited for.
            var cancelled = items[index]
            cancelled.outcomes.cancelled = cancelled.quantity
            events.append(.returnItem(.returnItemCancelled, items[index], cancelled))
            items[index] = cancelled
        }
        for index in items.indices where items[index].open > 0 {
            guard let way = items[index].decision.flatMap(WayOut.init) else { continue }
            let (event, after) = try carryOut(items[index], way, items[index].open, actor)
            events.append(event)
            items[index] = after
        }
        try openCases(&items, of: before, &events, actor, at)

        var after = before
        (after.status, after.endedAt, after.refundPolicy) = (.completed, at, plant.settings.refunds)
        after.task?.status = .completed
        after.task?.endedAt = at
        let here = items.filter { $0.outcomes.cancelled == 0 }
        after.refund = plant.settings.refund(here, of: after)
        let lines = here.map { ReturnChange.Line($0, refund: plant.settings.refund($0, of: after)) }
        events.append(.customerReturn(.returnCompleted, before, after, items, lines: lines))
        return Decision(events, serials: here.compactMap(\.serial), created: before.id)
    }

    private mutating func checkIsDecided(_ found: CustomerReturn, _ items: [ReturnItem]) throws(Refusal) {
        func names(_ items: [ReturnItem]) -> String {
            items.prefix(5).map(\.name).joined(separator: ", ")
                + (items.count > 5 ? " and \(items.count - 5) more" : "")
        }
        let undecided = items.filter { $0.arrivedAt != nil && !$0.isInspected }
        guard undecided.isEmpty else {
            throw Refusal(
                .rule(.notInspected), "the return \(found.id) can't be completed: inspect \(names(undecided)) first")
        }
        let questions = found.task?.checklist.enumerated().filter { $0.element.answer == nil } ?? []
        if let (index, question) = questions.first {
            throw Refusal(
                .rule(.notInspected),
                "the return \(found.id) can't be completed: the checklist is not answered, "
                    + "from question \(index + 1): \(question.question)")
        }
        let restocked = items.filter { $0.decision == .restock && $0.open > 0 }
        if let name = restocked.first?.name, let no = found.task?.unexplained {
            throw Refusal(
                .rule(.notInspected),
                "the return \(found.id) can't be completed: \(no), and \(name) would go into stock; say in the "
                    + "answer's note why it may")
        }
        var held: [ReturnItem] = []
        for item in items where item.open > 0 {
            if self.unit(of: item)?.state.onHold == true { held.append(item) }
        }
        guard held.isEmpty else {
            throw Refusal(
                .rule(.onHold),
                "the return \(found.id) can't be completed: \(names(held)) \(held.count == 1 ? "is" : "are") on hold; "
                    + "release that first")
        }
    }

    /// Some of an item leaves the queue. Returns the event, and the item after it.
    func carryOut(
        _ item: ReturnItem, _ way: WayOut, _ count: Int, _ unit: Unit?
    ) throws(Refusal) -> (event: Event, after: ReturnItem) {
        var after = item
        after.book(way.decision, count)
        if case .restock = way {
            after.location = item.condition.flatMap { plant.settings.returnLocations[$0.rawValue] }
        }
        guard item.serial != nil, let unit else {
            var event: Event
            switch way {
            case .restock: event = .returnItem(.stockReturnRestocked, item, after)
            case .refurbish: throw .notRefurbished(item)
            case .writeOff(let reason):
                event = .returnItem(.stockReturnWrittenOff, item, after)
                event.details.reason = reason.rawValue
                event.details.cost = plant.products[item.product]?.cost
            }
            return (event, after)
        }
        var event =
            switch way {
            case .restock: Event(.unitReturnRestocked, unit: unit, to: unit.state.restocked)
            case .refurbish: try refurbished(unit)
            case .writeOff(let reason): writtenOff(unit, reason)
            }
        event.change = .returnItem(ReturnItemChange(item, after))
        return (event, after)
    }

    private mutating func carryOut(
        _ item: ReturnItem, _ way: WayOut, _ count: Int, _ actor: Actor
    ) throws(Refusal) -> (event: Event, after: ReturnItem) {
        var (event, after) = try carryOut(item, way, count, self.unit(of: item))
        if event.after != nil { event.after?.worker = actor.login ?? event.before?.worker }
        event.note = item.note
        return (event, after)
    }

    /// Back into production at the plant's rework stage.
    func refurbished(_ unit: Unit) throws(Refusal) -> Event {
        guard let stage = plant.settings.reworkStage else {
            throw Refusal(
                .rule(.noRouting),
                "\(unit.serial) can't be refurbished: the site file names no rework_stage in its settings")
        }
        var event = try rework(unit, to: stage)
        event.kind = .unitRefurbished
        return event
    }

    /// What goes to suppliers becomes defective: a case for the units, or the goods, of one product, team and supplier.
    private mutating func openCases(
        _ items: inout [ReturnItem], of found: CustomerReturn, _ events: inout [Event], _ actor: Actor, _ at: Int64
    ) throws(Refusal) {
        struct Group: Hashable {
            var product: String
            var team: String?
            var supplier: String?
            var reason: ReturnReason
            var isSerialised: Bool
        }
        var groups: [(key: Group, indices: [Int])] = []
        for index in items.indices where items[index].open > 0 {
            let item = items[index]
            let unit = self.unit(of: item)
            let key = Group(
                product: item.product, team: item.team,
                supplier: unit?.supplier ?? plant.products[item.product]?.supplier,
                reason: item.reason ?? found.reason, isSerialised: item.serial != nil)
            if let place = groups.firstIndex(where: { $0.key == key }) {
                groups[place].indices.append(index)
            } else {
                groups.append((key, [index]))
            }
        }
        for (key, indices) in groups {
            let id = String(head + Int64(events.count + indices.count) + 1)
            let notes = Set(indices.compactMap { items[$0].note }).sorted()
            let report = DefectReport(
                reason: "return \(found.id): \(key.reason.rawValue)", supplier: key.supplier,
                note: notes.isEmpty ? nil : summary(notes))
            var opened: DefectCase
            if key.isSerialised {
                let units = indices.compactMap { self.unit(of: items[$0]) }
                opened = newCase(id, units, report, at, by: actor.login)
            } else {
                let quantity = indices.reduce(0) { $0 + items[$1].open }
                opened = newCase(
                    id, product: key.product, quantity: quantity, report, at, by: actor.login, source: .return)
            }
            for index in indices {
                let item = items[index]
                var after = item
                after.book(.returnToSupplier, item.open)
                after.defect = id
                var event = Event.returnItem(.stockReturnDefect, item, after)
                if let unit = self.unit(of: item) {
                    event = .returned(.unitDefect, unit, to: try unit.defective(in: id), item, after)
                    event.after?.worker = actor.login ?? unit.state.worker
                }
                event.note = item.note
                event.details.defect = id
                events.append(event)
                items[index] = after
            }
            var event = Event.defect(.defectOpened, nil, opened)
            if indices.count == 1 { event.unit = items[indices[0]].serial }
            events.append(event)
        }
    }

    /// Notes as one that is no longer than a note may be: every later event of the case carries it, and the items keep
    /// all of theirs.
    private func summary(_ notes: [String]) -> String {
        func text(_ count: Int) -> String {
            let rest = notes.count - count
            let more =
                rest == 0 ? [] : ["\(rest)\(count == 0 ? "" : " more") \(rest == 1 ? "note" : "notes") on the items"]
            return (notes.prefix(count) + more).joined(separator: "; ")
        }
        func isNote(_ text: String) -> Bool { text.unicodeScalars.count <= TextForm.note.length.upperBound }
        let whole = text(notes.count)
        if isNote(whole) { return whole }
        var count = 0
        while count + 1 < notes.count, isNote(text(count + 1)) { count += 1 }
        return text(count)
    }

    // MARK: The repacking queue

    mutating func processItem(
        _ id: String, _ action: RepackingAction, _ quantity: Int?, _ reason: WriteOffReason?, _ note: String?,
        _ actor: Actor, _ at: Int64
    ) throws(Refusal) -> Decision {
        guard let before = returnItem(id) else { throw .notFound("item", id) }
        guard action == .writeOff || reason == nil else {
            throw Refusal(.invalid, "a reason goes with write_off only")
        }
        guard reason != .outletSale else {
            throw Refusal(
                .invalid, "an outlet sale asks for its price: put it into stock, then write it off from there")
        }
        if let note { try checkNote(note) }
        guard reason != .other || note != nil else {
            throw Refusal(.invalid, "the reason other asks for a note: say why")
        }
        let count = quantity ?? before.open
        if quantity != nil { try checkQuantity(count) }
        let event = try processed(before, action, count, reason ?? .disposal, actor).event
        var decision = Decision([event], serials: before.serial.map { [$0] } ?? [], created: before.customerReturn)
        decision.events[0].note = note ?? event.note
        return decision
    }

    /// Some of an item is ready for stock, or written off. A decision of the inspector stands, but what was to be kept
    /// can turn out to be waste.
    mutating func processed(
        _ item: ReturnItem, _ action: RepackingAction, _ count: Int, _ reason: WriteOffReason, _ actor: Actor
    ) throws(Refusal) -> (event: Event, after: ReturnItem) {
        guard item.open > 0 else {
            throw Refusal(
                .rule(.wrongStatus), "\(item.name) is not in the repacking queue: it is \(item.status.rawValue)")
        }
        guard count <= item.open else {
            throw Refusal(
                .rule(.exceedsRemaining), "\(item.open) of \(item.name) are in the repacking queue, not \(count)")
        }
        if action == .ready {
            if item.isInspected, let decided = item.decision, decided != .restock {
                throw Refusal(.rule(.wrongStatus), "\(item.name) was decided to \(decided.sentence), not into stock")
            }
            try checkSellable(item.condition, .restock, item)
            if let found = customerReturn(item.customerReturn), found.isOpen, let no = found.task?.unexplained {
                throw Refusal(
                    .rule(.notInspected),
                    "\(item.name) can't go into stock: \(no); say in the answer's note why it may, or write it off")
            }
            if self.unit(of: item)?.state.onHold == true {
                throw Refusal(.rule(.onHold), "\(item.name) is on hold; release it first")
            }
        }
        return try carryOut(item, action == .ready ? .restock : .writeOff(reason), count, actor)
    }
}

/// How something leaves the repacking queue by itself. What goes to the supplier leaves it with its defect case only.
enum WayOut {
    case restock
    case refurbish
    case writeOff(WriteOffReason)

    /// The way of a decision; nil for what goes to the supplier.
    init?(_ decision: ReturnDecision) {
        switch decision {
        case .restock: self = .restock
        case .refurbish: self = .refurbish
        case .dispose: self = .writeOff(.disposal)
        case .returnToSupplier: return nil
        }
    }

    /// As what it is booked.
    var decision: ReturnDecision {
        switch self {
        case .restock: .restock
        case .refurbish: .refurbish
        case .writeOff: .dispose
        }
    }
}

extension Refusal {
    /// Goods without serials can't go back into production.
    static func notRefurbished(_ item: ReturnItem) -> Refusal {
        Refusal(.invalid, "\(item.name) have no serials; only units are refurbished")
    }
}

/// How somebody takes something out of the repacking queue.
public enum RepackingAction: String, Sendable, Codable, CaseIterable {
    /// Repacked and good: into stock.
    case ready
    /// Gone for good.
    case writeOff = "write_off"
}

extension ReturnDecision {
    /// The decision in a few words, after `to`.
    var sentence: String {
        switch self {
        case .restock: "go into stock"
        case .refurbish: "be refurbished"
        case .dispose: "be disposed of"
        case .returnToSupplier: "go to the supplier"
        }
    }
}
