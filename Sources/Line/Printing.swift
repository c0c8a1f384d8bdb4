import Dispatch
public import Ledger
import Synchronization
public import Tracking

/// Why a label could not be sent.
public struct PrintFailure: Error, Sendable {
    /// What happened and what to do.
    public var problem: String
    /// Whether it may work later by itself: the printer is away, the disk is full.
    public var isRetryable: Bool

    /// A failure with its sentence.
    public init(_ problem: String, isRetryable: Bool) {
        (self.problem, self.isRetryable) = (problem, isRetryable)
    }

    static let stopped = PrintFailure("the daemon is stopping", isRetryable: true)
}

/// Prints what the ledger has queued: each printer's jobs in their order, and no printer waits for another.
///
/// A job is marked sent before its first byte leaves and printed when the printer has taken all; one that a crash
/// interrupted in between is printed again and says that the label may exist twice.
public final class Printing: Sendable {
    /// Makes the bytes of a job's label.
    public typealias Fill = @Sendable (LabelJob) async throws(PrintFailure) -> [UInt8]
    /// Sends a label to the job's printer and returns when it has all of it. May block.
    public typealias Send = @Sendable (LabelJob, [UInt8]) throws(PrintFailure) -> Void

    private let ledger: Ledger
    private let fill: Fill
    private let send: Send

    /// - Parameters:
    ///   - fill: makes the bytes of a label.
    ///   - send: sends them; called on a thread that may block, one at a time for each printer.
    public init(ledger: Ledger, fill: @escaping Fill, send: @escaping Send) {
        (self.ledger, self.fill, self.send) = (ledger, fill, send)
    }

    /// Prints until the task is cancelled.
    public func run() async throws {
        let queued = ledger.committed { $0.event.kind == .labelQueued }
        var printers: [String: AsyncStream<Int64>.Continuation] = [:]
        try await withThrowingDiscardingTaskGroup { group in
            func enqueue(_ job: LabelJob) {
                if let queue = printers[job.printer] {
                    queue.yield(job.id)
                    return
                }
                let (stream, continuation) = AsyncStream.makeStream(of: Int64.self)
                printers[job.printer] = continuation
                continuation.yield(job.id)
                let queue = DispatchQueue(label: "traveler.printer.\(job.printer)")
                group.addTask { await self.serve(stream, on: queue) }
            }
            for job in try await ledger.read({ try $0.openLabelJobs() }) {
                if job.status == .sent {
                    await report(job.id, .queued, "interrupted while it was sent: the label may exist twice")
                }
                enqueue(job)
            }
            for await committed in queued {
                if case .job(let job) = committed.event.change { enqueue(job) }
            }
            group.cancelAll()
        }
    }

    private func serve(_ jobs: AsyncStream<Int64>, on queue: DispatchQueue) async {
        for await id in jobs {
            var wait = 1
            while !Task.isCancelled, await !attempt(id, on: queue) {
                try? await Task.sleep(for: .seconds(wait))
                wait = min(wait * 2, 30)
            }
        }
    }

    /// Tries a job once. False where it has to be tried again.
    private func attempt(_ id: Int64, on queue: DispatchQueue) async -> Bool {
        guard let job = try? await ledger.read({ try $0.openLabelJobs().first { $0.id == id } }) else { return true }
        do throws(PrintFailure) {
            let label = try await fill(job)
            await report(id, .sent, job.problem)
            try await deliver(job, label, on: queue)
            await report(id, .printed, nil)
            return true
        } catch {
            await report(id, error.isRetryable ? .queued : .failed, error.problem)
            return !error.isRetryable
        }
    }

    /// Sends on the printer's own thread. A stop of the daemon does not wait for a printer that hangs: the job stays
    /// marked as sent.
    private func deliver(_ job: LabelJob, _ label: [UInt8], on queue: DispatchQueue) async throws(PrintFailure) {
        let shared = Shared()
        let result = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                shared.continuation.withLock { $0 = continuation }
                if Task.isCancelled { return shared.finish(.failure(.stopped)) }
                queue.async {
                    do throws(PrintFailure) {
                        try self.send(job, label)
                        shared.finish(.success(()))
                    } catch {
                        shared.finish(.failure(error))
                    }
                }
            }
        } onCancel: {
            shared.finish(.failure(.stopped))
        }
        try result.get()
    }

    /// A continuation that the printer's thread or a cancellation resumes, whichever comes first.
    private final class Shared: Sendable {
        let continuation = Mutex<CheckedContinuation<Result<Void, PrintFailure>, Never>?>(nil)

        func finish(_ result: Result<Void, PrintFailure>) {
            continuation.withLock { $0.take() }?.resume(returning: result)
        }
    }

    /// Writes down what became of a job, unless the daemon is stopping: then the ledger knows enough.
    private func report(_ id: Int64, _ status: LabelJobStatus, _ problem: String?) async {
        if Task.isCancelled { return }
        // A report that can't be written leaves the job as it was: it is tried again at the next start.
        _ = try? await ledger.submit(.reportLabel(id, status, problem: problem), by: .system) { _, _ in
            StoredAnswer(status: 200, body: [])
        }
    }
}
