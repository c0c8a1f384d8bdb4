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
    /// Reads the serials that the standard input has, where the command takes some.
    mutating func readInput() throws
}

extension CaseCall {
    mutating func name(serial: String) {}
    mutating func readInput() throws {}
    mutating func prepare(_ connection: Connection) async throws {
        try readInput()
        try await findCase(connection)
    }

    /// Puts the number of the case where it was named by a serial.
    mutating func findCase(_ connection: Connection) async throws {
        let named = try givenOne(id)
        id = try await connection.caseNumber(named)
        if id != named, Connection.byNumber + id != named { name(serial: named) }
    }
}

/// A command on a case as a whole: one unit of it doesn't stand for the others.
protocol WholeCaseCall: CaseCall {}

extension WholeCaseCall {
    mutating func prepare(_ connection: Connection) async throws { try await findWholeCase(connection) }

    /// Puts the number of the case where it was named by the serial of its only unit.
    mutating func findWholeCase(_ connection: Connection) async throws {
        id = try await connection.wholeCase(try givenOne(id), for: Self.configuration.commandName ?? "")
    }
}

/// Which part of a case.
struct Lot: ParsableArguments {
    @Argument(
        help:
            "Serials, - for the lines of the standard input; none for goods without serials, and where one unit is left."
    )
    var serials: [String] = []
    @Option(parsing: .unconditional, help: "How many, without serials.") var quantity: Int?

    mutating func read() throws { serials = try given(serials) }

    /// A case that was named by the serial of a unit means that unit.
    mutating func name(serial: String) {
        if quantity == nil, !serials.contains(serial) { serials.insert(serial, at: 0) }
    }
}

extension Connection {
    /// The number of the case with this number, or else of the last one with a unit of this serial.
    func caseNumber(_ name: String) async throws -> String {
        guard !name.isEmpty else { throw Failure(.usage, "the number of the case is empty") }
        let numbered = try await caseNumbered(name)?["id"]?.string
        let holding = try await items(.get("defects", query: ["serial": name]), atMost: 1).first?["id"]?.string
        if let numbered, let holding, numbered != holding {
            throw Failure(
                .usage,
                "\(visible(name)) is the number of a case, and the serial of a unit in case \(holding); "
                    + "name case:\(numbered) or case:\(holding)")
        }
        guard let id = numbered ?? holding else {
            throw Failure(.notFound, "there is no defect case \(visible(name)), and none with such a unit")
        }
        return id
    }

    /// The number of the case with this number, or of the last one with a unit of this serial if no other unit is in it.
    func wholeCase(_ name: String, for command: String) async throws -> String {
        let id = try await caseNumber(name)
        guard id != name, Self.byNumber + id != name else { return id }
        let units = try await call(.get("defects", id))["units"]?.array ?? []
        let others = units.count { $0["outcome"]?.string == "open" && $0["serial"]?.string != name }
        guard others == 0 else {
            throw Failure(
                .usage,
                "\(visible(name)) is in case \(id) with \(count(others, "other unit")); name the case: "
                    + "travelerctl defect \(command) \(id) ...")
        }
        return id
    }

    private func caseNumbered(_ name: String) async throws -> JSONValue? {
        let number = name.hasPrefix(Self.byNumber) ? String(name.dropFirst(Self.byNumber.count)) : name
        guard !number.isEmpty, number.allSatisfy({ $0.isASCII && $0.isNumber }) else { return nil }
        do {
            return try await call(.get("defects", number))
        } catch let failure as Failure where failure.exit == .notFound {
            return nil
        }
    }

    /// Stands before what is the number of a case, even where a unit has the same for a serial.
    static var byNumber: String { "case:" }

    /// A unit that can be marked as defective, in one case with those before it.
    func unitToMark(_ serial: String, with first: JSONValue?) async throws -> JSONValue {
        let unit = try await call(.get("units", serial))
        if let found = unit["defect_case"]?.plain {
            throw Failure(.refused, "\(visible(serial)) is defective already, in case \(found)")
        }
        if let status = unit["status"]?.string, ["delivered", "installed", "split", "written_off"].contains(status) {
            throw Failure(.refused, "\(visible(serial)) can't be marked defective: it is \(words(status))")
        }
        if let first, let product = unit["product"]?.plain, let other = first["product"]?.plain, product != other {
            throw Failure(
                .usage,
                "a defect case is about one product: \(first["serial"]?.plain ?? "?") is a \(other), "
                    + "\(visible(serial)) a \(product)")
        }
        return unit
    }

    /// The case with this number, or the one that the unit with this serial is in now; it is neither sent nor resolved.
    func openCase(_ name: String) async throws -> JSONValue {
        let id = try await caseNumber(name)
        let found = try await call(.get("defects", id))
        let unit = found["units"]?.array?.first { $0["serial"]?.string == name }
        if let outcome = unit?["outcome"]?.string, outcome != "open" {
            throw Failure(.refused, "\(visible(name)) is in no case now: in case \(id) it is \(words(outcome))")
        }
        if let status = found["status"]?.string, status == "with_supplier" || status == "resolved" {
            throw Failure(.refused, "\(visible(name)) can't be sent: case \(id) is \(words(status))")
        }
        return found
    }

}

/// The lines of the standard input: what a scanner at this terminal types, up to an empty line. Each is looked up at once;
/// what is good is shown with its count, what is no good is said and scanned again. A file or a pipe is read to its end, and
/// there what is no good ends the command.
func scanned<Found>(_ echo: (Found) -> String, _ find: (String) async throws -> Found) async throws -> [Found] {
    let isTerminal = isatty(0) == 1
    if isTerminal { Output.note("Scan or type them, one in a line; an empty line ends.") }
    var seen: Swift.Set<String> = []
    var found: [Found] = []
    while let line = readLine(strippingNewline: true).map({ trimmed($0) }) {
        if line.isEmpty {
            if isTerminal { break }
            continue
        }
        guard seen.insert(line).inserted else {
            Output.note("\(visible(line)) was read before; it counts once.")
            continue
        }
        do {
            let next = try await find(line)
            found.append(next)
            if isTerminal { Output.note("\(found.count)  \(echo(next))") }
        } catch let failure as Failure where isTerminal && [.notFound, .refused, .usage].contains(failure.exit) {
            seen.remove(line)
            Output.note(Screen(descriptor: 2).paint("Not taken: ", .red) + visible(failure.message))
        }
    }
    guard !found.isEmpty else { throw Failure(.usage, "nothing was scanned") }
    return found
}
