import Yams

/// A place in the file, both from 1; columns count Unicode scalars.
struct Place: CustomStringConvertible {
    static let start = Place(line: 1, column: 1)

    var line: Int
    var column: Int
    var description: String { "\(line):\(column)" }
}

extension Node {
    /// Where the node begins.
    var place: Place { mark.map(Place.init) ?? .start }
}

extension Place {
    init(_ mark: Mark) { self.init(line: mark.line, column: mark.column) }
}

/// The text of a site file, and the way from a YAML node back to its exact place.
struct SourceText {
    private let scalars: [Unicode.Scalar]
    /// Where each line begins, and where it ends without its line break.
    private let lines: [Range<Int>]
    /// The repeated keys that the parser wasn't shown, by where they begin.
    private var covered: [Int: String] = [:]

    /// Takes a text that is short enough and has no control characters but tabs and line breaks.
    init(_ text: String) throws(SiteFileProblems) {
        guard text.utf8.count <= SiteFile.maximumSize else {
            let message =
                "cannot read a site file of \(text.utf8.count) bytes; it can have 1 MiB (\(SiteFile.maximumSize) bytes)"
            throw SiteFileProblems([SiteFileProblem(line: 1, column: 1, path: "", message: message)])
        }
        scalars = Array(text.unicodeScalars)
        var lines: [Range<Int>] = []
        var start = 0
        for (index, scalar) in scalars.enumerated() where Self.isBreak(scalar) {
            if scalar == "\n", index > 0, scalars[index - 1] == "\r" {
                start = index + 1
                continue
            }
            lines.append(start..<index)
            start = index + 1
        }
        lines.append(start..<scalars.count)
        self.lines = lines
        if let index = scalars.indices.first(where: { !Self.isPlainText(scalars[$0], at: $0) }) {
            let name = String(scalars[index].value, radix: 16, uppercase: true)
            let code = "U+" + String(repeating: "0", count: max(0, 4 - name.count)) + name
            let message = "cannot read the character \(code); a site file is plain text in UTF-8"
            throw SiteFileProblems([problem(place(index), message)])
        }
    }

    /// The line breaks of YAML 1.1.
    private static func isBreak(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case "\n", "\r", "\u{85}", "\u{2028}", "\u{2029}": true
        default: false
        }
    }

    /// The printable characters of YAML 1.1; a byte order mark may begin the file.
    private static func isPlainText(_ scalar: Unicode.Scalar, at index: Int) -> Bool {
        switch scalar.value {
        case 0x9, 0xA, 0xD, 0x20...0x7E, 0x85, 0xA0...0xD7FF, 0xE000...0xFEFE, 0xFF00...0xFFFD, 0x10000...: true
        case 0xFEFF: index == 0
        default: false
        }
    }

    private func problem(_ place: Place, _ message: String) -> SiteFileProblem {
        SiteFileProblem(line: place.line, column: place.column, path: "", message: message)
    }

    private func index(of place: Place) -> Int {
        let line = min(max(place.line, 1), lines.count) - 1
        return min(lines[line].lowerBound + max(place.column, 1) - 1, scalars.count)
    }

    private func place(_ index: Int) -> Place {
        let line = lines.lastIndex { $0.lowerBound <= index } ?? 0
        return Place(line: line + 1, column: index - lines[line].lowerBound + 1)
    }
}

// MARK: YAML

extension SourceText {
    /// The one document of the file; nil if it is empty. No node in it has a tag, an anchor or an alias.
    mutating func root() throws(SiteFileProblems) -> Node? {
        try refuseManyAliases()
        var source = scalars
        while true {
            do {
                // Anchors live as long as their parser.
                let parser = try Parser(yaml: string(source), resolver: .basic, encoding: .utf8)
                let root = try parser.singleRoot()
                var found: [SiteFileProblem] = []
                if let root { withExtendedLifetime(parser) { refuseExtras(root, &found) } }
                if found.isEmpty { return root }
                throw SiteFileProblems(repeatedKeys + found)
            } catch let problems as SiteFileProblems {
                throw problems
            } catch YamlError.duplicatedKeysInMapping(let names, let context)
                where cover(names.first, at: Place(context.mark), in: &source)
            {
                continue
            } catch {
                throw SiteFileProblems(repeatedKeys + [problem(of: error)])
            }
        }
    }

    private var repeatedKeys: [SiteFileProblem] {
        covered.map { problem(place($0.key), "the key `\($0.value)` is repeated; keep one") }
    }

    /// The key that stands here, if the parser was shown another one because it is repeated further down.
    func repeatedKey(at place: Place) -> String? { covered[index(of: place)] }

    /// Private-use characters that stand for repeated keys.
    private static let covers: Range<UInt32> = 0xF700..<0xF70A

    /// The parser stops at the first repeated key. Covering its first occurrence by a name that is no one's lets the
    /// rest be read, so that all problems are found in one go.
    private mutating func cover(_ key: String?, at place: Place, in source: inout [Unicode.Scalar]) -> Bool {
        guard let key, !key.isEmpty else { return false }
        let start = index(of: place)
        let isQuoted = scalars.indices.contains(start) && (scalars[start] == "\"" || scalars[start] == "'")
        let first = start + (isQuoted ? 1 : 0)
        let range = first..<first + key.unicodeScalars.count
        guard range.upperBound <= scalars.count, scalars[range].elementsEqual(key.unicodeScalars),
            let free = Self.covers.first(where: { value in !source.contains { $0.value == value } }),
            let cover = Unicode.Scalar(free)
        else { return false }
        source.replaceSubrange(range, with: repeatElement(cover, count: range.count))
        covered[start] = key
        return true
    }

    private func string(_ scalars: some Sequence<Unicode.Scalar>) -> String {
        var view = String.UnicodeScalarView()
        view.append(contentsOf: scalars)
        return String(view)
    }

    /// The parser expands aliases, and a few dozen that refer to each other could keep it busy for years.
    private func refuseManyAliases() throws(SiteFileProblems) {
        var names: (anchors: Set<String>, aliases: [(name: String, index: Int)]) = ([], [])
        for (index, scalar) in scalars.enumerated() where scalar == "&" || scalar == "*" {
            if index > 0, case let before = scalars[index - 1], !Self.isBreak(before),
                !" \t[]{},?:-".unicodeScalars.contains(before)
            {
                continue
            }
            let name = scalars[(index + 1)...].prefix {
                $0.isASCII && ($0.properties.isAlphabetic || $0.properties.numericType != nil) || $0 == "-" || $0 == "_"
            }
            if name.isEmpty { continue }
            if scalar == "&" { names.anchors.insert(string(name)) } else { names.aliases.append((string(name), index)) }
        }
        let used = names.aliases.filter { names.anchors.contains($0.name) }
        if used.count > 20 { throw SiteFileProblems([problem(place(used[0].index), Self.noAliases)]) }
    }

    private static let noAliases = "cannot read anchors and aliases (& and *); write the value out in each place"

    private func refuseExtras(_ node: Node, _ found: inout [SiteFileProblem]) {
        func refuse(_ message: String) {
            let place = node.place
            let problem = SiteFileProblem(line: place.line, column: place.column, path: "", message: message)
            if !found.contains(problem) { found.append(problem) }
        }
        if found.count >= SiteFileProblems.limit { return }
        if node.anchor != nil { return refuse(Self.noAliases) }
        let tag: Tag
        switch node {
        case .scalar(let scalar): tag = scalar.tag
        case .sequence(let sequence):
            tag = sequence.tag
            for element in sequence { refuseExtras(element, &found) }
        case .mapping(let mapping):
            tag = mapping.tag
            for (key, value) in mapping {
                refuseExtras(key, &found)
                refuseExtras(value, &found)
            }
        case .alias: return refuse(Self.noAliases)
        }
        let usual: [Tag.Name] = [.implicit, .nonSpecific, .str, .seq, .map]
        if !usual.contains(where: { $0.rawValue == tag.rawValue }) {
            refuse("cannot read the tag \(tag.rawValue); leave it out")
        }
    }

    private func problem(of error: any Error) -> SiteFileProblem {
        func broken(_ mark: Mark, _ message: String, _ context: YamlError.Context? = nil) -> SiteFileProblem {
            let place = Place(mark)
            if scalars.dropFirst(index(of: place)).first == "\t" {
                return problem(place, "cannot read a tab here; indent with spaces")
            }
            if message.hasPrefix("Maximum nesting level") {
                return problem(place, "cannot read lists and mappings nested this deep; a site file needs six levels")
            }
            if message.hasPrefix("mapping values are not allowed") {
                return problem(place, "cannot read a key here; begin it in the same column as the keys beside it")
            }
            let begun = context.map { " \($0.text) that begins at \($0.mark)," } ?? ""
            return problem(place, "cannot read the YAML:\(begun) \(message)")
        }
        switch error as? YamlError {
        case .scanner(let context, let message, let mark, _), .parser(let context, let message, let mark, _):
            return broken(mark, message, context)
        case .composer(_, let message, let mark, _) where message.contains("undefined alias"):
            return problem(Place(mark), Self.noAliases)
        case .composer(_, let message, let mark, _) where message.contains("another document"):
            return problem(Place(mark), "cannot read a second document; a site file is one")
        case .composer(_, let message, let mark, _):
            return broken(mark, message)
        case .duplicatedKeysInMapping(_, let context):
            return problem(Place(context.mark), "this key is repeated; keep one")
        default:
            return problem(.start, "cannot read the YAML: \(error)")
        }
    }
}

// MARK: Places inside a value

extension SourceText {
    /// Where the scalar at `offset` in a value stands: exact for values that stand in the file as they are read (plain
    /// or quoted in one line, or a literal block), else where the value begins.
    func place(of value: Node.Scalar, offset: Int) -> Place {
        let start = value.mark.map(Place.init) ?? .start
        let before = value.string.unicodeScalars.prefix(offset)
        switch value.style {
        case .plain, .singleQuoted, .doubleQuoted:
            let column = start.column + (value.style == .plain ? 0 : 1)
            guard lines.indices.contains(start.line - 1),
                scalars[lines[start.line - 1]].dropFirst(column - 1).starts(with: value.string.unicodeScalars)
            else { return start }
            return Place(line: start.line, column: column + before.count)
        case .literal:
            let row = before.count { $0 == "\n" }
            let content = value.string.unicodeScalars.split(separator: "\n", omittingEmptySubsequences: false)
            let column = before.reversed().prefix { $0 != "\n" }.count
            guard lines.indices.contains(start.line + row), content.indices.contains(row) else { return start }
            let line = scalars[lines[start.line + row]]
            let indent = line.count - content[row].count
            guard indent >= 0, line.dropFirst(indent).elementsEqual(content[row]) else { return start }
            return Place(line: start.line + row + 1, column: indent + column + 1)
        default: return start
        }
    }
}
