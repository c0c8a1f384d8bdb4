import Barcodes
import Testing
import Tracking

/// Names that an older version took: nothing of them is lost, and nothing new like them is taken.
@Suite struct NamesTests {
    /// A floor with units in stock whose serials no unit could be given any more.
    private func floor(_ serials: [String]) -> Floor {
        var plant = smallPlant()
        plant.products["RES-10K"]?.gtin = "04012345123456"
        var floor = Floor(plant)
        for serial in serials {
            var event = Event(.unitReceived)
            (event.unit, event.product, event.after) = (serial, "PCB-100", UnitState(status: .inStock))
            floor.state.apply(event, at: floor.now)
        }
        return floor
    }

    @Test(arguments: ["4012345123456", "RES-10K", "]C0A-17", "(21)A-17", "1007", "010401234512345621A"])
    func serialsOfAnOlderVersionCanStillBeUsed(serial: String) throws {
        var floor = floor([serial])
        try floor.run(.hold(serial, note: "looked at"))
        #expect(floor.state.unit(serial)?.state.onHold == true)
        try floor.run(.release(serial, note: "good"))
        try floor.run(.deliver(order: "SO-1", customer: nil, serials: [serial], items: []))
        #expect(floor.state.unit(serial)?.state.status == .delivered)
        #expect(throws: Refusal.self) {
            try floor.run(.receive(product: "PCB-100", serials: [serial], supplier: nil, cost: nil, note: "again"))
        }
    }

    @Test("a product whose name is an old serial can't come, one that has it already can change")
    func productsAndOldSerials() throws {
        var floor = floor(["4012345123456", "5901234123457"])
        var changed = try #require(floor.state.plant.products["RES-10K"])
        changed.name = "Resistor 10 k"
        let change = [PlantChange.product(changed)]
        try floor.run(.changePlant({ _ in change }))
        #expect(floor.state.plant.products["RES-10K"]?.name == "Resistor 10 k")
        var new = Product(code: "CAP", name: "Capacitor", type: "part")
        new.gtin = "05901234123457"
        let second = [PlantChange.product(new)]
        let refusal = #expect(throws: Refusal.self) { try floor.run(.changePlant({ _ in second })) }
        #expect(
            refusal
                == Refusal(.conflict, "the product CAP can't have 5901234123457: it is the serial of a unit"))
        #expect(floor.state.plant.products["CAP"] == nil)
    }

    @Test("an expression of an older version that can't be used refuses new serials and says so")
    func expressionOfAnOlderVersion() throws {
        var plant = smallPlant()
        plant.products["PCB-100"]?.serial = .external("(?i)sn[0-9]+")
        var floor = Floor(plant)
        let refusal = #expect(throws: Refusal.self) {
            try floor.run(.register(product: "PCB-100", serials: ["SN1"], workOrder: nil))
        }
        #expect(refusal?.kind == .rule(.serialRule))
        #expect(refusal?.message.contains("ask an admin") == true)
    }

    @Test("a pattern of an older version of which every serial would be misread makes none, and ends")
    func patternOfAnOlderVersion() throws {
        var plant = smallPlant()
        plant.products["PCB-100"]?.serial = .pattern("(21){seq:4}", per: "product")
        var floor = Floor(plant)
        try floor.openOrder()
        try floor.scan("LABEL-1", "TRV:WO:1001")
        let answer = try floor.scan("LABEL-1", "TRV:NEW")
        #expect(answer.reason == .serialRule)
        #expect(answer.message.contains("would be read as a GS1 code"))
    }

    @Test("a foreign label does not tell at a terminal what another team's unit is")
    func foreignLabelAtATerminal() throws {
        var floor = floor(["100001"])
        let code = "(01)04012345123456(21)100001"
        for station in ["ASK-1", "TEST-1"] {
            let scan = Scan(station: station, text: code, code: Code(frame: code))
            let answer = try floor.run(.scan(scan), as: "mia").answer
            #expect(answer?.reason == .unknownSerial)
            #expect(answer?.product == nil && answer?.message.contains("PCB-100") == false, "\(answer?.message ?? "")")
        }
    }
}
