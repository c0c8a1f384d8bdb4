import ArgumentParser
import ControlAPI

// "Did you mean": what is nearly a word that exists is answered with that word.

/// The one of these that was probably meant; nil where none is near.
func nearest(_ word: String, _ words: [String]) -> String? {
    let (typed, limit) = (Array(word.lowercased()), word.count < 4 ? 1 : 2)
    return words.map { ($0, distance(typed, Array($0.lowercased()))) }.filter { $0.1 <= limit }.min { $0.1 < $1.1 }?.0
}

/// How many letters must be put in, taken out, replaced or swapped with the next one (Damerau and Levenshtein).
private func distance(_ from: [Character], _ to: [Character]) -> Int {
    guard abs(from.count - to.count) <= 2 else { return .max }
    var rows = [Array(0...to.count)]
    for i in 1..<(from.count + 1) {
        var row = [i]
        for j in 1..<(to.count + 1) {
            var least = min(rows[i - 1][j] + 1, row[j - 1] + 1, rows[i - 1][j - 1] + (from[i - 1] == to[j - 1] ? 0 : 1))
            if i > 1, j > 1, from[i - 1] == to[j - 2], from[i - 2] == to[j - 1] {
                least = min(least, rows[i - 2][j - 2] + 1)
            }
            row.append(least)
        }
        rows.append(row)
    }
    return rows[from.count][to.count]
}

extension Travelerctl {
    /// Why the words that begin a line name no command, with the one that was probably meant; nil where they do.
    static func unknownCommand(_ arguments: [String]) -> String? {
        var words = arguments.prefix { !$0.hasPrefix("-") }
        let isHelp = words.first == "help"
        if isHelp { words.removeFirst() }
        var command: any ParsableCommand.Type = Travelerctl.self
        var path = ["travelerctl"]
        for word in words {
            let parts = command.configuration.subcommands
            if parts.isEmpty {
                // What follows a whole command is an argument of it, or no topic that there is help for.
                return isHelp
                    ? "there is no help for \(visible(word)); see '\(path.joined(separator: " ")) --help'" : nil
            }
            let named = parts.map { ($0.configuration.commandName ?? "", $0.configuration.aliases, $0) }
            guard let next = named.first(where: { $0.0 == word || $0.1.contains(word) }) else {
                let meant = nearest(word, named.map(\.0)).map {
                    "; did you mean '\((path + [$0]).joined(separator: " "))'?"
                }
                return "there is no command '\((path + [visible(word)]).joined(separator: " "))'"
                    + (meant ?? "; '\(path.joined(separator: " ")) --help' lists what there is")
            }
            path.append(next.0)
            command = next.2
        }
        return nil
    }
}

extension Connection {
    /// The failure as a command ends with it: a name that isn't there is not found wherever it was named, and a station or
    /// product that was probably meant is said.
    func explained(_ failure: Failure, _ request: Request) async -> Failure {
        guard failure.problem != nil else { return failure }
        var failure = failure
        if case .json? = request.body, Self.namesNothing(failure.message) { failure.exit = .notFound }
        guard failure.exit == .notFound else { return failure }
        for (noun, key, field) in [("stations", "name", "station"), ("products", "code", "product")] {
            var body: JSONValue?
            if case .json(let value)? = request.body { body = value }
            let inPath = request.path.count > 1 && request.path[0] == noun ? request.path[1] : nil
            guard let name = inPath ?? body?[field]?.string, failure.message.contains(name) else { continue }
            let known = (try? await items(.get(noun, patience: 2), atMost: 1_000)) ?? []
            guard let meant = nearest(name, known.compactMap { $0[key]?.string }), meant != name else { continue }
            var better = failure
            better.message += ". Did you mean \(meant)?"
            return better
        }
        return failure
    }

    private static func namesNothing(_ message: String) -> Bool {
        let things = [
            "product", "work order", "supplier", "team", "department", "station", "defect type", "person", "unit",
        ]
        return things.contains { message.contains("there is no \($0) ") }
            || ["to assign units to", "who may inspect returns"].contains(where: message.hasSuffix)
            || message.contains("nothing was ever delivered under the order")
    }

    /// Fails where a list is empty because what its filters name is not there. What the caller may not see is left alone.
    func checkNames(_ query: [Request.Parameter], of noun: String) async throws {
        let nouns = [
            "product": "products", "station": "stations", "supplier": "suppliers", "work_order": "work-orders",
            "team": "teams", "inspector": "people", "assignee": "people",
        ]
        for parameter in query {
            do {
                if let noun = nouns[parameter.name] {
                    _ = try await call(.get(noun, parameter.value))
                } else if parameter.name == "type", noun == "defects" {
                    let known = try await items(.get("defect-types")).compactMap { $0["code"]?.string }
                    guard !known.contains(parameter.value) else { continue }
                    let meant = nearest(parameter.value, known).map { ". Did you mean \($0)?" } ?? ""
                    throw Failure(.notFound, "there is no defect type \(visible(parameter.value))\(meant)")
                } else if parameter.name == "stage" {
                    let stations = try await items(.get("stations"))
                    let known = stations.flatMap { $0["stages"]?.array?.compactMap(\.string) ?? [] }
                    guard !known.contains(parameter.value) else { continue }
                    let meant = nearest(parameter.value, known).map { ". Did you mean \($0)?" } ?? ""
                    throw Failure(.notFound, "no station performs a stage \(visible(parameter.value))\(meant)")
                }
            } catch let failure as Failure where failure.exit == .notPermitted {
                continue
            }
        }
    }
}
