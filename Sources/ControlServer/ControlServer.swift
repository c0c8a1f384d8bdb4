import CLinux
import ControlAPI
import Glibc
import HTTPTypes
import Hummingbird
import HummingbirdCore
public import Logging
import NIOCore
import NIOExtras
import NIOPosix
public import ServiceLifecycle
import Synchronization

/// The control interface on a Unix socket.
///
/// Everybody on the machine can connect; who they are is what the kernel says of each connection.
public struct ControlServer: Service {
    private let control: Control
    private let peers: Peers
    private let path: String
    private let logger: Logger
    private let whenListening: @Sendable () async -> Void

    /// How long open requests may take after the daemon was told to stop.
    private static let patience = Duration.seconds(4)
    /// An idle connection is closed after this many seconds.
    private static let idleSeconds: Int64 = 60

    /// A server for a control interface.
    ///
    /// - Parameters:
    ///   - path: where the socket is made, unless systemd made one already. What is there is replaced: the caller holds the
    ///     daemon's lock.
    ///   - whenListening: called once, when the socket takes connections.
    public init(
        _ control: Control, peers: Peers, path: String, logger: Logger = Logger(label: "traveler.control"),
        whenListening: @escaping @Sendable () async -> Void = {}
    ) {
        (self.control, self.peers, self.path) = (control, peers, path)
        (self.logger, self.whenListening) = (logger, whenListening)
    }

    /// Serves until the task is cancelled or told to shut down gracefully; then open streams end, and requests that are
    /// under way are answered.
    ///
    /// - Throws: `SocketError` where the socket can't be made.
    public func run() async throws {
        let socket = try PublicSocket.inherited() ?? PublicSocket(path)
        defer { socket.remove() }
        var quiet = logger
        quiet.logLevel = max(quiet.logLevel, .warning)
        let (control, peers, log) = (control, peers, quiet)
        let http = HTTP1Channel(
            responder: { request, writer, _ in
                let caller = await peers.caller(uid: Connections.uid)
                try await Self.respond(to: request, writer, control, caller)
            }, configuration: .init(idleTimeout: .seconds(Self.idleSeconds)))
        let connections = Connections(http: http)
        let group = MultiThreadedEventLoopGroup.singleton
        let quiescing = ServerQuiescingHelper(group: group)
        let channel = try await ServerBootstrap(group: group)
            .childChannelOption(ChannelOptions.allowRemoteHalfClosure, value: true)
            .serverChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(
                        quiescing.makeServerChannelHandler(channel: channel))
                }
            }
            .bind(socket.descriptor, serverBackPressureStrategy: nil) { connections.setup(channel: $0, logger: log) }
        await whenListening()
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask {
                await withGracefulShutdownHandler {
                    await Self.serve(channel, connections, log)
                } onGracefulShutdown: {
                    quiescing.initiateShutdown(promise: nil)
                }
            }
            tasks.addTask {
                try await gracefulShutdown()
                try await Task.sleep(for: Self.patience)
            }
            // Whichever is first: every connection is done, or patience is at its end.
            defer { tasks.cancelAll() }
            do {
                try await tasks.next()
            } catch is CancellationError {}
        }
    }

    /// Takes connections until the socket is closed, and serves each until it ends.
    private static func serve(
        _ channel: NIOAsyncChannel<Connections.Value, Never>, _ connections: Connections, _ log: Logger
    ) async {
        await withDiscardingTaskGroup { group in
            do {
                try await channel.executeThenClose { inbound in
                    for try await connection in inbound {
                        group.addTask { await connections.handle(value: connection, logger: log) }
                    }
                }
            } catch is CancellationError {
            } catch {
                log.error("cannot take connections any more: \(error)")
            }
        }
    }

    private static let idempotencyKey = HTTPField.Name("Idempotency-Key")
    private static let lastEventID = HTTPField.Name("Last-Event-ID")

    private static func respond(
        to request: Request, _ writer: consuming ResponseWriter, _ control: Control, _ caller: Caller
    ) async throws {
        func header(_ name: HTTPField.Name?) -> String? { name.flatMap { request.headers[$0] } }
        var asked = ControlRequest(
            request.method.rawValue, request.head.path ?? "", idempotencyKey: header(idempotencyKey),
            lastEventID: header(lastEventID))
        if request.method != .get {
            var limit = ControlRequest.bodyLimit
            for try await piece in request.body {
                asked.body += piece.readableBytesView
                guard asked.body.count > limit else { continue }
                // Only few routes take more. The rest is passed over unread.
                limit = Control.bodyLimit(asked.method, asked.path)
                if asked.body.count > limit { break }
                asked.body.reserveCapacity(min(header(.contentLength).flatMap { Int($0) } ?? 0, limit))
            }
        }
        let answer = await control.answer(asked, from: caller)
        var head = HTTPResponse(status: .init(code: answer.status), headerFields: [.contentType: answer.contentType])
        if !answer.allowed.isEmpty { head.headerFields[.allow] = answer.allowed.joined(separator: ", ") }
        switch answer.body {
        case .bytes(let bytes):
            head.headerFields[.contentLength] = String(bytes.count)
            try await writer.write(response: head, body: ResponseBody(byteBuffer: ByteBuffer(bytes: bytes)))
        case .stream(let body):
            head.headerFields[.cacheControl] = "no-cache"
            try await stream(body, to: try await writer.writeHead(head), for: request)
        }
    }

    /// Runs a stream until it is done, its reader leaves, or the daemon stops.
    private static func stream(
        _ body: @escaping @Sendable (_ send: ControlResponse.Send) async throws -> Void,
        to writer: consuming some ResponseBodyWriter, for request: Request
    ) async throws {
        // Only the one task of the stream sends, and only after it ended is the writer finished.
        nonisolated(unsafe) var writer: any ResponseBodyWriter = writer
        let send: ControlResponse.Send = { try await writer.write(ByteBuffer(bytes: $0)) }
        let (end, ending) = AsyncStream.makeStream(of: Void.self)
        try await request.body.consumeWithInboundCloseHandler { _ in
            try await withGracefulShutdownHandler {
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask {
                        do { try await body(send) } catch is CancellationError {}
                    }
                    group.addTask { for await _ in end {} }
                    try await group.next()
                    group.cancelAll()
                    try await group.waitForAll()
                }
            } onGracefulShutdown: {
                ending.finish()
            }
        } onInboundClosed: {
            ending.finish()
        }
        try await writer.finish(nil)
    }
}

/// The connections of the socket: each has its user looked up once, and no user has them all.
private struct Connections: ServerChildChannel {
    /// The user at the other end of the connection that a request came on.
    @TaskLocal static var uid: UInt32?
    /// The most connections of one user.
    private static let limit = 640

    struct Value: ServerChildChannelValue {
        let http: HTTP1Channel.Value
        let uid: UInt32?
        var channel: any Channel { http.channel }
    }

    private final class Count: Sendable {
        let byUser = Mutex<[UInt32?: Int]>([:])
    }

    let http: HTTP1Channel
    private let count = Count()

    init(http: HTTP1Channel) { self.http = http }

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
        var uid: UInt32?
        try? channel.pipeline.syncOperations.withUnsafeTransportIfAvailable(of: NIOBSDSocket.Handle.self) { socket in
            var peer = linux_peer()
            if linux_peer_credentials(socket, &peer) >= 0 { uid = peer.uid }
        }
        return http.setup(channel: channel, logger: logger).map { [uid] in Value(http: $0, uid: uid) }
    }

    func handle(value: Value, logger: Logger) async {
        let open = count.byUser.withLock { counts in
            counts[value.uid, default: 0] += 1
            return counts[value.uid, default: 0]
        }
        defer {
            count.byUser.withLock { counts in
                let left = counts[value.uid, default: 1] - 1
                counts[value.uid] = left > 0 ? left : nil
            }
        }
        guard open <= Self.limit else {
            logger.warning(
                "too many connections of one user", metadata: ["uid": "\(value.uid.map(String.init) ?? "?")"])
            try? await value.channel.close()
            return
        }
        await Self.$uid.withValue(value.uid) { await http.handle(value: value.http, logger: logger) }
    }
}
