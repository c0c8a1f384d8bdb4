internal import Glibc
internal import Labels

/// The raw port of a network printer: connect, write the label, close. Printers answer nothing there.
enum NetworkPrinter {
    private typealias Failure = Printer.Failure

    static func send(_ label: [UInt8], on socket: Descriptor) throws(Printer.Failure) {
        var written = 0
        while written < label.count {
            let count = label[written...].withUnsafeBytes {
                Glibc.send(socket.fd, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            if count >= 0 {
                written += count
            } else if errno == EAGAIN {
                guard wait(socket, for: POLLOUT, Printer.writeTimeout) else {
                    throw Failure(
                        .offline, "the printer took \(written) of \(label.count) bytes and no more", mayBePrinted: true)
                }
            } else if errno != EINTR {
                throw Failure(
                    .offline, "the connection broke: \(String(cString: strerror(errno)))", mayBePrinted: true)
            }
        }
        // Some printers drop what they haven't read when the peer is gone: leave after they have closed.
        shutdown(socket.fd, Int32(SHUT_WR))
        var answer = [UInt8](repeating: 0, count: 1024)
        while wait(socket, for: POLLIN, Printer.closeTimeout), recv(socket.fd, &answer, answer.count, 0) > 0 {}
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
            var length = socklen_t(MemoryLayout<Int32>.size)
            getsockopt(socket.fd, SOL_SOCKET, SO_ERROR, &last, &length)
            if last == 0 { return socket }
        }
        let cause = last == EACCES || last == EPERM ? PrinterCondition.notPermitted : .offline
        throw Failure(cause, last == ETIMEDOUT ? "no answer" : String(cString: strerror(last)))
    }

    private static func wait(_ socket: Descriptor, for event: Int32, _ milliseconds: Int32) -> Bool {
        var entry = pollfd(fd: socket.fd, events: Int16(event), revents: 0)
        var count: Int32
        repeat { count = poll(&entry, 1, milliseconds) } while count < 0 && errno == EINTR
        return count > 0
    }
}
