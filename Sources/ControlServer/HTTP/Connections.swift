import CLinux
import ControlAPI
import Glibc
import Logging
import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization

/// All connections of the daemon: how many there may be, of whom, what memory they share, and how they end.
final class Connections: Sendable {
    /// The most connections of one user.
    static let perUser = 640
    /// What all connections hold of bodies, and of what the daemon keeps for readers who are slow.
    let bodies = MemoryBudget(total: 64 << 20, perUser: 32 << 20)
    let answers = MemoryBudget(total: 128 << 20, perUser: 64 << 20)

    private struct Open {
        var channels: [ObjectIdentifier: any Channel] = [:]
        var byUser: [UInt32?: Int] = [:]
        var isStopping = false
        var whenEmpty: EventLoopPromise<Void>?
    }
    private let open = Mutex(Open())
    private let total: Int
    private let logger: Logger
    private let tooMany = OnceAMinute()

    init(logger: Logger) {
        self.logger = logger
        // The ledger, printers and scanners need descriptors, too.
        var limit = rlimit()
        getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        let descriptors = Int(clamping: limit.rlim_cur)
        total = max(descriptors - 256, descriptors / 2)
    }

    /// Takes a connection in until it ends; returns false where there are too many, or the daemon stops.
    func admit(_ channel: any Channel, of user: UInt32?) -> Bool {
        let (isAdmitted, count) = open.withLock { open in
            let count = open.byUser[user, default: 0]
            guard !open.isStopping, count < Self.perUser, open.channels.count < total else { return (false, count) }
            open.byUser[user] = count + 1
            open.channels[ObjectIdentifier(channel)] = channel
            return (true, count + 1)
        }
        guard isAdmitted else {
            if tooMany.isTime {
                logger.warning(
                    "too many connections; further ones are turned away",
                    metadata: ["uid": "\(user.map(String.init) ?? "?")", "connections": "\(count)"])
            }
            return false
        }
        channel.closeFuture.whenComplete { _ in self.leave(channel, of: user) }
        return true
    }

    private func leave(_ channel: any Channel, of user: UInt32?) {
        open.withLock { open -> EventLoopPromise<Void>? in
            open.channels[ObjectIdentifier(channel)] = nil
            let left = open.byUser[user, default: 1] - 1
            open.byUser[user] = left > 0 ? left : nil
            return open.channels.isEmpty ? open.whenEmpty : nil
        }?.succeed()
    }

    /// Ends every connection once its request is answered, and all that are left after some time.
    func stop(within patience: TimeAmount, on loop: any EventLoop) async {
        let empty = loop.makePromise(of: Void.self)
        let channels = open.withLock { open in
            open.isStopping = true
            if !open.channels.isEmpty { open.whenEmpty = empty }
            return Array(open.channels.values)
        }
        if channels.isEmpty { empty.succeed() }
        for channel in channels { channel.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent()) }
        let end = loop.scheduleTask(in: patience) { self.closeAll() }
        try? await empty.futureResult.get()
        end.cancel()
    }

    private func closeAll() {
        for channel in open.withLock({ Array($0.channels.values) }) { channel.close(promise: nil) }
    }
}

/// Tells someone who comes too many times that there is no room, and ends the connection.
final class TurnedAway: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    func channelActive(context: ChannelHandlerContext) {
        let problem = Problem(
            .unavailable,
            "there are too many connections; close some (a user may have \(Connections.perUser)), then try again")
        let body = problem.json.jsonBytes
        var answer = ByteBuffer(
            string: "HTTP/1.1 503 Service Unavailable\r\nContent-Type: \(Problem.mediaType)\r\n"
                + "Content-Length: \(body.count)\r\nRetry-After: 1\r\nConnection: close\r\n\r\n")
        answer.writeBytes(body)
        context.writeAndFlush(Self.wrapOutboundOut(answer)).assumeIsolated().whenComplete { _ in
            context.close(promise: nil)
        }
    }
}

/// Stops for a moment to take connections where one could not be taken, mostly as no descriptor is left.
///
/// NIO's own `AcceptBackoffHandler` only puts off what is read next; the socket stays registered, and wakes its loop at once.
final class AcceptPause: ChannelInboundHandler {
    typealias InboundIn = any Channel

    private let logger: Logger
    private let trouble = OnceAMinute()

    init(logger: Logger) { self.logger = logger }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard let error = error as? IOError else { return context.fireErrorCaught(error) }
        if trouble.isTime {
            let reason = String(cString: strerror(error.errnoCode)).lowercased()
            let isFull = [EMFILE, ENFILE].contains(error.errnoCode)
            logger.error(
                "cannot take a connection: \(reason)\(isFull ? "; close some, or raise LimitNOFILE=" : ""); tries every second"
            )
        }
        try? context.channel.syncOptions?.setOption(.autoRead, value: false)
        let channel = context.channel
        context.eventLoop.scheduleTask(in: .seconds(1)) {
            try channel.syncOptions?.setOption(.autoRead, value: true)
        }
    }
}

/// Says once a minute that it is time, for lines of the journal that would fill it.
final class OnceAMinute: Sendable {
    private let last = Mutex<ContinuousClock.Instant?>(nil)

    var isTime: Bool {
        last.withLock { last in
            let now = ContinuousClock.now
            if let last, now - last < .seconds(60) { return false }
            last = now
            return true
        }
    }
}

/// The user at the other end of a Unix socket.
struct UnixPeer: Peer {
    /// The user that the kernel names; nil where it names none.
    let user: UInt32?
    private let peers: Peers

    init(of channel: any Channel, in peers: Peers) {
        var user: UInt32?
        try? channel.pipeline.syncOperations.withUnsafeTransportIfAvailable(of: NIOBSDSocket.Handle.self) { socket in
            var peer = linux_peer()
            if linux_peer_credentials(socket, &peer) >= 0 { user = peer.uid }
        }
        (self.user, self.peers) = (user, peers)
    }

    var known: Caller? { peers.known(uid: user) }
    func caller() async -> Caller { await peers.caller(uid: user) }
}
