import ControlAPI
import NIOCore
import NIOHTTP1
import NIOPosix

/// Why a command ends without success: a sentence for people and the exit status for programs.
struct Failure: Error, Equatable {
    var exit: ExitStatus
    var message: String
    /// The daemon's own words, if it answered.
    var problem: Problem?

    init(_ exit: ExitStatus, _ message: String) { (self.exit, self.message) = (exit, message) }

    init(_ problem: Problem) {
        (self.exit, self.message, self.problem) = (problem.code.exitStatus, problem.detail, problem)
    }
}

/// The way to the daemon. Each call has a connection of its own.
struct Connection: Sendable {
    let socket: String

    /// Never shut down: the process ends with it.
    private static let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    private static let answerLimit = 64 << 20

    /// The connection ended before the answer was complete, so whether the change was made isn't known.
    private struct Broken: Error {}

    /// Makes a call and answers its JSON; an error's status is thrown as a `Failure`.
    func call(_ request: Request) async throws -> JSONValue {
        let bytes: [UInt8]
        do {
            bytes = try await self.bytes(request)
        } catch let failure as Failure {
            throw await explained(failure, request)
        }
        do {
            return bytes.isEmpty ? .null : try JSONValue(json: bytes)
        } catch {
            throw Failure(.tryAgain, "cannot read the daemon's answer: \(error)")
        }
    }

    /// Asks for a list page by page, to its end or until it has so many items.
    func items(_ request: Request, atMost limit: Int = .max) async throws -> [JSONValue] {
        var found: [JSONValue] = []
        try await pages(request, limit: limit) { answer in
            found += answer["items"]?.array ?? []
            return found.count < limit
        }
        return Array(found.prefix(limit))
    }

    /// Makes a call; an answer that is a page of a list becomes the whole list.
    func whole(_ request: Request) async throws -> JSONValue {
        let first = try await call(request)
        guard request.method == .GET, let cursor = first["next_cursor"]?.string, var whole = first.object else {
            return first
        }
        var items = first["items"]?.array ?? []
        try await pages(request, after: cursor, limit: .max) { answer in
            items += answer["items"]?.array ?? []
            return true
        }
        (whole["items"], whole["next_cursor"]) = (.array(items), .null)
        return .object(whole)
    }

    /// Hands on page after page while more are wanted. A page may be short, even empty, while there are more.
    private func pages(
        _ request: Request, after start: String? = nil, limit: Int, _ each: (JSONValue) -> Bool
    ) async throws {
        var cursor = start
        while true {
            var page = request
            page.query += Request.get(query: ["limit": String(min(limit, 1_000)), "cursor": cursor]).query
            let answer = try await call(page)
            let next = answer["next_cursor"]?.string
            guard each(answer), let next else { return }
            guard next != cursor else { throw Failure.endlessList }
            cursor = next
        }
    }

    /// Makes a call and returns the whole body. A change whose answer got lost is sent once more, under the same key.
    func bytes(_ request: Request) async throws -> [UInt8] {
        let key = Request.newKey()
        do {
            return try await exchange(request, key: key) { try await $0.rest(limit: Self.answerLimit) }
        } catch is Broken {
            try await Task.sleep(for: .milliseconds(200))
            return try await complete(request) {
                try await exchange(request, key: key) { try await $0.rest(limit: Self.answerLimit) }
            }
        }
    }

    /// Makes a call and hands on the body piece by piece, as it comes.
    func download(_ request: Request, _ piece: ([UInt8]) throws -> Void) async throws {
        try await complete(request) {
            try await exchange(request, key: nil, isStream: true) { body in
                while let next = try await body.next() { try piece(Array(next.readableBytesView)) }
            }
        }
    }

    /// Listens to a stream of server-sent events until it ends, which it does with the daemon.
    func events(
        _ request: Request, after last: String?, opened: () -> Void, _ each: (StreamedEvent) -> Void
    ) async throws {
        let headers = [("Accept", "text/event-stream")] + (last.map { [("Last-Event-ID", $0)] } ?? [])
        do {
            try await exchange(request, key: nil, headers: headers, isStream: true) { body in
                opened()
                var reader = EventStreamReader()
                while let next = try await body.next() { reader.read(next.readableBytesView).forEach(each) }
            }
        } catch is Broken {
            // A daemon that stops closes its streams; the caller knows what to do.
        }
    }

    private func complete<Result>(_ request: Request, _ body: () async throws -> Result) async throws -> Result {
        do {
            return try await body()
        } catch is Broken {
            let look = request.method == .GET ? "Try again" : "Look whether the change was made, then try again"
            throw Failure(
                .tryAgain,
                """
                the connection to the daemon broke before its answer was complete. \(look); 'journalctl -u travelerd' \
                says why
                """)
        }
    }

    // MARK: One exchange

    typealias Channel = NIOAsyncChannel<HTTPClientResponsePart, HTTPClientRequestPart>

    /// The body of an answer, piece by piece.
    struct Body {
        var parts: NIOAsyncChannelInboundStream<HTTPClientResponsePart>.AsyncIterator

        mutating func next() async throws -> ByteBuffer? {
            switch try await parts.next() {
            case .body(let buffer): buffer
            case .end: nil
            case .head, nil: throw Broken()
            }
        }

        mutating func rest(limit: Int) async throws -> [UInt8] {
            var bytes: [UInt8] = []
            while let buffer = try await next() {
                guard bytes.count + buffer.readableBytes <= limit else {
                    throw Failure(.tryAgain, "the daemon's answer is larger than \(limit >> 20) MiB; ask for less")
                }
                bytes += buffer.readableBytesView
            }
            return bytes
        }
    }

    private func exchange<Result: Sendable>(
        _ request: Request, key: String?, headers: [(String, String)] = [], isStream: Bool = false,
        _ handle: (inout Body) async throws -> Result
    ) async throws -> Result {
        let parts = try Self.parts(request, key: key, headers: headers)
        let channel = try await connect()
        let start = ContinuousClock.now
        let patience = Duration.seconds(request.patience)
        let timer = channel.channel.eventLoop.scheduleTask(in: .seconds(Int64(request.patience))) {
            channel.channel.close(promise: nil)
        }
        defer { timer.cancel() }
        do {
            return try await channel.executeThenClose { inbound, outbound in
                // One write: head and body apart can meet a channel that the daemon has already closed.
                try await outbound.write(contentsOf: parts)
                var body = Body(parts: inbound.makeAsyncIterator())
                guard case .head(let head) = try await body.parts.next() else { throw Broken() }
                guard head.status.code < 400 else {
                    let json = try? JSONValue(json: try await body.rest(limit: Self.answerLimit))
                    throw Failure(Problem(status: Int(head.status.code), body: json))
                }
                // A stream that has begun may take its time.
                if isStream { timer.cancel() }
                return try await handle(&body)
            }
        } catch let failure as Failure {
            throw failure
        } catch {
            guard ContinuousClock.now - start < patience else {
                throw Failure(
                    .tryAgain, "the daemon did not answer within \(request.patience) seconds; try again a little later")
            }
            throw Broken()
        }
    }

    private static func parts(
        _ request: Request, key: String?, headers: [(String, String)]
    ) throws -> [HTTPClientRequestPart] {
        // An empty part would name something else, or nothing that anybody knows.
        if let index = request.path.firstIndex(of: ""), index > 0 {
            let what = request.path[index - 1] == "units" ? "serial" : "name or number"
            throw Failure(.usage, "the \(what) is empty")
        }
        var fields = HTTPHeaders([
            ("Host", "localhost"), ("User-Agent", "travelerctl/\(Release.version)"), ("Connection", "close"),
        ])
        fields.add(contentsOf: headers)
        if request.method != .GET, let key { fields.add(name: "Idempotency-Key", value: key) }
        var bytes: [UInt8] = []
        switch request.body {
        case .json(let value)?:
            fields.add(name: "Content-Type", value: "application/json")
            value.write(into: &bytes)
        case .yaml(let file)?:
            fields.add(name: "Content-Type", value: "application/yaml")
            bytes = try readFile(file)
        case .content(let content, let type)?:
            fields.add(name: "Content-Type", value: type)
            bytes = content
        case .file(let file)?:
            fields.add(name: "Content-Type", value: "application/octet-stream")
            bytes = try readFile(file)
        case nil: break
        }
        if request.method != .GET { fields.add(name: "Content-Length", value: String(bytes.count)) }
        let head = HTTPRequestHead(
            version: .http1_1, method: HTTPMethod(rawValue: request.method.rawValue), uri: request.target,
            headers: fields)
        return [.head(head), .body(.byteBuffer(ByteBuffer(bytes: bytes))), .end(nil)]
    }

    private func connect() async throws -> Channel {
        guard socket.utf8.count <= ControlSocket.pathLimit else {
            throw Failure(
                .usage, "the socket path \(socket) is longer than \(ControlSocket.pathLimit) bytes; use a shorter one")
        }
        do {
            return try await ClientBootstrap(group: Self.group).connectTimeout(.seconds(5))
                .connect(unixDomainSocketPath: socket) { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHTTPClientHandlers()
                        return try Channel(wrappingChannelSynchronously: channel)
                    }
                }
        } catch let error as IOError {
            throw Failure(connecting: error.errnoCode, to: socket)
        } catch {
            throw Failure(.unreachable, "cannot reach the daemon at \(socket): \(error)")
        }
    }
}
