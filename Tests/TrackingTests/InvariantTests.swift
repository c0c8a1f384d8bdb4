import Testing
import Tracking

/// Whatever is scanned and commanded in whatever order, the books stay right.
@Suite struct InvariantTests {
    @Test(arguments: 1...40)
    func cardsOrdersAndLogAddUp(seed: UInt64) throws {
        var random = Random(seed: seed)
        var floor = Floor()
        try floor.openOrder(quantity: 6)
        // Somebody who may scrap and rework at the bench.
        var plant = floor.state.plant
        plant.people["lena"]?.badge = "digest:2001"
        floor.state.restore(plant, head: floor.state.head)
        var serials: [String] = ["X-1", "X-2", "NOBODY"]
        for step in 0..<400 {
            let serial = serials.randomElement(using: &random) ?? "X-1"
            if random.next() % 3 > 0 {
                let answer = try floor.scan(anyStation(&random), anyCode(serial, &random))
                if let made = answer.serial, !serials.contains(made) { serials.append(made) }
            } else {
                do {
                    try floor.run(anyCommand(serial, step, &random))
                } catch is Refusal {}
            }
            if random.next() % 20 == 0 { floor.now += 700_000 }
            try check(&floor, serials)
            try floor.checkCases()
        }
    }

    private func anyStation(_ random: inout Random) -> String {
        ["LABEL-1", "ASSY-1", "TEST-1", "COAT-1", "QA-1", "SHIP-1", "ASK-1"].randomElement(using: &random) ?? "QA-1"
    }

    private func anyCode(_ serial: String, _ random: inout Random) -> String {
        let codes = [
            serial, serial, serial, serial, "TRV:NEW", "TRV:PASS", "TRV:PASS", "TRV:FAIL:SOLDER", "TRV:UNDO",
            "TRV:HOLD",
            "TRV:RELEASE", "TRV:SCRAP:SOLDER", "TRV:REWORK:assembly", "TRV:CANCEL", "TRV:WO:1001", "TRV:ORDER:SO-1",
            "TRV:CLOSE", "TRV:QTY:2", "RES-10K", "1007", "2001", "TRV:REPRINT", "TRV:BADGE:1008", "TRV:NONSENSE",
        ]
        return codes.randomElement(using: &random) ?? serial
    }

    private func anyCommand(_ serial: String, _ step: Int, _ random: inout Random) -> Command {
        switch random.next() % 11 {
        case 0: .receive(product: "PCB-100", serials: [serial], supplier: "acme", cost: nil, note: "found")
        case 1: .hold(serial, note: "look")
        case 2: .release(serial, note: "fine")
        case 3: .markDefect(serial, .pending, type: "SOLDER", toStage: nil, note: "bad")
        case 4: .markDefect(serial, .rework, type: nil, toStage: "assembly", note: "again")
        case 5: .markDefect(serial, .scrap, type: nil, toStage: nil, note: "no use")
        case 6: .writeOff(serial, .lost, price: nil, note: "gone")
        case 7: .adjust(product: "RES-10K", change: Int(random.next() % 21) - 10, note: "counted")
        case 8: .deliver(order: "D-\(step)", customer: nil, serials: [serial], items: [("RES-10K", 1)])
        case 9: .adjustSerials(product: "PCB-100", serials: [serial], note: "counted")
        default: .assign(serial, to: "mia")
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
