internal import Barcodes
internal import CLinux
internal import Glibc
internal import Synchronization
internal import Tracking

/// What the loop's thread does. All of it is that thread's alone.
struct ScannerReader {
    /// Waits between attempts to open a node, in microseconds.
    private static let firstRetry: Int64 = 100_000
    private static let lastRetry: Int64 = 5_000_000
    /// How long a scanner whose key is down is not taken, and how often that is looked at, in microseconds.
    private static let keyTime: Int64 = 1_000_000
    private static let keyRetry: Int64 = 10_000

    /// A node that is to be read.
    private struct Slot {
        let node: String
        let owner: Owner
        /// Nil while the node can't be had.
        var port: ScannerPort?
        var reason = ""
        var retryAt: Int64 = 0
        var retryDelay = ScannerReader.firstRetry
        /// When a key was first seen to be down.
        var keyDownAt: Int64?
        /// What light and beeper still have to show: when, and whether they are on.
        var playing: (tone: Int32, steps: ArraySlice<(at: Int64, isOn: Bool)>)?
    }

    /// Whose a node is.
    private enum Owner: Hashable {
        case station(BoundScanner)
        /// Nobody's: it is listened to for a code, and not grabbed.
        case nobody(Device)
    }

    private enum Condition: Equatable {
        case connected
        case away(String)
    }

    /// Below `firstSlot` are the loop's own descriptors.
    private static let wakeKey: UInt64 = 0
    private static let directoryKey: UInt64 = 1
    private static let udevKey: UInt64 = 2
    private static let firstSlot: UInt64 = 3

    private let epoll: Descriptor
    private let mailbox: ScannerLoop.Mailbox
    private let onEvent: @Sendable (ScannerEvent) -> Void
    private let monitor = DeviceMonitor()
    /// Tells when something appears in a node's directory.
    private let directories = Descriptor(inotify_init1(Int32(IN_CLOEXEC) | Int32(IN_NONBLOCK)))
    private var scanners: [BoundScanner] = []
    private var codes: Set<String> = []
    private var slots: [UInt64: Slot] = [:]
    private var nextKey = Self.firstSlot
    /// What was last told of each scanner.
    private var told: [BoundScanner: Condition] = [:]
    /// Why a scanner has no node.
    private var withoutNode: [BoundScanner: String] = [:]

    init(epoll: Descriptor, mailbox: ScannerLoop.Mailbox, onEvent: @escaping @Sendable (ScannerEvent) -> Void) {
        self.epoll = epoll
        self.mailbox = mailbox
        self.onEvent = onEvent
        watch(mailbox.wake.fd, key: Self.wakeKey)
        watch(directories.fd, key: Self.directoryKey)
        if monitor.fd >= 0 { watch(monitor.fd, key: Self.udevKey) }
    }

    mutating func run() {
        onEvent(.present(present))
        var ready = [epoll_event](repeating: epoll_event(), count: 64)
        while true {
            let count = epoll_wait(epoll.fd, &ready, Int32(ready.count), timeout())
            for event in ready.prefix(Int(max(0, count))) {
                switch event.data.u64 {
                case Self.wakeKey:
                    var value: eventfd_t = 0
                    eventfd_read(mailbox.wake.fd, &value)
                    if !takeRequests() { return }
                case Self.directoryKey:
                    drain(directories)
                    openClosed()
                case Self.udevKey:
                    guard monitor.receive() else { break }
                    onEvent(.present(present))
                    arrange()
                    openClosed()
                case let key: read(key)
                }
            }
            let now = monotonicNow()
            for key in slots.keys.sorted() {
                if let slot = slots[key], slot.port == nil, slot.retryAt <= now { open(key) }
                if let deadline = slots[key]?.port?.deadline, deadline <= now {
                    // What has arrived meanwhile is no pause: read before the time is looked at.
                    read(key)
                    take(slots[key]?.port?.elapsed(to: now) ?? [], from: key)
                }
                play(key, now)
            }
        }
    }

    private var present: [Device] { monitor.devices.values.sorted { $0.node < $1.node } }

    /// Milliseconds until something is due, rounded up; -1 if nothing is.
    private func timeout() -> Int32 {
        let due = slots.values.compactMap { slot -> Int64? in
            guard let port = slot.port else { return slot.retryAt }
            return [port.deadline, slot.playing?.steps.first?.at].compactMap(\.self).min()
        }.min()
        guard let due else { return -1 }
        return Int32(clamping: (max(0, due - monotonicNow()) + 999) / 1_000)
    }

    /// False when the thread is to end.
    private mutating func takeRequests() -> Bool {
        let requests = mailbox.requests.withLock { requests in
            defer { requests = ScannerLoop.Mailbox.Requests() }
            return requests
        }
        if requests.stops { return false }
        if requests.scanners != nil || requests.codes != nil {
            scanners = requests.scanners ?? scanners
            codes = requests.codes ?? codes
            arrange()
        }
        for (device, signal) in requests.signals { show(signal, at: device) }
        return true
    }

    // MARK: Which nodes are read

    /// Makes the slots what the scanners, the codes and the devices ask for.
    private mutating func arrange() {
        var wanted: [String: Owner] = [:]
        withoutNode = [:]
        for scanner in scanners {
            let nodes = nodes(of: scanner)
            let taken = nodes.compactMap { wanted[$0] }.first
            if case .station(let other) = taken {
                withoutNode[scanner] = "its device is bound as \(other.address) already; unbind one of the two"
                continue
            }
            for node in nodes { wanted[node] = .station(scanner) }
        }
        if !codes.isEmpty {
            for device in monitor.devices.values where wanted[device.node] == nil {
                let isListened =
                    switch device.kind {
                    case .keyboard, .hidPOS: true
                    // To open somebody's serial port may reset what hangs there.
                    case .serial: device.isKnown
                    case .printer: false
                    }
                if isListened { wanted[device.node] = .nobody(device) }
            }
        }
        var bereft: Set<BoundScanner> = []
        for key in slots.keys.sorted() {
            guard let slot = slots[key], wanted[slot.node] != slot.owner else { continue }
            if var port = slot.port { take(port.disconnected(), from: key) }
            slots[key] = nil
            if case .station(let scanner) = slot.owner { bereft.insert(scanner) }
        }
        // Only now: a composite device loses its nodes one after the other, and is there until the last of them.
        for scanner in bereft { tell(scanner) }
        let addresses = Set(scanners.map(\.address))
        for (scanner, _) in told where !scanners.contains(scanner) {
            let wasConnected = told.removeValue(forKey: scanner) == .connected
            // One that is read otherwise from now on, as in another layout, was never away.
            if wasConnected, !addresses.contains(scanner.address) {
                onEvent(.disconnected(scanner, reason: "no longer bound to a station"))
            }
        }
        let known = Set(slots.values.map(\.node))
        for (node, owner) in wanted.sorted(by: { $0.key < $1.key }) where !known.contains(node) {
            slots[nextKey] = Slot(node: node, owner: owner)
            open(nextKey)
            nextKey += 1
        }
        for scanner in scanners { tell(scanner) }
    }

    /// The nodes at a scanner's address. A composite device has several; two devices that can't be told apart have none.
    private mutating func nodes(of scanner: BoundScanner) -> [String] {
        if case .node(let path) = scanner.address { return [path] }
        let matches = monitor.devices.values.filter { $0.kind != .printer && scanner.address.matches($0) }
        let bodies = Set(matches.map(\.body))
        guard bodies.count <= 1 else {
            let ports = Set(matches.compactMap(\.port)).sorted().joined(separator: ", ")
            withoutNode[scanner] =
                "\(bodies.count) devices have this serial number; bind each by its port (\(ports)) instead"
            return []
        }
        return matches.map(\.node)
    }

    /// Tells what became of a scanner, where it is news.
    private mutating func tell(_ scanner: BoundScanner) {
        guard scanners.contains(scanner) else { return }
        let own = slots.values.filter { $0.owner == .station(scanner) }
        let failed = own.filter { $0.port == nil }.min { $0.node < $1.node }
        // In a moment it is there, or away for a reason.
        if failed?.reason == ScannerPort.Unavailable.keyDown { return }
        let condition: Condition
        if let reason = withoutNode[scanner] {
            condition = .away(reason)
        } else if let failed {
            condition = .away(failed.reason)
        } else if own.isEmpty {
            let wasThere = told[scanner] == .connected
            condition = .away(wasThere ? ScannerPort.Unavailable.unplugged : ScannerPort.Unavailable.missing)
        } else {
            condition = .connected
        }
        let before = told.updateValue(condition, forKey: scanner)
        if condition == before { return }
        switch condition {
        case .connected:
            onEvent(.connected(scanner, name: own.compactMap(\.port?.name).min() ?? scanner.address.description))
        case .away(let reason):
            // After a loss it is no news that the node is not there.
            if reason == ScannerPort.Unavailable.missing, before == .away(ScannerPort.Unavailable.unplugged) { return }
            onEvent(.disconnected(scanner, reason: reason))
        }
    }

    // MARK: One node

    private mutating func openClosed() {
        for key in slots.keys.sorted() where slots[key]?.port == nil { open(key) }
    }

    private mutating func open(_ key: UInt64) {
        guard var slot = slots[key], slot.port == nil else { return }
        // Each time: the directory itself may be new. Where it is already watched, nothing changes.
        let changes = UInt32(IN_CREATE | IN_ATTRIB | IN_MOVED_TO)
        inotify_add_watch(directories.fd, ScannerPort.directory(of: slot.node), changes)
        let now = monotonicNow()
        do throws(ScannerPort.Unavailable) {
            let port =
                switch slot.owner {
                case .station(let scanner):
                    try ScannerPort(
                        slot.node, layouts: [scanner.layout], baud: scanner.baud, grabs: true,
                        waits: slot.keyDownAt.map { now < $0 + Self.keyTime } ?? true)
                case .nobody: try ScannerPort(slot.node, layouts: KeyboardLayout.allCases, baud: 9_600, grabs: false)
                }
            guard watch(port.file.fd, key: key) else { throw ScannerPort.Unavailable("cannot wait for it") }
            slot.port = port
            slot.reason = ""
            slot.retryDelay = Self.firstRetry
            slot.keyDownAt = nil
        } catch  where error.reason == ScannerPort.Unavailable.keyDown {
            slot.reason = error.reason
            slot.keyDownAt = slot.keyDownAt ?? now
            slot.retryAt = now + Self.keyRetry
        } catch {
            slot.reason = error.reason
            slot.retryAt = monotonicNow() + slot.retryDelay
            slot.retryDelay = min(slot.retryDelay * 2, Self.lastRetry)
        }
        slots[key] = slot
        if case .station(let scanner) = slot.owner { tell(scanner) }
    }

    private mutating func read(_ key: UInt64) {
        do throws(ScannerPort.Unavailable) {
            let frames = try slots[key]?.port?.read() ?? []
            take(frames, from: key)
        } catch {
            close(key, reason: error.reason)
        }
    }

    /// Passes frames on, or looks in them for the code that is listened for.
    private func take(_ frames: [ScannedFrame], from key: UInt64) {
        guard let owner = slots[key]?.owner else { return }
        switch owner {
        case .station(let scanner):
            for scanned in frames { onEvent(.frame(scanned.frame, scanner)) }
        case .nobody(let device):
            for scanned in frames where scanned.frame.outcome == .complete {
                // A scanner may put an AIM identifier (`]C0`) before what it read.
                let text = scanned.frame.text
                let code = text.hasPrefix("]") ? String(text.dropFirst(3)) : text
                guard codes.contains(code) else { continue }
                return onEvent(.heard(code: code, device, layout: scanned.layout))
            }
        }
    }

    private mutating func close(_ key: UInt64, reason: String) {
        guard var slot = slots[key], var port = slot.port else { return }
        let broken = port.disconnected()
        take(broken, from: key)
        slot.port = nil
        slot.playing = nil
        slot.reason = reason
        slot.retryAt = monotonicNow() + Self.firstRetry
        slots[key] = slot
        if case .station(let scanner) = slot.owner { tell(scanner) }
    }

    // MARK: Light and beeper

    private mutating func show(_ signal: Signal, at device: DeviceAddress) {
        let now = monotonicNow()
        for (key, slot) in slots {
            guard case .station(let scanner) = slot.owner, scanner.address == device, slot.port?.signals != nil else {
                continue
            }
            var steps: [(at: Int64, isOn: Bool)] = [(now, true)]
            for phase in signal.phases {
                steps.append((steps[steps.count - 1].at + phase, !steps[steps.count - 1].isOn))
            }
            slots[key]?.playing = (signal.tone, steps[...])
            play(key, now)
        }
    }

    private mutating func play(_ key: UInt64, _ now: Int64) {
        while let (tone, steps) = slots[key]?.playing, let step = steps.first, step.at <= now {
            slots[key]?.port?.signals?.set(step.isOn, tone: tone)
            slots[key]?.playing = steps.count > 1 ? (tone, steps.dropFirst()) : nil
        }
    }

    // MARK: Waiting

    @discardableResult
    private func watch(_ fd: Int32, key: UInt64) -> Bool {
        var event = epoll_event()
        event.events = UInt32(EPOLLIN.rawValue)
        event.data.u64 = key
        return epoll_ctl(epoll.fd, EPOLL_CTL_ADD, fd, &event) == 0
    }

    private func drain(_ file: Descriptor) {
        var buffer = [UInt8](repeating: 0, count: 4096)
        while Glibc.read(file.fd, &buffer, buffer.count) > 0 {}
    }
}

/// The kernel's monotonic clock in microseconds.
func monotonicNow() -> Int64 {
    var now = timespec()
    clock_gettime(CLOCK_MONOTONIC, &now)
    return Int64(now.tv_sec) * 1_000_000 + Int64(now.tv_nsec) / 1_000
}
