import Testing
import Tracking

/// Whatever is done at the defect desk in whatever order, its books stay right.
@Suite struct DefectInvariantTests {
    @Test(arguments: 1...30)
    func quantitiesAddUp(seed: UInt64) throws {
        var random = Random(seed: seed)
        var desk = try Desk()
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

    private func anything(_ desk: inout Desk, _ step: Int, _ random: inout Random) throws {
        let ids = desk.floor.state.defects.inMemory.keys.sorted()
        let units = desk.floor.state.units.inMemory.keys.sorted()
        func some() -> Int { Int(random.next() % 5) - 1 }
        let id = ids.randomElement(using: &random) ?? "none"
        let serial = units.randomElement(using: &random) ?? "NOBODY"
        let all = desk.floor.state.units(ofDefect: id).keys.sorted()
        let lot =
            random.next() % 2 == 0
            ? DefectLot(quantity: some()) : DefectLot(serials: Array(all.shuffled(using: &random).prefix(2)))
        switch random.next() % 18 {
        case 0, 1: _ = try desk.receive(3)
        case 2:
            let lot = DefectLot(serials: Array(units.shuffled(using: &random).prefix(Int(random.next() % 4))))
            try desk.floor.run(.openDefect(lot, product: nil, report(&random)))
        case 3:
            try desk.floor.run(
                .openDefect(DefectLot(quantity: some()), product: "PCB-100", report(&random)))
        case 4: try desk.floor.run(.markDefect(serial, .pending, type: "SOLDER", toStage: nil, note: "n"))
        case 5: try desk.floor.run(.markDefect(serial, .scrap, type: nil, toStage: nil, note: "n"))
        case 6: try desk.floor.run(.markDefect(serial, .rework, type: nil, toStage: "qa", note: "n"))
        case 7, 8:
            let left = desk.floor.state.defectCase(id)?.remaining ?? 0
            let good = Int(random.next() % UInt64(left + 1))
            try desk.floor.run(
                .inspectDefect(
                    id, .init(repairable: good, nonRepairable: left - good + (step % 7 == 0 ? 1 : 0)), findings: nil))
        case 9, 10:
            let target = random.next() % 3 == 0 ? "assembly" : "stock"
            try desk.floor.run(
                .repairDefect(id, lot, parts: [("RES-10K", Int(random.next() % 12))], target: target, note: "n"))
        case 11: try desk.floor.run(.writeOffDefect(id, lot, .disposal, price: nil, note: "n"))
        case 12:
            let some = Array(ids.shuffled(using: &random).prefix(2))
            try desk.floor.run(
                .routeDefects(some, supplier: step % 2 == 0 ? "volt" : nil, rma: "R", note: "n", isTrial: false))
        case 13: try desk.floor.run(.revertDefect(id, note: "n"))
        case 14:
            if step % 2 == 0 {
                try desk.floor.run(.supplierRepairDefect(id, lot, note: "n"))
            } else {
                try desk.floor.run(.supplierRepair(serial, note: "n"))
            }
        case 15: try desk.floor.run(.resolveDefect(id, note: "n", credit: nil))
        case 16:
            try desk.floor.run(
                .receive(
                    product: "PCB-100", serials: ["N-\(step)"], supplier: nil, cost: nil, replaces: serial, note: "n"))
        default: try desk.floor.run(.writeOff(serial, .lost, price: nil, note: "n"))
        }
    }

    private func report(_ random: inout Random) -> DefectReport {
        DefectReport(
            findings: [.init(type: "SOLDER", quantity: 1)], repairable: random.next() % 4 == 0 ? 1 : nil, note: "n")
    }
}
