import ControlAPI
import Glibc
import NIOCore
import NIOPosix
import Synchronization
import Testing

@testable import travelerctl

/// The way to the daemon, against a socket that answers as each test says.
@Suite(.timeLimit(.minutes(1))) struct ConnectionTests {
    /// Answers the n-th connection with the n-th text, and closes it. Keeps what was asked.
    private final class Scripted: Sendable {
        /// What is still to be answered, and what was asked.
        private final class Script: Sendable {
            let answers: Mutex<[String]>
            let asked = Mutex<[String]>([])

            init(_ answers: [String]) { self.answers = Mutex(answers) }
        }

        let path: String
        private let script: Script
        private let channel: any Channel

        init(_ answers: [String]) async throws {
            let path = "/tmp/travelerctl-\(getpid())-\(Request.newKey().prefix(8)).sock"
            self.path = path
            let script = Script(answers)
            self.script = script
            channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .childChannelInitializer { child in
                    child.eventLoop.makeCompletedFuture {
                        try child.pipeline.syncOperations.addHandler(
                            Answering { text in
                                script.asked.withLock { $0.append(text) }
                                return script.answers.withLock { $0.isEmpty ? "" : $0.removeFirst() }
                            })
                    }
                }
                .bind(unixDomainSocketPath: path).get()
        }

        var requests: [String] { script.asked.withLock { $0 } }

        func close() async throws {
            try await channel.close()
            unlink(path)
        }
    }

    private final class Answering: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        private let answer: (String) -> String
        private var text = ""

        init(_ answer: @escaping @Sendable (String) -> String) { self.answer = answer }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            text += String(buffer: unwrapInboundIn(data))
            // Each body here ends its text; a request without one ends with the empty line.
            guard text.hasSuffix("\r\n\r\n") || text.hasSuffix("}") else { return }
            let context = NIOLoopBound(context, eventLoop: context.eventLoop)
            context.value.writeAndFlush(NIOAny(ByteBuffer(string: answer(text)))).whenComplete { _ in
                context.value.close(promise: nil)
            }
        }
    }

    private func with<Result>(
        _ answers: String..., body: (Connection, Scripted) async throws -> Result
    ) async throws -> Result {
        let server = try await Scripted(answers)
        do {
            let result = try await body(Connection(socket: server.path), server)
            try await server.close()
            return result
        } catch {
            try await server.close()
            throw error
        }
    }

    private func answer(_ status: String, _ body: String) -> String {
        "HTTP/1.1 \(status)\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
    }

    private let change = Request.post("units", "A", "hold", body: ["note": "n"])

    @Test func aChangeIsSentWholeWithItsKey() async throws {
        try await with(answer("200 OK", #"{"serial":"A"}"#)) { connection, server in
            let unit = try await connection.call(change)
            #expect(unit == ["serial": "A"])
            let request = try #require(server.requests.first)
            #expect(request.hasPrefix("POST /v1/units/A/hold HTTP/1.1\r\n"))
            #expect(request.hasSuffix("\r\n\r\n{\"note\":\"n\"}"))
            #expect(key(request)?.count == 32)
            #expect(server.requests.count == 1)
        }
    }

    @Test func aQuestionHasNoKey() async throws {
        try await with(answer("200 OK", "{}")) { connection, server in
            _ = try await connection.call(.get("status"))
            let request = try #require(server.requests.first)
            #expect(key(request) == nil)
        }
    }

    @Test func aBrokenConnectionIsTriedOnceMoreUnderTheSameKey() async throws {
        try await with("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{", answer("200 OK", "{}")) {
            connection, server in
            let unit = try await connection.call(change)
            #expect(unit == [:])
            #expect(server.requests.count == 2)
            #expect(key(server.requests[0]) == key(server.requests[1]))
            #expect(key(server.requests[0]) != nil)
        }
    }

    @Test func onlyOnceMore() async throws {
        try await with("", "", answer("200 OK", "{}")) { connection, server in
            let failure = await #expect(throws: Failure.self) { try await connection.call(change) }
            #expect(failure?.exit == .tryAgain)
            #expect(failure?.message.contains("Look whether the change was made") == true)
            #expect(server.requests.count == 2)
        }
    }

    @Test func aProblemIsThrownWithItsWords() async throws {
        let problem = Problem(.refused, "A is on hold. Release it first.", reason: "on_hold")
        try await with(answer("409 Conflict", problem.json.json)) { connection, server in
            let failure = await #expect(throws: Failure.self) { try await connection.call(change) }
            #expect(failure == Failure(problem))
            #expect(failure?.exit == .refused)
            #expect(server.requests.count == 1)
        }
    }

    @Test func aDownloadThatEndsTooEarlyFails() async throws {
        try await with("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n") { connection, _ in
            var bytes: [UInt8] = []
            let failure = await #expect(throws: Failure.self) {
                try await connection.download(.get("backup")) { bytes += $0 }
            }
            #expect(failure?.exit == .tryAgain)
            #expect(bytes == Array("abc".utf8))
        }
    }

    @Test func eventsAreHeardAndTheStreamResumes() async throws {
        let stream =
            "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
            + "f\r\nid: 7\ndata: x\n\n\r\n0\r\n\r\n"
        try await with(stream) { connection, server in
            var events: [StreamedEvent] = []
            try await connection.events(.get("events"), after: "6", opened: {}) { events.append($0) }
            #expect(events == [StreamedEvent(id: "7", name: "", data: "x")])
            #expect(server.requests.first?.contains("Last-Event-ID: 6\r\n") == true)
        }
    }

    @Test func aDaemonThatIsNotThereIsUnreachable() async throws {
        let failure = await #expect(throws: Failure.self) {
            try await Connection(socket: "/tmp/travelerctl-none.sock").call(.get("status"))
        }
        #expect(failure?.exit == .unreachable)
        #expect(failure?.message.contains("systemctl status travelerd") == true)
    }

    @Test func aPathThatIsTooLongIsWrongUsage() async throws {
        let path = "/" + String(repeating: "x", count: 103)
        let failure = await #expect(throws: Failure.self) { try await Connection(socket: path).call(.get("status")) }
        #expect(failure?.exit == .usage)
    }

    private func key(_ request: String) -> String? {
        let start = "Idempotency-Key: "
        return request.split(separator: "\r\n").first { $0.hasPrefix(start) }.map { String($0.dropFirst(start.count)) }
    }
}
