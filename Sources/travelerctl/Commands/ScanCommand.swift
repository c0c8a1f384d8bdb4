import ArgumentParser
import ControlAPI
import Glibc
import NIOPosix

struct Scan: AsyncParsableCommand {
    static let configuration = CommandConfiguration.verb(
        "scan", "Scan codes at a station, with this terminal as the scanner.",
        example: "scan --station TEST-1 PCB-100-2610-0001 TRV:PASS", "scan --station QA-1",
        more: """
            Codes are scanned one after another; the first that is refused is the last, and the exit status is 1. Without \
            codes, each line of the standard input is a scan, until its end (Ctrl-D). You are the operator.
            """)
    @Option(help: .station, completion: .stations) var station: String
    @Argument(help: "The codes; - for the lines of the standard input.") var codes: [String] = []
    @Flag(help: "Print each answer as one line of JSON.") var json = false
    @OptionGroup var daemon: SocketOption

    static func request(_ station: String, _ code: String) -> Request {
        .post("stations", station, "scans", body: ["code": .string(code)])
    }

    func run() async throws {
        if codes.count == 1, Self.asksForHelp(codes[0]) { return Output.lines(Self.help(Screen(descriptor: 1))) }
        try await reporting(json: json) {
            let isGood =
                codes.isEmpty || codes == ["-"] ? try await scanLines() : try await scanCodes(try given(codes))
            if !isGood { throw ExitCode(ExitStatus.refused.rawValue) }
        }
    }

    private func scanCodes(_ codes: [String]) async throws -> Bool {
        let screen = Screen(descriptor: 1)
        for (index, code) in codes.enumerated() {
            let answer = ScanAnswer(json: try await daemon.connection.call(Self.request(station, code)))
            Output.lines(json ? [answer.json.json] : answer.lines(screen))
            if answer.isRefused {
                // What follows was meant for the unit that was refused, and could meet another one.
                let rest = codes[(index + 1)...].map { visible($0) }.joined(separator: " ")
                if !rest.isEmpty { Output.note("Not scanned any more: \(rest)") }
                return false
            }
        }
        return true
    }

    // MARK: Line by line

    private func scanLines() async throws -> Bool {
        let connection = daemon.connection
        let screen = Screen(descriptor: 1)
        let isTerminal = isatty(0) == 1 && screen.height != nil && !json
        if isTerminal { Output.lines(try await greeting(connection, screen)) }
        let input = NIOThreadPool(numberOfThreads: 1)
        input.start()
        var reader = LineReader(pool: input)
        var tally = Tally()
        while true {
            if isTerminal { Output.write(Array("\(visible(station))> ".utf8)) }
            guard let line = try await reader.next() else { break }
            guard let line else {
                tally.refused += 1
                Output.note("travelerctl: not sent: more than \(LineReader.limit) bytes in one line. Scan it again")
                continue
            }
            guard !line.isEmpty else { continue }
            if Self.asksForHelp(line) {
                let text = Self.help(screen)
                if isTerminal { Output.lines(text) } else { text.forEach(Output.note) }
                continue
            }
            if isTerminal, ["quit", "exit"].contains(line.lowercased()) { break }
            do {
                let answer = ScanAnswer(json: try await connection.call(Self.request(station, line)))
                tally.add(answer)
                let bell = isTerminal && answer.isRefused ? "\u{7}" : ""
                Output.lines(json ? [answer.json.json] : isTerminal ? answer.large(screen) + [bell] : [answer.line])
            } catch let failure as Failure where isTerminal && failure.exit.mayPass {
                tally.refused += 1
                Output.lines(ScanAnswer.band("REFUSED", .onRed, screen))
                Output.lines(
                    wrapped("NOT RECORDED: \(visible(failure.message)). Then scan it again.\u{7}", screen.width))
            }
        }
        if isTerminal { Output.line("") }
        if !json { Output.note(tally.sentence) }
        return tally.refused == 0
    }

    /// Whether somebody types a question, and no scanner a code.
    private static func asksForHelp(_ line: String) -> Bool { ["help", "?"].contains(line.lowercased()) }

    /// What can be typed at the prompt.
    static func help(_ screen: Screen) -> [String] {
        let text = [
            "Each line is a scan: a serial, an order, or a control code such as TRV:PASS, TRV:FAIL:TYPE or TRV:UNDO.",
            "TRV:CANCEL clears the bench. 'travelerctl control-sheet STATION -o FILE' prints the codes of a station.",
            "Ctrl-D or quit ends.",
        ]
        return text.flatMap { wrapped($0, screen.width) }
    }

    private func greeting(_ connection: Connection, _ screen: Screen) async throws -> [String] {
        let station: JSONValue
        do {
            station = try await connection.call(.get("stations", self.station))
        } catch let failure as Failure where failure.exit == .notPermitted {
            return []
        }
        let mode = station["mode"]?.plain ?? "?"
        let stages = station["stages"].map(\.plain).flatMap { $0.isEmpty ? nil : " for \($0)" } ?? ""
        return ["\(screen.paint(visible(self.station), .bold)): \(mode)\(stages). Scan, or Ctrl-D to end."]
    }
}

/// How many scans had which answer.
struct Tally: Equatable {
    var accepted = 0
    var refused = 0
    var ignored = 0

    mutating func add(_ answer: ScanAnswer) {
        switch answer.result {
        case _ where answer.isRefused: refused += 1
        case "ignored": ignored += 1
        default: accepted += 1
        }
    }

    var sentence: String { "\(accepted) accepted, \(refused) refused, \(ignored) ignored" }
}

extension ExitStatus {
    /// Whether the same may work a moment later.
    var mayPass: Bool { self == .unreachable || self == .tryAgain }
}

/// Lines of the standard input; the reads block, so they have a thread of their own.
struct LineReader {
    /// How many bytes a line may have. The daemon's own bound is far below, and it records what is above that.
    static let limit = 8_192

    let pool: NIOThreadPool
    private var buffer: [UInt8] = []
    private var isAtEnd = false

    init(pool: NIOThreadPool) { self.pool = pool }

    /// The next line without its end; an inner nil for one that is too long, nil after the last one.
    mutating func next() async throws -> String?? {
        var isTooLong = false
        while true {
            if let end = buffer.firstIndex(of: UInt8(ascii: "\n")) ?? (isAtEnd ? buffer.endIndex : nil) {
                guard end < buffer.endIndex || !buffer.isEmpty || isTooLong else { return nil }
                var line = buffer[..<end]
                buffer = Array(buffer[min(end + 1, buffer.endIndex)...])
                if line.last == UInt8(ascii: "\r") { line.removeLast() }
                return .some(isTooLong || line.count > Self.limit ? nil : String(decoding: line, as: UTF8.self))
            }
            if buffer.count > Self.limit {
                isTooLong = true
                buffer = []
            }
            let chunk = try await pool.runIfActive { Self.readChunk() }
            isAtEnd = chunk.isEmpty
            buffer += chunk
        }
    }

    private static func readChunk() -> [UInt8] {
        var chunk = [UInt8](repeating: 0, count: 4_096)
        while true {
            let count = read(0, &chunk, chunk.count)
            if count < 0, errno == EINTR { continue }
            return Array(chunk[..<max(0, count)])
        }
    }
}
