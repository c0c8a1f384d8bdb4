import Barcodes
import Testing
import Tracking

/// Every step of a customer's return, from every status, allowed and refused; and what each decision does.
@Suite struct ReturnTransitionTests {
    enum Step: String, CaseIterable {
        case correct, correctItem, start, inspect, answer, addPhoto, deletePhoto, complete, cancel, ready, writeOff
    }

    /// Where a step leads from a status; a missing one is refused.
    static let table: [ReturnStatus: [Step: ReturnStatus]] = [
        .created: [
            .correct: .created, .correctItem: .created, .start: .inspecting, .addPhoto: .created,
            .deletePhoto: .created, .cancel: .cancelled, .ready: .created, .writeOff: .created,
        ],
        .inspecting: [
            .correct: .inspecting, .correctItem: .inspecting, .inspect: .inspecting, .answer: .inspecting,
            .addPhoto: .inspecting, .deletePhoto: .inspecting, .cancel: .cancelled, .ready: .inspecting,
            .writeOff: .inspecting,
        ],
        .completed: [:], .cancelled: [:],
    ]

    static let all = ReturnStatus.allCases.flatMap { status in
        Step.allCases.flatMap { step in [true, false].map { (status, step, $0) } }
    }

    @Test(arguments: all)
    func leadsWhereTheTableSays(from status: ReturnStatus, step: Step, isSerialised: Bool) throws {
        var desk = try ReturnDesk()
        let id = try desk.receive(isSerialised: isSerialised)
        try desk.addPhoto(id)
        try desk.bring(id, to: status)
        let before = (try desk.found(id), desk.items(id))
        #expect(before.0.status == status)
        do {
            try desk.take(step, id)
            #expect(try desk.found(id).status == Self.table[status]?[step], "\(status) \(step)")
        } catch let refusal as Refusal {
            #expect(Self.table[status]?[step] == nil, "\(status) \(step): \(refusal.message)")
            #expect(try desk.found(id) == before.0)
            #expect(desk.items(id) == before.1)
        }
        try desk.check()
    }

    @Test func theNoteOfACaseForTheSupplierIsNoLongerThanOthers() throws {
        for (count, length, expected) in [
            (1, 2_000, ""), (3, 600, ""), (60, 300, "; 54 more notes on the items"), (2, 1_990, "2 notes on the items"),
        ] {
            var desk = try ReturnDesk()
            let id = try desk.create("SO-1", try desk.deliver("SO-1", count, goods: 0), goods: 0)
            try desk.floor.run(.startInspection(id, inspector: nil))
            for (index, item) in desk.items(id).enumerated() {
                let note = "\(10 + index)" + String(repeating: "x", count: length - 2)
                try desk.floor.run(.inspectReturnItem(id, item: item.id, .defective, .returnToSupplier, note: note))
            }
            try desk.answerAll(id)
            try desk.floor.run(.completeReturn(id))
            let note = try #require(desk.floor.state.defects.inMemory.values.first?.note)
            #expect(note.utf8.count <= 2_000 && note.hasSuffix(expected), "\(count) of \(length): \(note.suffix(40))")
            if expected.isEmpty { #expect(note.utf8.count == count * length + (count - 1) * 2) }
        }
    }

    @Test func whatIsDecidedIsCarriedOutTogether() throws {
        var desk = try ReturnDesk()
        let serials = try desk.deliver("SO-1", 4, goods: 10)
        let id = try desk.create("SO-1", serials, goods: 10)
        try desk.floor.run(.startInspection(id, inspector: nil))
        let decisions: [(ReturnCondition, ReturnDecision)] = [
            (.new, .restock), (.damaged, .refurbish), (.unsellable, .dispose), (.defective, .returnToSupplier),
            (.defective, .returnToSupplier),
        ]
        for (item, (condition, decision)) in zip(desk.items(id), decisions) {
            try desk.floor.run(.inspectReturnItem(id, item: item.id, condition, decision, note: nil))
        }
        try desk.answerAll(id)
        try desk.floor.run(.completeReturn(id))
        let states = serials.map { desk.floor.state.unit($0)?.state }
        #expect(states.map { $0?.status } == [.inStock, .inProduction, .writtenOff, .defect])
        #expect(states[1]?.stage == "assembly" && states[1]?.iteration == 1 && states[2]?.writeOffReason == "disposal")
        let items = desk.items(id)
        #expect(items.map(\.status) == [.ready, .moved, .writeOff, .moved, .moved])
        #expect(items[0].location == "SHELF-NEW")
        let units = try #require(states[3]?.defectCase)
        let unitCase = desk.floor.state.defectCase(units)
        let found = try #require(unitCase)
        #expect(found.source == .return && found.supplier == "volt" && found.status == .pending && found.quantity == 1)
        let goodsCase = desk.floor.state.defectCase(items[4].defect ?? "")
        let goods = try #require(goodsCase)
        #expect(goods.quantity == 10 && !goods.isSerialised && goods.source == .return)
        #expect(desk.floor.state.card(CardKey(product: "RES-10K")).unserialisedDefect == 10)
        let after = try desk.found(id)
        #expect(after.status == .completed && after.task?.status == .completed && after.refund != nil)
        #expect(desk.floor.log.last { $0.product == "PCB-100" && $0.change == 1 }?.action == .returnRestock)
        try desk.check()
    }

    @Test func cancellingPutsEverythingBack() throws {
        var desk = try ReturnDesk()
        let serials = try desk.deliver("SO-1", 3, goods: 4)
        let before = serials.map { desk.floor.state.unit($0)?.state }
        let card = desk.floor.state.card(CardKey(product: "PCB-100"))
        let id = try desk.create("SO-1", serials, goods: 4)
        try desk.floor.run(.startInspection(id, inspector: nil))
        try desk.floor.run(.cancelReturn(id, note: "n"))
        #expect(
            serials.map { desk.floor.state.unit($0)?.state.status } == before.map { $0?.status }
                && serials.map { desk.floor.state.unit($0)?.state.delivery } == before.map { $0?.delivery })
        #expect(
            desk.floor.state.card(CardKey(product: "PCB-100")).units.filter { $0.value > 0 }
                == card.units.filter { $0.value > 0 })
        #expect(desk.items(id).allSatisfy { $0.status == .cancelled && $0.open == 0 })
        #expect(try desk.found(id).task?.status == .cancelled)
        // What was put back can come back again.
        let again = try desk.create("SO-1", serials, goods: 4)
        #expect(again != id)
        try desk.check()
    }

    @Test func heldUnitsBlockTheCompletionByName() throws {
        var desk = try ReturnDesk()
        let serials = try desk.deliver("SO-1", 2, goods: 0)
        let id = try desk.create("SO-1", serials, goods: 0)
        try desk.decideAll(id, .good, .restock)
        try desk.floor.run(.hold(serials[1], note: "n"))
        do {
            try desk.floor.run(.completeReturn(id))
            Issue.record("completed")
        } catch let refusal as Refusal {
            #expect(refusal.kind == .rule(.onHold) && refusal.message.contains(serials[1]))
            #expect(!refusal.message.contains(serials[0]))
        }
        try desk.floor.run(.release(serials[1], note: "n"))
        try desk.floor.run(.completeReturn(id))
        try desk.check()
    }

    @Test func quantitiesLeaveInParts() throws {
        var desk = try ReturnDesk()
        _ = try desk.deliver("SO-1", 0, goods: 10)
        let id = try desk.create("SO-1", [], goods: 10)
        let item = desk.items(id)[0].id
        try desk.floor.run(.processItem(item, .ready, quantity: 3, reason: nil, note: nil))
        #expect(desk.items(id)[0].status == .repacking && desk.items(id)[0].open == 7)
        try desk.floor.run(.processItem(item, .writeOff, quantity: 2, reason: .destroyed, note: nil))
        #expect(throws: Refusal.self) {
            try desk.floor.run(.processItem(item, .ready, quantity: 6, reason: nil, note: nil))
        }
        #expect(throws: Refusal.self, "carried out, so it can't be cancelled") {
            try desk.floor.run(.cancelReturn(id, note: "n"))
        }
        try desk.floor.run(.processItem(item, .ready, quantity: nil, reason: nil, note: nil))
        let after = desk.items(id)[0]
        #expect(after.outcomes.restocked == 8 && after.outcomes.writtenOff == 2 && after.status == .ready)
        #expect(desk.floor.state.card(CardKey(product: "RES-10K")).unserialised == 40 - 10 + 8)
        // What was processed still asks for its condition, and that agrees with what was done.
        try desk.floor.run(.startInspection(id, inspector: nil))
        try desk.answerAll(id)
        #expect(throws: Refusal.self) { try desk.floor.run(.completeReturn(id)) }
        #expect(throws: Refusal.self) {
            try desk.floor.run(.inspectReturnItem(id, item: item, .good, .returnToSupplier, note: nil))
        }
        for decision in [ReturnDecision.restock, .dispose] {
            #expect(throws: Refusal.self) {
                try desk.floor.run(.inspectReturnItem(id, item: item, .unsellable, decision, note: nil))
            }
        }
        try desk.floor.run(.inspectReturnItem(id, item: item, .good, .restock, note: nil))
        try desk.floor.run(.completeReturn(id))
        try desk.check()
    }

    @Test func whatLeavesByAnotherDeskLeavesTheQueue() throws {
        var desk = try ReturnDesk()
        let serials = try desk.deliver("SO-1", 3, goods: 0)
        let id = try desk.create("SO-1", serials, goods: 0)
        try desk.floor.run(.writeOff(serials[0], .lost, price: nil, note: "n"))
        try desk.floor.run(.markDefect(serials[1], .pending, type: "SOLDER", toStage: nil, note: "n"))
        try desk.floor.run(.markDefect(serials[2], .scrap, type: "SOLDER", toStage: nil, note: "n"))
        #expect(desk.items(id).map(\.status) == [.writeOff, .moved, .writeOff])
        #expect(desk.items(id).map(\.decision) == [.dispose, .returnToSupplier, .dispose])
        #expect(desk.floor.state.writeOffs.inMemory.values.map(\.source) == [.return, .return])
        #expect(throws: Refusal.self) { try desk.floor.run(.cancelReturn(id, note: "n")) }
        try desk.check()
    }

    @Test func theRefundFollowsThePolicy() throws {
        var settings = Settings()
        #expect(settings.refunds.percent(.damaged, .unsellable) == 100)
        #expect(settings.refunds.percent(.changedMind, .good) == 70)
        #expect(settings.refunds.percent(.changedMind, nil) == nil)
        settings.refundPolicy = RefundPolicy(reasons: ["size_issue": 95], conditions: ["good": 60])
        #expect(settings.refunds.percent(.changedMind, .good) == 60)
        #expect(settings.refunds.percent(.changedMind, .likeNew) == 90)
        #expect(settings.refunds.percent(.sizeIssue, .unsellable) == 95)

        var desk = try ReturnDesk()
        let serials = try desk.deliver("SO-1", 1, goods: 3)
        let id = try desk.create("SO-1", serials, goods: 3, reason: .changedMind)
        try desk.floor.run(.startInspection(id, inspector: nil))
        let items = desk.items(id)
        try desk.floor.run(.inspectReturnItem(id, item: items[0].id, .new, .restock, note: nil))
        try desk.floor.run(.inspectReturnItem(id, item: items[1].id, .unsellable, .dispose, note: nil))
        try desk.answerAll(id)
        let decision = try desk.floor.run(.completeReturn(id))
        #expect(try desk.found(id).refund == 25, "one piece of four at 100, three at 0")
        guard case .customerReturn(let change)? = decision.events.last?.change else {
            Issue.record("no return.completed")
            return
        }
        #expect(decision.events.last?.kind == .returnCompleted && change.lines?.map(\.refund) == [100, 0])
    }
}

/// The rules with a returns desk.
struct ReturnDesk {
    var floor: Floor
    private var made = 0

    init() throws {
        var plant = smallPlant()
        plant.suppliers["volt"] = Supplier(code: "volt", name: "Volt")
        plant.products["PCB-100"]?.supplier = "acme"
        plant.settings.reworkStage = "assembly"
        plant.settings.returnLocations = ["new": "SHELF-NEW"]
        plant.stations["BACK-1"] = Station(name: "BACK-1", mode: .returns, team: "desk")
        plant.people["rita"] = Person(
            login: "rita", name: "Rita", role: .member, team: "desk", badge: "digest:1009",
            grants: [.returnsManage, .returnsInspect])
        floor = Floor(plant)
        try floor.run(.adjust(product: "RES-10K", change: 40, note: "n"))
    }

    /// Units and goods leave under an order; answers the serials.
    mutating func deliver(_ order: String, _ count: Int, goods: Int) throws -> [String] {
        let serials = (0..<count).map { "R-\(made + $0)" }
        made += count
        if count > 0 {
            try floor.run(.receive(product: "PCB-100", serials: serials, supplier: "volt", cost: nil, note: "n"))
        }
        try floor.run(
            .deliver(
                order: order, customer: "Novak", serials: serials, items: goods > 0 ? [("RES-10K", goods)] : []))
        return serials
    }

    mutating func create(
        _ order: String, _ serials: [String], goods: Int, reason: ReturnReason = .damaged, isExpected: Bool = false
    ) throws -> String {
        let lot = ReturnLot(
            serials: serials, goods: goods > 0 ? [.init(product: "RES-10K", quantity: goods)] : [])
        let decision = try floor.run(
            .createReturn(
                order: order, customer: nil, kind: .return, reason: reason, expected: isExpected, lot))
        return try #require(decision.created)
    }

    /// A return of one item.
    mutating func receive(isSerialised: Bool) throws -> String {
        made += 1
        let order = "SO-R\(made)"
        let serials = try deliver(order, isSerialised ? 1 : 0, goods: isSerialised ? 0 : 4)
        return try create(order, serials, goods: isSerialised ? 0 : 4)
    }

    mutating func found(_ id: String) throws -> CustomerReturn {
        let found = floor.state.customerReturn(id)
        return try #require(found)
    }

    mutating func items(_ id: String) -> [ReturnItem] { floor.state.items(ofReturn: id) }

    mutating func addPhoto(_ id: String) throws {
        var photo = ReturnItem.Photo(format: .png, size: 70, kind: .damage, note: nil)
        photo.digest = String(repeating: "a", count: 64)
        try floor.run(.addPhoto(id, item: items(id)[0].id, photo))
    }

    mutating func answerAll(_ id: String) throws {
        let count = try found(id).task?.checklist.count ?? 0
        try floor.run(
            .answerChecklist(id, (1...count).map { ChecklistAnswer(question: $0, answer: .yes, note: nil) }))
    }

    mutating func decideAll(_ id: String, _ condition: ReturnCondition, _ decision: ReturnDecision) throws {
        try floor.run(.startInspection(id, inspector: nil))
        for item in items(id) {
            try floor.run(.inspectReturnItem(id, item: item.id, condition, decision, note: nil))
        }
        try answerAll(id)
    }

    mutating func bring(_ id: String, to status: ReturnStatus) throws {
        switch status {
        case .created: break
        case .inspecting: try floor.run(.startInspection(id, inspector: nil))
        case .completed:
            try decideAll(id, .good, .restock)
            try floor.run(.completeReturn(id))
        case .cancelled: try floor.run(.cancelReturn(id, note: "n"))
        }
    }

    mutating func take(_ step: ReturnTransitionTests.Step, _ id: String) throws {
        let item = items(id)[0]
        switch step {
        case .correct: try floor.run(.correctReturn(id, ReturnCorrection(kind: .exchange)))
        case .correctItem: try floor.run(.correctReturnItem(id, item: item.id, reason: .other, condition: nil))
        case .start: try floor.run(.startInspection(id, inspector: "rita"))
        case .inspect: try floor.run(.inspectReturnItem(id, item: item.id, .good, .restock, note: "n"))
        case .answer:
            try floor.run(.answerChecklist(id, [ChecklistAnswer(question: 1, answer: .no, note: "n")]))
        case .addPhoto: try addPhoto(id)
        case .deletePhoto: try floor.run(.deletePhoto(id, item: item.id, photo: item.photos.first?.id ?? ""))
        case .complete: try floor.run(.completeReturn(id))
        case .cancel: try floor.run(.cancelReturn(id, note: "n"))
        case .ready: try floor.run(.processItem(item.id, .ready, quantity: nil, reason: nil, note: nil))
        case .writeOff: try floor.run(.processItem(item.id, .writeOff, quantity: nil, reason: nil, note: nil))
        }
    }

    /// What must hold whatever was done.
    mutating func check(_ location: SourceLocation = #_sourceLocation) throws {
        var open = 0
        for item in floor.state.returnItems.inMemory.values {
            let found = floor.state.customerReturn(item.customerReturn)
            #expect(found != nil, "an item of no return", sourceLocation: location)
            #expect(item.open >= 0 && item.photos.count <= ReturnItem.photoLimit, sourceLocation: location)
            if found?.isOpen == false { #expect(item.open == 0, "left to do", sourceLocation: location) }
            if found?.status == .cancelled { #expect(item.outcomes.carriedOut == 0, sourceLocation: location) }
            if item.decision == .restock || item.outcomes.restocked > 0 {
                #expect(item.condition != .unsellable, sourceLocation: location)
            }
            if item.open == 0, let decision = item.decision, item.outcomes.cancelled == 0, item.arrivedAt != nil {
                #expect(item.outcomes[decision] > 0, "decided, and not done", sourceLocation: location)
            }
            if let serial = item.serial {
                let state = floor.state.unit(serial)?.state
                #expect((state?.returnItem == item.id) == (item.open > 0), "\(serial)", sourceLocation: location)
            } else {
                open += item.open
            }
        }
        for found in floor.state.customerReturns.inMemory.values where found.isOpen {
            let came = items(found.id).contains { $0.arrivedAt != nil }
            #expect(found.isExpected != came, "the return \(found.id)", sourceLocation: location)
        }
        for delivery in floor.state.deliveries.inMemory.values {
            guard let id = delivery.customerReturn else { continue }
            #expect(floor.state.customerReturn(id)?.kind == .exchange, "sent for \(id)", sourceLocation: location)
        }
        // No more comes back than was sent, and no unit twice.
        var out: [String: Int] = [:]
        for line in floor.state.deliveryLines where line.serial == nil {
            out[floor.state.delivery(line.delivery)?.order ?? "", default: 0] += line.quantity
        }
        var waiting: Set<String> = []
        for item in floor.state.returnItems.inMemory.values {
            if item.serial == nil, let found = floor.state.customerReturn(item.customerReturn) {
                #expect(item.quantity > 0, sourceLocation: location)
                out[found.order, default: 0] -= item.quantity - item.outcomes.cancelled
            } else if let serial = item.serial, item.status == .expected {
                #expect(waiting.insert(serial).inserted, "announced twice", sourceLocation: location)
            }
        }
        #expect(out.values.allSatisfy { $0 >= 0 }, "\(out)", sourceLocation: location)
        var counts: [Status: Int] = [:]
        for unit in floor.state.units.inMemory.values where unit.product == "PCB-100" {
            counts[unit.state.status, default: 0] += 1
            #expect((unit.state.status == .returned) == (unit.state.returnItem != nil), sourceLocation: location)
            #expect((unit.state.status == .delivered) == (unit.state.delivery != nil), sourceLocation: location)
            #expect((unit.state.status == .defect) == (unit.state.defectCase != nil), sourceLocation: location)
        }
        let card = floor.state.card(CardKey(product: "PCB-100"))
        #expect(card.units.filter { $0.value != 0 } == counts, sourceLocation: location)
        let goods = floor.state.card(CardKey(product: "RES-10K"))
        #expect(goods.unserialisedRepacking == open && goods.unserialised >= 0, sourceLocation: location)
        for (product, card) in [("PCB-100", card), ("RES-10K", goods)] {
            let sum = floor.log.filter { $0.product == product }.reduce(0) { $0 + $1.change }
            #expect(sum == card.store, "the log adds up to the card", sourceLocation: location)
        }
    }
}
