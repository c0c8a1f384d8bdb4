internal import CLinux
internal import Glibc
internal import Labels

/// The raw port of a network printer: connect, write the label, close. Printers answer nothing there.
enum NetworkPrinter {
    private typealias Failure = Printer.Failure

    /// How often the printer is looked at that has not taken all yet, in milliseconds.
    private static let tick: Int32 = 20

    /// - Parameter patience: how long the printer may take nothing, in milliseconds.
    static func send(
        _ label: [UInt8], on socket: Descriptor, patience: Int32 = Printer.writeTimeout
    ) throws(Printer.Failure) {
        var written = 0
        while written < label.count {
            let count = label[written...].withUnsafeBytes {
                Glibc.send(socket.fd, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            if count >= 0 {
                written += count
            } else if errno == EAGAIN {
                guard wait(socket, for: POLLOUT, patience) else {
                    throw stalled(label, written - Int(linux_unacknowledged(socket.fd)))
                }
            } else if errno != EINTR {
                throw broken(errno)
            }
        }
        shutdown(socket.fd, Int32(SHUT_WR))
        try confirm(label, on: socket, patience)
        // Some printers drop what they haven't read when the peer is gone: leave after they have closed, or talk on.
        let end = ContinuousClock.now + .milliseconds(Printer.closeTimeout)
        var answer = [UInt8](repeating: 0, count: 1024)
        while .now < end, wait(socket, for: POLLIN, Printer.closeTimeout), recv(socket.fd, &answer, answer.count, 0) > 0
        {}
    }

    /// What was sent may still be here: waits until the printer's side has taken all of it. What becomes of it there,
    /// such as when the printer breaks the connection after the last byte, nobody can tell.
    private static func confirm(_ label: [UInt8], on socket: Descriptor, _ patience: Int32) throws(Printer.Failure) {
        var before = Int32.max
        var movedAt = ContinuousClock.now
        while case let left = linux_unacknowledged(socket.fd), left > 1 {
            if left < before { (before, movedAt) = (left, .now) }
            guard movedAt.duration(to: .now) < .milliseconds(patience) else {
                throw stalled(label, label.count + 1 - Int(left))
            }
            if case let code = breakage(of: socket), code != 0 { throw broken(code) }
            usleep(UInt32(tick) * 1_000)
        }
    }

    private static func stalled(_ label: [UInt8], _ taken: Int) -> Printer.Failure {
        Failure(.offline, "the printer took \(taken) of \(label.count) bytes and no more", mayBePrinted: true)
    }

    private static func broken(_ code: Int32) -> Printer.Failure {
        Failure(.offline, "the connection broke: \(String(cString: strerror(code)))", mayBePrinted: true)
    }

    static func connect(host: String, port: UInt16) throws(Printer.Failure) -> Descriptor {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        let error = getaddrinfo(host, String(port), &hints, &list)
        guard error == 0 else {
            // Names of printers that are off may not exist meanwhile (mDNS, DHCP).
            throw Failure(.offline, "no address for \(host): \(String(cString: gai_strerror(error)))")
        }
        defer { freeaddrinfo(list) }
        var last = ETIMEDOUT
        for address in sequence(first: list, next: { $0?.pointee.ai_next }).compactMap(\.?.pointee) {
            let kind = address.ai_socktype | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
            let socket = Descriptor(Glibc.socket(address.ai_family, kind, address.ai_protocol))
            guard socket.fd >= 0 else {
                last = errno
                continue
            }
            if Glibc.connect(socket.fd, address.ai_addr, address.ai_addrlen) == 0 { return socket }
            last = errno
            guard last == EINPROGRESS else { continue }
            last = ETIMEDOUT
            guard wait(socket, for: POLLOUT, Printer.connectTimeout) else { continue }
            last = breakage(of: socket)
            if last == 0 { return socket }
        }
        let cause = last == EACCES || last == EPERM ? PrinterCondition.notPermitted : .offline
        throw Failure(cause, last == ETIMEDOUT ? "no answer" : String(cString: strerror(last)))
    }

    /// What broke the connection; 0 while nothing has.
    private static func breakage(of socket: Descriptor) -> Int32 {
        var code: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        getsockopt(socket.fd, SOL_SOCKET, SO_ERROR, &code, &length)
        return code
    }

    private static func wait(_ socket: Descriptor, for event: Int32, _ milliseconds: Int32) -> Bool {
        var entry = pollfd(fd: socket.fd, events: Int16(event), revents: 0)
        var count: Int32
        repeat { count = poll(&entry, 1, milliseconds) } while count < 0 && errno == EINTR
        return count > 0
    }
}
