import FoundationEssentials
import Glibc
import Synchronization
import Testing
import Tracking

@testable import Ledger

/// Damage to a ledger's file is found wherever it is, and is named.
@Suite(.serialized) struct DamageTests {
    /// A ledger in which every table and most indexes hold something; closed.
    private static func ledger(in folder: Folder) async throws -> [UInt8] {
        let ledger = try folder.open()
        try await ledger.setUp()
        _ = try await ledger.submit(.addWebhook(url: "http://127.0.0.1:1/", kinds: [.unitReceived]))
        for part in 0..<6 {
            let serials = (0..<40).map { "A-\(part)-\($0)" }
            _ = try await ledger.submit(
                .receive(product: "P", serials: serials, supplier: nil, cost: nil, note: "delivery \(part)"))
        }
        for number in 0..<60 { _ = try await ledger.submit(.hold("A-\(number % 6)-\(number % 40)", note: "look")) }
        for number in 0..<20 {
            _ = try await ledger.submit(
                .adjust(product: "P", change: 1, note: "count"), by: folder.admin(ledger),
                key: IdempotencyKey(caller: "root", route: "POST /x", key: "k\(number)", body: [])
            ) { _, _ in StoredAnswer(status: 200, body: Array("answer \(number)".utf8)) }
        }
        ledger.close()
        let path = folder.path + "/" + Ledger.fileName
        let connection = try Connection(path: path, mode: .readWrite)
        // Something in hand at a station, and pages that are free.
        try connection.execute(
            """
            INSERT INTO session (station, terminal, person, active_at, bench, check_value)
                VALUES ('S-1', '', 'mia', 1000, 'A-1-1', row_check('S-1', '', 'mia', 1000, NULL, 'A-1-1', NULL, NULL,
                    NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL));
            CREATE TABLE filler (x TEXT);
            INSERT INTO filler SELECT hex(randomblob(2000)) FROM event LIMIT 12;
            DROP TABLE filler;
            """)
        // One plain file, without a log.
        let plain = folder.path + "/plain.db"
        try Ledger.copy(path, to: plain)
        for suffix in ["", "-wal", "-shm"] { unlink(path + suffix) }
        #expect(rename(plain, path) == 0)
        return [UInt8](try Data(contentsOf: URL(filePath: path)))
    }

    /// All that can be read of a file: each table by itself, and each index by itself.
    private static func content(_ path: String) throws -> [String] {
        let connection = try Connection(path: path, mode: .readOnly)
        func rows(_ sql: String) throws -> [String] {
            let statement = try connection.statement(sql)
            defer { statement.reset() }
            var rows: [String] = []
            while try statement.step() {
                rows.append((0..<statement.columnCount).map { "\(statement.blob($0))" }.joined(separator: "|"))
            }
            return rows
        }
        var content = try rows("SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY name")
        content.append(
            "\(try connection.number("PRAGMA application_id"))/\(try connection.number("PRAGMA user_version"))")
        func names(_ sql: String) throws -> [String] { try connection.rows(sql, [], { $0.text(0) }) }
        for table in try names("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name") {
            content += try rows("SELECT * FROM \(table) NOT INDEXED")
            for index in try names("SELECT name FROM pragma_index_list('\(table)') WHERE origin = 'c' ORDER BY name") {
                let sql = try names("SELECT sql FROM sqlite_schema WHERE name = '\(index)'").first ?? ""
                // Of an expression the declaration alone says what it is.
                let expression = sql.firstRange(of: "substr").map { $0.lowerBound..<sql.index(before: sql.endIndex) }
                let columns = try names(
                    """
                    SELECT CASE cid WHEN -1 THEN 'rowid' WHEN -2 THEN '\(expression.map { String(sql[$0]) } ?? "")' ELSE name END
                    FROM pragma_index_xinfo('\(index)') ORDER BY seqno
                    """
                ).joined(separator: ", ")
                let condition = sql.firstRange(of: "WHERE").map { String(sql[$0.lowerBound...]) } ?? ""
                content += try rows(
                    "SELECT \(columns) FROM \(table) INDEXED BY \(index) \(condition) ORDER BY \(columns)")
            }
        }
        return content
    }

    /// What a check says: nil where it calls the file whole.
    private static func complaint(_ path: String, _ scratch: String) -> String? {
        do {
            let report = try Ledger.verify(file: path, scratch: scratch)
            return report.isWhole
                ? nil : report.problem.map { "\($0.table) \($0.row): \($0.message)" } ?? report.damage.first
        } catch {
            return "\(error)"
        }
    }

    @Test func damageIsNamedWhereverItIs() async throws {
        let folder = try Folder()
        let sound = try await Self.ledger(in: folder)
        let path = folder.path + "/damaged.db"
        try Data(sound).write(to: URL(filePath: path))
        let content = try Self.content(path)
        #expect(Self.complaint(path, folder.path) == nil)
        let connection = try Connection(path: path, mode: .readOnly)
        let size = Int(try connection.number("PRAGMA page_size"))
        func root(_ name: String) throws -> Int {
            Int(try connection.number("SELECT rootpage FROM sqlite_schema WHERE name = ?1", [.text(name)])) - 1
        }
        let pages = 0..<sound.count / size
        // Leaves of tables begin with 13, those of indexes and of tables without a row number with 10.
        let rows = pages.filter { sound[$0 * size] == 13 }
        let entries = pages.filter { sound[$0 * size] == 10 }
        let free = Int(sound[32]) << 24 | Int(sound[33]) << 16 | Int(sound[34]) << 8 | Int(sound[35])
        try #require(free > 0 && rows.count > 10 && entries.count > 10)
        let places: [(name: String, pages: [Int])] = [
            ("a row", rows), ("an index", entries), ("anywhere", Array(pages)), ("the key", [try root("meta")]),
            ("a session", [try root("session")]), ("a stored answer", [try root("idempotency")]),
            ("an index of units", [try root("unit_product"), try root("unit_active")]),
            ("the free pages", [free - 1]),
        ]
        var random = SeededRandom(seed: 2_026)
        var (harmful, unnamed) = (0, [String]())
        for number in 0..<80 {
            var bytes = sound
            let place = places[number % places.count]
            let page = place.pages[Int(random.next() % UInt64(place.pages.count))]
            // A page begins with what is where; what it holds stands at its end, from a place that its head names.
            let head = page * size + (page == 0 ? 100 : 0)
            let isTree = [2, 5, 10, 13].contains(sound[head])
            let filled = Int(sound[head + 5]) << 8 | Int(sound[head + 6])
            let start = isTree && filled < size ? filled : 0
            let end = isTree ? size : 16
            let inPage =
                number / places.count % 4 == 0 && isTree
                ? head - page * size + Int(random.next() % 14) : start + Int(random.next() % UInt64(end - start))
            let position = number % 10 == 9 ? Int(random.next() % 100) : page * size + inPage
            bytes[position] ^= 1 << UInt8(random.next() % 8)
            try Data(bytes).write(to: URL(filePath: path))
            let read = try? Self.content(path)
            guard read != content else { continue }
            harmful += 1
            if Self.complaint(path, folder.path) == nil { unnamed.append("\(place.name), byte \(position)") }
        }
        print("of 80 damages, \(harmful) changed what can be read; \(harmful - unnamed.count) of these were named")
        #expect(unnamed == [])
        #expect(harmful > 40, "damage that changes nothing proves nothing")
    }

    @Test func damagedIndexesAreToldFromDamagedTablesAndAreMadeAnew() async throws {
        let folder = try Folder()
        let sound = try await Self.ledger(in: folder)
        let path = folder.path + "/" + Ledger.fileName
        let connection = try Connection(path: path, mode: .readOnly)
        let size = Int(try connection.number("PRAGMA page_size"))
        let root = Int(try connection.number("SELECT rootpage FROM sqlite_schema WHERE name = 'inventory_log_product'"))
        var bytes = sound
        bytes[root * size - 1] ^= 1
        try Data(bytes).write(to: URL(filePath: path))
        let report = try Ledger.verify(file: path, scratch: folder.path)
        #expect(!report.isWhole && report.isRebuildable && report.problem == nil)
        #expect(report.damage.contains { $0.contains("inventory_log_product") }, "\(report.damage)")
        try Ledger.rebuildIndexes(in: folder.path)
        #expect(try Ledger.verify(file: path, scratch: folder.path).isWhole)
        // Of a back-up, too.
        let backup = folder.path + "/backup.db"
        try Data(bytes).write(to: URL(filePath: backup))
        let (restored, _) = try Ledger.restore(backup, in: folder.path)
        #expect(restored.isWhole)
        #expect(try Ledger.verify(file: path, scratch: folder.path).isWhole)
        // A row that differs can't be made good from anything.
        try Connection(path: path, mode: .readWrite).execute("UPDATE unit SET updated_at = 0 WHERE serial = 'A-1-1'")
        #expect(try !Ledger.verify(file: path, scratch: folder.path).isRebuildable)
    }

    @Test(arguments: [
        ("UPDATE meta SET value = substr(value, 1, 40) WHERE key = 'badge_key'", "meta"),
        (
            "UPDATE meta SET value = iif(value LIKE 'A%', 'B', 'A') || substr(value, 2) WHERE key = 'badge_key'", "meta"
        ),
        (
            "UPDATE meta SET value = iif(value LIKE '0%', '1', '0') || substr(value, 2) WHERE key = 'badge_key_check'",
            "meta"
        ),
        ("DELETE FROM meta", "meta"), ("DELETE FROM meta WHERE key = 'badge_key_check'", "meta"),
        ("INSERT INTO meta VALUES ('badge_kez', 'x')", "meta"),
        ("UPDATE session SET bench = 'A-1-3'", "session"),
        ("UPDATE idempotency SET answer = x'00' WHERE key = 'k7'", "idempotency"),
        ("UPDATE outbox SET attempts = 7 WHERE event = (SELECT min(event) FROM outbox)", "outbox"),
        ("DROP INDEX unit_product", "sqlite_schema"),
        ("CREATE TRIGGER t AFTER INSERT ON event BEGIN DELETE FROM card; END", "sqlite_schema"),
    ])
    func whatDoesNotFollowFromTheEventsIsCheckedToo(_ forgery: String, _ table: String) async throws {
        let folder = try Folder()
        _ = try await Self.ledger(in: folder)
        let path = folder.path + "/" + Ledger.fileName
        try Connection(path: path, mode: .readWrite).execute(forgery)
        #expect(try Ledger.verify(file: path, scratch: folder.path).problem?.table == table)
        #expect(throws: StorageError.self) { try Ledger.restore(path, in: folder.path) }
    }

    @Test func aLedgerWhoseKeyIsDamagedCanBeReadAndBackedUpButNotWritten() async throws {
        let folder = try Folder()
        _ = try await Self.ledger(in: folder)
        let path = folder.path + "/" + Ledger.fileName
        try Connection(path: path, mode: .readWrite).execute("DELETE FROM meta")
        let told = Mutex<[LedgerTrouble?]>([])
        let ledger = Ledger(waitingFor: folder.path, prepare: { true }) { trouble in
            told.withLock { $0.append(trouble) }
        }
        #expect(ledger.trouble?.error.kind == .damaged && ledger.isReadable)
        #expect(ledger.plant.products["P"] != nil)
        #expect(try await ledger.read { try $0.number("SELECT count(*) FROM unit") } == 240)
        try await ledger.backup(to: folder.path + "/backup.db")
        await #expect(throws: StorageError.self) { _ = try await ledger.submit(.hold("A-1-1", note: "n")) }
        #expect(await ledger.recover() == false)
        #expect(told.withLock { $0.count } == 1, "the same is told once")
        ledger.close()
    }

    @Test(arguments: ["-wal", "photos", "before", "lock"])
    func aLedgerThatIsGoneIsNotBegunAnew(_ trace: String) async throws {
        let folder = try Folder()
        let path = folder.path + "/" + Ledger.fileName
        let isEmpty = trace == "-wal"
        if isEmpty { #expect(creat(path, 0o600) >= 0) }
        switch trace {
        case "-wal": try Data([1, 2, 3]).write(to: URL(filePath: path + "-wal"))
        case "photos":
            mkdir(folder.path + "/photos", 0o700)
            try Data([1]).write(to: URL(filePath: folder.path + "/photos/00"))
        case "before": try Data([1]).write(to: URL(filePath: folder.path + "/ledger-before-restore-1.db"))
        default: break
        }
        let isKnown = trace == "lock"
        let ledger = Ledger(waitingFor: folder.path, prepare: { isKnown }) { _ in }
        let trouble = try #require(ledger.trouble?.error)
        #expect(trouble.kind == .damaged && trouble.description.contains(isEmpty ? "is empty" : "is missing"))
        #expect(trouble.description.contains("travelerd restore FILE"))
        #expect(fileSize(path) == 0)
        if isEmpty { #expect(fileSize(path + "-wal") == 3) }
        // Once the file is back, it is taken.
        let other = try Folder()
        let whole = try other.open()
        try await whole.setUp()
        whole.close()
        for suffix in ["", "-wal", "-shm"] { unlink(path + suffix) }
        #expect(rename(other.path + "/" + Ledger.fileName, path) == 0)
        #expect(await ledger.recover())
        #expect(ledger.trouble == nil && ledger.plant.products["P"] != nil)
        ledger.close()
    }

    @Test func copiesThatAStopLeftBehindGoAndNothingElseDoes() throws {
        let folder = try Folder()
        let left = [
            "traveler-backup-1f.working.db", "traveler-backup-1f.working.db-journal",
            "traveler-verify-2.working.db-wal",
            "ledger.db.restoring", "ledger.db.restoring-journal", "verify-copy-123.db", "verify-9.db",
            "verify-older-7.db",
        ]
        let kept = ["verify-monday.db", "backup-20260301.db", "traveler-notes.db", "verify-.db", "ledger-before-1.db"]
        for name in left + kept { try Data([1]).write(to: URL(filePath: folder.path + "/" + name)) }
        let held = try WorkingCopy(for: .verify, in: [folder.path], size: 0)
        WorkingCopy.sweep(folder.path, isLedgers: true)
        let names = Set(try FileManager.default.contentsOfDirectory(atPath: folder.path))
        #expect(names == Set(kept + [(held.path as String).split(separator: "/").last.map(String.init) ?? ""]))
        withExtendedLifetime(held) {}
    }

    @Test func aWalkTellsHowFarItIs() async throws {
        let folder = try Folder()
        _ = try await Self.ledger(in: folder)
        var stages: [VerifyProgress.Stage] = []
        _ = try Ledger.verify(file: folder.path + "/" + Ledger.fileName, scratch: folder.path) {
            if stages.last != $0.stage { stages.append($0.stage) }
        }
        #expect(stages == [.checking, .replaying, .comparing])
    }
}
