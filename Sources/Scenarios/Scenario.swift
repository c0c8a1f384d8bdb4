import Barcodes
import ControlAPI
import ControlServer
import FoundationEssentials
import Ledger
import Synchronization
import Tracking

/// A scenario: a text that runs against a scratch ledger with its own clock, in the daemon's own code. No device,
/// printer or socket is opened.
public struct Scenario: Sendable {
    /// What came of it.
    public struct Outcome: Sendable {
        /// Lines that came out as they should.
        public var passed = 0
        /// Lines that came out otherwise, each with its file and line, what was expected and what came.
        public var failures: [String] = []
    }

    private let name: String
    private let text: String
    private let folder: String
    private let siteOverride: String?

    /// Reads a scenario.
    ///
    /// - Parameters:
    ///   - path: the file; `site` lines are relative to it.
    ///   - site: a site file to use in the place of every one that the scenario names.
    /// - Throws: an error with the path for a file that can't be read.
    public init(file path: String, site: String? = nil) throws {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw StorageError(.other, "cannot read \(path): no such file, or not permitted")
        }
        self.init(name: path, text: String(decoding: data, as: UTF8.self), folder: Self.folder(of: path), site: site)
    }

    /// A scenario from its text.
    public init(name: String, text: String, folder: String, site: String? = nil) {
        (self.name, self.text, self.folder, siteOverride) = (name, text, folder, site)
    }

    private static func folder(of path: String) -> String {
        path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
    }

    /// Runs it in a scratch directory that is gone afterwards.
    public func run() async throws -> Outcome {
        let directory = FileManager.default.temporaryDirectory.path + "/traveler-scenario-\(UUID().uuidString)"
        try FileManager.default.createDirectory(
            atPath: directory, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let clock = ScenarioClock()
        let ledger = try Ledger(directory: directory, clock: { clock.now })
        defer { ledger.close() }
        let floor = ScenarioFloor(ledger: ledger, clock: clock, folder: folder, siteOverride: siteOverride)
        var outcome = Outcome()
        var names: [String: String] = [:]
        // Names whose value some line is to keep.
        let keepable = Set(text.split(separator: "\n").flatMap(Self.keptNames))
        for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            do {
                guard let line = try ScenarioLine(substitute(String(line), names), number: index + 1) else { continue }
                let missing = keepable.subtracting(names.keys).filter { line.step.uses("$" + $0) }
                if let name = missing.max(by: { ($0.count, $0) < ($1.count, $1) }) {
                    throw ScenarioLine.Malformed(
                        message: "there is no $\(name): the line that should have kept it failed, or comes later")
                }
                let result = try await floor.run(line)
                guard let expected = line.expected else { continue }
                let differences = expected.differences(from: result, &names)
                if differences.isEmpty {
                    outcome.passed += 1
                } else {
                    outcome.failures.append(
                        "\(name):\(index + 1): \(differences.joined(separator: "; "))\n    came: \(result.text)")
                }
            } catch let malformed as ScenarioLine.Malformed {
                outcome.failures.append("\(name):\(index + 1): \(malformed.message)")
            }
        }
        return outcome
    }

    /// The names in what a line expects, `key=$name`.
    private static func keptNames(_ line: Substring) -> [String] {
        guard !line.hasPrefix("#"), let arrow = line.ranges(of: "=>").last else { return [] }
        return line[arrow.upperBound...].split(separator: " ").compactMap { word in
            guard let mark = word.firstRange(of: "=$"), mark.upperBound < word.endIndex else { return nil }
            return String(word[mark.upperBound...])
        }
    }

    /// Puts kept values into a line, the longest name first.
    private func substitute(_ line: String, _ names: [String: String]) -> String {
        var line = line
        for name in names.keys.sorted(by: { ($0.count, $0) > ($1.count, $1) }) {
            line = line.replacing("$" + name, with: names[name] ?? "")
        }
        return line
    }
}

/// Clocks that only the scenario moves.
final class ScenarioClock: Sendable {
    private let moment = Mutex(Moment(wall: 1_767_225_600_000, steady: 1_767_225_600_000, run: 1))
    var now: Moment { moment.withLock { $0 } }

    /// Sets the wall clock, as somebody could. No time passes.
    func set(_ time: Int64) { moment.withLock { $0.wall = time } }

    /// Lets time pass, on both clocks.
    func wait(_ time: Int64) {
        moment.withLock { moment in
            moment.wall += time
            moment.steady += time
        }
    }
}

/// What a line came out as.
struct ScenarioResult {
    var result: String
    var body: JSONValue?
    var text: String
}

extension ScenarioLine.Expectation {
    /// What came out otherwise. A value `$name` that is not kept yet is kept.
    func differences(from actual: ScenarioResult, _ names: inout [String: String]) -> [String] {
        var differences: [String] = []
        if let result, result != actual.result { differences.append("expected \(result), came \(actual.result)") }
        for (path, value) in fields {
            let found = actual.body?.text(at: path) ?? ""
            if value.hasPrefix("$"), value.count > 1 {
                if found.isEmpty { differences.append("there is no \(path) to keep") }
                names[String(value.dropFirst())] = found.isEmpty ? nil : found
            } else if found != value {
                differences.append("expected \(path)=\(value), came \(path)=\(found)")
            }
        }
        return differences
    }
}

extension JSONValue {
    /// The text of what stands at a path such as `items.0.serial`; nil where nothing does.
    func text(at path: String) -> String? {
        var value = self
        for key in path.split(separator: ".") {
            if let list = value.array {
                guard let index = Int(key), list.indices.contains(index) else { return nil }
                value = list[index]
            } else {
                guard let inner = value[String(key)] else { return nil }
                value = inner
            }
        }
        return value == .null ? nil : value.string ?? value.json
    }
}
