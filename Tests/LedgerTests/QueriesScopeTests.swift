import Testing
import Tracking

@testable import Ledger

/// What lies outside a caller's scope is not there: the conditions in SQL say the same as `Access.sees`.
@Suite(.serialized) struct QueriesScopeTests {
    private static let logins = ["mia", "tom", "a*b", "a[b", "a?b", "a|b", "A", "50%", "s", "lost", "x,y=z/1"]
    private static let teams = ["smt", "finish", "desk"]

    private func anyUnit(_ number: Int, _ random: inout SeededRandom) -> Unit {
        var state = UnitState(status: random.pick(Status.allCases))
        func some(_ values: [String]) -> String? { random.one(3) ? nil : random.pick(values) }
        if state.status == .inProduction { state.stage = random.pick(["assembly", "testing", "lost"]) }
        (state.failedStage, state.assignee, state.worker) = (some(["mia", "qa"]), some(Self.logins), some(Self.logins))
        (state.iteration, state.onHold, state.wasInStock) = (random.one(2) ? 0 : 2, random.one(2), random.one(2))
        state.wasReturned = state.status == .returned || random.one(4)
        (state.delivery, state.writeOffReason) = (some(["mia", "12"]), some(["scrap", "lost", "mia"]))
        if random.one(2) { state.routing = RoutingRef(code: "mia", version: 3) }
        if random.one(2) {
            state.passed = [.init(stage: random.pick(Self.logins), at: 12), .init(stage: "mia", at: 15)]
        }
        return Unit(
            serial: "U-\(number)", product: "P", team: some(Self.teams), createdAt: 0, updatedAt: 0,
            lastEvent: Int64(number), state: state)
    }

    @Test(arguments: 1...20)
    func unitsAreFoundExactlyWhereTheyAreSeen(seed: Int) throws {
        var random = SeededRandom(seed: seed)
        let db = try Connection.empty()
        let units = (0..<300).map { anyUnit($0, &random) }
        for unit in units {
            try db.insert(unit)
            try db.select(
                """
                INSERT INTO event (id, at, kind, unit, product, team, after, hash)
                VALUES (\(unit.lastEvent + 1), 0, 'unit.passed', \(unit.serial), 'P', \(Value(unit.team)),
                    \(unit.state.text), x'')
                """
            ) { _ in }
        }
        for _ in 0..<40 {
            let (_, access) = try random.caller(teams: Self.teams, logins: Self.logins)
            let seen = units.filter(access.sees).map(\.serial)
            let found = try db.select(
                "SELECT serial FROM unit WHERE \(access.seesUnit(in: .unit)) ORDER BY last_event"
            ) { $0.text(0) }
            #expect(found == seen, "\(access)")
            let events = try db.select(
                "SELECT unit FROM event WHERE \(access.seesUnit(in: .event)) ORDER BY id"
            ) { $0.text(0) }
            #expect(events == seen, "\(access)")
            for unit in units.prefix(50) {
                #expect(try db.unit(unit.serial, for: access) == (access.sees(unit) ? unit : nil))
            }
        }
    }

    @Test func whatIsAskedForIsNeverPartOfTheQuery() throws {
        let db = try Connection.empty()
        var random = SeededRandom(seed: 1)
        for number in 0..<20 { try db.insert(anyUnit(number, &random)) }
        let admin = try #require(Access(login: "root", isAdmin: true, in: Plant()))
        let evil = "x' OR 1=1 --"
        #expect(try db.unit(evil, for: admin) == nil)
        let filters = [
            UnitFilter(stage: evil), UnitFilter(product: evil), UnitFilter(workOrder: evil), UnitFilter(team: evil),
        ]
        for filter in filters { #expect(try db.units(filter, for: admin, Page()).items.isEmpty) }
        let query: SQL = "SELECT * FROM unit WHERE serial = \(evil) AND team IN \([evil, "b"])"
        #expect(query.text == "SELECT * FROM unit WHERE serial = ? AND team IN (?, ?)")
        #expect(query.values == [.text(evil), .text(evil), .text("b")])
    }

    /// The events that name no state of a unit, as the contract words it.
    @Test(arguments: 1...3)
    func eventsAreSeenByTeamStationAndHand(seed: Int) async throws {
        var random = SeededRandom(seed: seed)
        let shop = try await Shop()
        try await shop.work(steps: 150, &random)
        try await shop.run(.recordDenial(who: "uid 4711", request: "GET /v1/units"))
        try await defectsAndReturns(shop, &random)
        let plant = shop.ledger.plant
        let events = try await shop.allEvents()
        var cases: [String: DefectCase] = [:]
        for case .defect(let change) in events.compactMap(\.event.change) {
            cases[change.after?.id ?? ""] = change.after
        }
        #expect(Set(cases.values.map { $0.isSerialised ? $0.team ?? "several" : "goods" }).count > 3)
        let kinds = Set(events.map(\.event.kind))
        #expect(kinds.isSuperset(of: [.supplierReturnSent, .returnCompleted, .defectInspected, .stockReturned]))
        let handlers = Self.handlers(events)
        for login in Shop.people {
            let access = try shop.access(login)
            func sees(_ event: Event) -> Bool {
                if access.isAdmin { return true }
                if let id = event.returnOrCase, !access.desk.isDisjoint(with: handlers[id] ?? []) { return true }
                if let after = event.after { return access.sees(team: event.team, after) }
                if event.kind == .plantChanged || event.kind == .accessDenied { return false }
                if event.actor == login { return true }
                if access.seesBalances, event.kind.rawValue.hasPrefix("stock.") { return true }
                let group = event.kind.rawValue.prefix { $0 != "." }
                if access.seesAllReturns, group == "return" || event.kind.rawValue.hasPrefix("stock.return") {
                    return true
                }
                if ["defect", "supplier_return", "return"].contains(group) {
                    var found: [DefectCase] = []
                    if case .defect(let change) = event.change { found = [change.after].compactMap(\.self) }
                    if case .supplierReturn(let sent) = event.change { found = sent.cases.compactMap { cases[$0.id] } }
                    if !found.isEmpty, !found.contains(where: \.isSerialised), access.seesGoods { return true }
                    return access.role != .member && event.team.map { access.sees(team: $0, in: plant) } ?? false
                }
                if access.role == .member, event.unit != nil || event.kind.rawValue.hasPrefix("work_order.") {
                    return false
                }
                if let team = event.team { return access.sees(team: team, in: plant) }
                return event.station.map { access.sees(team: plant.stations[$0]?.team, in: plant) } ?? false
            }
            let found = try await shop.ledger.read { db in try db.allEvents(for: access, in: plant) }
            #expect(found.map(\.id) == events.filter { sees($0.event) }.map(\.id), "\(login)")
        }
    }

    /// Who received, opened or inspected what, as the contract words it.
    private static func handlers(_ events: [EventRecord]) -> [String: Set<Handler>] {
        let kinds: [EventKind] = [
            .defectOpened, .defectInspected, .returnExpected, .returnCreated, .returnInspectionStarted,
            .returnItemInspected, .unitReturned, .stockReturned,
        ]
        var handlers: [String: Set<Handler>] = [:]
        for event in events.map(\.event) where kinds.contains(event.kind) {
            guard let id = event.returnOrCase else { continue }
            if let actor = event.actor { handlers[id, default: []].insert(.person(actor)) }
            if let station = event.station { handlers[id, default: []].insert(.station(station)) }
            if case .customerReturn(let change) = event.change, let inspector = change.after?.inspector {
                handlers[id, default: []].insert(.person(inspector))
            }
        }
        return handlers
    }

    /// What a lead's own station or people received, opened or inspected is theirs to see, whatever team it is of; and
    /// nobody else sees more than before.
    @Test func returnsAndCasesAreSeenByTeamAndByThoseWhoHadThemInHand() async throws {
        var random = SeededRandom(seed: 7)
        let shop = try await Shop()
        try await shop.work(steps: 150, &random)
        try await defectsAndReturns(shop, &random)
        let plant = shop.ledger.plant
        let handlers = Self.handlers(try await shop.allEvents())
        let units = Dictionary(uniqueKeysWithValues: try await shop.allUnits().map { ($0.serial, $0) })
        let root = try shop.access("root")
        let (cases, returns) = try await shop.ledger.read { db in
            let cases = try db.defects(DefectFilter(), for: root, Page(limit: 1_000)).items
                .compactMap { try db.defect($0.found.id, for: root) }
            let returns = try db.customerReturns(ReturnFilter(), for: root, Page(limit: 1_000)).items
                .compactMap { try db.customerReturn($0.found.id, for: root, in: plant) }
            return (cases.map { (found: $0.found, serials: $0.lines.map(\.serial)) }, returns)
        }
        var byDesk = 0
        for login in Shop.people {
            let access = try shop.access(login)
            let seen = cases.filter { item in
                access.sees(
                    item.found, units: { item.serials.compactMap { units[$0] } },
                    handlers: { handlers[item.found.id] ?? [] })
            }.map(\.found.id)
            let items = returns.flatMap(\.items)
                .filter { access.sees($0, handlers: handlers[$0.customerReturn] ?? []) }.map(\.id)
            let found = try await shop.ledger.read { db in
                let cases = try db.defects(DefectFilter(), for: access, Page(limit: 1_000)).items.map(\.found.id)
                let returns = try db.customerReturns(ReturnFilter(), for: access, Page(limit: 1_000)).items
                let items = try returns.flatMap {
                    try db.customerReturn($0.found.id, for: access, in: plant)?.items.map(\.id) ?? []
                }
                return (cases, items)
            }
            #expect(found.0 == seen, "\(login)")
            #expect(found.1 == items, "\(login)")
            byDesk +=
                cases.filter { item in
                    seen.contains(item.found.id) && !access.desk.isDisjoint(with: handlers[item.found.id] ?? [])
                        && !access.sees(item.found, units: { item.serials.compactMap { units[$0] } }, handlers: { [] })
                }.count
        }
        #expect(byDesk > 0)
        let (luis, lena) = (try shop.access("luis"), try shop.access("lena"))
        let inspected = try #require(returns.first { $0.found.inspector == "kim" }).found.id
        let ofDesk = try await shop.ledger.read {
            (
                try $0.customerReturn(inspected, for: luis, in: plant),
                try $0.customerReturn(inspected, for: lena, in: plant)
            )
        }
        #expect(ofDesk.0?.items.isEmpty == false && ofDesk.1 == nil)
    }

    /// Cases of one team, of several and of goods, sent to a supplier alone and together; returns of the same kinds.
    private func defectsAndReturns(_ shop: Shop, _ random: inout SeededRandom) async throws {
        try await shop.run(.changePlant { _ in [.supplier(Supplier(code: "acme", name: "Acme"))] })
        try await shop.run(.adjust(product: "RES-10K", change: 100, note: "n"))
        let orders = ["1001", "3001"]
        for (index, order) in orders.enumerated() {
            let serials = (0..<12).map { "T\(index)-\($0)" }
            try await shop.run(.register(product: "PCB-100", serials: serials, workOrder: order))
        }
        func open(_ serials: [String]) async throws {
            let lot = serials.isEmpty ? DefectLot(quantity: 2) : DefectLot(serials: serials)
            let report = DefectReport(findings: [.init(type: "SOLDER", quantity: 1)], note: "n")
            try await shop.run(.openDefect(lot, product: serials.isEmpty ? "RES-10K" : nil, report))
        }
        for round in 0..<3 {
            for serials in [["T0-\(round)"], ["T1-\(round)"], ["T0-\(round + 3)", "T1-\(round + 3)"], []] {
                try await open(serials)
            }
        }
        let root = try shop.access("root")
        let listing = try await shop.ledger.read { try $0.defects(DefectFilter(), for: root, Page(limit: 1_000)) }
        let found = listing.items.map(\.found).filter { $0.status == .pending && $0.remaining > 0 }
        let goods = found.filter { !$0.isSerialised }.map(\.id)
        let units = found.filter(\.isSerialised).map(\.id).suffix(9)
        try await shop.run(.inspectDefect(goods[0], .init(repairable: 1, nonRepairable: 1), findings: nil))
        for ids in [
            [goods[0]], [goods[1], units.first ?? ""], Array(units.dropFirst().prefix(1)), Array(units.suffix(4)),
        ] {
            try await shop.run(.routeDefects(ids, supplier: "acme", rma: "R", note: "n", isTrial: false))
        }
        try await shop.run(
            .receive(product: "PCB-100", serials: ["SENT-1", "SENT-2"], supplier: nil, cost: nil, note: "n"))
        try await shop.run(
            .deliver(order: "SO-7", customer: nil, serials: ["SENT-1", "SENT-2"], items: [("RES-10K", 5)]))
        for lot in [ReturnLot(serials: ["SENT-1"]), ReturnLot(goods: [.init(product: "RES-10K", quantity: 5)])] {
            try await shop.run(
                .createReturn(order: "SO-7", customer: nil, kind: .return, reason: .other, expected: false, lot))
        }
        let returns = try await shop.ledger.read { try $0.customerReturns(ReturnFilter(), for: root, Page()) }
        let id = try #require(returns.items.first).found.id
        try await shop.run(.startInspection(id, inspector: nil), as: "kim")
        let item = try await shop.ledger.read { try $0.customerReturn(id, for: root, in: Plant())?.items.first?.id }
        try await shop.run(.inspectReturnItem(id, item: item ?? "", .good, .restock, note: nil), as: "kim")
        try await shop.run(
            .answerChecklist(id, (1...5).map { ChecklistAnswer(question: $0, answer: .yes, note: nil) }))
        try await shop.run(.completeReturn(id))
    }
}
