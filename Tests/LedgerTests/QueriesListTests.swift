import Testing
import Tracking

@testable import Ledger

/// After any day's work, each caller's lists, counts and histories are what they see of the whole, and nothing else.
@Suite(.serialized) struct QueriesListTests {
    private func worked(_ seed: Int, steps: Int = 350) async throws -> (Shop, SeededRandom) {
        var random = SeededRandom(seed: seed)
        let shop = try await Shop()
        try await shop.work(steps: steps, &random)
        return (shop, random)
    }

    @Test(arguments: 1...4)
    func unitsAndCardsAreThoseThatAreSeen(seed: Int) async throws {
        let (shop, _) = try await worked(seed)
        let units = try await shop.allUnits()
        #expect(Set(units.map(\.state.status)).count == 5 && Set(units.map(\.team)).count > 3)
        let balance = try await shop.ledger.read { db in
            try db.number("SELECT unserialised FROM card WHERE product = 'RES-10K'")
        }
        var filters = Status.allCases.map { UnitFilter(status: $0) } + Shop.products.map { UnitFilter(product: $0) }
        filters += Status.allCases.map { UnitFilter(status: $0, product: "PCB-100", team: "smt") }
        filters += [
            UnitFilter(), UnitFilter(mine: true), UnitFilter(team: "finish"), UnitFilter(workOrder: "1001"),
            UnitFilter(stage: "testing"), UnitFilter(status: .inStock, mine: true), UnitFilter(team: "nobody"),
        ]
        for login in Shop.people {
            let access = try shop.access(login)
            let seen = units.filter(access.sees)
            for filter in filters {
                let expected = seen.filter { filter.matches($0, login) }
                let listing = try await shop.ledger.read { [filter] db in
                    try db.units(filter, for: access, Page(limit: 1_000, total: true))
                }
                #expect(listing.items == expected, "\(login) \(filter)")
                #expect(listing.total == expected.count, "\(login) \(filter)")
            }
            for unit in units {
                let found = try await shop.ledger.read { db in try db.unit(unit.serial, for: access) }
                #expect(found == (access.sees(unit) ? unit : nil))
            }

            let cards = try await shop.ledger.read { db in try db.cards(Shop.products + ["NONE"], for: access) }
            var expected = Dictionary(grouping: seen, by: \.product).mapValues(Card.init(counting:))
            if access.seesBalances, balance > 0 { expected["RES-10K", default: Card()].unserialised = Int(balance) }
            #expect(cards == expected, "\(login)")
            for card in cards.values { #expect(card.total == Status.allCases.reduce(0) { $0 + card[$1] }) }
        }
    }

    @Test(arguments: 1...3)
    func historiesAreWholeAndOfSeenUnitsOnly(seed: Int) async throws {
        let (shop, _) = try await worked(seed)
        let (units, events) = (try await shop.allUnits(), try await shop.allEvents())
        for login in Shop.people {
            let access = try shop.access(login)
            for unit in units {
                let history = try await shop.ledger.read { db in try db.history(unit.serial, for: access) }
                let expected = events.filter { $0.event.unit == unit.serial && $0.event.after != nil }
                #expect(history == (access.sees(unit) ? expected : nil))
            }
            let missing = try await shop.ledger.read { db in try db.history("NOBODY-2", for: access) }
            #expect(missing == nil)
        }
    }

    @Test func workOrdersAndLabelJobsBelongToTheirTeam() async throws {
        let (shop, _) = try await worked(11)
        let plant = shop.ledger.plant
        let root = try shop.access("root")
        let (orders, jobs) = try await shop.ledger.read { db in
            (
                try db.workOrders(WorkOrderFilter(), for: root, in: plant, Page()).items,
                try db.labelJobs(LabelJobFilter(), for: root, in: plant, Page(limit: 1_000)).items
            )
        }
        #expect(orders.map(\.number) == ["1001", "2001", "3001"] && Set(jobs.map(\.team)).count > 1)
        for login in Shop.people {
            let access = try shop.access(login)
            let seenOrders = orders.filter { access.sees(team: $0.team, in: plant) }
            let seenJobs = jobs.filter { access.sees(team: $0.team, in: plant) }
            try await shop.ledger.read { db in
                let page = Page(limit: 2, total: true)
                let listing = try db.workOrders(WorkOrderFilter(), for: access, in: plant, page)
                #expect(listing.items == Array(seenOrders.prefix(2)) && listing.total == seenOrders.count)
                let released = WorkOrderFilter(status: .released, product: "PCB-100", team: "smt")
                #expect(
                    try db.workOrders(released, for: access, in: plant, page).items
                        == seenOrders.filter { $0.status == .released && $0.product == "PCB-100" && $0.team == "smt" })
                for order in orders {
                    let found = try db.workOrder(order.number, for: access, in: plant)
                    #expect(found == (seenOrders.contains(order) ? order : nil))
                }
                for status in LabelJobStatus.allCases {
                    let listing = try db.labelJobs(
                        LabelJobFilter(status: status), for: access, in: plant, Page(limit: 1_000, descending: true))
                    #expect(listing.items == seenJobs.filter { $0.status == status }.reversed())
                }
                for job in jobs {
                    #expect(try db.labelJob(job.id, for: access, in: plant) == (seenJobs.contains(job) ? job : nil))
                    let ofSerial = try db.labelJobs(
                        LabelJobFilter(serial: job.serial), for: access, in: plant, Page(total: true))
                    #expect(ofSerial.items == seenJobs.filter { $0.serial == job.serial })
                    #expect(ofSerial.total == ofSerial.items.count)
                }
            }
        }
        let open = try await shop.ledger.read { db in try db.openLabelJobs() }
        #expect(open == jobs.filter { $0.status == .queued || $0.status == .sent })
    }

    @Test(arguments: 1...3)
    func theInventoryLogIsSeenByItsCauses(seed: Int) async throws {
        let (shop, _) = try await worked(seed)
        let plant = shop.ledger.plant
        for login in Shop.people {
            let access = try shop.access(login)
            try await shop.ledger.read { db in
                let lines = try db.inventoryLog(
                    InventoryFilter(), for: access, in: plant, Page(limit: 1_000, total: true))
                let logged = Set(try db.rows("SELECT event FROM inventory_log") { $0.int(0) })
                let events = try db.allEvents(for: access, in: plant).filter { logged.contains($0.id) }
                #expect(lines.items.map(\.event.id) == events.map(\.id) && lines.total == events.count)
                #expect(lines.items.map(\.event) == events)
                for line in lines.items {
                    #expect((line.before != nil) == access.seesBalances && (line.after != nil) == access.seesBalances)
                }
                for product in Shop.products {
                    let filter = InventoryFilter(product: product, action: .qaApproval)
                    let some = try db.inventoryLog(filter, for: access, in: plant, Page(limit: 1_000, descending: true))
                    #expect(
                        some.items
                            == lines.items.filter { $0.product == product && $0.action == .qaApproval }.reversed())
                    guard access.isAdmin else { continue }
                    let card = try #require(try db.cards([product], for: access)[product])
                    let ofProduct = lines.items.filter { $0.product == product }
                    #expect(ofProduct.reduce(0) { $0 + $1.change } == card.store)
                    #expect(ofProduct.last?.after ?? 0 == card.store)
                }
                if let middle = lines.items.dropFirst(lines.items.count / 2).first {
                    let at = middle.event.at
                    let later = try db.inventoryLog(
                        InventoryFilter(from: at), for: access, in: plant, Page(limit: 1_000))
                    let earlier = try db.inventoryLog(
                        InventoryFilter(to: at), for: access, in: plant, Page(limit: 1_000))
                    #expect(later.items == lines.items.filter { $0.event.at >= at })
                    #expect(earlier.items == lines.items.filter { $0.event.at < at })
                }
            }
        }
    }

    @Test func deliveriesShowWhatIsSeenOfThem() async throws {
        let shop = try await Shop()
        try await shop.openOrder("1001", "PCB-100", 4, "smt")
        try await shop.run(.adjust(product: "RES-10K", change: 50, note: "counted"))
        // One unit of a team and one of nobody, finished.
        try await shop.run(.register(product: "PCB-100", serials: ["S-1"], workOrder: "1001"))
        try await shop.run(
            .receive(product: "PCB-100", serials: ["N-1", "N-2", "N-3"], supplier: nil, cost: nil, note: "found"))
        for station in ["ASSY-1", "TEST-1", "QA-1"] {
            try await shop.scan(station, "S-1")
            if station != "ASSY-1" { try await shop.scan(station, "TRV:PASS") }
        }
        try await shop.run(
            .deliver(order: "SO-1", customer: "Bolt", serials: ["S-1", "N-1"], items: [("RES-10K", 7)]))
        for code in ["TRV:ORDER:SO-2", "N-2", "TRV:QTY:3", "RES-10K"] { try await shop.scan("SHIP-1", code) }
        let plant = shop.ledger.plant
        func seen(_ login: String) async throws -> [String: [String]] {
            let access = try shop.access(login)
            return try await shop.ledger.read { db in
                let listing = try db.deliveries(DeliveryFilter(), for: access, in: plant, Page(total: true))
                #expect(
                    listing.total == listing.items.count
                        && listing.items == listing.items.sorted { $0.openedAt < $1.openedAt })
                var seen: [String: [String]] = [:]
                for delivery in listing.items {
                    let contents = try #require(try db.delivery(delivery.id, for: access, in: plant))
                    #expect(contents.delivery == delivery)
                    #expect(contents.lines.reduce(0) { $0 + $1.quantity } == delivery.count)
                    seen[delivery.order] = contents.lines.map { $0.serial ?? "\($0.quantity) \($0.product)" }
                }
                for id in ["0", "-1", "x", "", "99999999999999999999"] {
                    #expect(try db.delivery(id, for: access, in: plant) == nil)
                }
                return seen
            }
        }
        let all = ["SO-1": ["N-1", "S-1", "7 RES-10K"], "SO-2": ["N-2", "3 RES-10K"]]
        #expect(try await seen("ada") == all)
        #expect(try await seen("rita") == all)
        // Whoever may deliver sees no delivery of others by that; what they sent themselves they see whole.
        #expect(try await seen("sam") == [:])
        // A lead of the unit's team sees the unit, the station's team what left there.
        #expect(try await seen("lena") == ["SO-1": ["S-1"]])
        #expect(try await seen("dora") == ["SO-1": ["S-1"], "SO-2": ["N-2", "3 RES-10K"]])
        #expect(try await seen("tom") == ["SO-2": ["N-2", "3 RES-10K"]])
        try await shop.run(
            .deliver(order: "SO-3", customer: nil, serials: ["N-3"], items: [("RES-10K", 1)]), as: "sam")
        #expect(try await seen("sam") == ["SO-3": ["N-3", "1 RES-10K"]])
        #expect(try await seen("mia") == [:])
        #expect(try await seen("nil") == [:])

        let root = try shop.access("root")
        let (open, named) = try await shop.ledger.read { db in
            (
                try db.deliveries(DeliveryFilter(isClosed: false), for: root, in: plant, Page()).items,
                try db.deliveries(DeliveryFilter(order: "SO-1", isClosed: true), for: root, in: plant, Page()).items
            )
        }
        #expect(open.map(\.order) == ["SO-2"] && open.first?.station == "SHIP-1")
        #expect(named.map(\.order) == ["SO-1"] && named.first?.customer == "Bolt" && named.first?.closedAt != nil)
    }

    @Test func scrapIsAReasonAndNotWhatSomebodyIsCalled() throws {
        let db = try Connection.empty()
        var plant = Plant()
        plant.people["scrap"] = Person(login: "scrap", name: "Sam Crap", role: .member)
        let access = try #require(Access(login: "scrap", isAdmin: false, in: plant))
        for (number, reason) in ["scrap", "lost", "scrap", nil].enumerated() {
            var state = UnitState(status: reason == nil ? .defect : .writtenOff)
            (state.worker, state.writeOffReason, state.failedStage) = ("scrap", reason, "scrap")
            state.passed = [.init(stage: "scrap", at: 1)]
            try db.insert(
                Unit(serial: "U-\(number)", product: "P", createdAt: 0, updatedAt: 0, lastEvent: 1, state: state))
        }
        let card = try #require(try db.cards(["P"], for: access)["P"])
        #expect(card.scrapped == 2 && card[.writtenOff] == 3 && card.total == 4)
    }

    @Test func aStationSaysWhatItHasInHand() async throws {
        let shop = try await Shop()
        try await shop.scan("LABEL-1", "1007")
        let session = try await shop.ledger.read { db in try db.stationSession("LABEL-1") }
        #expect(session.person == "mia")
        let other = try await shop.ledger.read { db in try db.stationSession("QA-1") }
        #expect(other.person == nil)
    }
}

extension UnitFilter {
    func matches(_ unit: Unit, _ login: String) -> Bool {
        let state = unit.state
        let isMine = state.assignee == login || state.worker == login
        return (status == nil || state.status == status) && (stage == nil || state.stage == stage)
            && (product == nil || unit.product == product) && (workOrder == nil || unit.workOrder == workOrder)
            && (team == nil || unit.team == team) && (!mine || isMine)
    }
}

extension Card {
    init(counting units: [Unit]) {
        self.init()
        for unit in units {
            self.units[unit.state.status, default: 0] += 1
            if unit.state.writeOffReason == "scrap" { scrapped += 1 }
        }
    }
}
