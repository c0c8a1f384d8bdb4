import Dispatch
import Synchronization
import Tracking

/// Connections that read, each on a queue of its own.
///
/// `@unchecked Sendable`: a connection is touched on its own serial queue only.
final class Readers: @unchecked Sendable {
    private let connections: [(queue: DispatchQueue, connection: Connection)]
    private let next = Atomic<Int>(0)

    init(_ path: String, count: Int = 3) throws {
        connections = try (0..<count).map { index in
            let connection = try Connection(path: path, mode: .readOnly)
            try connection.execute("PRAGMA cache_size = -8192; PRAGMA query_only = ON; PRAGMA mmap_size = 0")
            return (DispatchQueue(label: "traveler.ledger.reader.\(index)"), connection)
        }
    }

    func read<Result: Sendable>(_ body: @escaping @Sendable (Connection) throws -> Result) async throws -> Result {
        let turn = next.wrappingAdd(1, ordering: .relaxed).oldValue
        let index = Int(UInt(bitPattern: turn) % UInt(connections.count))
        return try await withCheckedThrowingContinuation { continuation in
            connections[index].queue.async {
                continuation.resume(with: Swift.Result { try body(self.connections[index].connection) })
            }
        }
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
