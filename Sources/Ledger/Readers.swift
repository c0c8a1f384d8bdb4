import Dispatch
import Glibc
import Synchronization
import Tracking

/// Connections that read. What a scan or a look at one thing needs has two for itself, each on a queue of its own; lists,
/// reports, replays and preparations have theirs on lanes, so that none of them is waited for.
///
/// `@unchecked Sendable`: a connection is touched on its own queue or lane only.
final class Readers: @unchecked Sendable {
    private let path: String
    private let mode: Connection.Mode
    private let lookups: [(queue: DispatchQueue, connection: Connection)]
    private let lanes: [Pace: [ReadingLane]]
    private let next = Atomic<Int>(0)

    /// - Parameter mode: `unchanging` for a file that nobody can write.
    init(_ path: String, mode: Connection.Mode = .readOnly) throws {
        (self.path, self.mode) = (path, mode)
        lookups = try (0..<2).map { index in
            (DispatchQueue(label: "traveler.ledger.reader.\(index)"), try Self.connection(path, mode))
        }
        // Where there are processors to spare, lists of several callers are made at once.
        let lists = max(1, min(4, sysconf(Int32(_SC_NPROCESSORS_ONLN)) / 2))
        var lanes: [Pace: [ReadingLane]] = [:]
        for pace in Pace.allCases where pace != .lookup {
            lanes[pace] = (0..<(pace == .list ? lists : 1)).map { _ in ReadingLane(pace) }
        }
        self.lanes = lanes
    }

    fileprivate static func connection(_ path: String, _ mode: Connection.Mode) throws -> Connection {
        let connection = try Connection(path: path, mode: mode)
        try connection.execute("PRAGMA cache_size = -4096; PRAGMA query_only = ON; PRAGMA mmap_size = 0")
        return connection
    }

    /// The lane of what is read at a pace; nil for lookups, which have none.
    func lane(_ pace: Pace) -> ReadingLane? {
        guard let lanes = lanes[pace], !lanes.isEmpty else { return nil }
        return lanes.count == 1 ? lanes[0] : lanes[turn(lanes.count)]
    }

    func read<Result: Sendable>(
        _ pace: Pace, on lane: Lane?, _ body: @escaping @Sendable (Connection) throws -> Result
    ) async throws -> Result {
        let known = lanes[pace]?.first { $0.lane === lane }
        guard let reading = known ?? self.lane(pace) else {
            let index = turn(lookups.count)
            return try await withCheckedThrowingContinuation { continuation in
                lookups[index].queue.async {
                    continuation.resume(with: Swift.Result { try body(self.lookups[index].connection) })
                }
            }
        }
        return try await withCheckedThrowingContinuation { continuation in
            reading.lane.run { [path, mode] in
                continuation.resume(with: Swift.Result { try body(reading.connection(path, mode)) })
            }
        }
    }

    private func turn(_ count: Int) -> Int {
        Int(UInt(bitPattern: next.wrappingAdd(1, ordering: .relaxed).oldValue) % UInt(count))
    }
}

/// A lane with a connection, which is opened when it is first needed.
///
/// `@unchecked Sendable`: the connection is touched on the lane only.
final class ReadingLane: @unchecked Sendable {
    let lane: Lane
    private var opened: Connection?

    init(_ pace: Pace) { lane = Lane(pace) }

    func connection(_ path: String, _ mode: Connection.Mode) throws -> Connection {
        if let opened { return opened }
        let connection = try Readers.connection(path, mode)
        opened = connection
        return connection
    }
}

/// Moves the write-ahead log into the file while the writer goes on: every 100 ms in which something was written.
///
/// `@unchecked Sendable`: the connection is touched on `queue` only.
final class Checkpointer: @unchecked Sendable {
    private let queue = DispatchQueue(label: "traveler.ledger.checkpoint", qos: .utility)
    private let connection: Connection
    private let isScheduled = Atomic<Bool>(false)

    init(_ path: String) throws {
        connection = try Connection(path: path, mode: .readWrite)
        // This one syncs the file; the log that it reads was synced by the writer.
        try connection.execute("PRAGMA synchronous = FULL; PRAGMA busy_timeout = 0; PRAGMA cache_size = -256")
    }

    func wrote() {
        let (exchanged, _) = isScheduled.compareExchange(expected: false, desired: true, ordering: .relaxed)
        guard exchanged else { return }
        queue.asyncAfter(deadline: .now() + .milliseconds(100)) {
            self.isScheduled.store(false, ordering: .relaxed)
            try? self.connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
        }
    }

    func close() {
        queue.sync { try? connection.execute("PRAGMA wal_checkpoint(TRUNCATE)") }
    }
}

/// Those who want to know what was committed.
final class Listeners: Sendable {
    private struct Listening {
        var next = 0
        var events: [Int: (filter: @Sendable (Committed) -> Bool, yield: AsyncStream<Committed>.Continuation)] = [:]
        var heads: [Int: AsyncStream<Int64>.Continuation] = [:]
    }
    private let listening = Mutex(Listening())

    func tell(_ batch: Writer.Batch) {
        tell(batch.events)
        listening.withLock { listening in
            for continuation in listening.heads.values { continuation.yield(batch.head) }
        }
    }

    func tell(_ events: [Committed]) {
        listening.withLock { listening in
            for (filter, continuation) in listening.events.values {
                for event in events where filter(event) { continuation.yield(event) }
            }
        }
    }

    func stream(_ filter: @escaping @Sendable (Committed) -> Bool) -> AsyncStream<Committed> {
        let (stream, continuation) = AsyncStream.makeStream(of: Committed.self)
        let id = listening.withLock { listening in
            defer { listening.next += 1 }
            listening.events[listening.next] = (filter, continuation)
            return listening.next
        }
        continuation.onTermination = { [weak self] _ in
            _ = self?.listening.withLock { $0.events.removeValue(forKey: id) }
        }
        return stream
    }

    func heads() -> AsyncStream<Int64> {
        let (stream, continuation) = AsyncStream.makeStream(of: Int64.self, bufferingPolicy: .bufferingNewest(1))
        let id = listening.withLock { listening in
            defer { listening.next += 1 }
            listening.heads[listening.next] = continuation
            return listening.next
        }
        continuation.onTermination = { [weak self] _ in
            _ = self?.listening.withLock { $0.heads.removeValue(forKey: id) }
        }
        return stream
    }
}
