import Foundation
import Glibc
import Synchronization
import Testing

/// A socket that answers each request as a test says: what the real daemon does only with very many rows.
final class FakeDaemon: Sendable {
    struct Asked: Sendable {
        var method: String
        /// The path with its slashes, without the query.
        var path: String
        var query: [String: String]
        var body: String
    }

    struct Answer: Sendable {
        var status = 200
        var body: String
    }

    let socket: String
    private let listener: Int32
    private let log = Mutex<[Asked]>([])

    /// What was asked so far.
    var asked: [Asked] { log.withLock { $0 } }

    init(_ answer: @escaping @Sendable (Asked) -> Answer) throws {
        socket = "/tmp/traveler-fake-\(UInt32.random(in: 0...UInt32.max)).sock"
        let listener = Glibc.socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        self.listener = listener
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: socket.utf8) }
        let size = socklen_t(MemoryLayout<sockaddr_un>.size)
        let isBound = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(listener, $0, size) == 0 }
        }
        guard isBound, listen(listener, 128) == 0 else { throw POSIXError(.EADDRINUSE) }
        Thread { [self] in
            while case let connection = accept(listener, nil, nil), connection >= 0 {
                serve(connection, answer)
                close(connection)
            }
        }.start()
    }

    /// Ends it; its thread keeps it alive until then.
    func stop() {
        shutdown(listener, Int32(SHUT_RDWR))
        close(listener)
        unlink(socket)
    }

    private func serve(_ connection: Int32, _ answer: (Asked) -> Answer) {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        var head: String?
        while head == nil {
            let count = read(connection, &chunk, chunk.count)
            guard count > 0 else { return }
            bytes += chunk[..<count]
            let text = String(decoding: bytes, as: UTF8.self)
            head = text.range(of: "\r\n\r\n").map { String(text[..<$0.lowerBound]) }
        }
        guard let head else { return }
        let length =
            head.split(separator: "\r\n").first { $0.lowercased().hasPrefix("content-length:") }
            .flatMap { Int($0.drop { $0 != ":" }.dropFirst().trimmingCharacters(in: .whitespaces)) } ?? 0
        while bytes.count < head.utf8.count + 4 + length {
            let count = read(connection, &chunk, chunk.count)
            guard count > 0 else { return }
            bytes += chunk[..<count]
        }
        let words = head.prefix { $0 != "\r\n" }.split(separator: " ").map(String.init)
        let target = words[1].split(separator: "?", maxSplits: 1).map(String.init)
        var query: [String: String] = [:]
        for pair in (target.count > 1 ? target[1] : "").split(separator: "&") {
            let parts = pair.split(separator: "=", maxSplits: 1).map { String($0).removingPercentEncoding ?? "" }
            query[parts[0]] = parts.count > 1 ? parts[1] : ""
        }
        let request = Asked(
            method: words[0], path: target[0], query: query,
            body: String(decoding: bytes.dropFirst(head.utf8.count + 4), as: UTF8.self))
        log.withLock { $0.append(request) }
        let reply = answer(request)
        let type = reply.status < 400 ? "application/json" : "application/problem+json"
        let size = reply.body.utf8.count
        let response =
            "HTTP/1.1 \(reply.status) X\r\nContent-Type: \(type)\r\nContent-Length: \(size)\r\n\r\n\(reply.body)"
        var rest = Array(response.utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { write(connection, $0.baseAddress, $0.count) }
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }
}

/// The commands of the real `travelerctl`, as it describes them itself.
struct CommandTree: Decodable, Sendable {
    struct Command: Decodable, Sendable {
        var commandName: String
        var subcommands: [Command]?
        var arguments: [Argument]?
    }

    struct Argument: Decodable, Sendable {
        struct Name: Decodable, Sendable {
            var kind: String
            var name: String
        }

        var kind: String
        var isOptional: Bool
        var names: [Name]?
        var valueName: String?
        var allValues: [String]?
    }

    /// A command with its words, such as `unit list`.
    struct Verb: Sendable {
        var words: [String]
        var arguments: [Argument]

        var options: Set<String> {
            Set(arguments.flatMap { $0.names ?? [] }.filter { $0.kind == "long" }.map(\.name))
        }
        var positionals: [Argument] { arguments.filter { $0.kind == "positional" } }
        /// Whether it is a list or a report.
        var isList: Bool { options.isSuperset(of: ["all", "limit", "csv", "json"]) }
        /// The words with something for each argument that must be given.
        var line: [String] { words + positionals.filter { !$0.isOptional }.map { _ in "1" } }
    }

    var command: Command

    static let verbs: [Verb] = {
        let output = Daemon.run(Daemon.programs + "/travelerctl", ["--experimental-dump-help"])
        guard let tree = try? JSONDecoder().decode(CommandTree.self, from: Data(output.out.utf8)) else { return [] }
        func verbs(_ command: Command, _ words: [String]) -> [Verb] {
            let parts = (command.subcommands ?? []).filter { $0.commandName != "help" }
            guard parts.isEmpty else { return parts.flatMap { verbs($0, words + [$0.commandName]) } }
            return [Verb(words: words, arguments: command.arguments ?? [])]
        }
        return verbs(tree.command, [])
    }()
}

extension CommandTree.Verb: CustomTestStringConvertible {
    var testDescription: String { words.joined(separator: " ") }
}
