public import Tracking

/// The site file: one YAML document that describes a plant, its organisation, catalogue and stations.
///
/// It is plain YAML without tags, anchors and aliases, at most 1 MiB. Every entry is known by its code (people by
/// login, stations and labels by name) and may say `retired: true`.
public enum SiteFile {
    /// The most bytes that a site file may have.
    public static let maximumSize = 1 << 20

    /// Reads a site file. An empty one is an empty plant; routings come in their one version.
    ///
    /// - Parameters:
    ///   - text: the file.
    ///   - earlierStages: names of stages of routings' earlier versions: stations may still perform them, for the units
    ///     that follow those versions.
    ///   - bound: the scanners of each station, by its name: a station of which the file names none keeps its own, so that a
    ///     file from before a scanner was paired takes nothing away. `scanners: []` does.
    ///   - owner: what beside this file has a text as its name already, in words that follow "it is": asked for each name
    ///     of a product and each badge code, which a scan would otherwise take for that.
    ///   - badgeDigest: makes the keyed hash of a badge code; badges that are hashes already are kept as they are.
    /// - Throws: everything that is wrong with the file, up to 100 problems in the order of their places. Broken YAML
    ///   is reported alone, as nothing after it can be trusted.
    public static func parse(
        _ text: String, earlierStages: Set<String> = [], bound: [String: [ScannerBinding]] = [:],
        owner: (_ name: String) -> String? = { _ in nil }, badgeDigest: (_ code: String) -> String
    ) throws(SiteFileProblems) -> Plant {
        var source = try SourceText(text)
        let root = try source.root()
        let reader = SiteReader(source)
        reader.bound = bound
        if let root { reader.read(root) }
        for (login, code) in reader.badges { reader.plant.people[login]?.badge = badgeDigest(code) }
        reader.checkRules(earlierStages: earlierStages, owner: owner, badgeDigest: badgeDigest)
        if !reader.problems.isEmpty { throw SiteFileProblems(reader.problems) }
        return reader.plant
    }

    /// Whether a file has nothing in it: no text, comments only, or a written-out null. What can't be read has something.
    public static func isEmpty(_ text: String) -> Bool {
        guard var source = try? SourceText(text) else { return false }
        do {
            return try source.root()?.isNothing ?? true
        } catch {
            return false
        }
    }

    /// Writes a plant as a site file that reads back as the same plant: applying it changes nothing.
    ///
    /// Of a routing the current version is written, of a badge its keyed hash. What has its default value is left out.
    public static func export(_ plant: Plant) -> String {
        SiteWriter.write(plant)
    }

    /// What is wrong with a plant in itself: malformed codes, references to entries that are missing or retired,
    /// offices that people's roles don't fit, stations that can't do their stages, and so on; up to 100 problems.
    ///
    /// - Parameter badgeDigest: makes the keyed hash of a badge code.
    /// - Returns: for each problem the place, such as `people[mia].team`, and what is wrong and would be right.
    public static func validate(
        _ plant: Plant, badgeDigest: (_ code: String) -> String
    ) -> [(path: String, message: String)] {
        var rules = SiteRules(plant)
        rules.check()
        rules.names(badges: [:], owner: { _ in nil }, badgeDigest: badgeDigest)
        return rules.problems.map { ($0.path, $0.message) }
    }
}

/// One thing that is wrong with a site file.
public struct SiteFileProblem: Sendable, Hashable, CustomStringConvertible {
    /// Line in the file, from 1.
    public let line: Int
    /// Unicode scalar in the line, from 1.
    public let column: Int
    /// The value that is wrong, such as `products[1].serial.pattern`, lists counted from 0; empty for the whole file.
    public let path: String
    /// What is wrong, and what was expected or would be right.
    public let message: String

    /// `12:5: products[1].routing: there is no routing "bord"; did you mean "board"?`
    public var description: String { "\(line):\(column): \(path.isEmpty ? "" : "\(path): ")\(message)" }
}

/// Everything that is wrong with a site file.
public struct SiteFileProblems: Error, Hashable, CustomStringConvertible {
    /// The most problems that are reported at once.
    public static let limit = 100

    /// The problems by line and column; at least one, at most `limit`.
    public let problems: [SiteFileProblem]

    /// The problems, one on each line.
    public var description: String { problems.map(\.description).joined(separator: "\n") }

    init(_ problems: [SiteFileProblem]) {
        // A stable order: problems of one place stay as they were found.
        let sorted = problems.enumerated().sorted {
            ($0.element.line, $0.element.column, $0.offset) < ($1.element.line, $1.element.column, $1.offset)
        }
        self.problems = sorted.prefix(Self.limit).map(\.element)
    }
}
