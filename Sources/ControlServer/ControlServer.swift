import Glibc
public import Logging
import NIOCore
import NIOHTTP1
import NIOPosix
public import ServiceLifecycle

/// The control interface on a Unix socket.
///
/// Everybody on the machine can connect; who they are is what the kernel says of each connection.
public struct ControlServer: Service {
    private let control: Control
    private let peers: Peers
    private let path: String
    private let limits: HTTPLimits
    private let logger: Logger
    private let whenListening: @Sendable () async -> Void

    /// How long open requests may take after the daemon was told to stop.
    private static let patience = TimeAmount.seconds(4)
    /// Bytes that are read from a connection at once.
    private static let readSize = 8_192

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
        self.init(control, peers: peers, path: path, limits: HTTPLimits(), logger: logger, whenListening: whenListening)
    }

    init(
        _ control: Control, peers: Peers, path: String, limits: HTTPLimits, logger: Logger,
        whenListening: @escaping @Sendable () async -> Void
    ) {
        (self.control, self.peers, self.path, self.limits) = (control, peers, path, limits)
        (self.logger, self.whenListening) = (logger, whenListening)
    }

    /// Serves until the task is cancelled or told to shut down gracefully; then open streams end, and requests that are
    /// under way are answered.
    ///
    /// - Throws: `SocketError` where the socket can't be made, or takes no connections any more.
    public func run() async throws {
        let socket = try PublicSocket.inherited() ?? PublicSocket(path)
        defer { socket.remove() }
        let group = MultiThreadedEventLoopGroup.singleton
        let connections = Connections(logger: logger)
        let server = try await bootstrap(group, connections).withBoundSocket(socket.descriptor).get()
        try socket.listen()
        await whenListening()
        let hasFailed = await withTaskGroup(of: Bool.self) { tasks in
            tasks.addTask {
                try? await gracefulShutdown()
                return false
            }
            tasks.addTask {
                try? await server.closeFuture.get()
                return true
            }
            let hasFailed = await tasks.next() ?? false
            server.close(promise: nil)
            tasks.cancelAll()
            return hasFailed
        }
        await connections.stop(within: Task.isCancelled ? .zero : Self.patience, on: group.next())
        if hasFailed { throw SocketError(description: "the control socket takes no connections any more") }
    }

    private func bootstrap(_ group: any EventLoopGroup, _ connections: Connections) -> ServerBootstrap {
        let (control, peers, limits, logger) = (control, peers, limits, logger)
        return ServerBootstrap(group: group)
            .serverChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(AcceptPause(logger: logger))
                }
            }
            // A client that has sent all may still read.
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelOption(.autoRead, value: false)
            .childChannelOption(.maxMessagesPerRead, value: 1)
            .childChannelOption(.recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: Self.readSize))
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let peer = UnixPeer(of: channel, in: peers)
                    let pipeline = channel.pipeline.syncOperations
                    guard connections.admit(channel, of: peer.user) else {
                        return try pipeline.addHandler(TurnedAway())
                    }
                    let connection = HTTPConnection(
                        control, peer: peer, limits: limits, bodies: Holding(connections.bodies, user: peer.user),
                        answers: Holding(connections.answers, user: peer.user))
                    let valve = RequestValve(connection, holding: Holding(connections.bodies, user: peer.user))
                    connection.valve = valve
                    try pipeline.addHandlers(
                        valve, ByteToMessageHandler(HTTPRequestDecoder(limitConfiguration: HTTPLimits.decoder)),
                        connection)
                }
            }
    }
}
