import ArgumentParser
import ControlAPI
import Glibc

// What ends something for good, or for others, says so and asks.

/// Whether it is done without a question.
struct Consent: ParsableArguments {
    @Flag(name: .shortAndLong, help: "Don't ask.") var yes = false
}

/// A command that ends something for good, or for others.
protocol Ending: Call {
    var consent: Consent { get }
    /// What it would end, as a question; nil where it ends nothing.
    func question(_ connection: Connection) async throws -> String?
}

extension Ending {
    func isAgreed(_ connection: Connection) async throws -> Bool {
        guard !consent.yes, let question = try await question(connection) else { return true }
        guard try isConfirmed(question, assumed: false) else {
            Output.note("Nothing was changed.")
            return false
        }
        return true
    }
}

/// Asks a question at the terminal; yes only where that was said.
///
/// - Throws: a `Failure` where nobody is there to say yes.
func isConfirmed(_ question: String, assumed: Bool) throws -> Bool {
    if assumed { return true }
    guard isatty(0) == 1 else {
        throw Failure(.usage, "\(question) Nobody can confirm this here; add --yes")
    }
    Output.write(
        Array((wrapped(question, Screen(descriptor: 2).width).joined(separator: "\n") + " [y/N] ").utf8), to: 2)
    let answer = readLine(strippingNewline: true)?.lowercased()
    return answer == "y" || answer == "yes"
}

extension Connection {
    /// `B-17 (PCB-100, in production at testing)`.
    func described(unit serial: String) async throws -> String {
        let unit = try await call(.get("units", serial))
        let hold = unit["on_hold"]?.bool == true ? ", on hold" : ""
        return "\(visible(serial)) (\(unit["product"]?.plain ?? "?"), \(View.place(unit))\(hold))"
    }

    /// `2 pieces of PCB-100 in case 4711`.
    func described(_ lot: Lot, ofCase id: String) async throws -> String {
        let found = try await call(.get("defects", id))
        let number = lot.quantity ?? (lot.serials.isEmpty ? found["remaining"]?.int ?? 0 : lot.serials.count)
        return "\(count(number, "piece")) of \(found["product"]?.plain ?? "?") in case \(visible(id))"
    }
}
