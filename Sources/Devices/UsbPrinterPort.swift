internal import CLinux
internal import Glibc
internal import Labels

/// A USB printer that is open. Everything blocks for a bounded time, except a label that a printer in need of a hand has
/// begun: that waits for the hand, as closing the node would throw away what is on its way.
struct UsbPrinterPort {
    private typealias Failure = Printer.Failure

    /// An answer to `~HS`.
    enum Answer {
        case answered(HostStatus)
        /// The printer took the request and said nothing, or nothing that makes sense.
        case silent
        /// The printer did not even take the request.
        case notTaken
    }

    /// The path and the number of the node's file.
    let node: String
    let inode: ino_t
    let speaksZPL: Bool
    private let file: Descriptor
    private let patience: Duration

    /// How often a printer that makes no progress is looked at, in milliseconds.
    private static let tick: Int32 = 250
    private static let answerTime = Duration.seconds(1)
    /// After an error the kernel takes a moment to remove the node of a printer that was unplugged.
    private static let unplugTime = Duration.seconds(2)
    /// A printer that reports neither trouble nor progress for so long after it took everything has nothing to report,
    /// or waits for somebody to take a label.
    private var silentEnd: Duration { patience * 3 }
    /// `write` takes no more at a time.
    private static let chunk = 8_192

    init(node: String, speaksZPL: Bool, patience: Duration) throws(Printer.Failure) {
        file = Descriptor(open(node, O_RDWR | O_NONBLOCK | O_CLOEXEC | O_NOCTTY))
        guard file.fd >= 0 else {
            switch errno {
            case EBUSY: throw Failure(.busy)
            case EACCES, EPERM:
                throw Failure(
                    .notPermitted, "no permission to open \(node); the udev rules give it to the daemon's group")
            case ENOENT, ENODEV, ENXIO: throw Failure(.offline, "it was unplugged just now")
            default: throw Failure(.offline, "cannot open \(node): \(String(cString: strerror(errno)))")
            }
        }
        var status = stat()
        fstat(file.fd, &status)
        (inode, self.node, self.speaksZPL, self.patience) = (status.st_ino, node, speaksZPL, patience)
    }

    /// Whether the node is no more what was opened. Nothing else tells an unplug for sure: writing gives EIO or nothing, and
    /// poll shows no hang-up.
    var isGone: Bool {
        var status = stat()
        return stat(node, &status) != 0 || status.st_ino != inode
    }

    var unplugged: Printer.Failure { Failure(.offline, "it was unplugged or switched off") }

    /// What the printer's status byte says; nil where it has none.
    var condition: PrinterCondition? {
        let status = linux_printer_status(file.fd)
        return status < 0 ? nil : PrinterCondition(portStatus: UInt8(truncatingIfNeeded: status))
    }

    // MARK: A label

    /// Sends a label to a printer that is ready, and waits until it is printed, as far as the printer can tell.
    /// - Parameter before: what the printer said of itself before; nil for one that doesn't.
    func send(_ label: [UInt8], _ before: HostStatus?, _ progress: Printer.Progress) throws(Printer.Failure) {
        do throws(Printer.Failure) {
            var hold = Hold(progress)
            // Half a label that somebody left there would swallow this one (~JX: cancel the partial format).
            let cancel = before?.isPartial == true ? Array("~JX\r\n".utf8) : []
            try write(cancel + label, &hold)
            try finish(before, &hold)
        } catch {
            throw Failure(error.reason, error.text, mayBePrinted: true)
        }
    }

    /// What holds a label up, and since when there is no progress.
    private struct Hold {
        let progress: Printer.Progress
        private(set) var told: PrinterCondition?
        private(set) var since = ContinuousClock.now

        init(_ progress: Printer.Progress) { self.progress = progress }

        /// Says so, if it is news.
        mutating func tell(_ condition: PrinterCondition?) {
            if condition != told { progress.isHeldUp(condition) }
            told = condition
        }

        /// The printer does what it should.
        mutating func moves() {
            tell(nil)
            since = .now
        }

        /// The printer waits for a hand, for as long as that takes.
        mutating func waits(for condition: PrinterCondition) {
            tell(condition)
            since = .now
        }

        /// It is known no more to wait for a hand; its patience begins anew.
        mutating func goesOn() {
            if told != nil { moves() }
        }
    }

    private func write(_ bytes: [UInt8], _ hold: inout Hold) throws(Printer.Failure) {
        let saysStatus = condition != nil
        var written = 0
        while written < bytes.count {
            if try isWritable(Self.tick) {
                let count = bytes[written...].prefix(Self.chunk).withUnsafeBytes {
                    Glibc.write(file.fd, $0.baseAddress, $0.count)
                }
                if count > 0 {
                    written += count
                    hold.moves()
                    continue
                }
                guard count == 0 || errno == EAGAIN || errno == EINTR || errno == ENOSPC else { throw broken(errno) }
                // It may say so while poll calls it writable.
                nap(Self.tick)
            }
            try lookAt(&hold, "it took \(written) of \(bytes.count) bytes and no more")
        }
        // What was accepted last is still on its way.
        while try !isWritable(Self.tick) { try lookAt(&hold, "it did not take the end of the label") }
        try confirmPresence(saysStatus)
    }

    /// A write that was accepted and then failed leaves no trace, as when the printer is unplugged just then: one that told
    /// its status before must still do so.
    private func confirmPresence(_ saysStatus: Bool) throws(Printer.Failure) {
        let end = ContinuousClock.now + Self.unplugTime
        while true {
            if isGone { throw unplugged }
            if !saysStatus || condition != nil { return }
            guard ContinuousClock.now < end else { throw broken(EIO) }
            nap(Self.tick)
        }
    }

    /// Looks what keeps the printer.
    private func lookAt(_ hold: inout Hold, _ stall: String) throws(Printer.Failure) {
        if isGone { throw unplugged }
        if hold.progress.isStopped() { throw Failure(.offline, "it was given up while it was held up") }
        if let condition, condition != .ready {
            hold.waits(for: condition)
        } else {
            hold.goesOn()
            if hold.since.duration(to: .now) > patience { throw Failure(.offline, stall) }
        }
    }

    /// Waits until the printer has nothing left to print, where it can tell.
    private func finish(_ before: HostStatus?, _ hold: inout Hold) throws(Printer.Failure) {
        var last: HostStatus?
        while true {
            var status: HostStatus?
            if before != nil, case .answered(let answer) = askHostStatus() { status = answer }
            if isGone { throw unplugged }
            let condition = status?.condition ?? condition ?? .ready
            if condition != .ready {
                hold.waits(for: condition)
            } else if let status {
                if status.isIdle { return hold.tell(nil) }
                if status != last { hold.moves() } else if hold.told != .labelsWaiting { hold.goesOn() }
                last = status
                // Not so if it has said so all along: then it means something else there.
                let lostItsEnd = status.isPartial && before?.isPartial == false
                if lostItsEnd && hold.since.duration(to: .now) > patience {
                    throw Failure(.fault, "a part of the label was lost on its way")
                }
                let isStill = hold.since.duration(to: .now) > silentEnd
                if let before, status.holdsMore(than: before) {
                    if isStill || status.isLabelWaiting { hold.waits(for: .labelsWaiting) }
                } else if isStill {
                    return hold.tell(nil)
                }
            } else if before == nil {
                return hold.tell(nil)
            } else if hold.since.duration(to: .now) > patience {
                // It answered before. Some Zebras don't while they need a hand.
                hold.tell(.fault)
            }
            if hold.progress.isStopped() && (condition != .ready || status == nil || hold.told != nil) {
                throw Failure(.offline, "it was given up before it was printed")
            }
            nap(Self.tick)
        }
    }

    // MARK: Host status

    /// Asks the printer how it is, for about a second.
    func askHostStatus() -> Answer {
        var buffer = [UInt8](repeating: 0, count: 1_024)
        // What it said before nobody asked is no answer.
        for _ in 0..<64 where read(file.fd, &buffer, buffer.count) <= 0 { break }
        let end = ContinuousClock.now + Self.answerTime
        guard (try? isWritable(Self.tick)) == true else { return .notTaken }
        let request = HostStatus.request
        guard Glibc.write(file.fd, request, request.count) == request.count else { return .notTaken }
        var answer: [UInt8] = []
        while answer.count(where: { $0 == 3 }) < HostStatus.strings && ContinuousClock.now < end {
            var entry = pollfd(fd: file.fd, events: Int16(POLLIN), revents: 0)
            _ = poll(&entry, 1, Self.tick)
            let count = read(file.fd, &buffer, buffer.count)
            if count > 0 {
                answer += buffer.prefix(count)
            } else if count == 0 || errno != EAGAIN {
                guard count == 0 || errno == EINTR, !isGone else { break }
                nap(Self.tick)
            }
        }
        if let status = HostStatus(answer) { return .answered(status) }
        return (try? isWritable(0)) == true ? .silent : .notTaken
    }

    // MARK: The node

    /// Whether the printer takes bytes, after waiting up to so many milliseconds.
    private func isWritable(_ milliseconds: Int32) throws(Printer.Failure) -> Bool {
        var entry = pollfd(fd: file.fd, events: Int16(POLLOUT), revents: 0)
        let count = poll(&entry, 1, milliseconds)
        if Int32(entry.revents) & (POLLHUP | POLLERR | POLLNVAL) != 0 { throw broken(EIO) }
        return count > 0 && Int32(entry.revents) & POLLOUT != 0
    }

    /// What an error on the way means: nearly always that the printer is gone, and the node soon too.
    private func broken(_ code: Int32) -> Printer.Failure {
        let end = ContinuousClock.now + Self.unplugTime
        while ContinuousClock.now < end {
            if isGone { return unplugged }
            nap(50)
        }
        return Failure(.offline, "the connection broke: \(String(cString: strerror(code)))")
    }

    private func nap(_ milliseconds: Int32) { usleep(UInt32(milliseconds) * 1_000) }
}
