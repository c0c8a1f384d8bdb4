import ArgumentParser
import ControlAPI

/// How an answer is shown to people.
struct View: Sendable {
    let draw: @Sendable (JSONValue, Screen) -> [String]

    /// One sentence, for what was changed.
    static func sentence(_ sentence: @escaping @Sendable (JSONValue) -> String) -> View {
        View { answer, screen in wrapped(sentence(answer), screen.width) }
    }

    /// A line for each value that is there.
    static func fields(_ fields: [Column]) -> View {
        View { answer, screen in
            let shown = fields.map { ($0, $0.text(answer)) }.filter { !$0.1.isEmpty }
            let label = shown.map { displayWidth($0.0.title) }.max() ?? 0
            return shown.flatMap { field, text in
                wrapped(text, screen.width.map { max(20, $0 - label - 2) }).enumerated().map { index, line in
                    screen.paint(fitted(index == 0 ? field.title : "", label), .faint) + "  "
                        + screen.paint(line, field.paint(text))
                }
            }
        }
    }

    /// The `items` of the answer as a table.
    static func items(_ table: Table) -> View {
        View { answer, screen in
            let items = answer["items"]?.array ?? []
            return items.isEmpty ? wrapped(table.empty, screen.width) : table.whole(items, screen)
        }
    }
}

/// Where the daemon is.
struct SocketOption: ParsableArguments {
    @Option(help: ArgumentHelp("The daemon's socket.", valueName: "path"), completion: .file())
    var socket: String?

    var connection: Connection {
        Connection(socket: ControlSocket.path(option: socket, environment: environment(ControlSocket.variable)))
    }
}

/// What every command with one answer takes.
struct CallOptions: ParsableArguments {
    @Flag(help: "Print the daemon's answer as one JSON document.")
    var json = false
    @OptionGroup var daemon: SocketOption
}

/// What every list takes.
struct ListOptions: ParsableArguments {
    @Option(help: "How many rows at most.")
    var limit: Int?
    @Flag(help: "Every row, however many.")
    var all = false
    @Flag(help: "Also count all rows, shown or not.")
    var total = false
    @Flag(help: "Print one JSON document.")
    var json = false
    @Flag(
        help: """
            Print CSV (RFC 4180). Text that a spreadsheet would run as a formula gets an apostrophe in front; \
            --json has the exact text.
            """)
    var csv = false
    @OptionGroup var daemon: SocketOption

    /// Whether people read it.
    var isTable: Bool { !json && !csv }

    func validate() throws {
        if json, csv { throw ValidationError("--json and --csv exclude each other; give one of them.") }
        if all, limit != nil { throw ValidationError("--all and --limit exclude each other; give one of them.") }
        if let limit, limit < 1 { throw ValidationError("--limit is 1 or more, not \(limit).") }
    }
}

/// A command that is one request.
protocol Requesting: AsyncParsableCommand {
    var request: Request { get throws }
    /// Finds out what the request is to name.
    mutating func prepare(_ connection: Connection) async throws
}

/// A command with one answer.
protocol Call: Requesting {
    var options: CallOptions { get }
    var view: View { get }
    /// Whether it is to be done, where that has to be asked.
    func isAgreed(_ connection: Connection) async throws -> Bool
    /// How the command ends with this answer.
    static func exit(_ answer: JSONValue) -> ExitStatus
}

/// A list.
protocol ListCall: Requesting {
    var options: ListOptions { get }
    static var table: Table { get }
    /// What to say where nothing matches.
    var empty: String { get }
    /// Whether the daemon gives it in pages, as it does all lists but reports.
    var isPaged: Bool { get }
}

/// A command whose answer is a document: kept in a file, or printed.
protocol Download: Requesting {
    var daemon: SocketOption { get }
    var file: String? { get }
}

extension Requesting {
    func validate() throws { _ = try request }
    mutating func prepare(_ connection: Connection) async throws {}
}

extension Call {
    static func exit(_ answer: JSONValue) -> ExitStatus { .done }
    func isAgreed(_ connection: Connection) async throws -> Bool { true }

    mutating func run() async throws {
        try await reporting(json: options.json) { try await prepare(options.daemon.connection) }
        var isAgreed = true
        try await reporting(json: options.json) { isAgreed = try await self.isAgreed(options.daemon.connection) }
        guard isAgreed else { return }
        try await reporting(json: options.json, file: try request.file) {
            try show(try await waiting { try await options.daemon.connection.whole(try request) })
        }
    }

    /// Prints the answer, and ends as it says.
    func show(_ answer: JSONValue) throws {
        Output.lines(options.json ? [answer.json] : view.draw(answer, Screen(descriptor: 1)))
        let exit = Self.exit(answer)
        if exit != .done { throw ExitCode(exit.rawValue) }
    }
}

extension ListCall {
    var empty: String { unmatched }

    /// The table's own sentence, or that the filters let nothing through.
    var unmatched: String {
        (try? request)?.query.contains { $0.name != "order" } == true
            ? "Nothing matches. Loosen the filters." : Self.table.empty
    }

    var isPaged: Bool { true }

    func run() async throws { try await writeList() }

    /// Asks for the list page by page, and writes it.
    func writeList() async throws {
        try await reporting(json: options.json) {
            let connection = options.daemon.connection
            var table = Self.table
            table.empty = empty
            var writer = ListWriter(
                table: table, options: options, screen: Screen(descriptor: 1), isPaged: isPaged)
            // Rows that go to the terminal are progress enough.
            let tick = writer.screen.height == nil && options.all ? Tick() : nil
            repeat {
                var page = try request
                page.query += writer.parameters
                Output.write(Array(try writer.page(try await connection.call(page)).utf8))
                tick?.show("\(writer.written) rows")
            } while writer.wantsMore
            tick?.end()
            func checkNames() async throws {
                guard writer.isEmpty else { return }
                try await connection.checkNames(try request.query, of: try request.path[0])
            }
            if options.isTable { try await checkNames() }
            if writer.isEmpty, options.isTable, empty == Self.table.empty, let hint = Self.table.hint {
                // Nobody is told to do what they may not.
                let mine = try await connection.call(.get("whoami"))["may"]?.array ?? []
                if mine.contains(where: { $0["verb"]?.string == hint.verb }) { writer.table.empty += " " + hint.text }
            }
            Output.write(Array(writer.end().utf8))
            if !options.isTable { try await checkNames() }
            if let note = writer.note { Output.note(note) }
        }
    }
}

extension Download {
    mutating func run() async throws {
        try await reporting(json: false) {
            let connection = daemon.connection
            try await prepare(connection)
            guard let file, file != "-" else {
                let isTerminal = Screen(descriptor: 1).height != nil
                return try await connection.download(try request) { piece in
                    // A file or a pipe takes the bytes as they are.
                    let text = String(decoding: isTerminal ? piece : [], as: UTF8.self)
                    Output.write(isTerminal ? Array(visible(text, lines: true).utf8) : piece)
                }
            }
            var new = try NewFile(file)
            var progress = Progress(of: file)
            try await connection.download(try request) { piece in
                try new.write(piece)
                progress.reached(new.count)
            }
            try new.finish()
            progress.end()
        }
    }
}

extension Request {
    /// The file that the body comes from, to name the places of its mistakes.
    fileprivate var file: String? { if case .yaml(let file)? = body { file } else { nil } }
}

/// Runs the body; what fails is told on standard error, and becomes the exit status.
func reporting(json: Bool, file: String? = nil, _ body: () async throws -> Void) async throws {
    do {
        try await body()
    } catch let failure as Failure {
        Output.note(failure.text(json: json, file: file, Screen(descriptor: 2)))
        throw ExitCode(failure.exit.rawValue)
    }
}

extension Failure {
    func text(json: Bool, file: String? = nil, _ screen: Screen) -> String {
        if json, let problem { return problem.json.json }
        let name = "travelerctl:"
        var lines = wrapped(name + " " + visible(message), screen.width)
        lines[0] = screen.paint(name, .red) + lines[0].dropFirst(name.count)
        for place in problem?.errors ?? [] {
            let position = [place.line, place.column].compactMap { $0.map(String.init) }
            // What the sentence says already need not be said again.
            if position.isEmpty, message.contains(place.message) { continue }
            let start = (file.map { [$0] } ?? []) + (position.isEmpty && place.path != nil ? [] : position)
            let names = [start.joined(separator: ":"), place.path ?? ""].filter { !$0.isEmpty }
            lines.append("  " + visible((names + [place.message]).joined(separator: ": ")))
        }
        return lines.joined(separator: "\n")
    }
}

/// One line on standard error that says how far something is, if that is a terminal; gone when it is done.
struct Tick: Sendable {
    private let isShown = Screen(descriptor: 2).height != nil

    func show(_ text: String) {
        if isShown { Output.write(Array("\r\(text)\u{1B}[K".utf8), to: 2) }
    }

    func end() { show("") }
}

/// Says from the second second on that the daemon is still at work.
func waiting<Value>(_ body: () async throws -> Value) async throws -> Value {
    let tick = Tick()
    let start = ContinuousClock.now
    let ticking = Task {
        while !Task.isCancelled {
            try await Task.sleep(for: .seconds(1))
            tick.show("\((ContinuousClock.now - start).components.seconds) s, the daemon is at work")
        }
    }
    defer {
        ticking.cancel()
        if ContinuousClock.now - start > .seconds(1) { tick.end() }
    }
    return try await body()
}

/// How far a download is, on standard error if that is a terminal.
struct Progress {
    private let name: String
    private let isShown: Bool
    private var next = 0
    private var count = 0

    init(of name: String) { (self.name, isShown) = (visible(name), Screen(descriptor: 2).height != nil) }

    mutating func reached(_ count: Int) {
        self.count = count
        guard isShown, count >= next else { return }
        next = count + 1 << 20
        Output.write(Array("\r\(name): \(size)".utf8), to: 2)
    }

    func end() {
        if isShown { Output.write(Array("\r\(name): \(size), complete\n".utf8), to: 2) }
    }

    private var size: String {
        count < 1 << 20 ? "\((count + 1_023) >> 10) KiB" : "\(count >> 20) MiB"
    }
}
