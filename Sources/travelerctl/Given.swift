import ControlAPI
import Glibc
import Synchronization

// What a command was given: on the command line, or on the standard input where it says `-`.

/// Very many arguments. The parser's time grows with the square of their number, so of a long row of values it gets the
/// beginning and one mark that stands for the rest.
enum LongRow {
    private static let rests = Mutex<[[String]]>([])
    private static let shown = 64
    /// No argument of a program can have this character in it.
    private static let mark = "\u{0}"

    static func fold(_ arguments: [String]) -> [String] {
        guard arguments.count > 2 * shown else { return arguments }
        var folded: [String] = []
        var row: [String] = []
        var areAllValues = false
        func end() {
            folded += row.prefix(shown)
            let rest = Array(row.dropFirst(shown))
            if !rest.isEmpty {
                folded.append(
                    mark
                        + rests.withLock { rests in
                            rests.append(rest)
                            return String(rests.count - 1)
                        })
            }
            row = []
        }
        for argument in arguments {
            if areAllValues || argument == "-" || !argument.hasPrefix("-") {
                row.append(argument)
                continue
            }
            end()
            folded.append(argument)
            areAllValues = argument == "--"
        }
        end()
        return folded
    }

    static func unfold(_ values: [String]) -> [String] {
        guard values.contains(where: { $0.hasPrefix(mark) }) else { return values }
        return values.flatMap { value in
            guard value.hasPrefix(mark), let index = Int(value.dropFirst(mark.count)) else { return [value] }
            return rests.withLock { $0[index] }
        }
    }
}

/// The serials, cases or codes that a command was given; the lines of the standard input stand where it says `-`.
func given(_ named: [String]) throws -> [String] {
    var all = LongRow.unfold(named)
    guard let place = all.firstIndex(of: "-") else { return all }
    guard all.lastIndex(of: "-") == place else {
        throw Failure(.usage, "- is the standard input, which can be read only once; name it once")
    }
    all.replaceSubrange(place...place, with: try inputLines())
    return all
}

/// The one serial, case or code that a command was given; the line of the standard input for `-`.
func givenOne(_ name: String) throws -> String {
    guard name == "-" else { return name }
    let lines = try inputLines(atMost: 1)
    guard lines.count == 1 else {
        throw Failure(.usage, "this takes one, and the standard input has \(lines.count) lines")
    }
    return lines[0]
}

/// The lines of the standard input without empty ones: to its end, or up to an empty line where it is a terminal.
private func inputLines(atMost limit: Int = .max) throws -> [String] {
    let isTerminal = isatty(0) == 1
    if isTerminal {
        Output.note(limit == 1 ? "Scan or type it." : "Scan or type them, one in a line; an empty line ends.")
    }
    var lines: [String] = []
    while let line = readLine(strippingNewline: true).map({ trimmed($0) }) {
        if line.isEmpty, isTerminal { break }
        if !line.isEmpty { lines.append(line) }
        if isTerminal, lines.count == limit { break }
    }
    guard !lines.isEmpty else { throw Failure(.usage, "the standard input, which - stands for, is empty") }
    guard !lines.contains("-") else {
        throw Failure(.usage, "a line of the standard input is -, which names nothing; leave it out")
    }
    return lines
}

/// A command on one unit.
protocol UnitCall: Call {
    /// The unit's serial; `-` until it was read from the standard input.
    var serial: String { get set }
}

extension UnitCall {
    mutating func prepare(_ connection: Connection) async throws { serial = try givenOne(serial) }
}
