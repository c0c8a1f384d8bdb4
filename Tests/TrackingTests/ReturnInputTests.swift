import Testing
import Tracking

/// What the returns desk does not take, and that nothing is changed by asking for it; and the station's own rules.
@Suite struct ReturnInputTests {
    private func refused(
        _ desk: inout ReturnDesk, _ command: Command, as login: String = "ada", _ kind: Refusal.Kind,
        _ location: SourceLocation = #_sourceLocation
    ) throws {
        let head = desk.floor.state.head
        do {
            try desk.floor.run(command, as: login)
            Issue.record("taken", sourceLocation: location)
        } catch let refusal as Refusal {
            #expect(refusal.kind == kind, "\(refusal.message)", sourceLocation: location)
        }
        #expect(desk.floor.state.head == head, sourceLocation: location)
    }

    private func create(_ order: String, _ serials: [String], _ goods: [ReturnLot.Goods] = []) -> Command {
        .createReturn(
            order: order, customer: nil, kind: .return, reason: .other, expected: false,
            ReturnLot(serials: serials, goods: goods))
    }

    @Test func makingAReturn() throws {
        var desk = try ReturnDesk()
        let serials = try desk.deliver("SO-1", 2, goods: 5)
        try desk.floor.run(.receive(product: "PCB-100", serials: ["HERE"], supplier: nil, cost: nil, note: "n"))
        try refused(&desk, create("SO-9", serials), .invalid)
        try refused(&desk, create("SO-1", []), .invalid)
        try refused(&desk, create("SO-1", [serials[0], serials[0]]), .invalid)
        try refused(&desk, create("SO-1", ["NOBODY"]), .notFound)
        try refused(&desk, create("SO-1", [serials[0], "HERE"]), .rule(.notDelivered))
        try refused(&desk, create("SO-1", [], [.init(product: "NONE", quantity: 1)]), .invalid)
        try refused(&desk, create("SO-1", [], [.init(product: "RES-10K", quantity: 0)]), .invalid)
        try refused(&desk, create("SO-1", [], [.init(product: "RES-10K", quantity: 6)]), .rule(.notDelivered))
        try refused(
            &desk,
            create("SO-1", [], [.init(product: "RES-10K", quantity: 1), .init(product: "RES-10K", quantity: 1)]),
            .invalid)
        _ = try desk.create("SO-1", [serials[0]], goods: 3)
        try refused(&desk, create("SO-1", [serials[0]]), .rule(.isReturned))
        try refused(&desk, create("SO-1", [], [.init(product: "RES-10K", quantity: 3)]), .rule(.notDelivered))
        try refused(&desk, create("SO-1", [serials[1]]), as: "mia", .notPermitted)
        try refused(&desk, create("SO-1", [serials[1]]), as: "dora", .notPermitted)
    }

    @Test func whoMayDoWhat() throws {
        var desk = try ReturnDesk()
        let id = try desk.receive(isSerialised: true)
        let item = desk.items(id)[0].id
        desk.floor.state.plant.people["max"] = Person(
            login: "max", name: "Max", role: .member, team: "smt", grants: [.returnsManage])
        desk.floor.state.plant.people["ida"] = Person(
            login: "ida", name: "Ida", role: .member, team: "smt", grants: [.returnsInspect])
        try refused(&desk, .startInspection(id, inspector: nil), as: "lena", .notPermitted)
        try refused(&desk, .startInspection(id, inspector: nil), as: "max", .invalid)
        try refused(&desk, .startInspection(id, inspector: "mia"), as: "max", .invalid)
        try refused(&desk, .startInspection("99999", inspector: nil), as: "ida", .notFound)
        try desk.floor.run(.startInspection(id, inspector: "ida"), as: "max")
        try refused(&desk, .inspectReturnItem(id, item: item, .good, .restock, note: nil), as: "max", .notPermitted)
        try desk.floor.run(.inspectReturnItem(id, item: item, .good, .restock, note: nil), as: "ida")
        try refused(&desk, .cancelReturn(id, note: "n"), as: "ida", .notPermitted)
        try refused(&desk, .cancelReturn(id, note: " "), as: "max", .invalid)
        try refused(&desk, .inspectReturnItem(id, item: "99999", .good, .restock, note: nil), as: "ida", .notFound)
    }

    @Test func inspectingAndProcessing() throws {
        var desk = try ReturnDesk()
        let id = try desk.receive(isSerialised: false)
        let other = try desk.receive(isSerialised: true)
        let (goods, unit) = (desk.items(id)[0].id, desk.items(other)[0].id)
        try refused(&desk, .inspectReturnItem(id, item: unit, .good, .restock, note: nil), .notFound)
        try refused(&desk, .answerChecklist(id, []), .rule(.wrongStatus))
        try desk.floor.run(.startInspection(id, inspector: nil))
        try refused(&desk, .inspectReturnItem(id, item: goods, .unsellable, .restock, note: nil), .invalid)
        try refused(&desk, .inspectReturnItem(id, item: goods, .good, .refurbish, note: nil), .invalid)
        try refused(&desk, .answerChecklist(id, []), .invalid)
        for number in [0, -1, 6, .max, .min] {
            try refused(
                &desk, .answerChecklist(id, [ChecklistAnswer(question: number, answer: .yes, note: nil)]), .invalid)
        }
        try refused(&desk, .processItem(goods, .ready, quantity: 0, reason: nil, note: nil), .invalid)
        try refused(&desk, .processItem(goods, .ready, quantity: 5, reason: nil, note: nil), .rule(.exceedsRemaining))
        try refused(&desk, .processItem(goods, .ready, quantity: 1, reason: .lost, note: nil), .invalid)
        try refused(&desk, .processItem(goods, .writeOff, quantity: 1, reason: .outletSale, note: nil), .invalid)
        try refused(&desk, .processItem(goods, .writeOff, quantity: 1, reason: .other, note: nil), .invalid)
        try refused(&desk, .processItem("none", .ready, quantity: nil, reason: nil, note: nil), .notFound)
        desk.floor.state.plant.settings.reworkStage = nil
        try desk.floor.run(.startInspection(other, inspector: nil))
        try refused(&desk, .inspectReturnItem(other, item: unit, .good, .refurbish, note: nil), .rule(.noRouting))
    }

    @Test func anEleventhPhoto() throws {
        var desk = try ReturnDesk()
        let id = try desk.receive(isSerialised: true)
        for _ in 1...10 { try desk.addPhoto(id) }
        var photo = ReturnItem.Photo(format: .png, size: 1, kind: .other, note: nil)
        photo.digest = "x"
        let item = desk.items(id)[0]
        try refused(&desk, .addPhoto(id, item: item.id, photo), .rule(.photoLimit))
        try refused(&desk, .deletePhoto(id, item: item.id, photo: "../../etc/passwd"), .notFound)
        try desk.floor.run(.deletePhoto(id, item: item.id, photo: item.photos[3].id))
        try desk.addPhoto(id)
        #expect(desk.items(id)[0].photos.count == 10)
    }

    @Test func anExchangeIsDeliveredUnderItsReturn() throws {
        var desk = try ReturnDesk()
        let id = try desk.receive(isSerialised: true)
        try desk.floor.run(.receive(product: "PCB-100", serials: ["NEW"], supplier: nil, cost: nil, note: "n"))
        func deliver(_ id: String) -> Command {
            .deliver(order: "SO-7", customer: nil, serials: ["NEW"], items: [], replacing: id)
        }
        try refused(&desk, deliver("99999"), .notFound)
        try refused(&desk, deliver(id), .rule(.wrongStatus))
        try desk.floor.run(.correctReturn(id, ReturnCorrection(kind: .exchange)))
        let made = try #require(try desk.floor.run(deliver(id)).created)
        let found = desk.floor.state.delivery(made)
        let delivery = try #require(found)
        #expect(delivery.customerReturn == id && delivery.customer == "Novak")
    }

    @Test func whatTheStationTakesBackAndWhatNot() throws {
        var desk = try ReturnDesk()
        let serials = try desk.deliver("SO-1", 2, goods: 0)
        try desk.floor.scan("BACK-1", "SO-1")
        #expect(try desk.floor.scan("BACK-1", serials[0]).result == .accepted)
        let found = try #require(desk.floor.state.customerReturns.inMemory.values.first)
        // Looked at since: the receipt stays.
        try desk.floor.run(.startInspection(found.id, inspector: nil))
        #expect(try desk.floor.scan("BACK-1", "TRV:UNDO").reason == .nothingToUndo)
        // What a processing decided alone is taken back with it; an inspection stays.
        try desk.floor.run(
            .inspectReturnItem(found.id, item: desk.items(found.id)[0].id, .new, .restock, note: nil))
        #expect(try desk.floor.scan("BACK-1", "TRV:PASS").status == .inStock)
        #expect(try desk.floor.scan("BACK-1", "TRV:UNDO").status == .returned)
        #expect(desk.items(found.id)[0].isInspected && desk.items(found.id)[0].open == 1)
        try desk.check()
    }

    @Test func holdAtTheStation() throws {
        var desk = try ReturnDesk()
        let serials = try desk.deliver("SO-1", 1, goods: 0)
        try desk.floor.scan("BACK-1", "SO-1")
        try desk.floor.scan("BACK-1", serials[0])
        #expect(try desk.floor.scan("BACK-1", "TRV:FAIL:SOLDER").reason == .unknownCode)
        #expect(try desk.floor.scan("BACK-1", "TRV:HOLD").result == .accepted)
        #expect(try desk.floor.scan("BACK-1", "TRV:PASS").reason == .benchEmpty)
        try desk.floor.scan("BACK-1", serials[0])
        #expect(try desk.floor.scan("BACK-1", "TRV:PASS").reason == .onHold)
        #expect(try desk.floor.scan("BACK-1", "TRV:RELEASE").reason == .notSignedOn)
        try desk.floor.run(.release(serials[0], note: "n"))
        #expect(try desk.floor.scan("BACK-1", "TRV:PASS").status == .inStock)
        try desk.check()
    }

    @Test func scrapAtTheStation() throws {
        var desk = try ReturnDesk()
        let serials = try desk.deliver("SO-1", 1, goods: 0)
        try desk.floor.scan("BACK-1", "SO-1")
        try desk.floor.scan("BACK-1", serials[0])
        #expect(try desk.floor.scan("BACK-1", "TRV:SCRAP:SOLDER").reason == .notSignedOn)
        try desk.floor.scan("BACK-1", "TRV:BADGE:1008")
        try desk.floor.scan("BACK-1", serials[0])
        #expect(try desk.floor.scan("BACK-1", "TRV:SCRAP:SOLDER").reason == .notPermitted)
        try desk.floor.scan("BACK-1", "TRV:BADGE:1009")
        try desk.floor.scan("BACK-1", serials[0])
        #expect(try desk.floor.scan("BACK-1", "TRV:SCRAP:NONE").reason == .unknownDefectType)
        #expect(try desk.floor.scan("BACK-1", "TRV:SCRAP:SOLDER").status == .writtenOff)
        #expect(desk.floor.state.writeOffs.inMemory.values.map(\.source) == [.return])
        #expect(try desk.floor.scan("BACK-1", "TRV:UNDO").status == .returned)
        #expect(desk.floor.state.writeOffs.inMemory.isEmpty)
        try desk.check()
    }
}
