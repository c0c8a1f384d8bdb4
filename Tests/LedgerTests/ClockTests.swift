import Barcodes
import Synchronization
import Testing
import Tracking

@testable import Ledger

/// Time that passes is measured by a clock that nobody sets while the daemon runs; across a restart the wall clock counts.
@Suite(.serialized) struct ClockTests {
    private static let minute: Int64 = 60_000
    private static let hour: Int64 = 3_600_000

    /// A plant with one scanner at each station, and clocks that the test moves.
    private final class Shop: Sendable {
        let folder: Folder
        private let moment = Mutex(Moment(wall: 1_772_438_400_000, steady: 1_772_438_400_000, run: 1))
        private let opened = Mutex<Ledger?>(nil)
        private struct NotOpen: Error {}
        var ledger: Ledger {
            get throws {
                guard let ledger = opened.withLock({ $0 }) else { throw NotOpen() }
                return ledger
            }
        }

        init() async throws {
            folder = try Folder()
            try open()
            let digest = try ledger.badgeDigest("1007")
            let routing = Routing(code: "r", stages: [Stage(name: "test", verdictRequired: true), Stage(name: "qa")])
            var board = Product(code: "B", name: "Board", type: "pcb")
            (board.routing, board.serial) = ("r", .external(".*"))
            let changes: [PlantChange] = [
                .team(Team(code: "t", name: "T", department: "d")), .department(Department(code: "d", name: "D")),
                .person(Person(login: "mia", name: "Mia", role: .member, team: "t", badge: digest)), .routing(routing),
                .product(board), .station(Station(name: "TEST", mode: .verdict, stages: ["test"], team: "t")),
            ]
            _ = try await ledger.submit(.changePlant { _ in changes })
            _ = try await ledger.submit(.register(product: "B", serials: ["B-1", "B-2"], workOrder: nil))
        }

        func open() throws {
            let ledger = try Ledger(
                directory: folder.path,
                clock: { [weak self] in
                    self?.now ?? Moment(wall: 0)
                })
            opened.withLock { $0 = ledger }
        }

        /// Ends this run of the daemon and begins the next, with the wall clock set forward or back meanwhile.
        func restart(wall step: Int64) throws {
            try ledger.close()
            moment.withLock { moment in
                moment.wall += step
                moment = Moment(wall: moment.wall, steady: moment.wall, run: (moment.run ?? 0) + 1)
            }
            try open()
        }

        func wait(_ time: Int64) {
            moment.withLock { moment in
                moment.wall += time
                moment.steady += time
            }
        }

        func setWall(by step: Int64) { moment.withLock { $0.wall += step } }
        var now: Moment { moment.withLock { $0 } }

        func scan(_ text: String) async throws -> ScanAnswer {
            wait(2_000)
            return try await ledger.scan(
                Scan(station: "TEST", text: text, code: Code(frame: text)), by: .device("d"), device: "d")
        }
    }

    // MARK: Stations

    @Test(arguments: [-40 * hour, -29 * minute, 29 * minute, 40 * hour])
    func settingTheClockIsNoTimeThatPasses(step: Int64) async throws {
        let shop = try await Shop()
        #expect(try await shop.scan("1007").outcome == .signedOn)
        shop.setWall(by: step)
        #expect(try await shop.scan("B-1").person == "mia", "nobody was idle")
        #expect(try await shop.scan("TRV:PASS").outcome == .passed)
        shop.setWall(by: step)
        #expect(try await shop.scan("TRV:UNDO").outcome == .takenBack, "that was two seconds ago")
    }

    @Test(arguments: [-40 * hour, -31 * minute, 0])
    func timeThatPassesIsNotUndoneByTheClock(step: Int64) async throws {
        let shop = try await Shop()
        #expect(try await shop.scan("B-1").outcome == .verdictOwed)
        #expect(try await shop.scan("TRV:PASS").outcome == .passed)
        #expect(try await shop.scan("1007").outcome == .signedOn)
        shop.wait(31 * Self.minute)
        shop.setWall(by: step)
        let undo = try await shop.scan("TRV:UNDO")
        #expect(undo.person == nil, "idle for too long")
        #expect(undo.reason == .nothingToUndo)
    }

    @Test func acrossARestartTheWallClockCounts() async throws {
        let shop = try await Shop()
        #expect(try await shop.scan("1007").outcome == .signedOn)
        #expect(try await shop.scan("B-1").outcome == .verdictOwed)
        #expect(try await shop.scan("TRV:PASS").outcome == .passed)
        try shop.restart(wall: 5 * Self.minute)
        #expect(try await shop.scan("B-2").person == "mia")
        #expect(try await shop.scan("TRV:UNDO").outcome == .takenBack)
        #expect(try await shop.scan("TRV:CANCEL").person == "mia")
        try shop.restart(wall: 31 * Self.minute)
        #expect(try await shop.scan("B-2").person == nil)
    }

    @Test func aClockThatWasSetBackOverARestartEndsWhatCanNotBeTold() async throws {
        let shop = try await Shop()
        #expect(try await shop.scan("1007").outcome == .signedOn)
        #expect(try await shop.scan("B-1").outcome == .verdictOwed)
        #expect(try await shop.scan("TRV:PASS").outcome == .passed)
        try shop.restart(wall: -14 * 24 * Self.hour)
        let undo = try await shop.scan("TRV:UNDO")
        #expect(undo.person == nil && undo.reason == .nothingToUndo)
        #expect(undo.message.contains("set back"))
        let session = try await shop.ledger.read { try $0.stationSession("TEST") }
        #expect(session.person == nil)
    }

    @Test func whoIsSignedOnIsReadByTheSameClock() async throws {
        let shop = try await Shop()
        #expect(try await shop.scan("1007").outcome == .signedOn)
        shop.setWall(by: 40 * Self.hour)
        var session = try await shop.ledger.read { try $0.stationSession("TEST") }
        #expect(session.endIfIdle(at: shop.now, try shop.ledger.plant.settings) == nil)
        shop.setWall(by: -80 * Self.hour)
        #expect(session.endIfIdle(at: shop.now, try shop.ledger.plant.settings) == nil)
        shop.wait(31 * Self.minute)
        #expect(session.endIfIdle(at: shop.now, try shop.ledger.plant.settings) == "mia")
    }

    @Test func aBusyWriterMakesNoDoubleReads() async throws {
        let shop = try await Shop()
        let code = Code(frame: "B-1")
        let first = shop.now
        shop.wait(2_000)
        var scans = [first, shop.now].map { moment in
            var scan = Scan(station: "TEST", text: "B-1", code: code)
            scan.readAt = moment
            return scan
        }
        // Both are decided at the same time; they were read two seconds apart.
        #expect(try await shop.ledger.scan(scans[0], by: .device("d"), device: "d").outcome == .verdictOwed)
        #expect(try await shop.ledger.scan(scans[1], by: .device("d"), device: "d").result == .refused)
        // And these in one moment, however long it takes.
        scans[1].readAt = shop.now
        shop.wait(60_000)
        #expect(try await shop.ledger.scan(scans[1], by: .device("d"), device: "d").result == .ignored)
    }

    // MARK: Requests that are sent twice

    private func count(_ ledger: Ledger, key: String) async throws -> Int {
        let answer = try await ledger.submit(
            .receive(product: "B", serials: ["R-\(Int.random(in: 0...Int.max))"], supplier: nil, cost: nil, note: "n"),
            by: ledger.admin, key: IdempotencyKey(caller: "root", route: "POST /x", key: key, body: [])
        ) { state, _ in StoredAnswer(status: 200, body: Array("\(state.card(CardKey(product: "B")).store)".utf8)) }
        return try #require(Int(String(decoding: answer.body, as: UTF8.self)))
    }

    @Test(arguments: [-400 * 24 * hour, 400 * 24 * hour])
    func aRequestIsNotDoneTwiceWhateverTheClockIsSetTo(step: Int64) async throws {
        let shop = try await Shop()
        #expect(try await count(shop.ledger, key: "k") == 1)
        shop.setWall(by: step)
        // Others come meanwhile, and old keys are forgotten.
        for number in 0..<20 { _ = try await count(shop.ledger, key: "other-\(number)") }
        #expect(try await count(shop.ledger, key: "k") == 1)
        shop.wait(24 * Self.hour)
        #expect(try await count(shop.ledger, key: "k") == 22, "a day is over")
        // What is past its time is forgotten in the end.
        for number in 0..<4 { _ = try await count(shop.ledger, key: "late-\(number)") }
        #expect(try await shop.ledger.read { try $0.number("SELECT count(*) FROM idempotency") } == 5)
    }

    @Test func aKeyOfAnEarlierRunGoesByTheWallClock() async throws {
        let shop = try await Shop()
        #expect(try await count(shop.ledger, key: "k") == 1)
        try shop.restart(wall: -1 * Self.hour)
        #expect(try await count(shop.ledger, key: "k") == 1, "not over, as its time is still to come")
        try shop.restart(wall: 26 * Self.hour)
        #expect(try await count(shop.ledger, key: "k") == 2)
    }

    // MARK: Webhooks

    @Test func whatWaitsForAWebhookIsDueByTheSteadyClock() async throws {
        let shop = try await Shop()
        _ = try await shop.ledger.submit(.addWebhook(url: "http://127.0.0.1:9/", kinds: [.unitReceived]))
        let hook = try #require(try shop.ledger.plant.webhooks.keys.first)
        shop.setWall(by: 400 * 24 * Self.hour)
        _ = try await count(shop.ledger, key: "k")
        func due() async throws -> [WebhookDelivery] {
            let now = shop.now.steady
            return try await shop.ledger.read { try $0.due(webhook: hook, by: now, limit: 10).map(\.delivery) }
        }
        let first = try #require(try await due().first)
        let failed = first.failed("away", at: shop.now.steady)
        _ = try await shop.ledger.submit(.recordDelivery(failed, isDone: false))
        #expect(try await due().isEmpty)
        shop.setWall(by: -800 * 24 * Self.hour)
        #expect(try await due().isEmpty)
        shop.wait(10_000)
        #expect(try await due().count == 1)
        // A clock that was wrong for years in an earlier run keeps nothing waiting for years.
        let late = first.failed("away", at: shop.now.steady + 400 * 24 * Self.hour)
        _ = try await shop.ledger.submit(.recordDelivery(late, isDone: false))
        #expect(try await due().isEmpty)
        try shop.restart(wall: 0)
        #expect(try await due().count == 1)
    }
}
