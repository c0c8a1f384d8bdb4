import Tracking
import Yams

/// Reads the nodes of a site file into a plant and collects what is wrong on the way.
///
/// What can't be read is left at its default, and its path is kept as doubtful: no rule is applied to it, so that one
/// mistake is reported once.
final class SiteReader {
    /// A value's path in the file (`products[1].routing`) and in the rules (`products[PCB-100].routing`).
    struct Path {
        var file: String
        var rule: String

        func key(_ name: String) -> Path {
            Path(file: file.isEmpty ? name : "\(file).\(name)", rule: rule.isEmpty ? name : "\(rule).\(name)")
        }
        func index(_ index: Int) -> Path { Path(file: "\(file)[\(index)]", rule: "\(rule)[\(index)]") }
    }

    /// Where a value that was read stands.
    private struct Reading {
        var file: String
        var node: Node
    }

    var plant = Plant()
    /// Badge codes by login that are no hashes yet.
    var badges: [String: String] = [:]
    /// The scanners of the stations of which the file names none.
    var bound: [String: [ScannerBinding]] = [:]
    private(set) var problems: [SiteFileProblem] = []
    private let source: SourceText
    private var readings: [String: Reading] = [:]
    private var doubtful: Set<String> = []

    init(_ source: SourceText) { self.source = source }

    /// Applies the rules to what was read.
    func checkRules(
        earlierStages: Set<String>, owner: (_ name: String) -> String?, badgeDigest: (_ code: String) -> String
    ) {
        if isFull { return }
        var rules = SiteRules(plant, doubtful: doubtful, earlierStages: earlierStages)
        rules.check()
        rules.names(badges: badges, owner: owner, badgeDigest: badgeDigest)
        for problem in rules.problems {
            // A key that isn't there has its place where its mapping begins.
            var known = Substring(problem.path)
            while readings[String(known)] == nil, let end = known.lastIndex(where: { $0 == "." || $0 == "[" }) {
                known = known[..<end]
            }
            guard let reading = readings[String(known)] else {
                report(.start, Path(file: problem.path, rule: problem.path), problem.message)
                continue
            }
            var place = reading.node.place
            if let offset = problem.offset, case .scalar(let scalar) = reading.node, known == problem.path {
                place = source.place(of: scalar, offset: offset)
            }
            let path = reading.file + problem.path.dropFirst(known.count)
            report(place, Path(file: path, rule: problem.path), problem.message)
        }
    }

    func report(_ place: Place, _ path: Path, _ message: @autoclosure () -> String) {
        doubtful.insert(path.rule)
        if isFull { return }
        problems.append(
            SiteFileProblem(line: place.line, column: place.column, path: path.file, message: message()))
    }

    /// Whether no more problems are wanted.
    var isFull: Bool { problems.count >= SiteFileProblems.limit }

    func doubt(_ path: Path) { doubtful.insert(path.rule) }

    /// Notes that a section has entries whose code isn't known.
    func doubtAny(of section: String) { doubtful.insert("\(section)[]") }

    func place(_ node: Node, _ path: Path) { readings[path.rule] = Reading(file: path.file, node: node) }

    func repeatedKey(at place: Place) -> String? { source.repeatedKey(at: place) }
}

extension Node {
    /// Whether nothing was written.
    var isNothing: Bool {
        guard case .scalar(let scalar) = self, scalar.style == .plain, scalar.tag.rawValue.isEmpty else { return false }
        return ["", "~", "null", "Null", "NULL"].contains(scalar.string)
    }

    /// What was found, for people.
    var kind: String {
        switch self {
        case .scalar: isNothing ? "nothing" : "text"
        case .sequence: "a list"
        case .mapping: "a mapping of keys"
        case .alias: "an alias"
        }
    }
}

/// The keys of one mapping of the file, asked for one by one; what nobody asked for is unknown.
final class Fields {
    let reader: SiteReader
    private(set) var path: SiteReader.Path
    private let node: Node
    private var values: [String: Node] = [:]
    private var keys: [(name: String, place: Place)] = []
    private var known: [String] = []
    private var missing: [String] = []

    /// Nil if the node is no mapping, which is reported.
    init?(_ reader: SiteReader, _ node: Node, _ path: SiteReader.Path, such example: String) {
        (self.reader, self.node, self.path) = (reader, node, path)
        guard case .mapping(let mapping) = node else {
            reader.report(node.place, path, "expected keys such as \(example), found \(node.kind)")
            return nil
        }
        for (key, value) in mapping {
            guard case .scalar(let scalar) = key else {
                reader.report(key.place, path, "expected a word as the key, found \(key.kind)")
                continue
            }
            if let name = reader.repeatedKey(at: key.place) {
                reader.report(key.place, path.key(name), "the key `\(name)` is repeated; keep one")
                continue
            }
            values[scalar.string] = value
            keys.append((scalar.string, key.place))
        }
        reader.place(node, path)
    }

    /// Gives the entry its path in the rules, once its code is known.
    func known(as rule: String) {
        path.rule = rule
        reader.place(node, path)
        for key in known { values[key].map { reader.place($0, path.key(key)) } }
    }

    /// The value of a key; nil if it isn't there or is empty.
    func value(_ key: String) -> (node: Node, path: SiteReader.Path)? {
        if !known.contains(key) { known.append(key) }
        guard let value = values[key] else { return nil }
        let path = path.key(key)
        reader.place(value, path)
        if value.isNothing { return nil }
        return (value, path)
    }

    /// Whether the key is there, even with an empty list.
    func has(_ key: String) -> Bool { value(key) != nil }

    /// Reports a problem with the value of a key that is there.
    func report(_ key: String, _ message: String) {
        reader.report((values[key] ?? node).place, path.key(key), message)
    }

    /// Text as it stands in the file, whatever YAML would make of it; only what YAML may take for true or false must
    /// be quoted.
    func text(_ key: String) -> String? {
        guard let (node, path) = value(key) else { return nil }
        return reader.text(node, path)
    }

    /// Makes a key one that must be there.
    func require(_ key: String) {
        if values[key].map(\.isNothing) ?? true { missing.append(key) }
    }

    /// Text that must be there.
    func required(_ key: String) -> String? {
        require(key)
        return text(key)
    }

    /// The elements of a list; empty if it isn't there.
    func list(_ key: String, of what: String) -> [(node: Node, path: SiteReader.Path)] {
        guard let (node, path) = value(key) else { return [] }
        guard case .sequence(let sequence) = node else {
            reader.report(node.place, path, "expected a list of \(what), found \(node.kind)")
            return []
        }
        return sequence.enumerated().map { index, node in
            let path = path.index(index)
            reader.place(node, path)
            return (node, path)
        }
    }

    /// A list of texts. What is no text leaves its place empty, so that the others keep their index.
    func texts(_ key: String, of what: String) -> [String] {
        list(key, of: what).map { reader.text($0.node, $0.path) ?? "" }
    }

    /// A mapping of any keys to texts; empty if it isn't there.
    func map(_ key: String, such example: String) -> [String: String] {
        guard let fields = fields(key, such: example) else { return [:] }
        return fields.values.reduce(into: [:]) { texts, pair in
            let path = fields.path.key(pair.key)
            reader.place(pair.value, path)
            texts[pair.key] = reader.text(pair.value, path) ?? ""
        }
    }

    /// A mapping as the value of a key.
    func fields(_ key: String, such example: String) -> Fields? {
        guard let (node, path) = value(key) else { return nil }
        return Fields(reader, node, path, such: example)
    }

    /// A value that is one word of a known notation.
    func parsed<Value>(_ key: String, _ expected: String, _ parse: (String) -> Value?) -> Value? {
        guard let (node, path) = value(key) else { return nil }
        if case .scalar(let scalar) = node, let value = parse(scalar.string) { return value }
        reader.report(
            node.place, path, "expected \(expected), found \(node.scalar.map { quoted($0.string) } ?? node.kind)")
        return nil
    }

    /// `true` or `false`; false if it isn't there.
    func flag(_ key: String) -> Bool {
        parsed(key, "true or false") { text in
            switch text.lowercased() {
            case "true", "yes", "on": true
            case "false", "no", "off": false
            default: nil
            }
        } ?? false
    }

    /// A whole number of 0 or more.
    func count(_ key: String) -> Int? {
        parsed(key, "a whole number from 0 to 1000000000") {
            wholeNumber($0).flatMap { $0 <= 1_000_000_000 ? $0 : nil }
        }
    }

    /// A time in milliseconds.
    func duration(_ key: String) -> Int? { parsed(key, DurationText.expected, DurationText.milliseconds) }

    /// One of the words of a vocabulary.
    func choice<Choice: RawRepresentable & CaseIterable>(_ key: String, _ what: String) -> Choice?
    where Choice.RawValue == String {
        guard let (node, path) = value(key), let text = reader.text(node, path) else { return nil }
        if let choice = Choice(rawValue: text) { return choice }
        reader.report(node.place, path, unknown(what, text, among: Choice.allCases.map(\.rawValue)))
        return nil
    }

    /// Reports keys that nobody asked for, and those that must be there.
    func finish() {
        for (name, place) in keys where !known.contains(name) && !reader.isFull {
            let path = path.key(name)
            // A key that is there already wasn't meant.
            if let near = nearest(name, among: known.filter { values[$0] == nil }) {
                reader.doubt(self.path.key(near))
                missing.removeAll { $0 == near }
                reader.report(place, path, "unknown key `\(name)`; did you mean `\(near)`?")
            } else {
                let all = known.map { "`\($0)`" }.joined(separator: ", ")
                reader.report(place, path, "unknown key `\(name)`; expected one of \(all)")
            }
        }
        for name in missing {
            let isThere = values[name] != nil
            report(name, isThere ? "expected a value, found nothing" : "missing key `\(name)`")
        }
    }
}

extension SiteReader {
    /// The text of a scalar, or nil and a report.
    func text(_ node: Node, _ path: Path) -> String? {
        guard case .scalar(let scalar) = node, !node.isNothing else {
            report(node.place, path, "expected text, found \(node.kind)")
            return nil
        }
        let switches = ["true", "false", "yes", "no", "on", "off"]
        if scalar.style == .plain, scalar.tag.rawValue.isEmpty, switches.contains(scalar.string.lowercased()) {
            report(
                node.place, path,
                "expected text, found `\(scalar.string)`, which YAML can take for true or false; "
                    + "if it is text write \"\(scalar.string)\"")
            return nil
        }
        return scalar.string
    }
}
