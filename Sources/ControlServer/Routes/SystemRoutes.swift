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
        let path = ledger.directory + "/backup-\(UInt64.random(in: 0...UInt64.max)).db"
        try await ledger.backup(to: path)
        // The file lives on, without a name, for as long as it is being read.
        let file = OpenFile(path)
        unlink(path)
        guard let file else { throw StorageError(.other, "cannot read the back-up that was just made") }
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

    init?(_ path: String) {
        descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        if descriptor < 0 { return nil }
    }

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
