import CSQLite
import Dispatch
import FoundationEssentials
import Barcodes
import Glibc
import Synchronization
import Tracking

/// What a walk over the whole ledger found.
public struct VerifyReport: Sendable, Equatable {
    /// How many events were walked.
    public var events: Int64
    /// The first thing that does not add up; nil where everything does.
    public var problem: Problem?
    /// What SQLite's full check says of the file, at most 100 sentences; empty where it is sound.
    public var damage: [String] = []
    /// Whether nothing but indexes is damaged, so that rebuilding them makes the ledger whole.
    public var isRebuildable = false
    /// How many different pictures are on record.
    public var photos = 0
    /// Digests of those whose bytes are missing or others, where they were looked for.
    public var lostPhotos: [String] = []
    /// The file's format, where an older version wrote it; then a copy was brought up and checked.
    public var olderFormat: Int64?

    /// Whether everything that was looked at is as it should be.
    public var isWhole: Bool { problem == nil && damage.isEmpty && lostPhotos.isEmpty }

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

/// How far a walk over the ledger is.
public struct VerifyProgress: Sendable, Equatable {
    /// What is being done.
    public enum Stage: String, Sendable, CaseIterable {
        /// A copy of the ledger is made, by pages.
        case copying
        /// SQLite checks every page and every index.
        case checking
        /// The events are walked, and what follows from them is built.
        case replaying
        /// What follows from the events is compared with what is there, by tables.
        case comparing
        /// The photos are read.
        case photos
    }

    /// What is being done.
    public var stage: Stage
    /// How much of it is done, in the stage's own measure.
    public var done: Int64 = 0
    /// How much there is; 0 where that is not known.
    public var total: Int64 = 0
}

extension Ledger {
    /// Walks the chain of a ledger file that nobody writes, rebuilds everything that follows from the events in a
    /// scratch file, and names the first row that differs.
    ///
    /// - Parameters:
    ///   - scratch: a directory for the scratch file, which needs about as much room as the ledger; where it has less, the
    ///     system's own for such files is used.
    ///   - photosBeside: the directory that the ledger is in, where the bytes of its photos are to be read, too.
    ///   - progress: told now and then how far the walk is.
    /// - Throws: `StorageError` where the file can't be read at all.
    ///
    /// The file is not changed. Of one that an older version wrote, a copy is brought up as the daemon would do it.
    public static func verify(
        file path: String, scratch: String, photosBeside directory: String? = nil,
        progress: (VerifyProgress) -> Void = { _ in }
    ) throws -> VerifyReport {
        let format = try checkFile(path)
        if format < Schema.version {
            let copy = try WorkingCopy(for: .copy, in: [scratch, temporaryDirectory], size: ledgerSize(path))
            try fill(copy.path, from: path, progress)
            try Schema.migrate(Connection(path: copy.path, mode: .readWrite))
            var report = try verify(file: copy.path, scratch: scratch, photosBeside: directory, progress: progress)
            report.olderFormat = format
            return report
        }
        let ledger = try openUnchanged(path)
        progress(VerifyProgress(stage: .checking))
        let damage = fileDamage(ledger)
        var report: VerifyReport
        do {
            report = try compare(ledger, path, scratch, progress)
            let digests = try ledger.rows(
                "SELECT DISTINCT digest FROM photo NOT INDEXED ORDER BY digest", [], { $0.text(0) })
            report.photos = digests.count
            if let directory {
                let photos = PhotoFiles.directory(beside: directory)
                for (number, digest) in digests.enumerated() {
                    if number % 100 == 0 {
                        progress(
                            VerifyProgress(stage: .photos, done: Int64(number), total: Int64(digests.count)))
                    }
                    if PhotoFiles.read(digest, in: photos) == nil { report.lostPhotos.append(digest) }
                }
            }
        } catch let error as StorageError where error.kind == .damaged || !damage.isEmpty {
            report = VerifyReport(events: 0)
            report.problem = .init(table: "file", row: path, message: error.description)
        }
        report.damage = damage
        if !damage.isEmpty, report.problem == nil { report.isRebuildable = canBeRebuilt(path, scratch, progress) }
        return report
    }

    /// Opens a file for reading only, also one that stands on a read-only disk.
    static func openUnchanged(_ path: String) throws -> Connection {
        let connection = try Connection(path: path, mode: .readOnly)
        do {
            _ = try connection.number("PRAGMA user_version")
            return connection
        } catch let error as StorageError where error.kind == .readOnly && fileSize(path + "-wal") == 0 {
            return try Connection(path: path, mode: .unchanging)
        }
    }

    /// What SQLite's full check finds: every page, every row's types, and that tables and indexes agree.
    private static func fileDamage(_ ledger: Connection) -> [String] {
        do {
            let found = try ledger.rows("PRAGMA integrity_check(100)", [], { $0.text(0) })
            return found == ["ok"]
                ? []
                : found.flatMap { $0.split(separator: "\n").map(String.init) }.filter { !$0.hasPrefix("***") }
        } catch {
            return ["\(error)"]
        }
    }

    /// Whether a copy of the file is whole once its indexes are made anew.
    private static func canBeRebuilt(
        _ path: String, _ scratch: String, _ progress: (VerifyProgress) -> Void
    ) -> Bool {
        do {
            let copy = try WorkingCopy(for: .copy, in: [scratch, temporaryDirectory], size: ledgerSize(path))
            try fill(copy.path, from: path, progress)
            let connection = try Connection(path: copy.path, mode: .readWrite)
            try mend(connection)
            return try fileDamage(connection).isEmpty
                && compare(connection, copy.path, scratch, progress).problem == nil
        } catch {
            return false
        }
    }

    /// Makes the indexes of a ledger that no daemon has open anew, from its tables.
    ///
    /// The caller holds the directory's lock, and `verify` found the ledger to be rebuildable.
    public static func rebuildIndexes(in directory: String) throws {
        let connection = try openWriter(directory + "/" + fileName)
        try mend(connection)
        try connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    }

    /// Makes all indexes anew, and the file as well where its list of free pages is damaged.
    static func mend(_ connection: Connection) throws {
        try connection.execute("REINDEX")
        if !fileDamage(connection).isEmpty { try connection.execute("VACUUM") }
    }

    /// Compares all that a ledger holds with what its events say.
    private static func compare(
        _ ledger: Connection, _ path: String, _ scratch: String, _ progress: (VerifyProgress) -> Void
    ) throws -> VerifyReport {
        let copy = try WorkingCopy(for: .verify, in: [scratch, temporaryDirectory], size: ledgerSize(path))
        let rebuilt = try Connection(path: copy.path, mode: .readWrite)
        try rebuilt.execute("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -32768")
        try Schema.migrate(rebuilt)
        let total = try ledger.number("SELECT max(id) FROM event")
        var report = try replay(ledger, into: rebuilt) {
            progress(VerifyProgress(stage: .replaying, done: $0, total: total))
        }
        if report.problem == nil { report.problem = try firstDifference(ledger, copy.path, progress) }
        if report.problem == nil { report.problem = try inHandProblem(ledger, head: report.events) }
        return report
    }

    /// The first thing that is wrong with what does not follow from the events.
    private static func inHandProblem(_ ledger: Connection, head: Int64) throws -> VerifyReport.Problem? {
        do {
            _ = try PlantKey.read(ledger)
        } catch let error as StorageError where error.kind == .damaged {
            return .init(table: "meta", row: "badge_key", message: error.description)
        }
        for (table, columns) in Schema.checked {
            let row = try firstRow(
                ledger, "SELECT * FROM \(table) NOT INDEXED WHERE check_value IS NOT row_check(\(columns)) LIMIT 1")
            if let row { return .init(table: table, row: row, message: "it is not what was written") }
        }
        let step = try firstRow(
            ledger,
            """
            SELECT clock_step.* FROM clock_step LEFT JOIN event ON event.id = clock_step.event
            WHERE event.at IS NOT clock_step.at LIMIT 1
            """)
        if let step { return .init(table: "clock_step", row: step, message: "its event has another time") }
        for person in try Store.plant(ledger).people.values {
            guard let badge = person.badge else { continue }
            let digits = badge.dropFirst("hmac-sha256:".count)
            if !badge.hasPrefix("hmac-sha256:") || digits.count != 64 || !digits.allSatisfy(\.isHexDigit) {
                return .init(table: "entry", row: "person \(person.login)", message: "the badge's hash can't be read")
            }
        }
        return nil
    }

    private static func firstRow(_ connection: Connection, _ sql: String) throws -> String? {
        let statement = try connection.statement(sql)
        defer { statement.reset() }
        guard try statement.step() else { return nil }
        return (0..<min(statement.columnCount, 6)).map {
            "\(statement.columnName($0))=\(statement.text($0))"
        }.joined(separator: " ")
    }

    /// Sees to it that a file which somebody names is a ledger that this version can read. Returns its format.
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
        let connection = try openUnchanged(path)
        guard try connection.number("PRAGMA application_id") == Schema.applicationID else {
            throw unreadable("it is no traveler ledger")
        }
        let format = try connection.number("PRAGMA user_version")
        guard format <= Schema.version else {
            throw StorageError(
                .newer,
                "cannot read \(path): a newer version wrote it (format \(format), this one knows \(Schema.version))")
        }
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
            progress(last)
            if count < 1_000 { return VerifyReport(events: last) }
        }
    }

    private static func firstDifference(
        _ ledger: Connection, _ copy: String, _ progress: (VerifyProgress) -> Void
    ) throws -> VerifyReport.Problem? {
        try ledger.execute("ATTACH '\(copy.replacing("'", with: "''"))' AS rebuilt")
        // Detached in any case: the caller may look at more.
        defer { try? ledger.execute("DETACH rebuilt") }
        // What an index or a check means stands in its declaration.
        let declarations = "SELECT type, name, tbl_name, sql FROM"
        let columns = Dictionary(
            uniqueKeysWithValues: try Schema.rebuilt.map { table in
                (table, try ledger.rows("SELECT name FROM pragma_table_info('\(table)')", [], { $0.text(0) }))
            })
        var comparisons = [
            (
                table: "sqlite_schema", mine: "\(declarations) main.sqlite_schema WHERE name NOT LIKE 'sqlite_stat%'",
                theirs: "\(declarations) rebuilt.sqlite_schema"
            )
        ]
        for table in Schema.rebuilt {
            let names = columns[table, default: []].map { "\"\($0)\"" }.joined(separator: ", ")
            comparisons.append(
                (
                    table, "SELECT \(names) FROM main.\(table) NOT INDEXED",
                    "SELECT \(names) FROM rebuilt.\(table) NOT INDEXED"
                ))
        }
        for (number, comparison) in comparisons.enumerated() {
            progress(
                VerifyProgress(stage: .comparing, done: Int64(number), total: Int64(comparisons.count)))
            for (sql, message) in [
                ("\(comparison.mine) EXCEPT \(comparison.theirs)", "it does not follow from the events"),
                (
                    "\(comparison.theirs) EXCEPT \(comparison.mine)",
                    "the events ask for it, but it is missing or differs"
                ),
            ] {
                if let row = try firstRow(ledger, sql + " LIMIT 1") {
                    return .init(table: comparison.table, row: row, message: message)
                }
            }
        }
        return nil
    }

    /// Verifies a copy of the ledger while it goes on being written.
    public func verify() async throws -> VerifyReport {
        let (directory, source) = (directory, try readableFile)
        let report: @Sendable (VerifyProgress) -> Void = { [weak self] progress in
            self?.verification.withLock { $0 = progress }
        }
        verification.withLock { $0 = VerifyProgress(stage: .copying) }
        defer { verification.withLock { $0 = nil } }
        var found = try await withCheckedThrowingContinuation { continuation in
            Self.longWork.async {
                continuation.resume(
                    with: Result {
                        let copy = try WorkingCopy(
                            for: .copy, in: [directory, temporaryDirectory], size: ledgerSize(source))
                        try Self.fill(copy.path, from: source, report)
                        return try Self.verify(
                            file: copy.path, scratch: directory, photosBeside: directory, progress: report)
                    })
            }
        }
        // What was deleted since the copy was made is not lost.
        let lost = found.lostPhotos
        found.lostPhotos = try await read { db in try lost.filter { try db.hasPhoto(digest: $0) } }
        let problem = found.problem.map { "\($0.table) \($0.row): \($0.message)" } ?? found.damage.first
        note(
            damage: problem.map {
                StorageError(
                    .damaged,
                    "the ledger is damaged (\($0)); stop the daemon and run travelerd check, or restore a back-up")
            })
        return found
    }

    /// How far the verification that is under way is; nil where there is none.
    public var verificationProgress: VerifyProgress? { verification.withLock { $0 } }

    /// For what takes seconds: neither the cooperative pool nor a reader must wait for it.
    static let longWork = DispatchQueue(label: "traveler.ledger.long-work", qos: .utility)
}
