import Barcodes
import FoundationEssentials
import Glibc
import Synchronization
import Testing
import Tracking

@testable import Ledger

/// Customers' returns on record: all or nothing, who sees what, an older file, photos beside the ledger.
@Suite(.serialized) struct ReturnTests {
    /// A plant with units and goods delivered under SO-1.
    private func open(_ folder: Folder, units: Int = 6) async throws -> Ledger {
        let ledger = try folder.open()
        var plant = Plant()
        plant.settings.reworkStage = "assembly"
        for condition in ReturnCondition.allCases { plant.settings.returnLocations[condition.rawValue] = "SHELF" }
        plant.suppliers["acme"] = Supplier(code: "acme", name: "Acme")
        plant.routings["board"] = Routing(code: "board", stages: [Stage(name: "assembly")])
        var board = Product(code: "P", name: "Board", type: "pcb")
        (board.routing, board.supplier) = ("board", "acme")
        plant.products["P"] = board
        plant.products["R"] = Product(code: "R", name: "Resistor", type: "part")
        plant.stations["BACK"] = Station(name: "BACK", mode: .returns)
        let changes = Plant().changes(to: plant)
        _ = try await ledger.submit(.changePlant { _ in changes })
        let serials = (0..<units).map { "U-\($0)" }
        _ = try await ledger.submit(
            .receive(product: "P", serials: serials, supplier: "acme", cost: nil, note: "n"))
        _ = try await ledger.submit(.adjust(product: "R", change: 50, note: "n"))
        _ = try await ledger.submit(
            .deliver(order: "SO-1", customer: "Novak", serials: serials, items: [("R", 20)]))
        return ledger
    }

    private func admin(_ ledger: Ledger) throws -> Access {
        try #require(Access(login: "root", isAdmin: true, in: ledger.plant))
    }

    private func create(_ ledger: Ledger, _ serials: [String], goods: Int = 0) async throws -> String {
        let id = Mutex("")
        let lot = ReturnLot(serials: serials, goods: goods > 0 ? [.init(product: "R", quantity: goods)] : [])
        try await ledger.submit(
            .createReturn(order: "SO-1", customer: nil, kind: .return, reason: .other, expected: false, lot),
            by: ledger.admin
        ) { _, decision in
            id.withLock { $0 = decision.created ?? "" }
            return StoredAnswer(status: 201, body: [])
        }
        return id.withLock { $0 }
    }

    private func contents(_ ledger: Ledger, _ id: String) async throws -> ReturnContents {
        let admin = try admin(ledger)
        let found = try await ledger.read { try $0.customerReturn(id, for: admin, in: Plant()) }
        return try #require(found)
    }

    /// Everything decided, up to the completion.
    private func decide(_ ledger: Ledger, _ id: String) async throws {
        _ = try await ledger.submit(.startInspection(id, inspector: nil))
        let decisions: [ReturnDecision] = [.restock, .refurbish, .dispose, .returnToSupplier]
        for (index, item) in try await contents(ledger, id).items.enumerated() {
            let decision = item.serial == nil ? .returnToSupplier : decisions[index % 4]
            _ = try await ledger.submit(
                .inspectReturnItem(id, item: item.id, .good, decision, note: "looked at"))
        }
        _ = try await ledger.submit(
            .answerChecklist(id, (1...5).map { ChecklistAnswer(question: $0, answer: .yes, note: nil) }))
    }

    // MARK: All or nothing

    @Test func completingTwiceAtOnceHappensOnce() async throws {
        let folder = try Folder()
        let ledger = try await open(folder)
        let id = try await create(ledger, (0..<6).map { "U-\($0)" }, goods: 5)
        try await decide(ledger, id)
        let outcomes = await withTaskGroup(of: Bool.self, returning: [Bool].self) { group in
            for _ in 0..<8 {
                group.addTask { (try? await ledger.submit(.completeReturn(id))) != nil }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        #expect(outcomes.filter { $0 }.count == 1)
        let items = try await contents(ledger, id).items
        #expect(items.allSatisfy { $0.open == 0 && $0.outcomes.carriedOut == $0.quantity })
        let admin = try admin(ledger)
        #expect(try await ledger.read { try $0.cards(["P"], for: admin)["P"]?[.inStock] } == 2)
        #expect(try await ledger.verify().problem == nil)
    }

    @Test(arguments: 1...10)
    func cancellingWhileCompletingDoesOneOfTheTwo(round: Int) async throws {
        let folder = try Folder()
        let ledger = try await open(folder, units: 4)
        let id = try await create(ledger, (0..<4).map { "U-\($0)" })
        try await decide(ledger, id)
        async let completed = try? ledger.submit(.completeReturn(id))
        async let cancelled = try? ledger.submit(.cancelReturn(id, note: "n"))
        let outcomes = await (completed != nil, cancelled != nil)
        #expect(outcomes.0 != outcomes.1)
        let found = try await contents(ledger, id)
        #expect(found.found.status == (outcomes.0 ? .completed : .cancelled))
        for item in found.items {
            #expect((item.outcomes.carriedOut == 1) == outcomes.0 && (item.outcomes.cancelled == 1) == outcomes.1)
        }
        #expect(try await ledger.verify().problem == nil)
    }

    @Test func whatCanNotBeWrittenHappensNotAtAll() async throws {
        let folder = try Folder()
        let ledger = try await open(folder, units: 400)
        let serials = (0..<400).map { "U-\($0)" }
        let id = try await create(ledger, serials)
        try await decide(ledger, id)
        ledger.limitSize(pages: true)
        await #expect(throws: StorageError.self) { try await ledger.submit(.completeReturn(id)) }
        let found = try await contents(ledger, id)
        #expect(found.found.status == .inspecting && found.items.allSatisfy { $0.open == 1 })
        ledger.limitSize(pages: false)
        _ = try await ledger.submit(.completeReturn(id))
        #expect(try await contents(ledger, id).found.status == .completed)
        #expect(try await ledger.verify().problem == nil)
    }

    @Test func everythingIsThereAfterARestartAndCanBeRebuilt() async throws {
        let folder = try Folder()
        var ledger = try await open(folder)
        _ = try await ledger.scan(
            Scan(station: "BACK", text: "SO-1", code: Code(frame: "SO-1")), by: .device("d"), device: "d")
        _ = try await ledger.scan(
            Scan(station: "BACK", text: "TRV:COND:good", code: Code(frame: "TRV:COND:good")), by: .device("d"),
            device: "d")
        ledger.close()
        ledger = try folder.open()
        func scan(_ text: String) async throws -> ScanAnswer {
            try await ledger.scan(
                Scan(station: "BACK", text: text, code: Code(frame: text)), by: .device("d"), device: "d")
        }
        #expect(try await scan("U-0").result == .accepted, "the order is open still")
        ledger.close()
        ledger = try folder.open()
        #expect(try await scan("TRV:PASS").status == .inStock, "and the unit on the bench")
        ledger.close()
        ledger = try folder.open()
        #expect(try await scan("TRV:UNDO").status == .returned, "and the step that can be taken back")
        let admin = try admin(ledger)
        let queue = try await ledger.read { try $0.repacking(RepackingFilter(), for: admin, Page()) }
        #expect(queue.items.map(\.item.condition) == [.good])
        #expect(try await ledger.verify().problem == nil)
        ledger.close()
    }

    // MARK: Large returns

    @Test func aScanOfGoodsReadsNoUnitsOfAReturn() async throws {
        let folder = try Folder()
        var ledger = try await open(folder)
        _ = try await create(ledger, (0..<6).map { "U-\($0)" }, goods: 3)
        ledger.close()
        // Whoever reads a unit's item now fails.
        try Connection(path: folder.path + "/" + Ledger.fileName, mode: .readWrite)
            .execute("UPDATE return_item SET body = 'unreadable' WHERE serial IS NOT NULL")
        ledger = try folder.open()
        func scan(_ text: String) async throws -> ScanAnswer {
            try await ledger.scan(
                Scan(station: "BACK", text: text, code: Code(frame: text)), by: .device("d"), device: "d")
        }
        #expect(try await scan("TRV:ORDER:SO-1").result == .accepted)
        _ = try await scan("TRV:QTY:18")
        #expect(try await scan("R").reason == .notDelivered, "17 are out")
        _ = try await scan("TRV:QTY:5")
        #expect(try await scan("R").result == .accepted)
        #expect(try await scan("TRV:UNDO").result == .accepted)
        _ = try await scan("TRV:QTY:4")
        #expect(try await scan("R").result == .accepted)
        #expect(try await scan("TRV:CLOSE").message == "Done with SO-1: 13 items are in the repacking queue.")
    }

    @Test func theCustomerIsThatOfTheLastDelivery() async throws {
        let folder = try Folder()
        let ledger = try await open(folder)
        _ = try await ledger.submit(
            .receive(product: "P", serials: ["V-0"], supplier: nil, cost: nil, note: "n"))
        _ = try await ledger.submit(.deliver(order: "SO-1", customer: "Marek", serials: ["V-0"], items: []))
        ledger.close()
        let again = try folder.open()
        // The first of them reads the first delivery, which changes nothing.
        for serial in ["U-0", "U-1", "V-0", "U-2"] {
            let id = try await create(again, [serial])
            #expect(try await contents(again, id).found.customer == "Marek", "\(serial)")
        }
    }

    // MARK: An older file

    /// What version 5 added.
    private static func takeAwayVersion5(_ db: Connection) throws {
        for table in ["handler", "clock_step"] { try db.execute("DROP TABLE \(table)") }
        for index in [
            "unit_location", "unit_held", "unit_tail", "return_item_location", "defect_open", "work_order_released",
        ] { try db.execute("DROP INDEX \(index)") }
        for (table, column) in [
            ("delivery", "opened_by"), ("unit", "location"), ("unit", "on_hold"), ("return_item", "location"),
            ("defect", "by_open"), ("session", "active_steady"), ("session", "step_steady"), ("session", "run"),
            ("idempotency", "steady"), ("idempotency", "run"), ("session", "check_value"),
            ("idempotency", "check_value"), ("outbox", "check_value"),
        ] { try db.execute("ALTER TABLE \(table) DROP COLUMN \(column)") }
        try db.execute("PRAGMA user_version = 4")
    }

    /// Who had what in hand, and where restocked units are, is worked out of the events as they would be put on record.
    @Test func whatIsKnownSinceVersion5FollowsFromTheEvents() async throws {
        let folder = try Folder()
        let ledger = try await open(folder, units: 8)
        let id = try await create(ledger, ["U-0", "U-1", "U-2", "U-3", "U-4"], goods: 2)
        try await decide(ledger, id)
        _ = try await ledger.submit(.completeReturn(id))
        _ = try await create(ledger, ["U-5"])
        let admin = try admin(ledger)
        let before = try await ledger.read { try $0.units(UnitFilter(), for: admin, Page()).items }
        #expect(before.contains { $0.location != nil })
        let handlers = try await ledger.read { try $0.number("SELECT count(*) FROM handler") }
        #expect(handlers > 1)
        #expect(try await ledger.verify().problem == nil)
        ledger.close()
        let path = folder.path + "/" + Ledger.fileName
        try Self.takeAwayVersion5(Connection(path: path, mode: .readWrite))
        let report = try Ledger.verify(file: path, scratch: folder.path)
        #expect(report.problem == nil && report.olderFormat == 4)
        let again = try folder.open()
        #expect(try await again.read { try $0.units(UnitFilter(), for: admin, Page()).items } == before)
        #expect(try await again.read { try $0.number("SELECT count(*) FROM handler") } == handlers)
    }

    @Test func aLedgerWithoutReturnsIsBroughtUp() async throws {
        let folder = try Folder()
        let ledger = try await open(folder)
        ledger.close()
        let path = folder.path + "/" + Ledger.fileName
        let db = try Connection(path: path, mode: .readWrite)
        // What version 3 had, by taking away what came after it.
        try Self.takeAwayVersion5(db)
        for table in ["customer_return", "return_item", "photo", "outbox"] { try db.execute("DROP TABLE \(table)") }
        for index in ["delivery_return", "delivery_customer"] { try db.execute("DROP INDEX \(index)") }
        for (table, column) in [
            ("card", "unserialised_repacking"), ("session", "goods"), ("delivery", "customer_return"),
        ] { try db.execute("ALTER TABLE \(table) DROP COLUMN \(column)") }
        try db.execute("PRAGMA user_version = 3")
        let report = try Ledger.verify(file: path, scratch: folder.path)
        #expect(report.problem == nil && report.olderFormat == 3)
        let again = try folder.open()
        let id = try await create(again, ["U-0"], goods: 2)
        #expect(try await contents(again, id).found.customer == "Novak")
        #expect(try await again.verify().problem == nil)
    }

    // MARK: Scope

    @Test(arguments: 1...4)
    func unitsThatCameBackAreSeenAndCountedByWhoeverHandlesReturns(seed: Int) async throws {
        var random = SeededRandom(seed: seed)
        let folder = try Folder()
        let ledger = try await open(folder, units: 24)
        let id = try await create(ledger, (0..<16).filter { _ in !random.one(3) }.map { "U-\($0)" })
        try await decide(ledger, id)
        _ = try await ledger.submit(.completeReturn(id))
        for number in 20..<24 { _ = try await create(ledger, ["U-\(number)"]) }
        let admin = try admin(ledger)
        let units = try await ledger.read { try $0.units(UnitFilter(), for: admin, Page(limit: 100)).items }
        #expect(Set(units.map(\.state.status)).count > 4)
        for _ in 0..<20 {
            let (_, access) = try random.caller(teams: ["smt", "desk"], logins: ["mia"])
            let seen = units.filter(access.sees)
            for filter in [
                UnitFilter(), UnitFilter(status: .inStock), UnitFilter(product: "P"), UnitFilter(team: "smt"),
            ] {
                let listing = try await ledger.read {
                    try $0.units(filter, for: access, Page(limit: 100, total: true))
                }
                #expect(listing.total == listing.items.count, "\(access) \(filter)")
                if filter == UnitFilter() { #expect(listing.items.map(\.serial) == seen.map(\.serial), "\(access)") }
            }
            let card = try await ledger.read { try $0.cards(["P"], for: access)["P"] ?? Card() }
            for status in Status.allCases {
                #expect(card[status] == seen.filter { $0.state.status == status }.count, "\(access) \(status)")
            }
        }
    }

    @Test(arguments: 1...12)
    func returnsAreFoundExactlyWhereTheyAreSeen(seed: Int) throws {
        var random = SeededRandom(seed: seed)
        let db = try Connection.empty()
        let (teams, logins) = (["smt", "finish", "desk"], ["mia", "tom"])
        var state = State(
            records: StoredRecords(db), localDate: { _ in .init(daysSince1970: 0) }, badgeDigest: { $0 })
        var items: [ReturnItem] = []
        for number in 1...40 {
            let id = String(number * 10)
            var found = CustomerReturn(
                id: id, order: "SO-\(number % 5)", customer: random.one(3) ? nil : "C-\(number % 4)",
                kind: random.pick(ReturnKind.allCases), reason: .other, isExpected: false, createdAt: Int64(number),
                createdBy: nil)
            found.status = random.pick(ReturnStatus.allCases)
            if random.one(2) { found.task = QCTask(id: String(number * 10 + 9), questions: ["?"], startedAt: 1) }
            state.customerReturns.write(id, found)
            state.handlers[id] = random.handlers(teams: teams, logins: logins)
            for index in 1...Int.random(in: 1...3, using: &random) {
                var item = ReturnItem(
                    id: String(number * 10 + index), customerReturn: id, product: "P",
                    serial: random.one(4) ? nil : "U-\(number)-\(index)", team: nil, quantity: 1,
                    createdAt: Int64(number))
                if item.serial != nil, !random.one(4) { item.team = random.pick(teams) }
                item.arrivedAt = Int64(number)
                state.returnItems.write(item.id, item)
                items.append(item)
            }
        }
        let handlers = state.handlers
        try Store(db).flush(&state)
        for _ in 0..<60 {
            let (_, access) = try random.caller(teams: teams, logins: logins)
            let seen = items.filter { access.sees($0, handlers: handlers[$0.customerReturn] ?? []) }
            let returns = Set(seen.map(\.customerReturn))
            let page = Page(limit: 1_000, descending: true, total: true)
            let listing = try db.customerReturns(ReturnFilter(), for: access, page)
            #expect(Set(listing.items.map(\.found.id)) == returns && listing.total == returns.count, "\(access)")
            #expect(listing.items.reduce(0) { $0 + $1.quantity } == seen.count)
            let queue = try db.repacking(RepackingFilter(), for: access, page)
            #expect(Set(queue.items.map(\.item.id)) == Set(seen.map(\.id)))
            let tasks = try db.qcTasks(status: nil, inspector: nil, for: access, page)
            #expect(tasks.items.allSatisfy { returns.contains($0.id) })
            let (_, sum) = try db.returnFigures(by: .reason, from: 0, to: 1_000, for: access)
            #expect(sum.quantity == seen.count)
            for item in items.prefix(20) {
                #expect(try (db.returnItem(item.id, for: access) != nil) == seen.contains { $0.id == item.id })
                let found = try db.customerReturn(item.customerReturn, for: access, in: Plant())
                #expect((found != nil) == returns.contains(item.customerReturn))
                #expect(
                    found.map { Set($0.items.map(\.id)) }
                        == (found == nil
                            ? nil : Set(seen.filter { $0.customerReturn == item.customerReturn }.map(\.id))))
            }
        }
    }

    // MARK: Photos

    private func addPhoto(_ ledger: Ledger, _ bytes: [UInt8], _ id: String, _ item: String) async throws -> String {
        try await ledger.keepPhoto(bytes) { digest in
            var photo = ReturnItem.Photo(format: .png, size: bytes.count, kind: .other, note: nil)
            photo.digest = digest
            _ = try await ledger.submit(.addPhoto(id, item: item, photo))
            return digest
        }
    }

    private func files(_ folder: Folder, _ name: String = "photos") -> Set<String> {
        Set((try? FileManager.default.contentsOfDirectory(atPath: folder.path + "/" + name)) ?? [])
    }

    @Test func bytesStayAsLongAsAnItemHasThem() async throws {
        let folder = try Folder()
        let ledger = try await open(folder)
        let id = try await create(ledger, ["U-0", "U-1"])
        let items = try await contents(ledger, id).items
        let digest = try await addPhoto(ledger, [1, 2, 3], id, items[0].id)
        #expect(try await addPhoto(ledger, [1, 2, 3], id, items[1].id) == digest)
        #expect(files(folder) == [digest])
        #expect(try await ledger.photo(digest) == [1, 2, 3])
        for item in try await contents(ledger, id).items {
            #expect(files(folder) == [digest])
            let photo = try #require(item.photos.first)
            try await ledger.dropPhotos([digest]) {
                _ = try await ledger.submit(.deletePhoto(id, item: item.id, photo: photo.id))
            }
        }
        #expect(files(folder).isEmpty)
        #expect(try await ledger.photo(digest) == nil)
        #expect(try await ledger.verify().problem == nil)
    }

    @Test func aRefusedPhotoLeavesNothingBehind() async throws {
        let folder = try Folder()
        let ledger = try await open(folder)
        let id = try await create(ledger, ["U-0"])
        let item = try await contents(ledger, id).items[0].id
        await #expect(throws: Refusal.self) { try await addPhoto(ledger, [9], id, "99999") }
        #expect(files(folder).isEmpty)
        // Many at once: ten stay.
        let kept = await withTaskGroup(of: Bool.self, returning: Int.self) { group in
            for number in 0..<30 {
                group.addTask { (try? await addPhoto(ledger, [UInt8(number)], id, item)) != nil }
            }
            return await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
        }
        #expect(kept == 10 && files(folder).count == 10)
        #expect(Set(try await contents(ledger, id).items[0].photos.map(\.digest)) == files(folder))
    }

    @Test func whatAStopLeftBehindIsSweptAtTheNextStart() async throws {
        let folder = try Folder()
        var ledger = try await open(folder)
        let id = try await create(ledger, ["U-0"])
        let digest = try await addPhoto(ledger, [7], id, try await contents(ledger, id).items[0].id)
        ledger.close()
        for name in [String(repeating: "f", count: 64), "new"] {
            _ = FileManager.default.createFile(atPath: folder.path + "/photos/" + name, contents: Data([1]))
        }
        ledger = try folder.open()
        try await ledger.sweepPhotos()
        #expect(files(folder) == [digest])
    }

    @Test func photosThatAreMissingOrOthersAreNamed() async throws {
        let folder = try Folder()
        let ledger = try await open(folder)
        let id = try await create(ledger, ["U-0", "U-1"])
        let items = try await contents(ledger, id).items.map(\.id)
        let whole = try await addPhoto(ledger, [1], id, items[0])
        let altered = try await addPhoto(ledger, [2], id, items[0])
        let missing = try await addPhoto(ledger, [3], id, items[1])
        var report = try await ledger.verify()
        #expect(report.isWhole && report.photos == 3)
        let path = folder.path + "/photos/"
        try Data([1]).write(to: URL(filePath: path + altered))
        unlink(path + missing)
        report = try await ledger.verify()
        #expect(report.problem == nil && !report.isWhole)
        #expect(report.lostPhotos == [altered, missing].sorted())
        #expect(files(folder) == [whole, altered])
        #expect(try await ledger.photo(whole) == [1])
        #expect(try await ledger.photo(altered) == nil)
    }

    @Test func aBackupThatKnowsFewerPhotosCostsNone() async throws {
        let folder = try Folder()
        let backup = folder.path + "/backup.db"
        var ledger = try await open(folder)
        let id = try await create(ledger, ["U-0"])
        let item = try await contents(ledger, id).items[0].id
        let before = try await addPhoto(ledger, [1], id, item)
        try await ledger.backup(to: backup)
        let after = try await addPhoto(ledger, [2], id, item)
        ledger.close()
        unlink(folder.path + "/photos/" + before)
        let (report, kept) = try Ledger.restore(backup, in: folder.path)
        #expect(report.problem == nil && report.lostPhotos == [before])
        ledger = try folder.open()
        try await ledger.sweepPhotos()
        #expect(files(folder).isEmpty)
        ledger.close()

        // The ledger that was there, with all that it knew.
        let name = try #require(kept).dropFirst("ledger-".count).dropLast(".db".count)
        #expect(files(folder, "photos-\(name)") == [after])
        let old = try Ledger.verify(file: folder.path + "/ledger-\(name).db", scratch: folder.path)
        #expect(old.problem == nil && old.photos == 2)
    }

    // MARK: Webhooks

    @Test func eventsComeIntoTheOutboxWithTheirRecordAndLeaveItOnce() async throws {
        let folder = try Folder()
        let ledger = try await open(folder)
        _ = try await ledger.submit(.addWebhook(url: "http://a", kinds: [.returnCreated, .returnCompleted]))
        let hook = try #require(ledger.plant.webhooks.keys.first)
        let id = try await create(ledger, ["U-0", "U-1"])
        let due = try await ledger.read { try $0.due(webhook: hook, by: .max, limit: 10) }
        #expect(due.map(\.event.event.kind) == [.returnCreated] && due.map(\.delivery.event) == [Int64(id)])
        // Refused, and so never told.
        _ = try? await ledger.submit(.completeReturn(id))
        let delivery = try #require(due.first).delivery
        let failed = delivery.failed("away", at: 1_000)
        #expect(failed.attempts == 1 && failed.nextAt == 11_000 && !failed.isDead)
        _ = try await ledger.submit(.recordDelivery(failed, isDone: false))
        #expect(try await ledger.read { try $0.webhooksDue(among: [hook], by: 10_999) }.isEmpty)
        #expect(try await ledger.read { try $0.webhooksDue(among: [hook], by: 11_000) } == [hook])
        var dead = delivery
        while !dead.isDead { dead = dead.failed("away", at: 0) }
        #expect(dead.attempts == WebhookDelivery.delays.count + 1)
        _ = try await ledger.submit(.recordDelivery(dead, isDone: false))
        #expect(try await ledger.read { try $0.webhooksDue(among: [hook], by: .max) }.isEmpty)
        let letters = try await ledger.read { try $0.outbox(webhook: hook, dead: true, Page()) }
        #expect(letters.items.map(\.problem) == ["away"])
        ledger.close()

        let again = try folder.open()
        await #expect(throws: Refusal.self) { try await again.submit(.retryDelivery(webhook: hook, event: 1)) }
        _ = try await again.submit(.retryDelivery(webhook: hook, event: delivery.event))
        #expect(try await again.read { try $0.webhooksDue(among: [hook], by: .max) } == [hook])
        _ = try await again.submit(.recordDelivery(delivery, isDone: true))
        func waiting() async throws -> Int {
            try await again.read { try $0.outbox(webhook: hook, dead: nil, Page()) }.items.count
        }
        #expect(try await waiting() == 0)

        // Removed, it leaves nothing, nor does an attempt that was under way then.
        _ = try await again.submit(.recordDelivery(dead, isDone: false))
        #expect(try await waiting() == 1)
        _ = try await again.submit(.removeWebhook(hook))
        #expect(try await waiting() == 0)
        _ = try await again.submit(.recordDelivery(failed, isDone: false))
        #expect(try await waiting() == 0)
        #expect(try await again.verify().problem == nil)
    }
}
