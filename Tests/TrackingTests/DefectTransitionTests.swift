import Testing
import Tracking

/// Every step of the status table, from every status, allowed and refused.
@Suite struct DefectTransitionTests {
    enum Step: String, CaseIterable {
        case inspect, repairSome, repairAll, writeOffSome, writeOffAll, route, revert, resolve, supplierRepair
    }

    /// Where a step leads from a status; a missing one is refused.
    static let table: [DefectStatus: [Step: DefectStatus]] = [
        .pending: [.inspect: .inspected, .route: .withSupplier, .resolve: .resolved],
        .inspected: [
            .inspect: .inspected, .repairSome: .processing, .writeOffSome: .processing, .route: .withSupplier,
            .resolve: .resolved,
        ],
        .processing: [
            .inspect: .inspected, .repairSome: .processing, .writeOffSome: .processing, .route: .withSupplier,
            .resolve: .resolved,
        ],
        .withSupplier: [.revert: .pending, .resolve: .resolved, .supplierRepair: .withSupplier],
        .resolved: [.writeOffSome: .resolved, .writeOffAll: .resolved, .supplierRepair: .resolved],
    ]

    static let all = DefectStatus.allCases.flatMap { status in
        Step.allCases.flatMap { step in [true, false].map { (status, step, $0) } }
    }

    @Test(arguments: all)
    func leadsWhereTheTableSays(from status: DefectStatus, step: Step, isSerialised: Bool) throws {
        var desk = try Desk()
        let id = try desk.open(8, isSerialised: isSerialised)
        try desk.bring(id, to: status)
        let before = try desk.found(id)
        #expect(before.status == status)
        do {
            try desk.take(step, id)
            let after = try desk.found(id)
            #expect(after.status == Self.table[status]?[step], "\(status) \(step)")
        } catch let refusal as Refusal {
            #expect(Self.table[status]?[step] == nil, "\(status) \(step): \(refusal.message)")
            #expect(try desk.found(id) == before)
        }
        try desk.check()
    }

    @Test(arguments: [true, false])
    func aCaseWithNothingLeftIsResolved(isSerialised: Bool) throws {
        var desk = try Desk()
        let id = try desk.open(4, isSerialised: isSerialised)
        try desk.floor.run(.inspectDefect(id, .init(repairable: 3, nonRepairable: 1), findings: nil))
        try desk.repair(id, 3)
        #expect(try desk.found(id).status == .processing)
        try desk.writeOff(id, 1)
        let found = try desk.found(id)
        #expect(found.status == .resolved && found.remaining == 0 && found.resolvedAt != nil && found.awaiting == 0)
        #expect(found.repairable == 3 && found.nonRepairable == 1)
        try desk.check()
    }

    @Test func aUnitLeavesByEveryPathThatLeavesDefect() throws {
        let paths: [(Desk.Leave, DefectOutcome)] = [
            (.rework, .reworked), (.scrap, .writtenOff), (.writeOff, .writtenOff), (.repair, .repaired),
            (.supplierRepair, .supplierRepaired), (.replacement, .replaced),
        ]
        for (path, outcome) in paths {
            var desk = try Desk()
            let id = try desk.open(1, isSerialised: true)
            let serial = desk.units(id)[0]
            try desk.leave(path, serial, id)
            let found = try desk.found(id)
            #expect(found.remaining == 0 && found.status == .resolved, "\(path)")
            #expect(desk.floor.state.units(ofDefect: id)[serial]?.outcome == outcome, "\(path)")
            #expect(desk.floor.state.unit(serial)?.state.defectCase == nil, "\(path)")
            try desk.check()
        }
    }

    @Test func aRepairToStockAsksThatItWasThere() throws {
        var desk = try Desk()
        try desk.floor.openOrder()
        let serial = try desk.floor.startUnit()
        let id = try #require(
            try desk.floor.run(.markDefect(serial, .pending, type: "SOLDER", toStage: nil, note: "n")).created)
        try desk.floor.run(.inspectDefect(id, .init(repairable: 1, nonRepairable: 0), findings: nil))
        #expect(throws: Refusal.self) {
            try desk.floor.run(.repairDefect(id, DefectLot(), parts: [], target: "stock", note: "n"))
        }
        #expect(throws: Refusal.self) {
            try desk.floor.run(.repairDefect(id, DefectLot(), parts: [], target: "qa", note: "n"))
        }
        try desk.floor.run(.repairDefect(id, DefectLot(), parts: [], target: "assembly", note: "n"))
        let state = desk.floor.state.unit(serial)?.state
        #expect(state?.status == .inProduction && state?.stage == "assembly" && state?.iteration == 1)
    }

    @Test func aUnitThatWentToNoSupplierDoesNotComeBackFromOneIntoStock() throws {
        var desk = try Desk()
        try desk.floor.openOrder()
        let serial = try desk.floor.startUnit()
        let id = try #require(
            try desk.floor.run(.markDefect(serial, .pending, type: "SOLDER", toStage: nil, note: "n")).created)
        try desk.floor.run(.resolveDefect(id, note: "closed by mistake", credit: nil))
        #expect(throws: Refusal.self) { try desk.floor.run(.supplierRepair(serial, note: "n")) }
        try desk.floor.run(.markDefect(serial, .rework, type: nil, toStage: "assembly", note: "n"))
        #expect(desk.floor.state.unit(serial)?.state.stage == "assembly")
        #expect(try desk.found(id).outcomes.reworked == 1)
        try desk.check()
    }

    @Test func aCreditThatComesLaterIsWrittenDown() throws {
        var desk = try Desk()
        let id = try desk.open(1, isSerialised: true)
        let serial = desk.units(id)[0]
        func credit(_ credit: Money?) -> Command {
            .correctDefect(id, note: nil, location: nil, supplier: nil, credit: .some(credit))
        }
        #expect(throws: Refusal.self) { try desk.floor.run(credit(Money(5))) }
        try desk.bring(id, to: .withSupplier)
        try desk.floor.run(.supplierRepair(serial, note: "n"))
        #expect(try desk.found(id).status == .resolved)
        try desk.floor.run(credit(Money(5)))
        #expect(try desk.found(id).credit == Money(5))
        try desk.floor.run(credit(nil))
        #expect(try desk.found(id).credit == nil)
    }

    @Test func aTypeThatWasRetiredStaysTrueOfItsCase() throws {
        var desk = try Desk()
        let id = try desk.open(2, isSerialised: true)
        desk.floor.state.plant.defectTypes["SOLDER"]?.retired = true
        let split = DefectCase.Split(repairable: 2, nonRepairable: 0)
        try desk.floor.run(
            .inspectDefect(
                id, split, findings: [.init(type: "SOLDER", quantity: 1), .init(type: "SCRATCH", quantity: 2)]))
        #expect(try desk.found(id).findings.map(\.type) == ["SOLDER", "SCRATCH"])
        #expect(throws: Refusal.self) { try desk.open(1, isSerialised: true) }
    }

    @Test func aCaseNamesTheSupplierThatAllOfItCameFrom() throws {
        var desk = try Desk()
        for (serial, supplier) in [("V1", "volt"), ("V2", "volt"), ("A1", nil)] {
            try desk.floor.run(
                .receive(product: "PCB-100", serials: [serial], supplier: supplier, cost: nil, note: "n"))
        }
        let report = DefectReport(findings: [.init(type: "SOLDER", quantity: 1)], note: "n")
        func supplier(_ serials: [String]) throws -> String? {
            let before = desk.floor.state
            defer { desk.floor.state = before }
            let id = try #require(
                try desk.floor.run(.openDefect(DefectLot(serials: serials), product: nil, report)).created)
            return desk.floor.state.defectCase(id)?.supplier
        }
        let usual = desk.floor.state.plant.products["PCB-100"]?.supplier
        #expect(try supplier(["V1", "V2"]) == "volt")
        #expect(try supplier(["A1"]) == usual)
        #expect(try supplier(["V1", "A1"]) == nil && usual != "volt")
    }

    @Test func aReplacementIsOfTheSameProduct() throws {
        var desk = try Desk()
        let id = try desk.open(1, isSerialised: true)
        let serial = desk.units(id)[0]
        try desk.bring(id, to: .withSupplier)
        for (product, isFine) in [("RES-10K", false), ("PCB-100", true)] {
            let received = try? desk.floor.run(
                .receive(product: product, serials: ["NEW"], supplier: nil, cost: nil, replaces: serial, note: "n"))
            #expect((received != nil) == isFine)
        }
        try desk.check()
    }

    @Test func aSnapshotSaysWhenItWasMade() throws {
        var desk = try Desk()
        let id = try desk.open(1, isSerialised: true)
        desk.floor.now += 60_000
        let decision = try desk.floor.run(.inspectDefect(id, .init(repairable: 1, nonRepairable: 0), findings: nil))
        guard case .defect(let change) = try #require(decision.events.first?.change) else {
            Issue.record("no snapshot")
            return
        }
        #expect(try change.after?.updatedAt == desk.found(id).updatedAt)
        #expect(try #require(change.before).updatedAt < #require(change.after).updatedAt)
    }

    @Test func whatIsOnHoldIsMarkedAndWrittenOffButNotRepaired() throws {
        var desk = try Desk()
        let id = try desk.open(2, isSerialised: true)
        let serials = desk.units(id)
        for serial in serials { try desk.floor.run(.hold(serial, note: "n")) }
        try desk.floor.run(.inspectDefect(id, .init(repairable: 1, nonRepairable: 1), findings: nil))
        #expect(throws: Refusal.self) { try desk.repair(id, 1) }
        try desk.writeOff(id, 1)
        try desk.floor.run(.routeDefects([id], supplier: "acme", rma: "R", note: "n", isTrial: false))
        #expect(throws: Refusal.self) { try desk.floor.run(.supplierRepair(serials[1], note: "n")) }
        try desk.check()
    }

    @Test func anUndoTakesTheCaseBackWhileNobodyWorkedOnIt() throws {
        var floor = Floor()
        try floor.openOrder()
        for code in ["TRV:FAIL:SOLDER", "TRV:SCRAP:SOLDER", "TRV:REWORK:assembly"] {
            let serial = try floor.startUnit()
            try floor.scan("ASSY-1", serial)
            floor.now += 5_000
            try floor.scan("TEST-1", serial)
            try signOn(&floor)
            try floor.scan("TEST-1", serial)
            #expect(try floor.scan("TEST-1", code).result == .accepted)
            let id = try #require(floor.lastCase)
            #expect(floor.state.defectCase(id)?.quantity == 1)
            floor.now += 5_000
            #expect(try floor.scan("TEST-1", "TRV:UNDO").result == .accepted, "\(code)")
            #expect(floor.state.defectCase(id) == nil)
            #expect(floor.state.units(ofDefect: id).isEmpty)
            #expect(floor.state.unit(serial)?.state.status == .inProduction)
            #expect(floor.state.card(CardKey(product: "PCB-100"))[.defect] == 0)
        }
        // Once somebody worked on it, the fail stays.
        let serial = try floor.startUnit()
        try floor.scan("ASSY-1", serial)
        try floor.scan("TEST-1", serial)
        try floor.scan("TEST-1", "TRV:FAIL:SOLDER")
        let id = try #require(floor.lastCase)
        try floor.run(.correctDefect(id, note: "look at U3", location: nil, supplier: nil, credit: nil))
        #expect(try floor.scan("TEST-1", "TRV:UNDO").reason == .nothingToUndo)
        #expect(floor.state.unit(serial)?.state.defectCase == id)
    }

    /// Signs Lena on at the test bench, if she is not.
    private func signOn(_ floor: inout Floor) throws {
        floor.state.plant.people["lena"]?.badge = "digest:2001"
        var plant = floor.state.plant
        plant.people["lena"]?.badge = "digest:2001"
        floor.state.restore(plant, head: floor.state.head)
        if floor.state.session(Session.Key(station: "TEST-1")).person == nil { try floor.scan("TEST-1", "2001") }
    }
}

extension Floor {
    /// Id of the case that was changed last.
    var lastCase: String? { state.defects.inMemory.keys.compactMap { Int64($0) }.max().map(String.init) }
}

/// A defect desk with goods to find defective, and what is checked after each step.
struct Desk {
    enum Leave { case rework, scrap, writeOff, repair, supplierRepair, replacement }

    var floor: Floor
    private var made = 0

    init() throws {
        var plant = smallPlant()
        plant.suppliers["volt"] = Supplier(code: "volt", name: "Volt")
        plant.defectTypes["OLD"] = DefectType(code: "OLD", name: "Old")
        plant.defectTypes["OLD"]?.retired = true
        plant.defectTypes["SCRATCH"] = DefectType(code: "SCRATCH", name: "Scratched")
        plant.products["RES-10K"]?.sparePart = true
        plant.products["RES-10K"]?.cost = Money(0.05)
        plant.products["PCB-100"]?.supplier = "acme"
        plant.products["PCB-100"]?.cost = Money(12.5)
        floor = Floor(plant)
        try floor.run(.adjust(product: "RES-10K", change: 40, note: "n"))
        try floor.run(.adjust(product: "PCB-100", change: 100, note: "n"))
    }

    mutating func found(_ id: String) throws -> DefectCase {
        let found = floor.state.defectCase(id)
        return try #require(found)
    }

    /// Serials that are still in a case.
    mutating func units(_ id: String) -> [String] {
        floor.state.units(ofDefect: id).filter { $0.value.outcome == .open }.keys.sorted()
    }

    mutating func receive(_ count: Int) throws -> [String] {
        let serials = (0..<count).map { "R-\(made + $0)" }
        made += count
        try floor.run(.receive(product: "PCB-100", serials: serials, supplier: "acme", cost: nil, note: "n"))
        return serials
    }

    mutating func open(_ count: Int, isSerialised: Bool) throws -> String {
        let report = DefectReport(findings: [.init(type: "SOLDER", quantity: count)], note: "n")
        let lot = isSerialised ? DefectLot(serials: try receive(count)) : DefectLot(quantity: count)
        let product = isSerialised ? nil : "PCB-100"
        return try #require(try floor.run(.openDefect(lot, product: product, report)).created)
    }

    mutating func lot(_ id: String, _ count: Int) throws -> DefectLot {
        try found(id).isSerialised ? DefectLot(serials: Array(units(id).prefix(count))) : DefectLot(quantity: count)
    }

    mutating func repair(_ id: String, _ count: Int) throws {
        try floor.run(.repairDefect(id, lot(id, count), parts: [("RES-10K", 1)], target: "stock", note: "n"))
    }

    mutating func writeOff(_ id: String, _ count: Int) throws {
        try floor.run(.writeOffDefect(id, lot(id, count), .disposal, price: nil, note: "n"))
    }

    /// Brings a pending case to a status, with half of it repairable and at least four left.
    mutating func bring(_ id: String, to status: DefectStatus) throws {
        let half = try found(id).remaining / 2
        switch status {
        case .pending: break
        case .inspected:
            try floor.run(.inspectDefect(id, .init(repairable: half, nonRepairable: half), findings: nil))
        case .processing:
            try bring(id, to: .inspected)
            try repair(id, 1)
        case .withSupplier: try floor.run(.routeDefects([id], supplier: nil, rma: "R-1", note: "n", isTrial: false))
        case .resolved:
            try bring(id, to: .withSupplier)
            try floor.run(.resolveDefect(id, note: "credit note", credit: Money(3)))
        }
    }

    mutating func take(_ step: DefectTransitionTests.Step, _ id: String) throws {
        let found = try found(id)
        switch step {
        case .inspect:
            let split = DefectCase.Split(repairable: found.remaining, nonRepairable: 0)
            try floor.run(.inspectDefect(id, split, findings: [.init(type: "SCRATCH", quantity: 1)]))
        case .repairSome: try repair(id, 1)
        case .repairAll: try repair(id, found.remaining)
        case .writeOffSome: try writeOff(id, 1)
        case .writeOffAll: try writeOff(id, found.remaining)
        case .route: try floor.run(.routeDefects([id], supplier: nil, rma: "R-2", note: "n", isTrial: false))
        case .revert: try floor.run(.revertDefect(id, note: "n"))
        case .resolve: try floor.run(.resolveDefect(id, note: "n", credit: nil))
        case .supplierRepair: try floor.run(.supplierRepairDefect(id, lot(id, 1), note: "n"))
        }
    }

    mutating func leave(_ path: Leave, _ serial: String, _ id: String) throws {
        switch path {
        case .rework:
            try floor.run(.markDefect(serial, .rework, type: nil, toStage: "qa", note: "n"))
        case .scrap: try floor.run(.markDefect(serial, .scrap, type: nil, toStage: nil, note: "n"))
        case .writeOff: try floor.run(.writeOff(serial, .lost, price: nil, note: "n"))
        case .repair:
            try bring(id, to: .pending)
            try floor.run(.inspectDefect(id, .init(repairable: 1, nonRepairable: 0), findings: nil))
            try repair(id, 1)
        case .supplierRepair:
            try bring(id, to: .withSupplier)
            try floor.run(.supplierRepair(serial, note: "n"))
        case .replacement:
            try bring(id, to: .resolved)
            try floor.run(
                .receive(
                    product: "PCB-100", serials: ["NEW-" + serial], supplier: nil, cost: nil, replaces: serial,
                    note: "n"))
        }
    }

    /// The books of the desk: cards equal the sum of the log, no spare part is below zero, and what `checkCases` asks.
    mutating func check() throws {
        try floor.checkCases()
        for product in ["PCB-100", "RES-10K"] {
            let card = floor.state.card(CardKey(product: product))
            #expect(card.store == floor.log.filter { $0.product == product }.reduce(0) { $0 + $1.change })
            #expect(card.unserialised >= 0 && card.unserialisedDefect >= 0)
        }
    }
}

extension Floor {
    /// Quantities of the defect cases add up, no unit is in two places, and what is defective stands on the card.
    mutating func checkCases() throws {
        let cases = state.defects.inMemory
        var defective = 0
        var goods: [String: Int] = [:]
        var places: [String: String] = [:]
        for (id, found) in cases {
            #expect(found.remaining >= 0 && found.id == id)
            let good = found.outcomes.repaired + found.outcomes.reworked + found.outcomes.supplierRepaired
            #expect(found.quantity == found.remaining + good + found.outcomes.replaced + found.outcomes.writtenOff)
            if let split = found.split {
                #expect(split.repairable >= 0 && split.nonRepairable >= 0)
                #expect(split.repairable + split.nonRepairable == found.remaining)
                #expect((found.repairable ?? 0) + (found.nonRepairable ?? 0) == found.quantity)
            }
            if found.status == .pending { #expect(found.split == nil) }
            if found.status == .inspected || found.status == .processing { #expect(found.split != nil) }
            if found.remaining == 0 { #expect(found.status == .resolved) }
            #expect((found.status == .resolved) == (found.resolvedAt != nil))
            if found.status == .withSupplier { #expect(found.rma != nil && found.shipment != nil) }
            if found.isSerialised {
                defective += found.remaining
            } else {
                goods[found.product, default: 0] += found.remaining
            }
            let units = state.units(ofDefect: id)
            #expect(units.count == (found.isSerialised ? found.quantity : 0))
            #expect(units.count { $0.value.outcome == .open } == (found.isSerialised ? found.remaining : 0))
            for (serial, unit) in units where unit.outcome == .open {
                #expect(places.updateValue(id, forKey: serial) == nil, "\(serial) is in two cases")
            }
        }
        for (serial, unit) in state.units.inMemory {
            #expect((unit.state.status == .defect) == (unit.state.defectCase != nil), "\(serial)")
            #expect(unit.state.defectCase == places[serial], "\(serial)")
        }
        let card = state.card(CardKey(product: "PCB-100"))
        #expect(card[.defect] == defective)
        for product in ["PCB-100", "RES-10K"] {
            #expect(state.card(CardKey(product: product)).unserialisedDefect == goods[product] ?? 0)
        }
        #expect(card.total == state.units.inMemory.values.count { $0.product == "PCB-100" })
        let written = state.writeOffs.inMemory.values
        #expect(written.count { $0.serial != nil } == card[.writtenOff])
        #expect(Set(written.compactMap(\.serial)).count == card[.writtenOff])
    }
}
