public import Devices
import Dispatch
public import Labels
public import Ledger
import Synchronization
public import Tracking

/// Why a label could not be printed.
public struct PrintFailure: Error, Sendable {
    /// What happened and what to do.
    public var problem: String
    /// Whether it may work later by itself: the printer is away, the disk is full.
    public var isRetryable: Bool
    /// How the printer was found to be; nil where it was not asked.
    public var condition: PrinterCondition?
    /// Whether a part of the label left, so that it may come out all the same.
    public var mayBePrinted: Bool

    /// A failure with its sentence.
    public init(
        _ problem: String, isRetryable: Bool, condition: PrinterCondition? = nil, mayBePrinted: Bool = false
    ) {
        (self.problem, self.isRetryable) = (problem, isRetryable)
        (self.condition, self.mayBePrinted) = (condition, mayBePrinted)
    }

    static let stopped = PrintFailure("the daemon is stopping", isRetryable: true)
}

/// How a printer was when it was last heard of.
public struct PrinterState: Sendable, Equatable {
    /// In one word.
    public var condition: PrinterCondition
    /// What is the matter and what to do; nil where it is ready.
    public var problem: String?

    /// A printer's condition; its sentence says more than the word where something is known.
    public init(_ condition: PrinterCondition, problem: String? = nil) {
        self.condition = condition
        self.problem = condition == .ready ? nil : problem ?? condition.sentence
    }
}

/// Prints what the ledger has queued: each printer's jobs in their order, and no printer waits for another.
///
/// A job is marked sent before its first byte leaves and printed when the printer has taken all. One that broke off in
/// between is printed again, and both the job and the label then say that the label may exist twice. A printer is known by
/// its address, as jobs name it.
public final class Printing: Sendable {
    /// Makes the bytes of a job's label.
    public typealias Fill = @Sendable (LabelJob) async throws(PrintFailure) -> [UInt8]
    /// Sends a label, or a slip that belongs to no job, to a printer and returns when it is there. May block.
    public typealias Send =
        @Sendable (_ printer: String, _ label: [UInt8], _ job: LabelJob?, _ progress: Printer.Progress)
        throws(PrintFailure) -> Void
    /// Asks a printer how it is; nil for one that can't be asked. May block.
    public typealias Check = @Sendable (_ printer: String) -> PrinterState?

    private let ledger: Ledger
    private let fill: Fill
    private let send: Send
    private let ask: Check
    private let lanes = Mutex<[String: Lane]>([:])
    private let stopping = Mutex(false)

    /// How many slips may wait at a printer; more are dropped.
    private static let waitingSlips = 3
    /// A slip that waited longer than this says nothing to anybody any more.
    private static let slipLife = Duration.seconds(10)
    /// How long a stop waits for a label that is being printed.
    private static let grace = DispatchTimeInterval.seconds(2)
    /// The longest wait for the answer to `check`.
    private static let checkTime = DispatchTimeInterval.milliseconds(1_500)

    /// - Parameters:
    ///   - fill: makes the bytes of a label.
    ///   - send: sends them; called on a thread that may block, one at a time for each printer.
    ///   - check: asks a printer how it is; called on that same thread.
    public init(
        ledger: Ledger, fill: @escaping Fill, send: @escaping Send, check: @escaping Check = { _ in nil }
    ) {
        (self.ledger, self.fill, self.send, ask) = (ledger, fill, send, check)
    }

    /// Prints until the task is cancelled.
    public func run() async throws {
        let changes = ledger.committed { [.labelQueued, .labelCancelled].contains($0.event.kind) }
        try await withThrowingDiscardingTaskGroup { group in
            func enqueue(_ job: LabelJob) {
                let lane = lane(job.printer)
                if let jobs = lane.take(job.id) { group.addTask { await self.serve(jobs, lane) } }
                lane.wake()
            }
            for job in try await openJobs() {
                if job.status == .sent {
                    await report(job.id, .queued, "interrupted while it was sent: \(Self.twice)", mayBeDouble: true)
                }
                enqueue(job)
            }
            for await committed in changes {
                guard case .job(let job) = committed.event.change else { continue }
                if committed.event.kind == .labelQueued {
                    enqueue(job)
                } else {
                    // What it failed for is of no matter any more; the next job tells anew.
                    forget(job.printer)
                    wake(job.printer)
                }
            }
            group.cancelAll()
        }
    }

    /// What is to be printed, as soon as the ledger can be read.
    private func openJobs() async throws -> [LabelJob] {
        while true {
            do {
                return try await ledger.read { try $0.openLabelJobs() }
            } catch is StorageError {
                guard (try? await Task.sleep(for: .seconds(1))) != nil else { return [] }
            }
        }
    }

    // MARK: Printers

    /// How a printer was when it was last heard of; nil if it never was.
    public func condition(of printer: String) -> PrinterState? { lane(printer).state.withLock { $0.printer } }

    /// Asks an idle printer how it is and answers within 1.5 s; what was last known of one that is printing, cannot be
    /// asked, or does not answer in time.
    public func check(_ printer: String) async -> PrinterState? {
        let lane = lane(printer)
        let isIdle = lane.state.withLock {
            if $0.work > 0 { return false }
            $0.work += 1
            return true
        }
        guard isIdle else { return condition(of: printer) }
        let once = Once<PrinterState?>()
        return await withCheckedContinuation { continuation in
            once.continuation.withLock { $0 = continuation }
            lane.queue.async {
                if let state = self.ask(printer) { lane.note(state) }
                lane.state.withLock { $0.work -= 1 }
                if self.condition(of: printer)?.condition == .ready { lane.wake() }
                once.finish(self.condition(of: printer))
            }
            DispatchQueue.global().asyncAfter(deadline: .now() + Self.checkTime) {
                once.finish(self.condition(of: printer))
            }
        }
    }

    /// What was heard of a printer holds no more, unless something is on its way there, which tells by itself.
    public func forget(_ printer: String) { lane(printer).state.withLock { if $0.work == 0 { $0.printer = nil } } }

    /// The printer may be ready again, such as when it was plugged in: what waits for it is tried at once.
    public func wake(_ printer: String) { lane(printer).wake() }

    /// Prints a slip in turn with the printer's labels, if that is possible at once. Nobody is told if it is not.
    public func slip(_ bytes: [UInt8], on printer: String) {
        let lane = lane(printer)
        let hasRoom = lane.state.withLock {
            if $0.slips >= Self.waitingSlips { return false }
            $0.slips += 1
            $0.work += 1
            return true
        }
        guard hasRoom else { return }
        let end = ContinuousClock.now + Self.slipLife
        let isLate: @Sendable () -> Bool = { self.stopping.withLock(\.self) || ContinuousClock.now > end }
        lane.queue.async {
            defer {
                lane.state.withLock {
                    $0.slips -= 1
                    $0.work -= 1
                }
            }
            if isLate() { return }
            do throws(PrintFailure) {
                try self.send(printer, bytes, nil, .init(isHeldUp: { lane.note($0) }, isStopped: isLate))
                lane.note(PrinterState(.ready))
            } catch {
                lane.note(error)
            }
        }
    }

    private func lane(_ printer: String) -> Lane {
        lanes.withLock { lanes in
            if let lane = lanes[printer] { return lane }
            let lane = Lane(printer)
            lanes[printer] = lane
            return lane
        }
    }

    // MARK: Jobs

    private static let twice = "the label may exist twice"

    private func serve(_ jobs: AsyncStream<Int64>, _ lane: Lane) async {
        for await id in jobs {
            var wait = 1
            while !Task.isCancelled, let failure = await attempt(id, lane) {
                // One that needs a hand gets it from somebody who then looks at it.
                if failure.condition?.isAtHand == true { wait = 1 }
                await lane.sleep(seconds: wait)
                wait = min(wait * 2, 30)
            }
        }
    }

    /// Tries a job once.
    /// - Returns: why it has to be tried again; nil if it is done with.
    private func attempt(_ id: Int64, _ lane: Lane) async -> PrintFailure? {
        lane.state.withLock { $0.isWoken = false }
        var mayExist = false
        do throws(PrintFailure) {
            guard let job = try await openJob(id) else { return nil }
            mayExist = job.mayBeDouble
            let label = try await fill(job)
            try await deliver(job, label, lane)
            lane.note(PrinterState(.ready))
            await report(id, .printed, nil)
            return nil
        } catch {
            lane.note(error)
            // Stopped before anything left: the ledger knows enough.
            if Task.isCancelled && !error.mayBePrinted { return nil }
            // Said as long as it is so, whatever keeps the next attempt.
            mayExist = mayExist || error.mayBePrinted
            await report(
                id, error.isRetryable ? .queued : .failed,
                mayExist ? "\(error.problem); \(Self.twice)" : error.problem, mayBeDouble: error.mayBePrinted)
            return error.isRetryable ? error : nil
        }
    }

    private func openJob(_ id: Int64) async throws(PrintFailure) -> LabelJob? {
        do {
            return try await ledger.read { try $0.openLabelJob(id) }
        } catch {
            throw PrintFailure("\(error)", isRetryable: true)
        }
    }

    /// Sends on the printer's own thread. A stop of the daemon gives a label that is being printed a moment, and does not
    /// wait for a printer that hangs: the job stays marked as sent.
    private func deliver(_ job: LabelJob, _ label: [UInt8], _ lane: Lane) async throws(PrintFailure) {
        let once = Once<Result<Void, PrintFailure>>()
        let stopping = Flag()
        let progress = Printer.Progress(
            begins: { !stopping.isSet && self.reportFromThread(job.id, nil) },
            isHeldUp: { condition in
                lane.note(condition)
                _ = self.reportFromThread(job.id, condition?.sentence)
            },
            isStopped: { stopping.isSet })
        let result = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                once.continuation.withLock { $0 = continuation }
                if Task.isCancelled { return once.finish(.failure(.stopped)) }
                lane.state.withLock { $0.work += 1 }
                lane.queue.async {
                    defer { lane.state.withLock { $0.work -= 1 } }
                    if stopping.isSet { return once.finish(.failure(.stopped)) }
                    do throws(PrintFailure) {
                        try self.send(job.printer, label, job, progress)
                        once.finish(.success(()))
                    } catch {
                        once.finish(.failure(error))
                    }
                }
            }
        } onCancel: {
            stopping.set()
            self.stopping.withLock { $0 = true }
            DispatchQueue.global().asyncAfter(deadline: .now() + Self.grace) { once.finish(.failure(.stopped)) }
        }
        try result.get()
    }

    /// Writes down that a label is on its way, and what holds it up; returns when that is on disk.
    private func reportFromThread(_ id: Int64, _ problem: String?) -> Bool {
        let done = DispatchSemaphore(value: 0)
        let isWritten = Flag()
        Task {
            if await submit(.reportLabel(id, .sent, problem: problem)) { isWritten.set() }
            done.signal()
        }
        done.wait()
        return isWritten.isSet
    }

    /// Writes down what became of a job, as soon as the ledger can; once only while the daemon is stopping.
    private func report(_ id: Int64, _ status: LabelJobStatus, _ problem: String?, mayBeDouble: Bool = false) async {
        while await !submit(.reportLabel(id, status, problem: problem, mayBeDouble: mayBeDouble)), !Task.isCancelled {
            try? await Task.sleep(for: .seconds(1))
        }
    }

    private func submit(_ command: Command) async -> Bool {
        let answer = try? await ledger.submit(command, by: .system) { _, _ in StoredAnswer(status: 200, body: []) }
        return answer != nil
    }
}

/// One printer's own thread, and what is known of it.
private final class Lane: Sendable {
    struct State {
        /// Labels, slips and checks that are on the thread or wait for it.
        var work = 0
        /// Of these, the slips.
        var slips = 0
        var printer: PrinterState?
        var jobs: AsyncStream<Int64>.Continuation?
        var pause: Task<Void, Never>?
        /// Woken since the last attempt began.
        var isWoken = false
    }

    let queue: DispatchQueue
    let state = Mutex(State())

    init(_ printer: String) { queue = DispatchQueue(label: "traveler.printer.\(printer)") }

    /// Takes a job, and gives the stream of all jobs with the first.
    func take(_ job: Int64) -> AsyncStream<Int64>? {
        state.withLock { state in
            if let jobs = state.jobs {
                jobs.yield(job)
                return nil
            }
            let (stream, continuation) = AsyncStream.makeStream(of: Int64.self)
            continuation.yield(job)
            state.jobs = continuation
            return stream
        }
    }

    /// Waits before the next attempt, unless the lane was woken since the last.
    func sleep(seconds: Int) async {
        let pause = Task { _ = try? await Task.sleep(for: .seconds(seconds)) }
        let isWoken = state.withLock { state in
            state.pause = pause
            return state.isWoken
        }
        if isWoken { pause.cancel() }
        await withTaskCancellationHandler {
            await pause.value
        } onCancel: {
            pause.cancel()
        }
    }

    func wake() {
        state.withLock { state in
            state.isWoken = true
            state.pause?.cancel()
        }
    }

    func note(_ printer: PrinterState) { state.withLock { $0.printer = printer } }

    func note(_ heldUp: PrinterCondition?) { note(PrinterState(heldUp ?? .ready)) }

    func note(_ failure: PrintFailure) {
        if let condition = failure.condition { note(PrinterState(condition, problem: failure.problem)) }
    }
}

/// A continuation that is resumed by whoever comes first.
private final class Once<Value: Sendable>: Sendable {
    let continuation = Mutex<CheckedContinuation<Value, Never>?>(nil)

    func finish(_ value: Value) {
        continuation.withLock { $0.take() }?.resume(returning: value)
    }
}

/// Set once, from any thread.
private final class Flag: Sendable {
    private let value = Mutex(false)

    var isSet: Bool { value.withLock(\.self) }

    func set() { value.withLock { $0 = true } }
}
