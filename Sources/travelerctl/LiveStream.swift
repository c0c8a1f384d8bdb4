import ControlAPI
import Dispatch
import Glibc

/// What a live screen has to react to.
enum Happening: Sendable {
    /// The daemon answers.
    case opened
    case event(StreamedEvent)
    /// The stream ended, or couldn't be opened; it is tried again.
    case lost(Failure)
    /// It is not worth another try.
    case failed(Failure)
    /// Half a second went by.
    case tick
    case resized
    case stop
}

/// A stream of events that comes back when the daemon does, with the terminal's signals in between.
struct LiveStream {
    let happenings: AsyncStream<Happening>
    private let sources: [any DispatchSourceSignal]

    /// - Parameter last: the event after which it begins; nil for now.
    init(_ connection: Connection, _ request: Request, after last: String? = nil, ticks: Bool) {
        let (stream, continuation) = AsyncStream.makeStream(of: Happening.self)
        happenings = stream
        sources = [SIGINT, SIGTERM, SIGHUP, SIGWINCH].map { number in
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number)
            source.setEventHandler { continuation.yield(number == SIGWINCH ? .resized : .stop) }
            source.resume()
            return source
        }
        let reading = Task { await Self.read(connection, request, after: last, continuation) }
        let ticking = Task {
            while ticks, !Task.isCancelled {
                try? await Task.sleep(for: .milliseconds(500))
                continuation.yield(.tick)
            }
        }
        continuation.onTermination = { _ in
            reading.cancel()
            ticking.cancel()
        }
    }

    private static func read(
        _ connection: Connection, _ request: Request, after first: String?,
        _ continuation: AsyncStream<Happening>.Continuation
    ) async {
        var last = first
        while !Task.isCancelled {
            do {
                try await connection.events(request, after: last) {
                    continuation.yield(.opened)
                } _: { event in
                    last = event.id ?? last
                    continuation.yield(.event(event))
                }
                continuation.yield(.lost(Failure(.unreachable, "the daemon ended the stream")))
            } catch let failure as Failure where !failure.exit.mayPass {
                continuation.yield(.failed(failure))
                return
            } catch {
                let failure = error as? Failure ?? Failure(.unreachable, "cannot reach the daemon: \(error)")
                continuation.yield(.lost(failure))
            }
            try? await Task.sleep(for: .seconds(1))
        }
    }
}

/// The terminal's other screen: what stood there before comes back when this ends. Keys show nothing meanwhile.
struct FullScreen: ~Copyable {
    private var before = termios()
    private let hasKeys: Bool

    init() {
        hasKeys = tcgetattr(0, &before) == 0
        var silent = before
        silent.c_lflag &= ~tcflag_t(ECHO)
        if hasKeys { tcsetattr(0, TCSANOW, &silent) }
        Output.write(Array("\u{1B}[?1049h\u{1B}[?25l".utf8))
    }

    /// Puts these lines in place of what is there, none longer than the screen is wide.
    func show(_ lines: [String], _ screen: Screen) {
        let shown = lines.prefix(screen.height ?? lines.count)
        let text = "\u{1B}[H" + shown.map { $0 + "\u{1B}[K" }.joined(separator: "\n") + "\u{1B}[J"
        Output.write(Array(text.utf8))
    }

    func bell() { Output.write([7]) }

    deinit {
        Output.write(Array("\u{1B}[?25h\u{1B}[?1049l".utf8))
        guard hasKeys else { return }
        var before = before
        // What was typed here was not meant for the shell.
        tcflush(0, TCIFLUSH)
        tcsetattr(0, TCSANOW, &before)
    }
}
