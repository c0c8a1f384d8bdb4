import Dispatch
import Glibc
import Testing

/// A client of a Unix socket that speaks HTTP byte by byte. Its blocking calls have a thread of their own.
final class Client: Sendable {
    private let descriptor: Int32
    private let queue = DispatchQueue(label: "tests.client")

    struct Failure: Error { var what: String }

    struct Answer {
        var status: Int
        var head: String
        var body: [UInt8]
        var text: String { String(decoding: body, as: UTF8.self) }
    }

    init(_ path: String) throws {
        descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let size = socklen_t(MemoryLayout<sockaddr_un>.size)
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(descriptor, $0, size) }
        }
        guard result == 0 else { throw Failure(what: "cannot connect to \(path): \(errno)") }
    }

    deinit { Glibc.close(descriptor) }

    func close() { shutdown(descriptor, Int32(SHUT_RDWR)) }
    func finishSending() { shutdown(descriptor, Int32(SHUT_WR)) }

    func send(_ text: String) throws { try send(Array(text.utf8)) }

    func send(_ bytes: [UInt8]) throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            guard count > 0 else { throw Failure(what: "cannot send: \(errno)") }
            rest = rest.dropFirst(count)
        }
    }

    /// Sends a request and reads its answer.
    func ask(
        _ method: String, _ target: String, body: [UInt8] = [], headers: [String] = [], isChunked: Bool = false
    ) async throws -> Answer {
        var head = "\(method) \(target) HTTP/1.1\r\nHost: localhost\r\n"
        for header in headers { head += header + "\r\n" }
        head += isChunked ? "Transfer-Encoding: chunked\r\n\r\n" : "Content-Length: \(body.count)\r\n\r\n"
        var bytes = Array(head.utf8)
        if isChunked {
            bytes += Array("\(String(body.count, radix: 16))\r\n".utf8) + body + Array("\r\n0\r\n\r\n".utf8)
        } else {
            bytes += body
        }
        // The server may answer before it has read everything.
        let sending = Task { [bytes] in
            try await blocking(on: DispatchQueue(label: "tests.client.send")) { try self.send(bytes) }
        }
        let answer = try await answer()
        try await sending.value
        return answer
    }

    /// Reads one answer; its body by its length, or by its chunks.
    ///
    /// - Parameter hasBody: whether a body follows, as it does not after `HEAD`.
    func answer(hasBody: Bool = true) async throws -> Answer {
        let head = try await read(until: "\r\n\r\n")
        let fields = head.lowercased()
        let status = Int(head.dropFirst(9).prefix(3)) ?? 0
        var content: [UInt8] = []
        if hasBody, fields.contains("\r\ntransfer-encoding: chunked\r\n") {
            while true {
                let size = Int(try await read(until: "\r\n").dropLast(2), radix: 16) ?? 0
                content += try await read(count: size)
                _ = try await read(count: 2)
                if size == 0 { break }
            }
        } else if hasBody {
            let length = fields.split(separator: "content-length: ").dropFirst().first?.prefix { $0.isNumber }
            content = try await read(count: length.flatMap { Int($0) } ?? 0)
        }
        return Answer(status: status, head: head, body: content)
    }

    private func read(count: Int) async throws -> [UInt8] {
        try await blocking(on: queue) { try (0..<count).map { _ in try self.byte() } }
    }

    /// Reads up to and with a text.
    func read(until end: String) async throws -> String {
        let end = Array(end.utf8)
        return try await blocking(on: queue) {
            var bytes: [UInt8] = []
            while !bytes.suffix(end.count).elementsEqual(end) { bytes.append(try self.byte()) }
            return String(decoding: bytes, as: UTF8.self)
        }
    }

    func readToEnd() async throws -> String { String(decoding: try await readBytesToEnd(), as: UTF8.self) }

    /// Waits until the other end has closed the connection, without reading; returns false where it has not for long.
    func waitForHangUp() async throws -> Bool {
        try await blocking(on: queue) {
            // POLLRDHUP
            var event = pollfd(fd: self.descriptor, events: 0x2000, revents: 0)
            return poll(&event, 1, 30_000) == 1
        }
    }

    /// Reads until the other end closes.
    func readBytesToEnd() async throws -> [UInt8] {
        try await blocking(on: queue) {
            var bytes: [UInt8] = []
            var buffer = [UInt8](repeating: 0, count: 65_536)
            while true {
                let count = recv(self.descriptor, &buffer, buffer.count, 0)
                guard count > 0 else { return bytes }
                bytes += buffer[..<count]
            }
        }
    }

    private func byte() throws -> UInt8 {
        var byte: UInt8 = 0
        guard recv(descriptor, &byte, 1, 0) == 1 else { throw Failure(what: "the connection ended") }
        return byte
    }

    private func blocking<Result: Sendable>(
        on queue: DispatchQueue, _ body: @escaping @Sendable () throws -> Result
    ) async throws -> Result {
        try await withCheckedThrowingContinuation { continuation in
            queue.async { continuation.resume(with: Swift.Result { try body() }) }
        }
    }
}
