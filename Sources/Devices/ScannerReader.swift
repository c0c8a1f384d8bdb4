internal import CLinux
internal import Glibc
internal import Synchronization

/// What the loop's thread does. All of it is that thread's alone.
struct ScannerReader {
    /// Waits between attempts to open a node, in microseconds.
    private static let firstRetry: Int64 = 1_000_000
    private static let lastRetry: Int64 = 5_000_000

    private struct Slot {
        let node: ScannerNode
        /// Nil while the node can't be had.
        var port: ScannerPort?
        var reason = ""
        var retryAt: Int64 = 0
        var retryDelay = ScannerReader.firstRetry
    }

    /// Below `firstSlot` are the loop's own descriptors.
    private static let wakeKey: UInt64 = 0
    private static let directoryKey: UInt64 = 1
    private static let firstSlot: UInt64 = 2

    private let epoll: Descriptor
    private let mailbox: ScannerLoop.Mailbox
    private let onEvent: @Sendable (ScannerEvent) -> Void
    /// Tells when something appears in a node's directory.
    private let directories = Descriptor(inotify_init1(Int32(IN_CLOEXEC) | Int32(IN_NONBLOCK)))
    private var slots: [UInt64: Slot] = [:]
    private var nextKey = Self.firstSlot

    init(epoll: Descriptor, mailbox: ScannerLoop.Mailbox, onEvent: @escaping @Sendable (ScannerEvent) -> Void) {
        self.epoll = epoll
        self.mailbox = mailbox
        self.onEvent = onEvent
        watch(mailbox.wake, key: Self.wakeKey)
        watch(directories, key: Self.directoryKey)
    }

    mutating func run() {
        var ready = [epoll_event](repeating: epoll_event(), count: 64)
        while true {
            let count = epoll_wait(epoll.fd, &ready, Int32(ready.count), timeout())
            for event in ready.prefix(Int(max(0, count))) {
                switch event.data.u64 {
                case Self.wakeKey:
                    var value: eventfd_t = 0
                    eventfd_read(mailbox.wake.fd, &value)
                    let requests = mailbox.requests.withLock { requests in
                        defer { requests.nodes = nil }
                        return requests
                    }
                    if requests.stops { return }
                    if let nodes = requests.nodes { bind(nodes) }
                case Self.directoryKey:
                    drain(directories)
                    let closed = slots.filter { $0.value.port == nil }
                    for key in closed.keys.sorted() { open(key) }
                case let key: read(key)
                }
            }
            let now = monotonicNow()
            for key in slots.keys.sorted() {
                guard let slot = slots[key] else { continue }
                if slot.port == nil, slot.retryAt <= now { open(key) }
                if let deadline = slot.port?.deadline, deadline <= now {
                    // What has arrived meanwhile is no pause: read before the time is looked at.
                    read(key)
                    if let frame = slots[key]?.port?.elapsed(to: now) { onEvent(.frame(frame, slot.node)) }
                }
            }
        }
    }

    /// Milliseconds until something is due, rounded up; -1 if nothing is.
    private func timeout() -> Int32 {
        let due = slots.values.compactMap { $0.port == nil ? $0.retryAt : $0.port?.deadline }.min()
        guard let due else { return -1 }
        return Int32(clamping: (max(0, due - monotonicNow()) + 999) / 1_000)
    }

    private mutating func bind(_ nodes: [ScannerNode]) {
        for (key, slot) in slots.sorted(by: { $0.key < $1.key }) where !nodes.contains(slot.node) {
            close(key, reason: "no longer bound to a station")
            slots[key] = nil
        }
        for node in nodes where !slots.values.contains(where: { $0.node == node }) {
            slots[nextKey] = Slot(node: node)
            open(nextKey)
            nextKey += 1
        }
    }

    private mutating func open(_ key: UInt64) {
        guard var slot = slots[key], slot.port == nil else { return }
        // Each time: the directory itself may be new. Where it is already watched, nothing changes.
        let changes = UInt32(IN_CREATE | IN_ATTRIB | IN_MOVED_TO)
        inotify_add_watch(directories.fd, ScannerPort.directory(of: slot.node.path), changes)
        do throws(ScannerPort.Unavailable) {
            let port = try ScannerPort(slot.node)
            guard watch(port.file, key: key) else { throw ScannerPort.Unavailable("cannot wait for it") }
            slot.port = port
            slot.reason = ""
            slot.retryDelay = Self.firstRetry
            slots[key] = slot
            onEvent(.connected(slot.node, name: port.name))
        } catch {
            let isNews = error.reason != slot.reason
            slot.reason = error.reason
            slot.retryAt = monotonicNow() + slot.retryDelay
            slot.retryDelay = min(slot.retryDelay * 2, Self.lastRetry)
            slots[key] = slot
            if isNews { onEvent(.disconnected(slot.node, reason: error.reason)) }
        }
    }

    private mutating func read(_ key: UInt64) {
        guard let node = slots[key]?.node else { return }
        do throws(ScannerPort.Unavailable) {
            let frames = try slots[key]?.port?.read() ?? []
            for frame in frames { onEvent(.frame(frame, node)) }
        } catch {
            close(key, reason: error.reason)
        }
    }

    private mutating func close(_ key: UInt64, reason: String) {
        guard var slot = slots[key], var port = slot.port else { return }
        let broken = port.disconnected()
        slot.port = nil
        // After this loss it is no news that the node is not there.
        slot.reason = ScannerPort.Unavailable.missing
        slot.retryAt = monotonicNow() + Self.firstRetry
        slots[key] = slot
        if let broken { onEvent(.frame(broken, slot.node)) }
        onEvent(.disconnected(slot.node, reason: reason))
    }

    @discardableResult
    private func watch(_ file: Descriptor, key: UInt64) -> Bool {
        var event = epoll_event()
        event.events = UInt32(EPOLLIN.rawValue)
        event.data.u64 = key
        return epoll_ctl(epoll.fd, EPOLL_CTL_ADD, file.fd, &event) == 0
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
