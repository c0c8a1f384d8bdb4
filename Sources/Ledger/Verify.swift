import CSQLite
import Dispatch
import FoundationEssentials
import Barcodes
import Glibc
import Tracking

/// What a walk over the whole ledger found.
public struct VerifyReport: Sendable, Equatable {
    /// How many events were walked.
    public var events: Int64
    /// The first thing that does not add up; nil where everything does.
    public var problem: Problem?
    /// How many different pictures are on record.
    public var photos = 0
    /// Digests of those whose bytes are missing or others, where they were looked for.
    public var lostPhotos: [String] = []
    /// The file's format, where an older version wrote it; then a copy was brought up and checked.
    public var olderFormat: Int64?

    /// Whether everything that was looked at is as it should be.
    public var isWhole: Bool { problem == nil && lostPhotos.isEmpty }

    /// A row that differs from what the events say.
    public struct Problem: Sendable, Equatable {
        /// Table of the row.
        public var table: String
        /// Key of the row, as `column=value`.
        public var row: String
        /// What is wrong with it.
        public var message: String
    }
}

extension Ledger {
    /// Walks the chain of a ledger file that nobody writes, rebuilds everything that follows from the events in a
    /// scratch file, and names the first row that differs.
    ///
    /// - Parameters:
    ///   - scratch: a directory for the scratch file; it needs about as much room as the ledger.
    ///   - photosBeside: the directory that the ledger is in, where the bytes of its photos are to be read, too.
    ///   - progress: told the number of events walked so far, about every 10,000.
    /// - Throws: `StorageError` where the file can't be read at all.
    ///
    /// The file is not changed. Of one that an older version wrote, a copy is brought up as the daemon would do it.
    public static func verify(
        file path: String, scratch: String, photosBeside directory: String? = nil, progress: (Int64) -> Void = { _ in }
    ) throws -> VerifyReport {
        let format = try checkFile(path)
        if format < Schema.version {
            let copy = scratch + "/verify-older-\(UInt32.random(in: 0...UInt32.max)).db"
            defer { try? FileManager.default.removeItem(atPath: copy) }
            try Self.copy(path, to: copy)
            try Schema.migrate(Connection(path: copy, mode: .readWrite))
            var report = try verify(file: copy, scratch: scratch, photosBeside: directory, progress: progress)
            report.olderFormat = format
            return report
        }
        let ledger = try Connection(path: path, mode: .readOnly)
        let copy = scratch + "/verify-\(UInt32.random(in: 0...UInt32.max)).db"
        defer {
            for suffix in ["", "-wal", "-shm", "-journal"] {
                try? FileManager.default.removeItem(atPath: copy + suffix)
            }
        }
        let rebuilt = try Connection(path: copy, mode: .readWrite)
        try rebuilt.execute("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -32768")
        try Schema.migrate(rebuilt)
        var report = try replay(ledger, into: rebuilt, progress)
        if report.problem == nil { report.problem = try firstDifference(ledger, path, copy, rebuilt) }
        let digests = try ledger.rows("SELECT DISTINCT digest FROM photo ORDER BY digest", [], { $0.text(0) })
        report.photos = digests.count
        if let directory {
            let photos = PhotoFiles.directory(beside: directory)
            report.lostPhotos = digests.filter { PhotoFiles.read($0, in: photos) == nil }
        }
        return report
    }

    /// Sees to it that a file which somebody names is a ledger that this version can read. Answers its format.
    static func checkFile(_ path: String) throws -> Int64 {
        func unreadable(_ why: String) -> StorageError { StorageError(.damaged, "cannot read \(path): \(why)") }
        let descriptor = Glibc.open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            switch errno {
            case ENOENT, ENOTDIR: throw unreadable("there is no such file")
            case EACCES: throw unreadable("this user may not read it")
            case let error: throw unreadable(String(cString: strerror(error)))
            }
        }
        defer { Glibc.close(descriptor) }
        var status = stat()
        if fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFDIR {
            throw unreadable("it is a directory; name the ledger's file")
        }
        let magic = Array("SQLite format 3\0".utf8)
        var head = [UInt8](repeating: 0, count: magic.count)
        guard Glibc.read(descriptor, &head, head.count) == magic.count, head == magic else {
            throw unreadable("it is no traveler ledger")
        }
        let connection = try Connection(path: path, mode: .readOnly)
        guard try connection.number("PRAGMA application_id") == Schema.applicationID else {
            throw unreadable("it is no traveler ledger")
        }
        let format = try connection.number("PRAGMA user_version")
        guard format <= Schema.version else {
            throw StorageError(
                .newer,
                "cannot read \(path): a newer version wrote it (format \(format), this one knows \(Schema.version))")
        }
        let damage = try connection.rows("PRAGMA quick_check(1)", [], { $0.text(0) }).first
        guard damage == "ok" else { throw unreadable("it is damaged: \(damage ?? "unreadable")") }
        return format
    }

    private static func replay(
        _ ledger: Connection, into rebuilt: Connection, _ progress: (Int64) -> Void
    ) throws -> VerifyReport {
        let records = StoredRecords(rebuilt)
        let store = try Store(rebuilt)
        // Rebuilding decides nothing, so it needs neither dates nor badges.
        var state = State(records: records, localDate: { _ in LocalDate(daysSince1970: 0) }, badgeDigest: { $0 })
        var (last, hash): (Int64, [UInt8]) = (0, [])
        let page = try ledger.statement("SELECT \(EventRow.columns) FROM event WHERE id > ?1 ORDER BY id LIMIT 1000")
        func problem(_ id: Int64, _ message: String) -> VerifyReport {
            VerifyReport(events: last, problem: .init(table: "event", row: "id=\(id)", message: message))
        }
        while true {
            page.bind(1, last)
            defer { page.reset() }
            try rebuilt.execute("BEGIN")
            var count = 0
            while try page.step() {
                count += 1
                let id = page.int(0)
                guard id == last + 1 else { return problem(id, "event \(last + 1) is missing before it") }
                guard EventRow.expectedHash(page, after: hash) == page.blob(18) else {
                    return problem(id, "its hash does not follow from the event before it and its own columns")
                }
                guard let row = EventRow(page) else { return problem(id, "it can't be understood") }
                let previous = row.event.after == nil ? nil : row.event.unit.flatMap { state.unit($0)?.lastEvent }
                guard previous == row.previous else {
                    return problem(id, "it does not name its unit's event before it")
                }
                let before = row.event.after == nil ? nil : row.event.unit.flatMap { state.unit($0)?.state }
                if row.event.after != nil, before != row.event.before {
                    return problem(id, "it does not begin where its unit's event before it ended")
                }
                state.apply(row.event, at: row.at)
                if case .plant(let changes) = row.event.change { try store.put(changes) }
                (last, hash) = (id, row.hash)
            }
            try store.flush(&state)
            try rebuilt.execute("COMMIT")
            if let failure = records.failure { throw failure }
            state.trim(to: 10_000)
            if count < 1_000 { return VerifyReport(events: last) }
            if last % 10_000 == 0 { progress(last) }
        }
    }

    private static func firstDifference(
        _ ledger: Connection, _ path: String, _ copy: String, _ rebuilt: Connection
    ) throws -> VerifyReport.Problem? {
        try ledger.execute("ATTACH '\(copy.replacing("'", with: "''"))' AS rebuilt")
        for table in Schema.rebuilt {
            for (from, against, message) in [
                ("main", "rebuilt", "it does not follow from the events"),
                ("rebuilt", "main", "the events ask for it, but it is missing or differs"),
            ] {
                let statement = try ledger.statement(
                    "SELECT * FROM \(from).\(table) EXCEPT SELECT * FROM \(against).\(table) LIMIT 1")
                defer { statement.reset() }
                guard try statement.step() else { continue }
                let row = (0..<min(statement.columnCount, 6)).map {
                    "\(statement.columnName($0))=\(statement.text($0))"
                }
                return .init(table: table, row: row.joined(separator: " "), message: message)
            }
        }
        return nil
    }

    /// Verifies a copy of the ledger while it goes on being written.
    public func verify() async throws -> VerifyReport {
        let copy = directory + "/verify-copy-\(UInt32.random(in: 0...UInt32.max)).db"
        defer { try? FileManager.default.removeItem(atPath: copy) }
        try await backup(to: copy)
        let directory = directory
        var report = try await withCheckedThrowingContinuation { continuation in
            Self.longWork.async {
                continuation.resume(
                    with: Result { try Self.verify(file: copy, scratch: directory, photosBeside: directory) })
            }
        }
        // What was deleted since the copy was made is not lost.
        let lost = report.lostPhotos
        report.lostPhotos = try await read { db in try lost.filter { try db.hasPhoto(digest: $0) } }
        return report
    }

    /// For what takes seconds: neither the cooperative pool nor a reader must wait for it.
    static let longWork = DispatchQueue(label: "traveler.ledger.long-work", qos: .utility)
}
