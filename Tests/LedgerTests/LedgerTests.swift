import FoundationEssentials
import Glibc
import Synchronization
import Testing
import Tracking

@testable import Ledger

/// The ledger's promises: what was answered is there, what was not happened wholly or not at all, and nothing can be
/// changed behind its back.
@Suite(.serialized) struct LedgerTests {
    @Test func answeredCommandsAreThereAfterReopening() async throws {
        let folder = try Folder()
        let first = try folder.open()
        try await first.setUp()
        _ = try await first.submit(
            .receive(product: "P", serials: ["A-1", "A-2"], supplier: nil, cost: nil, note: "n"))
        first.close()
        let second = try folder.open()
        let units = try await second.read { db in try db.rows("SELECT serial FROM unit", [], { $0.text(0) }) }
        #expect(units == ["A-1", "A-2"])
        #expect(second.plant.products["P"] != nil)
    }

    @Test func concurrentCallersShareCommitsAndKeepTheirOrder() async throws {
        let folder = try Folder()
        let ledger = try folder.open()
        try await ledger.setUp()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for caller in 0..<64 {
                group.addTask {
                    for number in 0..<20 {
                        _ = try await ledger.submit(
                            .receive(
                                product: "P", serials: ["\(caller)-\(number)"], supplier: nil, cost: nil, note: "n"))
                    }
                }
            }
            try await group.waitForAll()
        }
        let report = try await ledger.verify()
        #expect(report == VerifyReport(events: 64 * 20 + 1))
        let stock = try await ledger.read { db in try db.number("SELECT in_stock FROM card WHERE product = 'P'") }
        #expect(stock == 64 * 20)
    }

    @Test func aRefusedCommandChangesNothing() async throws {
        let folder = try Folder()
        let ledger = try folder.open()
        try await ledger.setUp()
        await #expect(throws: Refusal.self) {
            try await ledger.submit(
                .receive(product: "P", serials: ["OK", "O K"], supplier: nil, cost: nil, note: "n"))
        }
        let units = try await ledger.read { db in try db.number("SELECT count(*) FROM unit") }
        #expect(units == 0)
    }

    @Test func theSameKeyDoesNothingTwice() async throws {
        let folder = try Folder()
        let ledger = try folder.open()
        try await ledger.setUp()
        func send(_ body: String, key: String) async throws -> StoredAnswer {
            try await ledger.submit(
                .adjust(product: "P", change: 5, note: "count"), by: folder.admin(ledger),
                key: IdempotencyKey(caller: "root", route: "POST /x", key: key, body: Array(body.utf8))
            ) { state, _ in StoredAnswer(status: 200, body: Array("\(state.card(CardKey(product: "P")).store)".utf8)) }
        }
        let first = try await send("a", key: "k1")
        let again = try await send("a", key: "k1")
        #expect(first == again && String(decoding: again.body, as: UTF8.self) == "5")
        await #expect(throws: Refusal.self) { _ = try await send("b", key: "k1") }
        let other = try await send("a", key: "k2")
        #expect(String(decoding: other.body, as: UTF8.self) == "10")
    }

    @Test(arguments: [
        ("UPDATE event SET note = 'forged' WHERE id = 3", "event"),
        ("DELETE FROM event WHERE id = 2", "event"),
        ("UPDATE event SET hash = zeroblob(32) WHERE id = 3", "event"),
        ("DELETE FROM event WHERE id = (SELECT max(id) FROM event)", "unit"),
        ("UPDATE unit SET updated_at = 0 WHERE serial = 'A-1'", "unit"),
        ("DELETE FROM unit WHERE serial = 'A-2'", "unit"),
        ("UPDATE card SET in_stock = in_stock + 1", "card"),
        ("UPDATE inventory_log SET change = 7 WHERE event = 2", "inventory_log"),
        ("UPDATE entry SET body = replace(body, 'Part', 'Pert')", "entry"),
    ])
    func whatWasChangedBehindItsBackIsNamed(_ forgery: String, _ table: String) async throws {
        let folder = try Folder()
        let ledger = try folder.open()
        try await ledger.setUp()
        _ = try await ledger.submit(
            .receive(product: "P", serials: ["A-1", "A-2"], supplier: nil, cost: nil, note: "n"))
        _ = try await ledger.submit(.hold("A-2", note: "look"))
        ledger.close()
        let path = folder.path + "/" + Ledger.fileName
        #expect(try Ledger.verify(file: path, scratch: folder.path).problem == nil)
        try Connection(path: path, mode: .readWrite).execute(forgery)
        let problem = try #require(try Ledger.verify(file: path, scratch: folder.path).problem)
        #expect(problem.table == table)
    }

    @Test func aBackupTakenUnderLoadIsWholeAndCanBeRestored() async throws {
        let folder = try Folder()
        let ledger = try folder.open()
        try await ledger.setUp()
        let backup = folder.path + "/backup.db"
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                for number in 0..<300 {
                    _ = try await ledger.submit(
                        .receive(product: "P", serials: ["L-\(number)"], supplier: nil, cost: nil, note: "n"))
                }
            }
            group.addTask { try await ledger.backup(to: backup) }
            try await group.waitForAll()
        }
        ledger.close()
        let saved = try Ledger.verify(file: backup, scratch: folder.path)
        #expect(saved.problem == nil)
        await #expect(throws: StorageError.self) { try await ledger.backup(to: backup) }

        let (report, kept) = try Ledger.restore(backup, in: folder.path)
        #expect(report == saved)
        let old = try Ledger.verify(file: folder.path + "/" + (try #require(kept)), scratch: folder.path)
        #expect(old == VerifyReport(events: 301))
        let again = try folder.open()
        let head = try await again.read { db in try db.number("SELECT max(id) FROM event") }
        #expect(head == report.events)
    }

    @Test func aDamagedBackupDoesNotReplaceTheLedger() async throws {
        let folder = try Folder()
        let ledger = try folder.open()
        try await ledger.setUp()
        let backup = folder.path + "/backup.db"
        try await ledger.backup(to: backup)
        ledger.close()
        try Connection(path: backup, mode: .readWrite).execute("UPDATE event SET note = 'forged'")
        #expect(throws: StorageError.self) { try Ledger.restore(backup, in: folder.path) }
        #expect(try Ledger.verify(file: folder.path + "/" + Ledger.fileName, scratch: folder.path).problem == nil)
    }

    @Test func otherFilesAndNewerLedgersAreRefused() throws {
        let folder = try Folder()
        let path = folder.path + "/" + Ledger.fileName
        try Data("this is no database, but long enough to look like one would".utf8).write(to: URL(filePath: path))
        #expect(throws: StorageError.self) { try folder.open() }
        unlink(path)
        try Connection(path: path, mode: .readWrite).execute("CREATE TABLE other (x)")
        #expect(throws: StorageError.self) { try folder.open() }
        unlink(path)
        let ledger = try folder.open()
        ledger.close()
        try Connection(path: path, mode: .readWrite).execute("PRAGMA user_version = 99")
        let error = #expect(throws: StorageError.self) { try folder.open() }
        #expect(error?.kind == .newer)
    }

    @Test func whatIsNamedAndIsNoLedgerIsSaidToBeWhatItIs() throws {
        let folder = try Folder()
        let path = folder.path + "/backup.db"
        func expect(_ words: String) {
            for attempt in [
                { _ = try Ledger.verify(file: path, scratch: folder.path) },
                { _ = try Ledger.restore(path, in: folder.path) },
            ] {
                let error = #expect(throws: StorageError.self, "\(words)") { try attempt() }
                #expect(
                    error?.description.hasPrefix("cannot read \(path): \(words)") == true, "\(error?.description ?? "")"
                )
            }
        }
        expect("there is no such file")
        for content in ["", "a text", "a text that is as long as the head of a database would be, and longer"] {
            try Data(content.utf8).write(to: URL(filePath: path))
            expect("it is no traveler ledger")
        }
        unlink(path)
        try Connection(path: path, mode: .readWrite).execute("CREATE TABLE other (x)")
        expect("it is no traveler ledger")
        unlink(path)
        mkdir(path, 0o700)
        expect("it is a directory")
        rmdir(path)
        let ledger = try folder.open()
        ledger.close()
        rename(folder.path + "/" + Ledger.fileName, path)
        try Connection(path: path, mode: .readWrite).execute("PRAGMA user_version = 99")
        expect("a newer version wrote it (format 99")
    }

    @Test func anOlderLedgerIsBroughtUpInOneStepOrNotAtAll() throws {
        let folder = try Folder()
        let connection = try Connection(path: folder.path + "/old.db", mode: .readWrite)
        try Schema.migrate(connection, migrations: ["CREATE TABLE a (x); INSERT INTO a VALUES (1)"])
        #expect(throws: StorageError.self) {
            try Schema.migrate(connection, migrations: ["", "ALTER TABLE a ADD COLUMN y", "this is no SQL"])
        }
        #expect(try connection.number("PRAGMA user_version") == 1)
        try Schema.migrate(connection, migrations: ["", "ALTER TABLE a ADD COLUMN y", "UPDATE a SET y = x + 1"])
        #expect(try connection.number("SELECT y FROM a") == 2)
        #expect(try connection.number("PRAGMA user_version") == 3)
    }

    @Test func aFullDiskRefusesAndWorkGoesOnOnceThereIsRoom() async throws {
        let folder = try Folder()
        let ledger = try folder.open()
        try await ledger.setUp()
        ledger.limitSize(pages: true)
        var answered: [String] = []
        var refused = 0
        for number in 0..<400 where refused < 3 {
            do {
                _ = try await ledger.submit(
                    .receive(
                        product: "P", serials: ["F-\(number)"], supplier: nil, cost: nil,
                        note: String(repeating: "x", count: 1_900)))
                answered.append("F-\(number)")
            } catch let error as StorageError {
                #expect(error.kind == .full)
                refused += 1
            }
        }
        #expect(refused == 3)
        ledger.limitSize(pages: false)
        _ = try await ledger.submit(.receive(product: "P", serials: ["AFTER"], supplier: nil, cost: nil, note: "n"))
        let units = try await ledger.read { db in try db.rows("SELECT serial FROM unit", [], { $0.text(0) }) }
        #expect(Set(units) == Set(answered + ["AFTER"]))
        #expect(try await ledger.verify().problem == nil)
    }
}

/// A directory of its own for one test, gone when the test is.
final class Folder: Sendable {
    let path: String

    init() throws {
        path = "/tmp/traveler-test-\(UInt64.random(in: 0...UInt64.max))"
        guard mkdir(path, 0o700) == 0 else { throw StorageError(.other, "cannot make \(path)") }
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func open() throws -> Ledger { try Ledger(directory: path) }

    func admin(_ ledger: Ledger) -> Actor { ledger.admin }
}

extension Ledger {
    var admin: Actor {
        Access(login: "root", isAdmin: true, in: plant).map(Actor.person) ?? .system
    }

    func submit(_ command: Command) async throws -> StoredAnswer {
        try await submit(command, by: admin) { _, _ in StoredAnswer(status: 200, body: []) }
    }

    func setUp() async throws {
        _ = try await submit(
            .changePlant { _ in [.product(Product(code: "P", name: "Part", type: "part"))] })
    }
}
