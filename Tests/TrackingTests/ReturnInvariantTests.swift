import Testing
import Tracking

/// Whatever is done with returns in whatever order, by scan and by command, the books stay right.
@Suite struct ReturnInvariantTests {
    @Test(arguments: 1...30)
    func nothingIsLostOrLeft(seed: UInt64) throws {
        var random = Random(seed: seed)
        var desk = try ReturnDesk()
        _ = try desk.deliver("SO-1", 4, goods: 10)
        _ = try desk.deliver("SO-2", 3, goods: 6)
        var (done, refused) = (0, 0)
        for step in 0..<250 {
            do {
                try anything(&desk, step, &random)
                done += 1
            } catch is Refusal {
                refused += 1
            }
            try desk.check()
        }
        #expect(done > 50 && refused > 10)
    }

    /// Reasons that no operator finds in their list.
    private static let onlyForCommands: Set<Reason> = [
        .unitsInProduction, .wrongStatus, .exceedsRemaining, .notInspected, .photoLimit, .noRouting,
    ]

    private func anything(_ desk: inout ReturnDesk, _ step: Int, _ random: inout Random) throws {
        let ids = desk.floor.state.customerReturns.inMemory.keys.sorted()
        let items = desk.floor.state.returnItems.inMemory.keys.sorted()
        let units = desk.floor.state.units.inMemory.keys.sorted()
        let id = ids.randomElement(using: &random) ?? "none"
        let item = items.randomElement(using: &random) ?? "none"
        let owner = desk.floor.state.returnItem(item)?.customerReturn ?? id
        let serial = units.randomElement(using: &random) ?? "NOBODY"
        let order = ["SO-1", "SO-2"].randomElement(using: &random) ?? ""
        let condition = ReturnCondition.allCases.randomElement(using: &random) ?? .good
        let decision = ReturnDecision.allCases.randomElement(using: &random) ?? .restock
        func scan(_ station: String, _ text: String) throws {
            let answer = try desk.floor.scan(station, text)
            if let reason = answer.reason { #expect(!Self.onlyForCommands.contains(reason), "\(text): \(reason)") }
        }
        switch random.next() % 31 {
        case 0:
            _ = try desk.create(
                order, Array(units.shuffled(using: &random).prefix(Int(random.next() % 3))),
                goods: Int(random.next() % 4), isExpected: random.next() % 2 == 0)
        case 1, 2: try desk.floor.run(.startInspection(id, inspector: nil))
        case 3...6: try desk.floor.run(.inspectReturnItem(owner, item: item, condition, decision, note: nil))
        case 7: if desk.floor.state.customerReturn(id)?.task != nil { try desk.answerAll(id) }
        case 8, 9: try desk.floor.run(.completeReturn(id))
        case 10: try desk.floor.run(.cancelReturn(id, note: "n"))
        case 11:
            try desk.floor.run(
                .processItem(
                    item, random.next() % 2 == 0 ? .ready : .writeOff, quantity: Int(random.next() % 4),
                    reason: nil, note: nil))
        case 12: if ids.contains(id) { try desk.addPhoto(id) }
        case 13: try desk.floor.run(.hold(serial, note: "n"))
        case 14: try desk.floor.run(.release(serial, note: "n"))
        case 15:
            let disposition = Disposition.allCases.randomElement(using: &random) ?? .pending
            try desk.floor.run(
                .markDefect(
                    serial, disposition, type: "SOLDER", toStage: disposition == .rework ? "assembly" : nil, note: "n"))
        case 16: try desk.floor.run(.writeOff(serial, .lost, price: nil, note: "n"))
        case 17: _ = try desk.deliver(order, 1, goods: Int(random.next() % 2))
        case 18: try scan("BACK-1", "TRV:ORDER:" + order)
        case 19: try scan("BACK-1", serial)
        case 20: try scan("BACK-1", random.next() % 2 == 0 ? "RES-10K" : "TRV:QTY:2")
        case 21: try scan("BACK-1", "TRV:PASS")
        case 22: try scan("BACK-1", random.next() % 2 == 0 ? "TRV:BADGE:1009" : "TRV:SCRAP:SOLDER")
        case 23: try scan("BACK-1", "TRV:COND:" + condition.rawValue)
        case 24: try scan("SHIP-1", "TRV:ORDER:" + order)
        case 25: try scan("SHIP-1", random.next() % 2 == 0 ? "RES-10K" : "TRV:QTY:3")
        case 26: try scan("SHIP-1", "TRV:UNDO")
        case 27: try scan("SHIP-1", "TRV:RETURN:" + id)
        case 28: try scan("SHIP-1", "TRV:CLOSE")
        case 29:
            try desk.floor.run(
                .correctReturn(id, ReturnCorrection(kind: ReturnKind.allCases.randomElement(using: &random))))
        default: try scan("BACK-1", "TRV:UNDO")
        }
    }
}
