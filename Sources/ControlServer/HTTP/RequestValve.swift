import NIOCore

/// Lets bytes through to the decoder only while a connection has use for them, a few at a time.
///
/// The decoder turns all that it is given into parts of requests at once, and what it makes of many small requests is many
/// times their size. So what was read and can't be used yet stays here as it is, and nothing more is read meanwhile, until
/// the client ends its side: then NIO reads all that is left.
final class RequestValve: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    /// Bytes that are let through at once, beside those of a body.
    private static let portion = 1_024

    private let connection: HTTPConnection
    private var context: ChannelHandlerContext?
    private var waiting = ByteBuffer()
    private var (hasEnded, isEndTold) = (false, false)
    private var (isReading, isPumping) = (false, false)
    private var holding: Holding

    init(_ connection: HTTPConnection, holding: consuming Holding) {
        self.connection = connection
        self.holding = holding
    }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }
    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    func channelActive(context: ChannelHandlerContext) {
        context.fireChannelActive()
        pump()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        // The decoder of a connection that is being closed would keep it.
        if connection.isClosing { return }
        var bytes = Self.unwrapInboundIn(data)
        if waiting.readableBytes == 0 { waiting = bytes } else { waiting.writeBuffer(&bytes) }
        if !holding.hold(waiting.readableBytes) { context.close(promise: nil) }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        isReading = false
        context.fireChannelReadComplete()
        pump()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard case ChannelEvent.inputClosed = event else { return context.fireUserInboundEventTriggered(event) }
        hasEnded = true
        pump()
    }

    /// Lets through what the connection has use for, and reads on where there is nothing left of it.
    func pump() {
        guard let context, !isPumping else { return }
        isPumping = true
        defer { isPumping = false }
        while connection.wantsInput, !isEndTold {
            if connection.isClosing { waiting.clear() }
            let count = min(waiting.readableBytes, max(Self.portion, connection.bodyLeft))
            if count > 0, let portion = waiting.readSlice(length: count) {
                if waiting.readableBytes == 0 { waiting = ByteBuffer() }
                _ = holding.hold(waiting.readableBytes)
                connection.receives()
                context.fireChannelRead(Self.wrapInboundOut(portion))
            } else if hasEnded {
                isEndTold = true
                context.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
            } else {
                if !isReading { context.read() }
                isReading = true
                return
            }
        }
    }
}
