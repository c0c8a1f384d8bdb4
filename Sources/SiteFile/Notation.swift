import Tracking

/// Durations as they are written in a site file: `1500ms`, `2s`, `10m`, `1h`, `2d`.
enum DurationText {
    static let expected = "a time such as 1500ms, 2s, 10m, 1h or 2d"
    /// Ten years.
    private static let longest = 3_650 * 86_400_000
    private static let units = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)]

    static func milliseconds(_ text: String) -> Int? {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        guard let unit = units.first(where: { $0.0 == text.dropFirst(digits.count) }), let count = wholeNumber(digits),
            count <= longest / unit.1
        else { return nil }
        return count * unit.1
    }

    /// In the largest unit that gives a whole number.
    static func text(_ milliseconds: Int) -> String {
        if milliseconds == 0 { return "0s" }
        let unit = units.first { milliseconds % $0.1 == 0 } ?? ("ms", 1)
        return "\(milliseconds / unit.1)\(unit.0)"
    }
}

extension Money {
    /// An amount as it is written in a site file: digits, and up to four decimals after a point.
    init?(_ text: String) {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard (1...2).contains(parts.count), let whole = wholeNumber(parts[0]), whole <= 1_000_000_000 else {
            return nil
        }
        var fraction = 0
        if parts.count == 2 {
            guard parts[1].utf8.count <= 4, let number = wholeNumber(parts[1]) else { return nil }
            fraction = (parts[1].utf8.count..<4).reduce(number) { number, _ in number * 10 }
        }
        self.init(tenThousandths: whole * 10_000 + fraction)
    }

    /// With two decimals, or as many more as it needs.
    var text: String {
        var fraction = String(String(10_000 + tenThousandths % 10_000).dropFirst())
        while fraction.utf8.count > 2, fraction.hasSuffix("0") { fraction.removeLast() }
        return "\(tenThousandths / 10_000).\(fraction)"
    }
}

/// The number that ASCII digits stand for; nil for anything else and for what an `Int` can't hold.
func wholeNumber(_ text: some StringProtocol) -> Int? {
    guard !text.isEmpty, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
    return Int(text)
}

/// Text of a site file in a message: in quotes, in one line, and not without end.
func quoted(_ text: String) -> String {
    let shown = text.unicodeScalars.prefix(60).map { scalar in
        scalar.properties.generalCategory == .control || scalar == "\"" || scalar == "\\"
            ? scalar.escaped(asASCII: false) : String(scalar)
    }
    return "\"\(shown.joined())\(text.unicodeScalars.count > 60 ? "..." : "")\""
}

/// `expected one of "label", "pass"`
func oneOf(_ words: [String]) -> String {
    "expected one of \(words.map(quoted).joined(separator: ", "))"
}

/// That there is no such word, and which one may have been meant, or all that there are.
///
/// - Parameters:
///   - place: where it was looked for, if that isn't clear: `in any routing`.
///   - listing: whether to name all words in any case.
func unknown(
    _ what: String, _ word: String, _ place: String = "", among known: [String], listing: Bool = false
) -> String {
    let start = "there is no \(what) \(quoted(word))\(place.isEmpty ? "" : " \(place)")"
    let all = known.map(quoted).joined(separator: ", ")
    if let near = nearest(word, among: known) {
        return "\(start); did you mean \(quoted(near))?\(listing ? " Known: \(all)" : "")"
    }
    if known.isEmpty { return "\(start); none is defined" }
    return known.count <= 12 || listing ? "\(start); known: \(all)" : start
}

/// The word that was probably meant: at most a third of its characters away, case aside.
func nearest(_ word: String, among known: [String]) -> String? {
    guard word.utf8.count <= 64 else { return nil }
    let lowercased = word.lowercased()
    let near = known.map { (word: $0, edits: edits(lowercased, $0.lowercased())) }.min { $0.edits < $1.edits }
    guard let near, near.edits <= max(1, word.count / 3) else { return nil }
    return near.word
}

/// How many characters must be inserted, deleted, replaced or swapped with their neighbour to get from one word to the
/// other (Damerau-Levenshtein, each place edited once).
private func edits(_ from: String, _ to: String) -> Int {
    let (from, to) = (Array(from), Array(to))
    var rows = [Array(0...to.count)]
    for (row, character) in from.enumerated() {
        var next = [row + 1]
        for column in to.indices {
            let replaced = rows[row][column] + (to[column] == character ? 0 : 1)
            var least = min(replaced, rows[row][column + 1] + 1, next[column] + 1)
            if row > 0, column > 0, character == to[column - 1], from[row - 1] == to[column] {
                least = min(least, rows[row - 1][column - 1] + 1)
            }
            next.append(least)
        }
        rows.append(next)
    }
    return rows[from.count][to.count]
}
