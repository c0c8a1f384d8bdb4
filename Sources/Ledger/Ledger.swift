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
    private let telling = DispatchQueue(label: "traveler.ledger.listeners")
    private let clock: @Sendable () -> Moment
    private let prepare: @Sendable () throws -> Bool
    private let told: @Sendable (LedgerTrouble?) -> Void
    private let door = Mutex(Door())
    private let current = CurrentPlant()
    private let listeners = Listeners()
    let verification = Mutex<VerifyProgress?>(nil)
    let photos: PhotoFiles

    /// What of the ledger is open, and what keeps the rest closed.
    private struct Door {
        var writer: Writer?
        var checkpointer: Checkpointer?
        var readers: Readers?
        var key: SymmetricKey?
        var trouble: LedgerTrouble?
        var damage: LedgerTrouble?
        var isClosed = false
    }

    /// Opens the ledger in a directory, or makes one; migrates an older one.
    ///
    /// The caller holds the directory's lock: two writers must never meet.
    /// - Throws: `StorageError`, with what to do.
    public convenience init(
        directory: String, clock: @escaping @Sendable () -> Moment = Ledger.systemClock
    ) throws {
        self.init(directory, clock, { false }, { _ in })
        try open()
    }

    /// Opens the ledger in a directory, or makes one, as soon as that is possible: until then reading or writing throws
    /// what keeps it closed. What can be read is open for reading meanwhile. `recover` tries again.
    ///
    /// - Parameters:
    ///   - prepare: called before each attempt; takes the directory's lock, and answers whether there was a ledger in the
    ///     directory before: then none is begun.
    ///   - told: called with what keeps the ledger from being written, when that changes; nil once it can be written again.
    public convenience init(
        waitingFor directory: String, clock: @escaping @Sendable () -> Moment = Ledger.systemClock,
        prepare: @escaping @Sendable () throws -> Bool, told: @escaping @Sendable (LedgerTrouble?) -> Void
    ) {
        self.init(directory, clock, prepare, told)
        tryToOpen()
    }

    private init(
        _ directory: String, _ clock: @escaping @Sendable () -> Moment,
        _ prepare: @escaping @Sendable () throws -> Bool,
        _ told: @escaping @Sendable (LedgerTrouble?) -> Void
    ) {
        (self.directory, self.clock, self.prepare, self.told) = (directory, clock, prepare, told)
        photos = PhotoFiles(beside: directory)
    }

    // MARK: Opening

    /// What keeps the ledger from being written; nil where nothing does, as far as the last attempt told.
    public var trouble: LedgerTrouble? { door.withLock { $0.trouble } }

    /// Damage that was met, or found by `verify`, since the daemon started or found everything whole.
    public var damage: LedgerTrouble? { door.withLock { $0.damage } }

    /// How many bytes can still be written to the ledger's disk; nil where the system doesn't say.
    public var freeSpace: Int64? { freeBytes(directory) }

    /// Whether the ledger can be read.
    public var isReadable: Bool { door.withLock { $0.readers != nil } }

    /// Tries once more what did not work: to open the ledger, or to write to it. Returns whether it was opened by that.
    public func recover() async -> Bool {
        guard trouble != nil else { return false }
        if let writer = door.withLock({ $0.writer }) {
            await writer.probe()
            return false
        }
        return await withCheckedContinuation { continuation in
            Self.opening.async { continuation.resume(returning: self.tryToOpen()) }
        }
    }

    private static let opening = DispatchQueue(label: "traveler.ledger.opening", qos: .utility)

    @discardableResult
    private func tryToOpen() -> Bool {
        do {
            try open()
            note(damage: nil)
            note(nil)
            return true
        } catch {
            note(error as? StorageError ?? StorageError(.other, "\(error)"))
            return false
        }
    }

    private func open() throws {
        let isKnown = try prepare()
        let path = directory + "/" + Self.fileName
        if let trouble, trouble.error.kind == .readOnly, isReadable {
            guard access(path, W_OK) == 0 else { throw trouble.error }
            // SQLite shares within a process what it has open of a file: what is open for reading only would stay so.
            door.withLock { $0.readers = nil }
        }
        WorkingCopy.sweep(directory, isLedgers: true)
        do {
            try Self.refuseToBeginAnew(in: directory, isKnown: isKnown)
            let connection = try Self.openWriter(path)
            let key = try PlantKey.read(connection)
            let checkpointer = try Checkpointer(path)
            let writer = try Writer(
                connection, clock: clock, badgeDigest: { Self.digest($0, key) },
                tried: { [weak self] error in self?.note(error) },
                committed: { [current, listeners, telling] batch in
                    if let changed = batch.plant { current.plant.withLock { $0 = changed } }
                    checkpointer.wrote()
                    // Those who listen may be many, and the batch large.
                    telling.async { listeners.tell(batch) }
                })
            let readers = try Readers(path)
            current.plant.withLock { $0 = writer.plant }
            // While nobody else has the writer.
            writer.fileDefects()
            try door.withLock { door in
                if door.isClosed { throw StorageError(.other, Self.closed) }
                (door.writer, door.checkpointer, door.readers, door.key) = (writer, checkpointer, readers, key)
            }
            Task { try? await sweepPhotos() }
        } catch {
            if !isReadable { openForReading(path) }
            throw error
        }
    }

    /// What can't be written may be whole all the same, and can then be read and backed up.
    private func openForReading(_ path: String) {
        // Of an empty file, SQLite would remove the log.
        guard fileSize(path) > 1 else { return }
        // On a disk that is read-only, a file without a log is read as it is.
        let hasLog = fileSize(path + "-wal") > 0
        for mode in hasLog ? [Connection.Mode.readOnly] : [.readOnly, .unchanging] {
            guard let connection = try? Connection(path: path, mode: mode),
                (try? connection.number("PRAGMA user_version")) == Schema.version,
                (try? connection.number("PRAGMA application_id")) == Schema.applicationID,
                let plant = try? Store.plant(connection),
                let zone = try? PlantTime.rules(plant.settings.timezone),
                let readers = try? Readers(path, mode: mode)
            else { continue }
            let key = try? PlantKey.read(connection)
            current.plant.withLock { $0 = (plant, zone) }
            door.withLock { ($0.readers, $0.key) = (readers, key) }
            return
        }
    }

    /// A ledger that is gone is not begun anew where something of the plant is still there.
    private static func refuseToBeginAnew(in directory: String, isKnown: Bool) throws {
        let path = directory + "/" + fileName
        // SQLite takes a file of one byte for an empty one, too.
        guard fileSize(path) <= 1 else { return }
        let names = (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
        let photos =
            (try? FileManager.default.contentsOfDirectory(atPath: PhotoFiles.directory(beside: directory))) ?? []
        let traces = [
            fileSize(path + "-wal") > 0 ? "its log \(fileName)-wal" : nil,
            photos.isEmpty ? nil : "the photos of its returns",
            names.first { $0.hasPrefix("ledger-before-restore-") }.map { "an earlier ledger, \($0)" },
            isKnown ? "the lock of a daemon that had it open" : nil,
        ].compactMap { $0 }
        guard let trace = traces.first else { return }
        let state = access(path, F_OK) == 0 ? "empty" : "missing"
        throw StorageError(
            .damaged,
            "the ledger \(path) is \(state), but the directory holds \(trace): put the file back, or restore a back-up with travelerd restore FILE; to begin an empty plant, move everything out of \(directory)"
        )
    }

    /// Takes note of an attempt to write, and tells what is new about it.
    private func note(_ error: StorageError?) {
        let news: LedgerTrouble?? = door.withLock { door in
            guard let error else {
                defer { door.trouble = nil }
                return door.trouble == nil ? nil : .some(nil)
            }
            let isNews = door.trouble?.error != error
            if isNews {
                // The same kind of trouble in other words began when it began.
                let since = door.trouble?.error.kind == error.kind ? door.trouble?.since : nil
                door.trouble = LedgerTrouble(error: error, since: since ?? clock().wall)
            }
            return isNews ? .some(door.trouble) : nil
        }
        if let news { told(news) }
        if let error, error.kind == .damaged { note(damage: error, isNews: false) }
    }

    /// Takes note of damage, which stays although something else can be read or written; nil where all was found whole.
    func note(damage error: StorageError?, isNews: Bool = true) {
        let news: LedgerTrouble? = door.withLock { door in
            let before = door.damage
            door.damage = error.map { LedgerTrouble(error: $0, since: before?.since ?? clock().wall) }
            return before == nil && isNews ? door.damage : nil
        }
        if let news { told(news) }
    }

    /// The ledger's file, where it can be read.
    var readableFile: String {
        get throws {
            _ = try opened(\.readers)
            return directory + "/" + Self.fileName
        }
    }

    private static let closed = "the ledger is closed; travelerd is stopping"

    private func opened<Part>(_ part: (Door) -> Part?) throws -> Part {
        try door.withLock { door in
            if let part = part(door) { return part }
            if door.isClosed { throw StorageError(.other, Self.closed) }
            throw door.trouble?.error ?? StorageError(.other, "the ledger is not open yet; try again")
        }
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
    public var commits: Int { door.withLock { $0.writer }?.commits.load(ordering: .relaxed) ?? 0 }

    /// For tests of who goes first: how many commands wait for the writer.
    var waiting: Int { door.withLock { $0.writer }?.waitingCount ?? 0 }

    /// For tests of a full disk: no more pages than there are now, or as many as the disk holds.
    func limitSize(pages limited: Bool) {
        door.withLock { $0.writer }?.limitSize(limited)
    }

    /// Waits until everything submitted is on disk, then takes nothing more.
    public func close() {
        let door = door.withLock { door in
            door.isClosed = true
            return door
        }
        door.writer?.close()
        telling.sync {}
        door.checkpointer?.close()
    }

    // MARK: Writing

    /// Decides a frame that was read at a station and answers once that is on disk.
    ///
    /// - Parameter device: path of the node that read it, or `terminal`.
    /// A scan that could not be written is answered too: refused, `storage_full`, with the cause. Those who watch the
    /// station hear of it.
    /// - Throws: `Refusal` for a station outside the caller's scope.
    public func scan(_ scan: Scan, by actor: Actor, device: String) async throws -> ScanAnswer {
        do {
            return try await record(scan, by: actor, device: device)
        } catch let error as StorageError {
            let answer = ScanAnswer.notRecorded(at: scan.station, because: error, time: now.wall)
            var event = Event(.scanRefused)
            (event.station, event.reason, event.note) = (scan.station, .storageFull, error.description)
            listeners.tell([Committed(id: 0, at: answer.at, event: event, answer: answer)])
            return answer
        }
    }

    private func record(_ scan: Scan, by actor: Actor, device: String) async throws -> ScanAnswer {
        let writer = try opened(\.writer)
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
        let writer = try opened(\.writer)
        let advance = command.isLong ? await advance(command.serials, writer) : nil
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
    private func advance(_ names: [String], _ writer: Writer) async -> Advance? {
        guard !names.isEmpty else { return nil }
        writer.advances.begin()
        do {
            return try await opened(\.readers).read(.preparation, on: nil) { try Advance(names, $0) }
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
        do {
            return try await opened(\.readers).read(pace, on: lane, body)
        } catch let error as StorageError where error.kind == .damaged && isReadable {
            note(damage: error)
            throw error
        }
    }

    /// A lane for what is made of things read at this pace; nil for lookups, which have none.
    public func lane(_ pace: Pace) -> Lane? { door.withLock { $0.readers }?.lane(pace)?.lane }

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
    /// - Throws: `StorageError` where the plant's key can't be read.
    public func badgeDigest(_ code: String) throws -> String { try badgeDigests(code) }

    /// What makes such hashes.
    /// - Throws: `StorageError` where the plant's key can't be read.
    public var badgeDigests: @Sendable (_ code: String) -> String {
        get throws {
            let key = try plantKey
            return { Self.digest($0, key) }
        }
    }

    private static func digest(_ code: String, _ key: SymmetricKey) -> String {
        "hmac-sha256:" + hexadecimal(Array(HMAC<SHA256>.authenticationCode(for: Array(code.utf8), using: key)))
    }

    var plantKey: SymmetricKey { get throws { try opened(\.key) } }

    static func hexadecimal(_ bytes: [UInt8]) -> String {
        var text = ""
        for byte in bytes {
            if byte < 16 { text += "0" }
            text += String(byte, radix: 16)
        }
        return text
    }

    static func openWriter(_ path: String) throws -> Connection {
        let connection = try Connection(path: path, mode: .readWrite)
        // SQLite opens for reading what it can't open for writing, and that stays so.
        if connection.isReadOnly {
            var error = StorageError(
                .readOnly,
                "cannot write to the ledger: its file or its disk is read-only; see that the disk is mounted for writing and that the file belongs to the daemon's user"
            )
            error.cause = path
            throw error
        }
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
    public static func notRecorded(at station: String, because error: StorageError, time: Int64) -> ScanAnswer {
        let why =
            switch error.kind {
            case .full: "the disk is full"
            case .readOnly: "the disk or the ledger's file is read-only"
            case .locked: "another program holds the ledger"
            case .damaged: "the ledger is damaged or missing"
            case .newer: "a newer version wrote the ledger"
            case .other: "it could not be written"
            }
        return ScanAnswer(
            result: .refused, reason: .storageFull,
            message: "This scan did not count: \(why). Call an admin, and scan again when that is mended.",
            station: station, code: "", event: 0, at: time)
    }
}

/// What keeps the ledger from being written.
public struct LedgerTrouble: Sendable, Equatable {
    /// What it is, with what to do.
    public var error: StorageError
    /// Since when, in milliseconds since 1970.
    public var since: Int64
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
