import Barcodes
import Dispatch
import Glibc
import Synchronization
import Tracking

/// A command that waits for its turn, and what to do with its outcome.
struct Pending: Sendable {
    var command: Command
    var actor: Actor
    var device: String
    /// The caller's own name for the change, where it has one: the same again does nothing.
    var key: IdempotencyKey?
    /// Makes the answer from the state right after the command; it is told once all of the batch is on disk.
    var outcome: @Sendable (inout State, Decision) -> StoredAnswer?
    /// Tells the caller the answer, or why nothing was recorded.
    var finish: @Sendable (Result<StoredAnswer?, any Error>) -> Void
    /// What was read for it beside the writer.
    var advance: Advance?
}

/// The one that writes: takes what waits, decides it in order, and answers once all of it is on disk.
///
/// Scans, and whatever else is about few things, go first and share their commits. A command about many things has a
/// transaction to itself; before the next such, the others have as much time as it took.
///
/// `@unchecked Sendable`: everything but `waiting` is touched on `queue` alone, which is serial.
final class Writer: @unchecked Sendable {
    /// At most this many commands share one commit.
    static let batch = 512
    /// So many batches go before a long command that waits.
    static let patience = 4
    /// Records kept in memory between batches.
    private static let workingSet = 8_192

    /// How many commits there were since the start.
    let commits = Atomic<Int>(0)
    private let queue = DispatchQueue(label: "traveler.ledger.writer")
    private let waiting = Mutex(Waiting())
    private struct Waiting {
        var short: [Pending] = []
        var long: [Pending] = []
        var isScheduled = false
        var isClosed = false
    }

    /// What was read in advance, and what changed since.
    let advances = Advances()
    private let connection: Connection
    private let records: StoredRecords
    private let store: Store
    private let begin: Statement
    private let commit: Statement
    private let clock: @Sendable () -> Moment
    private let committed: @Sendable (Batch) -> Void
    private let tried: @Sendable (StorageError?) -> Void
    private var file: WatchedFile
    private let badgeDigest: (String) -> String
    private var zone: (name: String, rules: TimeZoneRules)
    private var state: State
    private var lastHash: [UInt8]
    /// The latest time of an event since the wall clock was set back.
    private var latest = Int64.min

    /// What one commit put on record.
    struct Batch: Sendable {
        var head: Int64
        /// The plant and its time zone, where they changed.
        var plant: (Plant, TimeZoneRules)?
        var events: [Committed]
    }

    /// - Parameter tried: told of each attempt to write, with what it failed for.
    init(
        _ connection: Connection, clock: @escaping @Sendable () -> Moment, badgeDigest: @escaping (String) -> String,
        tried: @escaping @Sendable (StorageError?) -> Void, committed: @escaping @Sendable (Batch) -> Void
    ) throws {
        self.connection = connection
        file = try WatchedFile(connection)
        records = StoredRecords(connection)
        store = try Store(connection)
        begin = try connection.statement("BEGIN IMMEDIATE")
        commit = try connection.statement("COMMIT")
        (self.clock, self.committed, self.tried, self.badgeDigest) = (clock, committed, tried, badgeDigest)
        zone = ("UTC", .utc)
        lastHash = []
        state = State(records: records, localDate: { _ in LocalDate(daysSince1970: 0) }, badgeDigest: badgeDigest)
        try reload()
        try store.takeOutboxOver(at: clock())
    }

    /// The plant as it is on record, and its time zone.
    var plant: (Plant, TimeZoneRules) { (state.plant, zone.rules) }

    /// Forgets everything in memory and takes what is on record.
    private func reload() throws {
        let plant = try Store.plant(connection)
        if zone.name != plant.settings.timezone {
            zone = (plant.settings.timezone, try PlantTime.rules(plant.settings.timezone))
        }
        let rules = zone.rules
        state = State(
            records: records, localDate: { rules.localDate(atUnixSeconds: PlantTime.seconds($0)) },
            badgeDigest: badgeDigest)
        let last = try connection.rows("SELECT id FROM event ORDER BY id DESC LIMIT 1", [], { $0.int(0) }).first
        (lastHash, latest) = ([], .min)
        if let last {
            let statement = try connection.statement("SELECT hash, at FROM event WHERE id = ?1")
            defer { statement.reset() }
            statement.bind(1, last)
            if try statement.step() { (lastHash, latest) = (statement.blob(0), statement.int(1)) }
        }
        state.restore(plant, head: last ?? 0)
    }

    func submit(_ pending: Pending) {
        let (schedule, isClosed) = waiting.withLock { waiting in
            guard !waiting.isClosed else { return (false, true) }
            if pending.command.isLong { waiting.long.append(pending) } else { waiting.short.append(pending) }
            defer { waiting.isScheduled = true }
            return (!waiting.isScheduled, false)
        }
        if isClosed { pending.finish(.failure(StorageError(.other, "the ledger is closed; travelerd is stopping"))) }
        if schedule { queue.async { self.drain() } }
    }

    /// Sees to it that units which were defective before there were cases get theirs: one command after the other, so
    /// that only the first goes ahead of what is submitted. What can't be written now is done at the next start.
    func fileDefects() {
        // Nothing was submitted yet, so this thread may still read.
        if !records.unitsWithoutCase(limit: 1).isEmpty { fileMoreDefects() }
    }

    private func fileMoreDefects() {
        submit(
            Pending(
                command: .fileDefects, actor: .system, device: "terminal", key: nil,
                outcome: { _, decision in StoredAnswer(status: decision.serials.isEmpty ? 204 : 200, body: []) },
                finish: { [weak self] result in
                    if case .success(.some(let answer)) = result, answer.status == 200 { self?.fileMoreDefects() }
                }))
    }

    /// Tries whether something can be written, and waits for nobody who holds the file. What it finds is told.
    func probe() async {
        await withCheckedContinuation { continuation in
            queue.async {
                do {
                    try self.file.check()
                    try self.connection.execute("PRAGMA busy_timeout = 0")
                    defer { try? self.connection.execute("PRAGMA busy_timeout = 2000") }
                    try self.begin.run()
                    // The same value again: a page that has to be written all the same.
                    try self.connection.execute("UPDATE meta SET value = value")
                    try self.commit.run()
                    if self.records.failure != nil { self.recover() }
                    self.tried(self.records.failure as? StorageError)
                } catch {
                    self.recover()
                    self.tried(error as? StorageError)
                }
                continuation.resume()
            }
        }
    }

    /// Finishes what was submitted and takes nothing more.
    func close() {
        waiting.withLock { $0.isClosed = true }
        queue.sync {}
    }

    /// Commands that wait for their turn.
    var waitingCount: Int { waiting.withLock { $0.short.count + $0.long.count } }

    func limitSize(_ limited: Bool) {
        queue.sync {
            let pages = (try? connection.number("PRAGMA page_count")) ?? 0
            try? connection.execute("PRAGMA max_page_count = \(limited ? pages + 8 : 4_294_967_294)")
        }
    }

    private func drain() {
        // Until then, in nanoseconds of the machine's uptime, a long command waits for all short ones.
        var shortAlone: UInt64 = 0
        // Batches that went before a long command that waits.
        var before = 0
        while true {
            let begin = DispatchTime.now().uptimeNanoseconds
            let isLongsTurn = before >= Self.patience && begin >= shortAlone
            let (batch, isLong) = waiting.withLock { waiting -> ([Pending], Bool) in
                if !waiting.short.isEmpty, waiting.long.isEmpty || !isLongsTurn {
                    let batch = Array(waiting.short.prefix(Self.batch))
                    waiting.short.removeFirst(batch.count)
                    if !waiting.long.isEmpty { before += 1 }
                    return (batch, false)
                }
                if !waiting.long.isEmpty { return ([waiting.long.removeFirst()], true) }
                waiting.isScheduled = false
                return ([], false)
            }
            if batch.isEmpty { return }
            write(batch)
            if isLong {
                before = 0
                let end = DispatchTime.now().uptimeNanoseconds
                shortAlone = end + (end - begin)
            }
        }
    }

    private func write(_ batch: [Pending]) {
        defer { for pending in batch where pending.advance != nil { advances.end() } }
        var results: [Result<StoredAnswer?, any Error>] = []
        results.reserveCapacity(batch.count)
        var events: [Committed] = []
        let headBefore = state.head
        var plantChanged = false
        do {
            try file.check()
            try begin.run()
            for pending in batch {
                do {
                    results.append(.success(try carryOut(pending, &events, &plantChanged)))
                } catch let refusal as Refusal {
                    results.append(.failure(refusal))
                }
                if let failure = records.failure { throw failure }
            }
            try store.flush(&state)
            try commit.run()
            commits.wrappingAdd(1, ordering: .relaxed)
        } catch {
            recover()
            if let error = error as? StorageError { tried(error) }
            for pending in batch { pending.finish(.failure(error)) }
            return
        }
        state.trim(to: Self.workingSet)
        if plantChanged { localiseDates() }
        advances.remember(events)
        if state.head != headBefore {
            tried(nil)
            committed(Batch(head: state.head, plant: plantChanged ? plant : nil, events: events))
        }
        for (pending, result) in zip(batch, results) { pending.finish(result) }
    }

    private func carryOut(
        _ pending: Pending, _ events: inout [Committed], _ plantChanged: inout Bool
    ) throws -> StoredAnswer? {
        let moment = clock()
        let at = moment.wall
        records.advance = pending.advance.map(advances.current)
        defer { records.advance = nil }
        if let key = pending.key, let stored = try self.stored(key, moment) { return stored }
        let decision = try state.decide(pending.command, by: pending.actor, device: pending.device, at: moment)
        if !decision.events.isEmpty {
            if latest > .min, at < latest - Connection.clockSlack {
                try store.run("INSERT INTO clock_step VALUES (?1, ?2)", [.int(state.head + 1), .int(at)])
                latest = at
            }
            latest = max(latest, at)
        }
        // Of many short commands it grows by itself.
        if pending.command.isLong { events.reserveCapacity(decision.events.count) }
        for event in decision.events {
            lastHash = try store.append(event, at: at, after: lastHash, to: &state)
            if case .plant(let changes) = event.change {
                try store.put(changes)
                plantChanged = true
            }
            try store.post(event, number: state.head, at: moment, in: state.plant)
            events.append(
                Committed(id: state.head, at: at, event: event, answer: event.frame == nil ? nil : decision.answer))
        }
        if let (delivery, isDone) = decision.outbox { try store.put(delivery, isDone: isDone) }
        if let (key, session) = decision.session { state.sessions.write(key, session) }
        let answer = pending.outcome(&state, decision)
        if let key = pending.key, let answer { try store.put(key, answer, moment) }
        return answer
    }

    /// The answer that this key got before; a conflict where it came with another request.
    private func stored(_ key: IdempotencyKey, _ now: Moment) throws -> StoredAnswer? {
        let statement = try connection.statement(
            """
            SELECT request, status, answer, at, steady, run FROM idempotency
            WHERE caller = ?1 AND route = ?2 AND key = ?3
            """)
        defer { statement.reset() }
        statement.bind(1, key.caller)
        statement.bind(2, key.route)
        statement.bind(3, key.key)
        // One of a time that is still to come is not over: nothing is done twice because a clock was set back.
        guard try statement.step(),
            now.age(of: Moment(wall: statement.int(3), steady: statement.optionalInt(4), run: statement.optionalInt(5)))
                < IdempotencyKey.lifetime
        else {
            return nil
        }
        guard statement.blob(0) == key.request else {
            throw Refusal(
                .conflict, "this Idempotency-Key was used for another request; use a new key for a new request")
        }
        return StoredAnswer(status: Int(statement.int(1)), kept: statement.blob(2))
    }

    private func recover() {
        if connection.isInTransaction { try? connection.execute("ROLLBACK") }
        begin.reset()
        commit.reset()
        records.failure = nil
        do {
            try reload()
        } catch {
            // The next batch fails in the same way, and tries this again.
            records.failure = error
        }
    }

    private func localiseDates() {
        guard zone.name != state.plant.settings.timezone else { return }
        do {
            try reload()
        } catch {
            records.failure = error
        }
    }
}

extension Store {
    /// Keeps an answer for its key, and forgets a few that are past their time.
    func put(_ key: IdempotencyKey, _ answer: StoredAnswer, _ now: Moment) throws {
        let statement = try connection.statement(
            """
            INSERT OR REPLACE INTO idempotency (caller, route, key, request, status, answer, at, steady, run, check_value)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, row_check(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9))
            """)
        statement.bind(1, key.caller)
        statement.bind(2, key.route)
        statement.bind(3, key.key)
        statement.bind(4, blob: key.request)
        statement.bind(5, answer.status)
        statement.bind(6, blob: answer.kept)
        statement.bind(7, now.wall)
        statement.bind(8, now.steady)
        statement.bind(9, now.run)
        try statement.run()
        // Looked for among a few of the oldest by the wall clock: however that was set, this stays short.
        let run = now.run.map(Value.int) ?? .null
        try self.run(
            """
            DELETE FROM idempotency WHERE (caller, route, key) IN (
                SELECT caller, route, key
                FROM (SELECT caller, route, key, at, steady, run FROM idempotency ORDER BY at LIMIT 8)
                WHERE CASE WHEN run = ?3 THEN steady <= ?2 ELSE at <= ?1 END)
            """, [.int(now.wall - IdempotencyKey.lifetime), .int(now.steady - IdempotencyKey.lifetime), run])
    }
}

/// The file that a connection has open, as it was found under its name.
private struct WatchedFile {
    private struct Identity: Equatable {
        let device: dev_t
        let number: ino_t

        init?(_ path: String) {
            var status = stat()
            guard stat(path, &status) == 0 else { return nil }
            (device, number) = (status.st_dev, status.st_ino)
        }
    }

    private let connection: Connection
    private let identity: Identity
    /// The log and its index, as soon as they are there.
    private var log: [String: Identity] = [:]

    init(_ connection: Connection) throws {
        self.connection = connection
        guard let identity = Identity(connection.path) else { throw Self.gone(connection.path, Self.putBack) }
        self.identity = identity
    }

    /// What is written to a file that lost its name is lost.
    mutating func check() throws {
        let path = connection.path
        guard Identity(path) == identity else { throw Self.gone(path, Self.putBack) }
        for suffix in ["-wal", "-shm"] {
            let found = Identity(path + suffix)
            guard let known = log[suffix] else {
                log[suffix] = found
                continue
            }
            guard found == known else {
                // The log that lost its name is still open here: what it holds is brought into the file that has one.
                _ = try? connection.rows("PRAGMA wal_checkpoint(PASSIVE)", [], { $0.int(0) })
                throw Self.gone(
                    path + suffix, "what it held is kept in \(path): put nothing back, and restart the daemon")
            }
        }
    }

    private static let putBack = "put it back, or restart the daemon for another one"

    private static func gone(_ path: String, _ advice: String) -> StorageError {
        StorageError(
            .other,
            "the ledger's file \(path) was removed or replaced while the daemon had it open; \(advice)"
        )
    }
}
