import ControlAPI
import NIOCore
import NIOHTTP1

/// Who is at the other end of a connection, whatever door it came through.
protocol Peer: Sendable {
    /// The user that memory and connections are counted for.
    var user: UInt32? { get }
    /// Who it is, where that need not be looked up.
    var known: Caller? { get }
    /// Looks up who it is.
    func caller() async -> Caller
}

/// Serves one connection: reads a request, has it answered, then reads the next one.
///
/// What a request may bring is decided on its head, before a byte of its body is kept. Nothing is read while a request is
/// answered. Everything here runs on the connection's event loop; the answer itself is made by a task.
final class HTTPConnection: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = ByteBuffer

    private enum State {
        /// Between requests; a part of a head may have come.
        case idle
        /// Looks up the caller, or why the request is refused.
        case deciding
        case readingBody
        /// The answer is made and sent.
        case answering
        /// The request was answered; the rest of its body is passed over.
        case passingOver
        /// The last answer was sent; all that still comes is passed over.
        case closing
    }

    /// What comes from the decoder.
    private enum Input {
        case part(HTTPServerRequestPart)
        case problem(Problem)
        case end
    }

    private let control: Control
    private let peer: any Peer
    private let limits: HTTPLimits
    private var bodies: Holding
    private var answers: Holding
    weak var valve: RequestValve?

    private var context: ChannelHandlerContext?
    private var state = State.idle
    private var queued = CircularBuffer<Input>()
    private var isProcessing = false
    private var isStopping = false

    private var head: RequestHead?
    private var caller = Caller(uid: nil, login: nil, isAdmin: false)
    private var body: [UInt8] = []
    private var bodyLimit = 0
    /// Bytes of the body that came, kept or not.
    private var bodyCount = 0
    /// Whether more of the request is still to come.
    private var hasRest = false
    private var wasToldToContinue = false
    private var isHeadBegun = false
    private var keepsAlive = false
    private var stream: Task<Void, Never>?
    /// Whether bytes wait for the reader, and how many did when that was last looked at.
    private var (isUnsent, unsentBytes) = (false, 0)

    private var deadline: NIODeadline?
    private var ticks: RepeatedTask?

    init(
        _ control: Control, peer: any Peer, limits: HTTPLimits, bodies: consuming Holding, answers: consuming Holding
    ) {
        (self.control, self.peer, self.limits) = (control, peer, limits)
        self.bodies = bodies
        self.answers = answers
    }

    /// Whether there is use for more of what the client sends.
    var wantsInput: Bool {
        switch state {
        case .idle, .readingBody, .passingOver, .closing: queued.isEmpty
        case .deciding, .answering: false
        }
    }

    var isClosing: Bool { state == .closing }

    /// Bytes that are still to come of a body whose length is known.
    var bodyLeft: Int { hasRest ? max(0, (head?.length ?? 0) - bodyCount) : 0 }

    // MARK: What comes in

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }
    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    func channelActive(context: ChannelHandlerContext) {
        wait(limits.idle)
        let shortest =
            [limits.idle, limits.head, limits.body, limits.stall, limits.linger].map(\.nanoseconds).min() ?? 0
        let pause = TimeAmount.nanoseconds(min(shortest / 4, TimeAmount.seconds(5).nanoseconds))
        ticks = context.eventLoop.scheduleRepeatedTask(initialDelay: pause, delay: pause) { [me = bound(context)] _ in
            me.value.tick()
        }
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        ticks?.cancel()
        stream?.cancel()
        queued.removeAll()
        state = .closing
        context.fireChannelInactive()
    }

    /// Bytes came that the decoder is about to look at.
    func receives() {
        guard state == .idle, !isHeadBegun else { return }
        isHeadBegun = true
        wait(limits.head)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) { take(.part(Self.unwrapInboundIn(data))) }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        switch error {
        case let error as HTTPParserError: take(.problem(Problem(error)))
        // More came after what the decoder could not read.
        case is ByteToMessageDecoderError: break
        default: context.close(promise: nil)
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case ChannelEvent.inputClosed: take(.end)
        case is ChannelShouldQuiesceEvent: stop()
        default: context.fireUserInboundEventTriggered(event)
        }
    }

    /// Ends the connection once the request that is under way is answered.
    private func stop() {
        isStopping = true
        stream?.cancel()
        if state == .idle || state == .closing { context?.close(promise: nil) }
    }

    private func take(_ input: Input) {
        queued.append(input)
        process()
    }

    private func process() {
        if isProcessing { return }
        isProcessing = true
        defer { isProcessing = false }
        while state != .deciding, state != .answering, let input = queued.popFirst() {
            switch input {
            case .part(.head(let head)): begin(head)
            case .part(.body(let bytes)): takeBody(bytes)
            case .part(.end): endBody()
            case .problem(let problem): fail(problem)
            // The client has finished sending, and every request was answered.
            case .end: context?.close(promise: nil)
            }
        }
    }

    /// Goes on with what came, and with reading, after something else was done.
    private func proceed() {
        process()
        valve?.pump()
    }

    // MARK: The head

    private func begin(_ head: HTTPRequestHead) {
        guard state == .idle else { return }
        (isHeadBegun, wasToldToContinue, hasRest, bodyCount) = (false, false, true, 0)
        do throws(Problem) {
            self.head = try RequestHead(head)
        } catch {
            return fail(error)
        }
        state = .deciding
        deadline = nil
        if let caller = peer.known { return decide(as: caller) }
        perform { [peer] in
            await peer.caller()
        } then: { me, caller in
            me.decide(as: caller)
        }
    }

    /// Decides by the head whether the body is to be read.
    private func decide(as caller: Caller) {
        guard let head, state == .deciding else { return }
        self.caller = caller
        guard head.hasBody else { return readBody(limit: 0) }
        if let limit = control.bodyLimit(of: head.request, from: caller) {
            guard head.length ?? 0 <= limit else { return respond(ControlResponse(.tooLarge(limit: limit))) }
            return readBody(limit: limit)
        }
        perform { [control] in
            await control.refusal(of: head.request, from: caller)
        } then: { me, refusal in
            // Nothing is refused any more where the plant changed meanwhile.
            if let refusal { me.respond(refusal) } else { me.decide(as: caller) }
        }
    }

    private func readBody(limit: Int) {
        (state, bodyLimit) = (.readingBody, limit)
        wait(limits.body)
        if let head, head.hasBody, head.expectsContinue {
            wasToldToContinue = true
            context?.writeAndFlush(
                Self.wrapOutboundOut(ByteBuffer(string: "HTTP/1.1 100 Continue\r\n\r\n")), promise: nil)
        }
        proceed()
    }

    // MARK: The body

    /// For how many bytes of a body there is room before any of it came.
    private static let firstPart = 16 << 10

    private func takeBody(_ bytes: ByteBuffer) {
        bodyCount += bytes.readableBytes
        switch state {
        case .readingBody:
            guard bodyCount <= bodyLimit else { return respond(ControlResponse(.tooLarge(limit: bodyLimit))) }
            guard let head, head.request.takesBody else { return }
            if body.isEmpty { body.reserveCapacity(min(head.length ?? 0, bodyLimit, Self.firstPart)) }
            body += bytes.readableBytesView
            // An array that grows has room for more than is in it.
            guard bodies.hold(body.capacity) else {
                body = []
                return respond(
                    ControlResponse(
                        Problem(
                            .unavailable,
                            "too much is being sent at once, so that this was not read; send it again in a second")))
            }
        case .passingOver: if bodyCount > limits.passedOver { close() }
        case .idle, .deciding, .answering, .closing: break
        }
    }

    private func endBody() {
        hasRest = false
        switch state {
        case .readingBody:
            guard var request = head?.request else { return }
            request.body = body
            body = []
            state = .answering
            deadline = nil
            perform { [control, caller, request] in
                await control.answer(request, from: caller)
            } then: { me, answer in
                me.respond(answer)
            }
        case .passingOver: becomeIdle()
        case .idle, .deciding, .answering, .closing: break
        }
    }

    // MARK: The answer

    /// Says what is wrong with what the client sends, and ends the connection: what comes next can't be told from it.
    private func fail(_ problem: Problem) {
        guard state == .idle || state == .readingBody else { return close() }
        (head, hasRest) = (nil, true)
        respond(ControlResponse(problem))
    }

    private func respond(_ answer: ControlResponse) {
        guard let context, context.channel.isActive else { return }
        state = .answering
        deadline = nil
        body = []
        keepsAlive = (head?.isKeptAlive ?? false) && !isStopping && (!hasRest || mayPassOver)
        let isHead = head?.request.method == "HEAD"
        switch answer.body {
        case .bytes(let bytes):
            let isHeld = isHead || answers.hold(bytes.count)
            // What a change did is always said; a list can be asked for again.
            if !isHeld, head?.request.takesBody != true {
                return respond(
                    ControlResponse(
                        Problem(.unavailable, "too many answers wait to be read; read those first, then ask again")))
            }
            var buffer = headBytes(of: answer, length: bytes.count)
            if !isHead { buffer.writeBytes(bytes) }
            send(buffer) { $0.finish() }
        case .stream(let make):
            let isChunked = head?.isOld != true
            if !isChunked { keepsAlive = false }
            send(headBytes(of: answer, length: nil)) { me in
                if isHead { me.finish() } else { me.run(make, isChunked: isChunked) }
            }
        }
    }

    /// Whether the rest of a body that is not wanted is so short that it can be passed over. Who asked whether to send it
    /// may do so or not, which can't be told apart.
    private var mayPassOver: Bool {
        guard let head, !head.expectsContinue || wasToldToContinue else { return false }
        return head.length ?? 0 <= limits.passedOver
    }

    private func headBytes(of answer: ControlResponse, length: Int?) -> ByteBuffer {
        let status = HTTPResponseStatus(statusCode: answer.status)
        var text = "HTTP/1.1 \(answer.status) \(status.reasonPhrase)\r\nContent-Type: \(answer.contentType)\r\n"
        if !answer.allowed.isEmpty { text += "Allow: \(answer.allowed.joined(separator: ", "))\r\n" }
        if answer.status == 503 { text += "Retry-After: 1\r\n" }
        if let length {
            text += "Content-Length: \(length)\r\n"
        } else {
            text += "Cache-Control: no-cache\r\n"
            if head?.isOld != true { text += "Transfer-Encoding: chunked\r\n" }
        }
        if !keepsAlive {
            text += "Connection: close\r\n"
        } else if head?.isOld == true {
            text += "Connection: keep-alive\r\n"
        }
        return ByteBuffer(string: text + "\r\n")
    }

    /// Sends bytes, and goes on once the reader has taken them.
    private func send(_ bytes: ByteBuffer, then next: @escaping (HTTPConnection) -> Void) {
        write(bytes)?.assumeIsolated().whenComplete { result in
            switch result {
            case .success: next(self)
            case .failure: self.context?.close(promise: nil)
            }
        }
    }

    /// Sends bytes; nil where the connection has ended. A reader who takes nothing for long loses the connection.
    private func write(_ bytes: ByteBuffer) -> EventLoopFuture<Void>? {
        guard let context, context.channel.isActive else { return nil }
        let promise = context.eventLoop.makePromise(of: Void.self)
        isUnsent = true
        promise.futureResult.assumeIsolated().whenComplete { _ in
            self.isUnsent = false
            self.deadline = nil
        }
        context.writeAndFlush(Self.wrapOutboundOut(bytes), promise: promise)
        if isUnsent {
            unsentBytes = bufferedBytes
            wait(limits.stall)
        }
        return promise.futureResult
    }

    /// Bytes that wait for the reader.
    private var bufferedBytes: Int {
        (try? context?.channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? 0
    }

    private func finish() {
        stream = nil
        _ = bodies.hold(0)
        _ = answers.hold(0)
        guard keepsAlive, !isStopping else { return close() }
        if hasRest {
            state = .passingOver
            wait(limits.body)
        } else {
            becomeIdle()
        }
        proceed()
    }

    private func becomeIdle() {
        (state, head) = (.idle, nil)
        if isStopping { context?.close(promise: nil) }
        wait(limits.idle)
    }

    /// Ends the connection so that the last answer still arrives: closed with bytes unread, the kernel would tell the client
    /// of a reset.
    private func close() {
        guard let context, state != .closing else { return }
        if isStopping, !hasRest { return context.close(promise: nil) }
        state = .closing
        queued.removeAll()
        context.close(mode: .output, promise: nil)
        wait(limits.linger)
        valve?.pump()
    }

    // MARK: Streams

    private func run(
        _ make: @escaping @Sendable (_ send: ControlResponse.Send) async throws -> Void, isChunked: Bool
    ) {
        guard let context else { return }
        let (me, loop) = (bound(context), context.eventLoop)
        let send: ControlResponse.Send = { bytes in
            if bytes.isEmpty { return }
            try await loop.flatSubmit {
                me.value.write(isChunked ? chunk(bytes) : ByteBuffer(bytes: bytes))
                    ?? loop.makeFailedFuture(ChannelError.ioOnClosedChannel)
            }.get()
        }
        stream = Task {
            var isWhole = true
            do {
                try await make(send)
            } catch is CancellationError {
            } catch {
                isWhole = false
            }
            loop.execute { [isWhole] in me.value.endStream(isWhole: isWhole, isChunked: isChunked) }
        }
        if isStopping { stream?.cancel() }
    }

    private func endStream(isWhole: Bool, isChunked: Bool) {
        // Without its last chunk, a reader knows that it is not whole.
        guard isWhole else { return context?.close(promise: nil) ?? () }
        if isChunked { send(ByteBuffer(string: "0\r\n\r\n")) { $0.finish() } } else { finish() }
    }

    // MARK: Time

    private func wait(_ time: TimeAmount) { deadline = .now() + time }

    private func tick() {
        guard let deadline, deadline <= .now() else { return }
        self.deadline = nil
        switch state {
        case .idle where isHeadBegun:
            fail(.tooSlow("the head of the request did not come within \(limits.head.shown)"))
        case .readingBody:
            fail(.tooSlow("the body of the request did not come within \(limits.body.shown)"))
        case .answering:
            guard isUnsent, bufferedBytes < unsentBytes else { return context?.close(promise: nil) ?? () }
            unsentBytes = bufferedBytes
            wait(limits.stall)
        case .passingOver: close()
        case .idle, .closing: context?.close(promise: nil)
        case .deciding: break
        }
    }

    // MARK: Tasks

    private func bound(_ context: ChannelHandlerContext) -> NIOLoopBound<HTTPConnection> {
        NIOLoopBound(self, eventLoop: context.eventLoop)
    }

    /// Does something in a task, then goes on here.
    private func perform<Result: Sendable>(
        _ work: @escaping @Sendable () async -> Result,
        then next: @escaping @Sendable (HTTPConnection, Result) -> Void
    ) {
        guard let context else { return }
        let (me, loop) = (bound(context), context.eventLoop)
        Task {
            let result = await work()
            loop.execute { next(me.value, result) }
        }
    }
}

private func chunk(_ bytes: [UInt8]) -> ByteBuffer {
    var buffer = ByteBuffer()
    buffer.reserveCapacity(bytes.count + 20)
    buffer.writeString(String(bytes.count, radix: 16) + "\r\n")
    buffer.writeBytes(bytes)
    buffer.writeString("\r\n")
    return buffer
}

extension ControlRequest {
    /// Whether a body means something; of a request that only reads it is passed over.
    fileprivate var takesBody: Bool { method != "GET" && method != "HEAD" }
}

extension Problem {
    private static let again = "; send it again, all at once"

    /// A request that came too slowly.
    fileprivate static func tooSlow(_ what: String) -> Problem { Problem(.unavailable, what + again, status: 408) }

    /// A body of more bytes than a route takes.
    static func tooLarge(limit: Int) -> Problem {
        Problem(.tooLarge, "cannot take a body of more than \(limit >> 20) MiB here; send less at once")
    }
}

extension TimeAmount {
    fileprivate var shown: String {
        nanoseconds < 1_000_000_000 ? "\(nanoseconds / 1_000_000) ms" : "\(nanoseconds / 1_000_000_000) s"
    }
}
