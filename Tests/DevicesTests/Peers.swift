import Glibc
import Synchronization

/// A thread of a test's own, whose answer can be waited for.
final class Answer<Value: Sendable>: Sendable {
    private let value = Mutex<Value?>(nil)
    private let thread = Mutex(pthread_t())

    init(_ body: @escaping @Sendable () -> Value) {
        let work = ThreadBody { [self] in
            let answer = body()
            value.withLock { $0 = answer }
        }
        thread.withLock {
            _ = pthread_create(
                &$0, nil,
                { argument in
                    if let argument { Unmanaged<ThreadBody>.fromOpaque(argument).takeRetainedValue().run() }
                    return nil
                }, Unmanaged.passRetained(work).toOpaque())
        }
    }

    /// To be called once.
    func wait() -> Value? {
        pthread_join(thread.withLock { $0 }, nil)
        return value.withLock { $0 }
    }
}

private final class ThreadBody: Sendable {
    let run: @Sendable () -> Void
    init(_ run: @escaping @Sendable () -> Void) { self.run = run }
}

/// The raw port of a network printer, on this machine.
final class TCPPrinter: Sendable {
    let port: UInt16
    private let fd: Int32

    /// - Parameter room: how many bytes it takes unread; nil for as many as the system likes.
    init?(room: Int32? = nil) {
        fd = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        if var room { setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, socklen_t(MemoryLayout<Int32>.size)) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let fd = fd
        let isListening = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(fd, $0, length) == 0 && listen(fd, 4) == 0 && getsockname(fd, $0, &length) == 0
            }
        }
        port = UInt16(bigEndian: address.sin_port)
        guard isListening else { return nil }
    }

    deinit { close(fd) }

    /// Takes a connection and reads until its end.
    func receiveOne() -> Answer<[UInt8]> {
        Answer { [fd] in
            let peer = accept(fd, nil, nil)
            defer { close(peer) }
            var received: [UInt8] = []
            var buffer = [UInt8](repeating: 0, count: 1 << 16)
            while case let count = read(peer, &buffer, buffer.count), count > 0 { received += buffer.prefix(count) }
            return received
        }
    }

    /// Takes a connection, reads until its end, and then talks until nobody listens.
    func talkToOne() -> Answer<Void> {
        Answer { [fd] in
            let peer = accept(fd, nil, nil)
            defer { close(peer) }
            var buffer = [UInt8](repeating: 0, count: 1 << 16)
            while read(peer, &buffer, buffer.count) > 0 {}
            while send(peer, buffer, 16, Int32(MSG_NOSIGNAL)) > 0 { usleep(10_000) }
        }
    }

    /// Takes a connection, reads nothing, and leaves when the condition holds.
    func leaveOne(when condition: @escaping @Sendable () -> Bool) -> Answer<Void> {
        Answer { [fd] in
            let peer = accept(fd, nil, nil)
            while !condition() { usleep(1_000) }
            // What is unread makes a reset of it.
            close(peer)
        }
    }

    /// Takes a connection, reads a little and leaves.
    func hangUpOnOne() -> Answer<Void> {
        Answer { [fd] in
            let peer = accept(fd, nil, nil)
            var byte: UInt8 = 0
            _ = read(peer, &byte, 1)
            close(peer)
        }
    }
}

/// A datagram socket as systemd's `NOTIFY_SOCKET`.
final class NotifySocket {
    private let fd: Int32

    /// A path, or `@` and a name in the abstract namespace.
    init?(_ name: String) {
        fd = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        var bytes = Array(name.utf8)
        if bytes[0] == UInt8(ascii: "@") { bytes[0] = 0 }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        let length = socklen_t(MemoryLayout.offset(of: \sockaddr_un.sun_path) ?? 0) + socklen_t(bytes.count)
        let fd = fd
        let isBound = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(fd, $0, length) == 0 }
        }
        guard isBound else { return nil }
    }

    deinit { close(fd) }

    /// The next message that has arrived.
    func next() -> String? {
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = recv(fd, &buffer, buffer.count, 0)
        return count < 0 ? nil : String(decoding: buffer.prefix(count), as: UTF8.self)
    }
}

/// A disk of a few kilobytes.
struct SmallDisk {
    static var isPossible: Bool {
        let scratch = Scratch()
        guard let disk = SmallDisk(at: scratch.path, bytes: 4096) else { return false }
        disk.unmount()
        return true
    }

    private let path: String

    init?(at path: String, bytes: Int) {
        guard mount("tmpfs", path, "tmpfs", 0, "size=\(bytes)") == 0 else { return nil }
        self.path = path
    }

    func unmount() { umount2(path, Int32(MNT_DETACH)) }
}
