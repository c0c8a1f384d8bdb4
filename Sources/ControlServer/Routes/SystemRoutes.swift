import ControlAPI
import Dispatch
import Glibc
import Ledger
import Tracking

extension Control {
    static let systemRoutes = [
        Route(
            .get, "/metrics", "Figures in OpenMetrics text", .metrics, output: .text(Metrics.mediaType)
        ) { call in
            let jobs = try await call.read { db in
                try db.rows(
                    """
                    SELECT status, count(*) FROM label_job INDEXED BY label_job_open
                    WHERE status IN ('queued', 'sent', 'failed') GROUP BY status
                    """
                ) { (status: $0.text(0), count: Int($0.int(1))) }
            }
            let head = try await call.read { try $0.head() }
            let metrics = Metrics(
                version: call.control.version, uptime: call.control.clock().age(of: call.control.startedAt) / 1_000,
                head: head, scans: call.control.scanCounts.byResult, labelJobs: jobs,
                logBytes: size(ofFile: call.ledger.directory + "/" + Ledger.fileName + "-wal"),
                residentBytes: Metrics.residentBytes)
            return ControlResponse(
                status: 200, contentType: Metrics.mediaType, body: .bytes(Array(metrics.text.utf8)))
        },
        Route(
            .get, "/backup", "The ledger as it is now, as an SQLite file", .administer,
            output: .file("application/vnd.sqlite3")
        ) { call in try await call.backup() },
    ]
}

private func size(ofFile path: String) -> Int {
    var status = stat()
    return stat(path, &status) == 0 ? Int(status.st_size) : 0
}

extension Call {
    fileprivate func backup() async throws -> ControlResponse {
        let file = OpenFile(try await ledger.backup())
        return ControlResponse(
            status: 200, contentType: "application/vnd.sqlite3",
            body: .stream { send in
                while case let piece = try await file.next(), !piece.isEmpty { try await send(piece) }
            })
    }
}

/// A file that is read from its beginning to its end.
private final class OpenFile: Sendable {
    private static let queue = DispatchQueue(label: "traveler.control.backup", qos: .utility)
    private static let pieceSize = 1 << 18
    private let descriptor: Int32

    init(_ descriptor: Int32) { self.descriptor = descriptor }

    deinit { close(descriptor) }

    /// The next piece; empty at the end.
    func next() async throws -> [UInt8] {
        try await withCheckedThrowingContinuation { continuation in
            Self.queue.async { [self] in
                var count = 0
                let piece = [UInt8](unsafeUninitializedCapacity: Self.pieceSize) { buffer, initialized in
                    count = read(descriptor, buffer.baseAddress, buffer.count)
                    initialized = max(count, 0)
                }
                if count < 0 {
                    continuation.resume(throwing: StorageError(.other, "cannot read the back-up: error \(errno)"))
                } else {
                    continuation.resume(returning: piece)
                }
            }
        }
    }
}
