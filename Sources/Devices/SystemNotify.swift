internal import CLinux
internal import Glibc

/// What a service of `Type=notify` tells systemd (sd_notify(3)). Without `NOTIFY_SOCKET` every call does nothing.
public struct SystemNotify: Sendable {
    /// How often `watchdog()` is expected (`WatchdogSec=`); call it at half of that. Nil if systemd doesn't watch.
    public let watchdogInterval: Duration?
    private let path: String?

    /// Reads the process's environment.
    public init() { self.init { name in getenv(name).map { String(cString: $0) } } }

    /// Reads `NOTIFY_SOCKET`, `WATCHDOG_USEC` and `WATCHDOG_PID`.
    public init(environment: (_ name: String) -> String?) {
        // A path, or `@` for a name in the abstract namespace.
        path = environment("NOTIFY_SOCKET").flatMap { $0.hasPrefix("/") || $0.hasPrefix("@") ? $0 : nil }
        let isForUs = environment("WATCHDOG_PID").map { Int32($0) == getpid() } ?? true
        let microseconds = environment("WATCHDOG_USEC").flatMap { Int64($0) } ?? 0
        watchdogInterval = isForUs && microseconds > 0 ? .microseconds(microseconds) : nil
    }

    /// The service has started, or has finished reloading.
    public func ready() { send("READY=1") }

    /// The service reads its configuration again; `ready()` follows.
    public func reloading() {
        var now = timespec()
        clock_gettime(CLOCK_MONOTONIC, &now)
        send("RELOADING=1\nMONOTONIC_USEC=\(now.tv_sec * 1_000_000 + now.tv_nsec / 1_000)")
    }

    /// The service is on its way down.
    public func stopping() { send("STOPPING=1") }

    /// The service is alive.
    public func watchdog() { send("WATCHDOG=1") }

    /// One line on what the service is doing, as `systemctl status` shows it.
    public func status(_ text: String) {
        send("STATUS=\(String(text.map { $0.isNewline ? " " : $0 }))")
    }

    private func send(_ message: String) {
        guard let path else { return }
        var address = sockaddr_un()
        var name = Array(path.utf8)
        guard name.count < MemoryLayout.size(ofValue: address.sun_path) else { return }
        if name[0] == UInt8(ascii: "@") { name[0] = 0 }
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: name) }
        let length = socklen_t(MemoryLayout<sockaddr_un>.offset(of: \.sun_path).map { $0 + name.count } ?? 0)
        let socket = Descriptor(socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0))
        let bytes = Array(message.utf8)
        // Nobody to tell if it fails: systemd then acts on the silence.
        withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                _ = sendto(socket.fd, bytes, bytes.count, Int32(MSG_NOSIGNAL), $0, length)
            }
        }
    }
}
