import Testing
import Tracking

/// Whatever is scanned and commanded in whatever order, the books stay right.
@Suite struct InvariantTests {
    @Test(arguments: 1...40)
    func cardsOrdersAndLogAddUp(seed: UInt64) throws {
        var random = Random(seed: seed)
        var desk = try ReturnDesk()
        try desk.floor.openOrder(quantity: 6)
        try desk.floor.run(
            .createWorkOrder(number: "G-1", product: "RES-10K", quantity: 12, team: "smt", due: nil))
        try desk.floor.run(.moveWorkOrder("G-1", to: .released))
        // Somebody who may scrap and rework at the bench.
        var plant = desk.floor.state.plant
        plant.people["lena"]?.badge = "digest:2001"
        desk.floor.state.restore(plant, head: desk.floor.state.head)
        var serials = try desk.deliver("SO-1", 3, goods: 8) + ["X-1", "X-2", "NOBODY"]
        for step in 0..<400 {
            let serial = serials.randomElement(using: &random) ?? "X-1"
            if random.next() % 3 > 0 {
                let code = anyCode(serial, desk.floor.state, &random)
                let answer = try desk.floor.scan(anyStation(&random), code)
                if let made = answer.serial, !serials.contains(made) { serials.append(made) }
            } else {
                do {
                    let command =
                        random.next() % 2 == 0
                        ? anyCommand(serial, step, &random) : anyDesk(serial, desk.floor.state, &random)
                    try desk.floor.run(command)
                } catch is Refusal {}
            }
            if random.next() % 20 == 0 { desk.floor.now += 700_000 }
            try check(&desk.floor, serials)
            try desk.floor.checkCases()
            try desk.check()
        }
    }

    private func anyStation(_ random: inout Random) -> String {
        ["LABEL-1", "ASSY-1", "TEST-1", "COAT-1", "QA-1", "SHIP-1", "BACK-1", "ASK-1"].randomElement(using: &random)
            ?? "QA-1"
    }

    private func anyCode(_ serial: String, _ state: State, _ random: inout Random) -> String {
        let customerReturn = state.customerReturns.inMemory.keys.sorted().randomElement(using: &random) ?? "0"
        let codes = [
            serial, serial, serial, serial, "TRV:NEW", "TRV:PASS", "TRV:PASS", "TRV:FAIL:SOLDER", "TRV:UNDO",
            "TRV:HOLD",
            "TRV:RELEASE", "TRV:SCRAP:SOLDER", "TRV:REWORK:assembly", "TRV:CANCEL", "TRV:WO:1001", "TRV:ORDER:SO-1",
            "TRV:CLOSE", "TRV:QTY:2", "RES-10K", "RES-10K", "TRV:WO:G-1", "1007", "2001", "TRV:REPRINT",
            "TRV:BADGE:1008", "TRV:NONSENSE",
            "1009", "TRV:KIND:exchange", "TRV:COND:unsellable", "TRV:RETURN:" + customerReturn,
        ]
        return codes.randomElement(using: &random) ?? serial
    }

    private func anyCommand(_ serial: String, _ step: Int, _ random: inout Random) -> Command {
        switch random.next() % 12 {
        case 0: .receive(product: "PCB-100", serials: [serial], supplier: "acme", cost: nil, note: "found")
        case 1: .hold(serial, note: "look")
        case 2: .release(serial, note: "fine")
        case 3: .markDefect(serial, .pending, type: "SOLDER", toStage: nil, note: "bad")
        case 4: .markDefect(serial, .rework, type: nil, toStage: "assembly", note: "again")
        case 5: .markDefect(serial, .scrap, type: nil, toStage: nil, note: "no use")
        case 6: .writeOff(serial, .lost, price: nil, note: "gone")
        case 7: .adjust(product: "RES-10K", change: Int(random.next() % 21) - 10, note: "counted")
        case 8:
            .deliver(
                order: step % 3 == 0 ? "D-\(step)" : "SO-1", customer: nil, serials: [serial], items: [("RES-10K", 1)])
        case 9: .adjustSerials(product: "PCB-100", serials: [serial], note: "counted")
        case 10:
            .produce(
                product: "RES-10K", quantity: Int(random.next() % 4), workOrder: step % 2 == 0 ? "G-1" : nil, note: nil)
        default: .assign(serial, to: "mia")
        }
    }

    /// What is done at the desks for defects and returns.
    private func anyDesk(_ serial: String, _ state: State, _ random: inout Random) -> Command {
        let defect = state.defects.inMemory.keys.sorted().randomElement(using: &random) ?? "0"
        let customerReturn = state.customerReturns.inMemory.keys.sorted().randomElement(using: &random) ?? "0"
        let item = state.returnItems.inMemory.keys.sorted().randomElement(using: &random) ?? "0"
        let owner = state.returnItems.inMemory[item]?.customerReturn ?? "0"
        let lot = random.next() % 2 == 0 ? DefectLot(serials: [serial]) : DefectLot(quantity: 1)
        let report = DefectReport(reason: "bad", note: "n")
        return switch random.next() % 15 {
        case 0: .openDefect(DefectLot(serials: [serial]), product: nil, report)
        case 1: .openDefect(DefectLot(quantity: 2), product: "RES-10K", report)
        case 2: .inspectDefect(defect, .init(repairable: 1, nonRepairable: 0), findings: nil)
        case 3: .inspectDefect(defect, .init(repairable: 1, nonRepairable: 1), findings: nil)
        case 4: .repairDefect(defect, lot, parts: [], target: "stock", note: "n")
        case 5: .writeOffDefect(defect, lot, .scrap, price: nil, note: "n")
        case 6:
            .createReturn(
                order: "SO-1", customer: nil, kind: .exchange, reason: .other, expected: random.next() % 2 == 0,
                ReturnLot(
                    serials: [serial], goods: random.next() % 2 == 0 ? [.init(product: "RES-10K", quantity: 2)] : [])
            )
        case 7: .correctReturn(customerReturn, ReturnCorrection(kind: random.next() % 2 == 0 ? .return : .exchange))
        case 8: .startInspection(customerReturn, inspector: nil)
        case 9: .inspectReturnItem(owner, item: item, .good, .restock, note: nil)
        case 10: .inspectReturnItem(owner, item: item, .defective, .returnToSupplier, note: nil)
        case 11:
            .answerChecklist(customerReturn, (1...5).map { ChecklistAnswer(question: $0, answer: .yes, note: nil) })
        case 12: .completeReturn(customerReturn)
        case 13: .cancelReturn(customerReturn, note: "n")
        default: .processItem(item, .ready, quantity: 1, reason: nil, note: nil)
        }
    }

    private func check(_ floor: inout Floor, _ serials: [String]) throws {
        var counts: [Status: Int] = [:]
        var (registered, good, inProduction, writtenOff) = (0, 0, 0, 0)
        for serial in Set(serials) {
            guard let unit = floor.state.unit(serial) else { continue }
            counts[unit.state.status, default: 0] += 1
            #expect((unit.state.stage != nil) == (unit.state.status == .inProduction))
            #expect((unit.state.writeOffReason != nil) == (unit.state.status == .writtenOff))
            guard unit.workOrder != nil else { continue }
            registered += 1
            switch unit.state.status {
            case .inProduction: inProduction += 1
            case .writtenOff: writtenOff += 1
            case .inStock, .delivered, .returned, .installed, .split: good += 1
            case .defect: break
            }
        }
        let card = floor.state.card(CardKey(product: "PCB-100"))
        for status in Status.allCases { #expect(card[status] == counts[status] ?? 0) }
        #expect(card.total == counts.values.reduce(0, +))

        for product in ["PCB-100", "RES-10K"] {
            let card = floor.state.card(CardKey(product: product))
            let lines = floor.log.filter { $0.product == product }
            #expect(card.store == lines.reduce(0) { $0 + $1.change })
            #expect(card.unserialised >= 0)
            for (line, next) in zip(lines, lines.dropFirst()) { #expect(line.after == next.before) }
            for line in lines { #expect(line.before + line.change == line.after) }
        }
        let goodsOrder = floor.state.workOrder("G-1")
        let goods = try #require(goodsOrder)
        #expect(goods.good == floor.made["G-1", default: 0] && goods.registered == goods.good)
        #expect((0...goods.quantity).contains(goods.good))
        #expect((goods.status == .completed) == (goods.good == goods.quantity))
        let found = floor.state.workOrder("1001")
        let order = try #require(found)
        #expect(order.registered == registered)
        #expect(order.good == good)
        #expect(order.inProduction == inProduction)
        #expect(order.writtenOff == writtenOff)
        #expect(order.registered - order.writtenOff + order.pendingLabels <= order.quantity)
    }
}

/// Reproducible random numbers (SplitMix64).
struct Random: RandomNumberGenerator {
    var state: UInt64
    init(seed: UInt64) { state = seed &* 0xD134_2543_DE82_EF95 }
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
