import ArgumentParser
import ControlAPI
import Glibc

// Which cases are meant. At the desk people have a unit in their hand, not the number of its case; so wherever a case is
// named, the serial of one of its units does as well, typed or scanned.

/// A command on one case.
protocol CaseCall: Call {
    /// The number of the case, or the serial of a unit in it.
    var id: String { get set }
    /// Takes the serial by which the case was named, where the command is about a part of the case.
    mutating func name(serial: String)
}

extension CaseCall {
    mutating func name(serial: String) {}
    mutating func prepare(_ connection: Connection) async throws { try await findCase(connection) }

    /// Puts the number of the case where it was named by a serial.
    mutating func findCase(_ connection: Connection) async throws {
        let named = id
        id = try await connection.caseNumber(named)
        if id != named { name(serial: named) }
    }
}

/// Which part of a case.
struct Lot: ParsableArguments {
    @Argument(help: "Serials; none for goods without serials, and where one unit is left.")
    var serials: [String] = []
    @Option(parsing: .unconditional, help: "How many, without serials.") var quantity: Int?

    /// A case that was named by the serial of a unit means that unit.
    mutating func name(serial: String) {
        if quantity == nil, !serials.contains(serial) { serials.insert(serial, at: 0) }
    }
}

extension Connection {
    /// The number of the case with this number, or else of the last one with a unit of this serial.
    func caseNumber(_ name: String) async throws -> String {
        if let found = try await caseNumbered(name) { return found["id"]?.string ?? name }
        let answer = try await call(.get("defects", query: ["serial": name, "limit": "1"]))
        guard let id = answer["items"]?.array?.first?["id"]?.string else {
            throw Failure(.notFound, "there is no defect case \(visible(name)), and none with such a unit")
        }
        return id
    }

    private func caseNumbered(_ name: String) async throws -> JSONValue? {
        guard !name.isEmpty, name.allSatisfy({ $0.isASCII && $0.isNumber }) else { return nil }
        do {
            return try await call(.get("defects", name))
        } catch let failure as Failure where failure.exit == .notFound {
            return nil
        }
    }

    /// The cases with these numbers, and the open ones with these units.
    func cases(_ names: [String]) async throws -> [JSONValue] {
        var found: [JSONValue] = []
        for name in names {
            var these = try await caseNumbered(name).map { [$0] } ?? []
            if these.isEmpty {
                these = try await cases([.init(name: "serial", value: name), .init(name: "group", value: "pending")])
            }
            guard !these.isEmpty else {
                throw Failure(.notFound, "there is no case \(visible(name)), and no pending one with such a unit")
            }
            found += these.filter { new in !found.contains { $0["id"] == new["id"] } }
        }
        return found
    }

    /// All cases that the filters match.
    func cases(_ query: [Request.Parameter]) async throws -> [JSONValue] {
        var found: [JSONValue] = []
        var cursor: String?
        repeat {
            var page = Request.get("defects", query: ["limit": "1000", "cursor": cursor])
            page.query += query
            let answer = try await call(page)
            found += answer["items"]?.array ?? []
            cursor = answer["next_cursor"]?.string
        } while cursor != nil
        return found
    }
}

/// What was named, or for a single `-` the lines of the standard input: what a scanner at this terminal types.
func named(_ names: [String]) throws -> [String] {
    guard names == ["-"] else { return names }
    let isTerminal = isatty(0) == 1
    if isTerminal { Output.note("Scan or type them, one in a line; an empty line ends.") }
    var lines: [String] = []
    while let line = readLine(strippingNewline: true).map({ trimmed($0) }) {
        if line.isEmpty {
            if isTerminal { break }
        } else if !lines.contains(line) {
            lines.append(line)
        }
    }
    guard !lines.isEmpty else { throw Failure(.usage, "nothing was scanned") }
    return lines
}
