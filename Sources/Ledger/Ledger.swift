public import Barcodes
import Crypto
import Dispatch
import FoundationEssentials
import Glibc
import Synchronization
public import Tracking

/// The append-only record of everything that happened, and the one way to add to it.
///
/// A command is decided and written by one writer; commands that wait together share one commit and are answered only
/// once it is on disk. Readers never wait for the writer.
public final class Ledger: Sendable {
    /// Name of the ledger's file in its directory.
    public static let fileName = "ledger.db"

    /// Directory of the ledger.
    public let directory: String
    private let writer: Writer
    private let readers: Readers
    private let checkpointer: Checkpointer
    private let current: CurrentPlant
    private let listeners: Listeners
    private let telling: DispatchQueue
    private let badgeKey: SymmetricKey
    private let clock: @Sendable () -> Moment
    let photos: PhotoFiles

    /// Opens the ledger in a directory, or makes one; migrates an older one.
    ///
    /// The caller holds the directory's lock: two writers must never meet.
    /// - Throws: `StorageError`, with what to do.
    public init(directory: String, clock: @escaping @Sendable () -> Moment = Ledger.systemClock) throws {
        self.directory = directory
        let path = directory + "/" + Self.fileName
        let connection = try Self.openWriter(path)
        let key = try Self.badgeKey(connection)
        let listeners = Listeners()
        let telling = DispatchQueue(label: "traveler.ledger.listeners")
        let checkpointer = try Checkpointer(path)
        let current = CurrentPlant()
        writer = try Writer(connection, clock: clock, badgeDigest: { Self.digest($0, key) }) { batch in
            if let changed = batch.plant { current.plant.withLock { $0 = changed } }
            checkpointer.wrote()
            // Those who listen may be many, and the batch large.
            telling.async { listeners.tell(batch) }
        }
        readers = try Readers(path)
        let opened = writer.plant
        current.plant.withLock { $0 = opened }
        (self.current, self.listeners, self.checkpointer, badgeKey) = (current, listeners, checkpointer, key)
        self.clock = clock
        self.telling = telling
        photos = PhotoFiles(beside: directory)
        writer.fileDefects()
        Task { try? await sweepPhotos() }
    }

    /// The plant as of the last commit, for those who don't write.
    private final class CurrentPlant: Sendable {
        let plant = Mutex((plant: Plant(), zone: TimeZoneRules.utc))
    }

    /// The system's clocks. The steady one goes on while the machine sleeps.
    public static let systemClock: @Sendable () -> Moment = {
        let (wall, steady) = (milliseconds(CLOCK_REALTIME), milliseconds(CLOCK_BOOTTIME))
        return Moment(wall: wall, steady: start.wall + (steady - start.steady), run: start.run)
    }

    /// When this run of the daemon began, and its number.
    private static let start = (
        wall: milliseconds(CLOCK_REALTIME), steady: milliseconds(CLOCK_BOOTTIME), run: Int64.random(in: 1...Int64.max)
    )

    private static func milliseconds(_ clock: clockid_t) -> Int64 {
        var time = timespec()
        clock_gettime(clock, &time)
        return Int64(time.tv_sec) * 1_000 + Int64(time.tv_nsec) / 1_000_000
    }

    /// The time, by both clocks.
    public var now: Moment { clock() }

    /// The plant as it is now.
    public var plant: Plant { current.plant.withLock { $0.plant } }

    /// The rules of the plant's time zone.
    public var zone: TimeZoneRules { current.plant.withLock { $0.zone } }

    /// How many commits there were since the ledger was opened.
    public var commits: Int { writer.commits.load(ordering: .relaxed) }

    /// For tests of who goes first: how many commands wait for the writer.
    var waiting: Int { writer.waitingCount }

    /// For tests of a full disk: no more pages than there are now, or as many as the disk holds.
    func limitSize(pages limited: Bool) {
        writer.limitSize(limited)
    }

    /// Waits until everything submitted is on disk, then takes nothing more.
    public func close() {
        writer.close()
        telling.sync {}
        checkpointer.close()
    }

    // MARK: Writing

    /// Decides a frame that was read at a station and answers once that is on disk.
    ///
    /// - Parameter device: path of the node that read it, or `terminal`.
    /// A scan that could not be written is answered too: refused, `storage_full`. Those who watch the station hear of it.
    /// - Throws: `Refusal` for a station outside the caller's scope.
    public func scan(_ scan: Scan, by actor: Actor, device: String) async throws -> ScanAnswer {
        do {
            return try await record(scan, by: actor, device: device)
        } catch let error as StorageError {
            let answer = ScanAnswer.notRecorded(at: scan.station, time: now.wall)
            var event = Event(.scanRefused)
            (event.station, event.reason, event.note) = (scan.station, .storageFull, error.description)
            listeners.tell([Committed(id: 0, at: answer.at, event: event, answer: answer)])
            return answer
        }
    }

    private func record(_ scan: Scan, by actor: Actor, device: String) async throws -> ScanAnswer {
        let box = Mutex<ScanAnswer?>(nil)
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
            let pending = Pending(
                command: .scan(scan), actor: actor, device: device, key: nil,
                outcome: { _, decision in
                    box.withLock { $0 = decision.answer }
                    return nil
                },
                finish: { continuation.resume(with: $0.map { _ in }) })
            writer.submit(pending)
        }
        guard let answer = box.withLock({ $0 }) else { throw StorageError(.other, "the scan had no answer") }
        return answer
    }

    /// Decides a command and answers once what it does is on disk.
    ///
    /// - Parameters:
    ///   - key: the same key again gets the stored answer and does nothing.
    ///   - render: makes the answer from the state right after the command, on the writer's thread: be short.
    /// - Throws: `Refusal` where a rule says no, `StorageError` where nothing could be written.
    @discardableResult
    public func submit(
        _ command: Command, by actor: Actor, key: IdempotencyKey? = nil,
        render: @escaping @Sendable (inout State, Decision) -> StoredAnswer
    ) async throws -> StoredAnswer {
        let advance = command.isLong ? await advance(command.serials) : nil
        let answer = try await withCheckedThrowingContinuation {
            (continuation: CheckedContinuation<StoredAnswer?, any Error>) in
            writer.submit(
                Pending(
                    command: command, actor: actor, device: "terminal", key: key, outcome: render,
                    finish: { continuation.resume(with: $0) }, advance: advance))
        }
        return answer ?? StoredAnswer(status: 200, body: [])
    }

    /// What the writer will look up for a long command; nil where there is nothing, or it can't be read here.
    private func advance(_ names: [String]) async -> Advance? {
        guard !names.isEmpty else { return nil }
        writer.advances.begin()
        do {
            return try await readers.read(.preparation, on: nil) { try Advance(names, $0) }
        } catch {
            writer.advances.end()
            return nil
        }
    }

    // MARK: Reading

    /// Looks something up on a connection of its own, off the cooperative pool. Keep each statement under 5 ms.
    public func read<Result: Sendable>(
        _ body: @escaping @Sendable (Connection) throws -> Result
    ) async throws -> Result {
        try await read(.lookup, body)
    }

    /// Reads on a connection of its own, off the cooperative pool. Keep each statement under 5 ms and page the rest.
    ///
    /// - Parameters:
    ///   - pace: how urgent it is; only lookups are never behind anything that takes long.
    ///   - lane: the lane that the caller is on, of the same pace.
    public func read<Result: Sendable>(
        _ pace: Pace, on lane: Lane? = nil, _ body: @escaping @Sendable (Connection) throws -> Result
    ) async throws -> Result {
        try await readers.read(pace, on: lane, body)
    }

    /// A lane for what is made of things read at this pace; nil for lookups, which have none.
    public func lane(_ pace: Pace) -> Lane? { readers.lane(pace)?.lane }

    /// What is committed from now on and passes the filter, in order and without loss.
    public func committed(where filter: @escaping @Sendable (Committed) -> Bool) -> AsyncStream<Committed> {
        listeners.stream(filter)
    }

    /// The number of the last event, each time it grows; a slow reader sees the newest only.
    public func heads() -> AsyncStream<Int64> {
        listeners.heads()
    }

    // MARK: Badges

    /// The keyed hash under which a badge code is kept: `hmac-sha256:` and 64 hexadecimal digits.
    public func badgeDigest(_ code: String) -> String {
        Self.digest(code, badgeKey)
    }

    private static func digest(_ code: String, _ key: SymmetricKey) -> String {
        "hmac-sha256:" + hexadecimal(Array(HMAC<SHA256>.authenticationCode(for: Array(code.utf8), using: key)))
    }

    /// HMAC-SHA256 of a text with the plant's own key.
    func authenticationCode(_ text: String) -> [UInt8] {
        Array(HMAC<SHA256>.authenticationCode(for: Array(text.utf8), using: badgeKey))
    }

    static func hexadecimal(_ bytes: [UInt8]) -> String {
        var text = ""
        for byte in bytes {
            if byte < 16 { text += "0" }
            text += String(byte, radix: 16)
        }
        return text
    }

    /// The plant's own key, made with the ledger.
    private static func badgeKey(_ connection: Connection) throws -> SymmetricKey {
        let fresh = SymmetricKey(size: .bits256).withUnsafeBytes { Data($0).base64EncodedString() }
        try Store(connection).run("INSERT OR IGNORE INTO meta VALUES ('badge_key', ?1)", [.text(fresh)])
        let kept = try connection.rows("SELECT value FROM meta WHERE key = 'badge_key'", [], { $0.text(0) }).first ?? ""
        guard let bytes = Data(base64Encoded: kept), bytes.count == 32 else {
            throw StorageError(.damaged, "the ledger's badge key is damaged; restore a back-up")
        }
        return SymmetricKey(data: bytes)
    }

    // MARK: Opening

    static func openWriter(_ path: String) throws -> Connection {
        let connection = try Connection(path: path, mode: .readWrite)
        let mode = try connection.rows("PRAGMA journal_mode = WAL", [], { $0.text(0) }).first
        guard mode == "wal" else {
            throw StorageError(
                .other, "cannot open the ledger: its disk does not allow write-ahead logging (a network share?)")
        }
        try connection.execute(
            """
            PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 16000; PRAGMA cache_size = -16384;
            PRAGMA secure_delete = OFF; PRAGMA journal_size_limit = 67108864; PRAGMA temp_store = MEMORY;
            PRAGMA mmap_size = 0; PRAGMA foreign_keys = ON;
            """)
        guard try connection.number("PRAGMA synchronous") == 2 else {
            throw StorageError(.other, "cannot open the ledger: SQLite does not wait for the disk")
        }
        try Schema.migrate(connection)
        return connection
    }
}

extension ScanAnswer {
    /// The answer to a scan that could not be written. It names no code: nothing of it is kept.
    public static func notRecorded(at station: String, time: Int64) -> ScanAnswer {
        ScanAnswer(
            result: .refused, reason: .storageFull,
            message:
                "This scan did not count: it could not be written. Call an admin, and scan again when that is mended.",
            station: station, code: "", event: 0, at: time)
    }
}

/// An event that is on record.
public struct Committed: Sendable {
    /// Its number.
    public var id: Int64
    /// When it was recorded, in milliseconds since 1970.
    public var at: Int64
    /// What happened.
    public var event: Event
    /// The answer to the scan that it recorded.
    public var answer: ScanAnswer?
}

/// A caller's own name for one change, so that asking again does nothing twice.
public struct IdempotencyKey: Sendable {
    /// Milliseconds that a key is kept.
    public static let lifetime: Int64 = 86_400_000

    /// Login of the caller.
    public var caller: String
    /// Method and path.
    public var route: String
    /// The caller's key.
    public var key: String
    /// SHA-256 of what the request asked for.
    public var request: [UInt8]

    /// Names one change of one caller.
    public init(caller: String, route: String, key: String, body: [UInt8]) {
        (self.caller, self.route, self.key) = (caller, route, key)
        request = Array(SHA256.hash(data: body))
    }
}

/// An answer as it is sent, and kept for its key.
public struct StoredAnswer: Sendable, Equatable {
    /// HTTP status.
    public var status: Int
    /// Body as it is sent; empty where it is made from events.
    public var body: [UInt8]
    /// The events that the body is made from, each time anew: there can be too many for a transaction to wait for that.
    public var events: ClosedRange<Int64>?

    /// An answer with a status and a body.
    public init(status: Int, body: [UInt8]) {
        (self.status, self.body) = (status, body)
    }

    /// An answer whose body is made from events.
    public init(status: Int, events: ClosedRange<Int64>) {
        (self.status, body, self.events) = (status, [], events)
    }

    /// What is kept of the body for an idempotency key. No body begins with a zero byte.
    var kept: [UInt8] { events.map { [0] + Array("\($0.lowerBound) \($0.upperBound)".utf8) } ?? body }

    /// Reads what `kept` wrote.
    init(status: Int, kept: [UInt8]) {
        self.init(status: status, body: kept)
        guard kept.first == 0 else { return }
        let numbers = String(decoding: kept.dropFirst(), as: UTF8.self).split(separator: " ").compactMap { Int64($0) }
        guard numbers.count == 2, numbers[0] <= numbers[1] else { return }
        (body, events) = ([], numbers[0]...numbers[1])
    }
}
