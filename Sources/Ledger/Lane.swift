import Dispatch
import Glibc
import Synchronization

/// How urgent it is that something is read, and at whose expense.
public enum Pace: Sendable, CaseIterable {
    /// What a scan or a look at one thing needs. It waits for nothing below.
    case lookup
    /// A page of a list, or something of many parts.
    case list
    /// A report over a period.
    case report
    /// A portion of what happened before, for a stream of events.
    case replay
    /// What a command that names many things needs to know before the writer decides it.
    case preparation

    /// How much the kernel prefers others for the processor.
    fileprivate var niceness: Int32 {
        switch self {
        case .lookup: 0
        case .preparation: 2
        case .list: 5
        case .report, .replay: 10
        }
    }
}

/// A thread of its own that does one thing after the other, and leaves the processor to whoever is more urgent.
///
/// Long work neither fills the cooperative pool nor competes with scans for a processor. A task can prefer a lane for all
/// that it does itself, such as making JSON.
///
/// `@unchecked Sendable`: what it shares stands in `work`, which is a mutex.
public final class Lane: TaskExecutor, @unchecked Sendable {
    private final class Work: Sendable {
        let jobs = Mutex(Jobs())
        let arrived = DispatchSemaphore(value: 0)

        struct Jobs {
            var waiting: [@Sendable () -> Void] = []
            var hasThread = false
            var isClosed = false
        }

        /// Does what comes in, in its order, until the lane is closed and nothing is left.
        func run() {
            while true {
                arrived.wait()
                let jobs = self.jobs.withLock { jobs in
                    defer { jobs.waiting = [] }
                    return jobs.waiting
                }
                for job in jobs { job() }
                if self.jobs.withLock({ $0.isClosed && $0.waiting.isEmpty }) { return }
            }
        }
    }

    private let work = Work()
    private let niceness: Int32

    init(_ pace: Pace) { niceness = pace.niceness }

    deinit {
        work.jobs.withLock { $0.isClosed = true }
        work.arrived.signal()
    }

    /// Does something on the lane's thread, after what was asked for before.
    func run(_ job: @escaping @Sendable () -> Void) {
        let startsThread = work.jobs.withLock { jobs in
            jobs.waiting.append(job)
            defer { jobs.hasThread = true }
            return !jobs.hasThread
        }
        if startsThread { startThread() }
        work.arrived.signal()
    }

    /// Runs a task's job on the lane.
    public func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        run { [self] in job.runSynchronously(on: asUnownedTaskExecutor()) }
    }

    private final class Start: Sendable {
        let work: Work
        let niceness: Int32
        init(_ work: Work, _ niceness: Int32) { (self.work, self.niceness) = (work, niceness) }
    }

    private func startThread() {
        // Signals are for the other threads.
        var all = sigset_t()
        var before = sigset_t()
        sigfillset(&all)
        pthread_sigmask(SIG_SETMASK, &all, &before)
        defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
        let start = Unmanaged.passRetained(Start(work, niceness))
        var thread = pthread_t()
        let code = pthread_create(
            &thread, nil,
            { argument in
                guard let argument else { return nil }
                let start = Unmanaged<Start>.fromOpaque(argument).takeRetainedValue()
                // On Linux this is about the calling thread alone. Where it is not allowed, work is done all the same.
                _ = setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, start.niceness)
                start.work.run()
                return nil
            }, start.toOpaque())
        guard code == 0 else {
            // No thread to be had: what is asked for is done by the system's own, at no lower priority.
            start.release()
            let work = work
            return DispatchQueue(label: "traveler.lane").async { work.run() }
        }
        pthread_detach(thread)
    }
}
