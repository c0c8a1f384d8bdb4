import Testing
import Tracking

/// What the defect desk does not take, and that nothing is changed by asking for it.
@Suite struct DefectInputTests {
    private func refused(
        _ desk: inout Desk, _ command: Command, as login: String = "ada", _ kind: Refusal.Kind,
        _ location: SourceLocation = #_sourceLocation
    ) throws {
        let (head, cases) = (desk.floor.state.head, desk.floor.state.defects.inMemory)
        do {
            try desk.floor.run(command, as: login)
            Issue.record("taken", sourceLocation: location)
        } catch let refusal as Refusal {
            #expect(refusal.kind == kind, "\(refusal.message)", sourceLocation: location)
            #expect(!refusal.message.isEmpty)
        }
        #expect(desk.floor.state.head == head)
        #expect(desk.floor.state.defects.inMemory == cases)
    }

    private func report(
        _ findings: [DefectCase.Finding] = [.init(type: "SOLDER", quantity: 1)], reason: String? = nil,
        repairable: Int? = nil, supplier: String? = nil, note: String = "n"
    ) -> DefectReport {
        DefectReport(findings: findings, reason: reason, repairable: repairable, supplier: supplier, note: note)
    }

    @Test func openingACase() throws {
        var desk = try Desk()
        let units = DefectLot(serials: try desk.receive(2))
        try desk.floor.run(.receive(product: "RES-10K", serials: ["S-1"], supplier: nil, cost: nil, note: "n"))
        try refused(&desk, .openDefect(DefectLot(), product: nil, report()), .invalid)
        try refused(&desk, .openDefect(units, product: "PCB-100", report()), .invalid)
        try refused(&desk, .openDefect(DefectLot(serials: ["R-0", "R-0"]), product: nil, report()), .invalid)
        try refused(&desk, .openDefect(DefectLot(serials: ["R-0", "S-1"]), product: nil, report()), .invalid)
        try refused(&desk, .openDefect(DefectLot(serials: ["R-0", "NOBODY"]), product: nil, report()), .notFound)
        try refused(&desk, .openDefect(DefectLot(quantity: 0), product: "PCB-100", report()), .invalid)
        try refused(&desk, .openDefect(DefectLot(quantity: -3), product: "PCB-100", report()), .invalid)
        try refused(
            &desk, .openDefect(DefectLot(quantity: 101), product: "PCB-100", report()), .rule(.insufficientStock))
        try refused(&desk, .openDefect(DefectLot(quantity: 1), product: "NOTHING", report()), .invalid)
        try refused(&desk, .openDefect(DefectLot(quantity: 1), product: nil, report()), .invalid)
        for reason in [nil, "", "  "] {
            try refused(&desk, .openDefect(units, product: nil, report([], reason: reason)), .invalid)
        }
        try refused(&desk, .openDefect(units, product: nil, report(note: " ")), .invalid)
        for type in ["OLD", "NONE"] {
            let report = report([.init(type: type, quantity: 1)])
            try refused(&desk, .openDefect(units, product: nil, report), .rule(.unknownDefectType))
        }
        for quantity in [0, -1, 3] {
            let report = report([.init(type: "SOLDER", quantity: quantity)])
            try refused(&desk, .openDefect(units, product: nil, report), .invalid)
        }
        let twice = report([.init(type: "SOLDER", quantity: 1), .init(type: "SOLDER", quantity: 1)])
        try refused(&desk, .openDefect(units, product: nil, twice), .invalid)
        for repairable in [-1, 3] {
            try refused(&desk, .openDefect(units, product: nil, report(repairable: repairable)), .invalid)
        }
        try refused(&desk, .openDefect(units, product: nil, report(supplier: "nobody")), .invalid)
        // One piece can have several defects, and the same unit is in one case only.
        let both = report([.init(type: "SOLDER", quantity: 2), .init(type: "SCRATCH", quantity: 2)])
        try desk.floor.run(.openDefect(units, product: nil, both))
        try refused(&desk, .openDefect(DefectLot(serials: ["R-1"]), product: nil, report()), .rule(.isDefect))
        try refused(
            &desk, .markDefect("R-1", .pending, type: nil, toStage: nil, note: "n"), .rule(.isDefect))
        try desk.check()
    }

    @Test(arguments: [true, false])
    func workingOnACase(isSerialised: Bool) throws {
        var desk = try Desk()
        let id = try desk.open(4, isSerialised: isSerialised)
        let other = try desk.open(1, isSerialised: true)
        for (good, bad) in [(5, 0), (2, 1), (-1, 5), (.max, .max)] {
            try refused(
                &desk, .inspectDefect(id, .init(repairable: good, nonRepairable: bad), findings: nil), .invalid)
        }
        let split = DefectCase.Split(repairable: 2, nonRepairable: 2)
        try refused(
            &desk, .inspectDefect(id, split, findings: [.init(type: "OLD", quantity: 1)]), .rule(.unknownDefectType))
        try refused(&desk, .inspectDefect(id, split, findings: []), .invalid)
        try refused(&desk, .inspectDefect("999", split, findings: nil), .notFound)
        try refused(&desk, .inspectDefect("x", split, findings: nil), .notFound)
        try desk.floor.run(.inspectDefect(id, split, findings: nil))

        let (one, three) = (try desk.lot(id, 1), try desk.lot(id, 3))
        func repair(_ lot: DefectLot, _ parts: [(product: String, quantity: Int)] = [], to target: String = "stock")
            -> Command
        { .repairDefect(id, lot, parts: parts, target: target, note: "n") }
        try refused(&desk, repair(three), .rule(.exceedsRemaining))
        try refused(&desk, repair(DefectLot()), .invalid)
        try refused(&desk, repair(one, to: "nowhere"), isSerialised ? .rule(.wrongStage) : .invalid)
        try refused(&desk, repair(one, [("RES-10K", 41)]), .rule(.insufficientStock))
        try refused(&desk, repair(one, [("RES-10K", 1), ("RES-10K", 1)]), .invalid)
        for quantity in [0, -1] { try refused(&desk, repair(one, [("RES-10K", quantity)]), .invalid) }
        try refused(&desk, repair(one, [("PCB-100", 1)]), .invalid)
        try refused(&desk, repair(one, [("NOTHING", 1)]), .invalid)
        if isSerialised {
            try refused(&desk, repair(DefectLot(quantity: 1)), .invalid)
            let foreign = DefectLot(serials: desk.units(other))
            try refused(&desk, repair(foreign), .rule(.wrongStatus))
        } else {
            try refused(&desk, repair(DefectLot(serials: ["R-0"])), .invalid)
            for quantity in [0, -1] { try refused(&desk, repair(DefectLot(quantity: quantity)), .invalid) }
        }

        func writeOff(_ lot: DefectLot, _ reason: WriteOffReason, _ price: Money?, note: String = "n") -> Command {
            .writeOffDefect(id, lot, reason, price: price, note: note)
        }
        try refused(&desk, writeOff(three, .disposal, nil), .rule(.exceedsRemaining))
        try refused(&desk, writeOff(one, .outletSale, nil), .invalid)
        try refused(&desk, writeOff(one, .scrap, Money(1)), .invalid)
        try refused(&desk, writeOff(one, .other, nil, note: ""), .invalid)
        try desk.floor.run(writeOff(one, .outletSale, Money(4.5)))
        try desk.check()
    }

    @Test func aRouteOfAThousandCasesWithOneBadIdSendsNothing() throws {
        var desk = try Desk()
        var ids: [String] = []
        for _ in 0..<1_000 { ids.append(try desk.open(1, isSerialised: true)) }
        try refused(
            &desk, .routeDefects(ids + ["999999"], supplier: nil, rma: "R", note: "n", isTrial: false), .notFound)
        try desk.floor.run(.resolveDefect(ids[500], note: "n", credit: nil))
        try refused(&desk, .routeDefects(ids, supplier: nil, rma: "R", note: "n", isTrial: false), .rule(.wrongStatus))
        #expect(desk.floor.state.defects.inMemory.values.allSatisfy { $0.status != .withSupplier })
        ids.remove(at: 500)
        try refused(&desk, .routeDefects(ids + [ids[0]], supplier: nil, rma: "R", note: "n", isTrial: false), .invalid)
        try refused(&desk, .routeDefects(ids, supplier: "nobody", rma: "R", note: "n", isTrial: false), .invalid)
        try refused(&desk, .routeDefects([], supplier: nil, rma: "R", note: "n", isTrial: false), .invalid)
        try refused(&desk, .routeDefects(ids, supplier: nil, rma: "", note: "n", isTrial: false), .invalid)
        let head = desk.floor.state.head
        for (ids, isFine) in [(ids, true), (ids + ["999999"], false)] {
            let trial = Command.routeDefects(ids, supplier: nil, rma: "R", note: "n", isTrial: true)
            #expect(((try? desk.floor.run(trial)) != nil) == isFine)
        }
        #expect(desk.floor.state.head == head, "a trial changes nothing")
        let decision = try desk.floor.run(.routeDefects(ids, supplier: nil, rma: "R", note: "n", isTrial: false))
        #expect(desk.floor.state.supplierReturns.last?.cases == ids.map { .init(id: $0, quantity: 1) })
        #expect(ids.allSatisfy { desk.floor.state.defectCase($0)?.shipment == decision.created })
        try desk.check()
    }

    @Test func whoMayDoWhat() throws {
        var desk = try Desk()
        try desk.floor.openOrder()
        let own = try desk.floor.startUnit()
        let foreign = try desk.open(1, isSerialised: true)
        let goods = try desk.open(1, isSerialised: false)
        // Mia has no grant at all; Lena manages the defects of her team; goods without serials are a balance.
        try refused(
            &desk, .openDefect(DefectLot(serials: [own]), product: nil, report()), as: "mia", .notPermitted)
        let id = try #require(
            try desk.floor.run(.openDefect(DefectLot(serials: [own]), product: nil, report()), as: "lena").created)
        let split = DefectCase.Split(repairable: 1, nonRepairable: 0)
        try refused(&desk, .inspectDefect(id, split, findings: nil), as: "dora", .notPermitted)
        try refused(&desk, .inspectDefect(foreign, split, findings: nil), as: "lena", .notFound)
        try refused(&desk, .inspectDefect(goods, split, findings: nil), as: "lena", .notFound)
        try refused(
            &desk, .routeDefects([id, foreign], supplier: "acme", rma: "R", note: "n", isTrial: false), as: "lena",
            .notFound)
        try refused(
            &desk, .openDefect(DefectLot(quantity: 1), product: "PCB-100", report()), as: "lena", .notPermitted)
        try desk.floor.run(.inspectDefect(id, split, findings: nil), as: "lena")
        // Nobody opens a case over several teams that they would not see: the lead of both does, and who sees another
        // team's unit only because they ship it opens one for each.
        desk.floor.state.plant.people["dora"]?.grants = [.defectsMark]
        desk.floor.state.plant.people["lena"]?.grants.insert(.deliver)
        let (one, other) = (try desk.floor.startUnit(), try desk.floor.startUnit())
        var foreigner = desk.floor.state.unit(other)
        foreigner?.team = "finish"
        foreigner?.state = UnitState(status: .inStock)
        desk.floor.state.units.write(other, foreigner)
        let lot = DefectLot(serials: [one, other])
        try refused(&desk, .openDefect(lot, product: nil, report()), as: "lena", .invalid)
        let both = try #require(try desk.floor.run(.openDefect(lot, product: nil, report()), as: "dora").created)
        #expect(desk.floor.state.defectCase(both)?.team == nil)
        desk.floor.state.plant.people["dora"]?.grants = [.defectsManage]
        try desk.floor.run(.inspectDefect(both, .init(repairable: 2, nonRepairable: 0), findings: nil), as: "dora")
        try refused(&desk, .inspectDefect(both, split, findings: nil), as: "lena", .notFound)
        // Spare parts are taken by whoever repairs; how many there are is told to leads.
        let many = Command.repairDefect(id, DefectLot(), parts: [("RES-10K", 99)], target: "assembly", note: "n")
        do {
            try desk.floor.run(many, as: "lena")
        } catch let refusal as Refusal {
            #expect(refusal.kind == .rule(.insufficientStock) && refusal.message.contains("40"))
        }
        try desk.floor.run(
            .repairDefect(id, DefectLot(), parts: [("RES-10K", 9)], target: "assembly", note: "n"), as: "lena")
        #expect(desk.floor.state.card(CardKey(product: "RES-10K")).unserialised == 31)
    }
}
