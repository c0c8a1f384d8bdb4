import Foundation
import Glibc

/// A connection to the control socket that sends exactly the bytes it is given.
final class RawSocket {
    private let descriptor: Int32
    private var pending: [UInt8] = []

    struct Broken: Error {}

    init(_ path: String) throws {
        descriptor = Glibc.socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        var limit = timeval(tv_sec: 20, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        let connected = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard connected == 0 else {
            close(descriptor)
            throw Broken()
        }
    }

    deinit { close(descriptor) }

    func send(_ text: String) throws {
        var bytes = Array(text.utf8)
        while !bytes.isEmpty {
            let count = Glibc.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL))
            guard count > 0 else { throw Broken() }
            bytes.removeFirst(count)
        }
    }

    /// Reads until the text is there; answers everything up to its end.
    func read(until text: String) throws -> String {
        let pattern = Array(text.utf8)
        while true {
            if let end = pending.firstRange(of: pattern)?.upperBound {
                defer { pending.removeFirst(end) }
                return String(decoding: pending[..<end], as: UTF8.self)
            }
            try fill()
        }
    }

    private func fill() throws {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        let count = recv(descriptor, &buffer, buffer.count, 0)
        guard count > 0 else { throw Broken() }
        pending += buffer[..<count]
    }

    /// One request and its answer: status and body.
    func request(_ method: String, _ path: String, body: String = "", headers: [String] = []) throws -> (Int, String) {
        let head = (["\(method) \(path) HTTP/1.1", "Host: localhost", "Content-Length: \(body.utf8.count)"] + headers)
        try send(head.joined(separator: "\r\n") + "\r\n\r\n" + body)
        return try answer()
    }

    func answer() throws -> (Int, String) {
        let head = try read(until: "\r\n\r\n")
        let status = Int(head.split(separator: " ").dropFirst().first ?? "") ?? 0
        let lengthLine = head.lowercased().split(separator: "\r\n").first { $0.hasPrefix("content-length:") }
        let length = lengthLine.flatMap { Int($0.dropFirst(15).trimmingCharacters(in: .whitespaces)) } ?? 0
        while pending.count < length { try fill() }
        defer { pending.removeFirst(length) }
        return (status, String(decoding: pending[..<length], as: UTF8.self))
    }
}
