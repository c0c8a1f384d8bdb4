import ControlAPI
import Glibc

/// Why the socket of the control interface could not be made, and what to do.
public struct SocketError: Error, Sendable, CustomStringConvertible {
    /// What happened and what to do.
    public let description: String
}

/// The listening socket of the control interface, to which everybody on the machine may connect.
struct PublicSocket: Sendable {
    /// Connections that may wait to be taken.
    private static let backlog: Int32 = 1_024

    /// The listening socket; whoever takes connections from it closes it.
    let descriptor: Int32
    /// Where it was made; nil for one that systemd made and keeps.
    private let path: String?

    /// The socket that systemd made for the daemon (sd_listen_fds(3)), if there is one.
    /// - Throws: `SocketError` where it is something else.
    static func inherited() throws -> PublicSocket? {
        func number(_ name: String) -> Int32? { getenv(name).flatMap { Int32(String(cString: $0)) } }
        defer { for name in ["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"] { unsetenv(name) } }
        guard number("LISTEN_PID") == getpid(), let count = number("LISTEN_FDS"), count > 0 else { return nil }
        // The first descriptor that systemd passes.
        let descriptor: Int32 = 3
        var address = sockaddr()
        var length = socklen_t(MemoryLayout<sockaddr>.size)
        var isListening: Int32 = 0
        var size = socklen_t(MemoryLayout<Int32>.size)
        let isUnix = getsockname(descriptor, &address, &length) == 0 && address.sa_family == sa_family_t(AF_UNIX)
        guard count == 1, isUnix, getsockopt(descriptor, SOL_SOCKET, SO_ACCEPTCONN, &isListening, &size) == 0,
            isListening != 0
        else {
            throw SocketError(
                description:
                    "cannot use the socket from systemd: expected one listening Unix stream socket; see travelerd.socket"
            )
        }
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        return PublicSocket(descriptor: descriptor, path: nil)
    }

    private init(descriptor: Int32, path: String?) { (self.descriptor, self.path) = (descriptor, path) }

    /// Makes a socket at a path.
    ///
    /// It is bound under another name beside its own, given its mode, and only then moved: whoever finds it under its own
    /// name finds it as it is to be, and a stale one is replaced in one step.
    init(_ path: String) throws {
        guard path.utf8.count <= ControlSocket.pathLimit, let last = path.last, last != "/" else {
            throw SocketError(
                description:
                    "cannot make a socket at \(path): a path of 1 to \(ControlSocket.pathLimit) bytes is needed")
        }
        // No longer than the path itself, which may be as long as allowed.
        let hidden = String(path.dropLast()) + (last == "~" ? "-" : "~")
        unlink(hidden)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: hidden.utf8) }
        let size = socklen_t(MemoryLayout<sockaddr_un>.size)
        descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue), 0)
        let descriptor = descriptor
        let isBound = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, size) == 0 }
        }
        guard isBound, chmod(hidden, 0o666) == 0, Glibc.listen(descriptor, Self.backlog) == 0, rename(hidden, path) == 0
        else {
            let reason = String(cString: strerror(errno))
            if isBound { unlink(hidden) }
            close(descriptor)
            throw SocketError(description: "cannot make the socket \(path): \(reason)")
        }
        self.path = path
    }

    /// Lets as many wait as they may: NIO, given a socket, allows for fewer.
    func listen() throws {
        guard Glibc.listen(descriptor, Self.backlog) == 0 else {
            throw SocketError(description: "cannot listen at the socket: \(String(cString: strerror(errno)))")
        }
    }

    /// Takes the name away, so that nobody calls any more.
    func remove() {
        if let path { unlink(path) }
    }
}
