import ControlAPI

/// The answer to a scan, as people read it.
struct ScanAnswer {
    let json: JSONValue

    var result: String { json["result"]?.string ?? "unknown" }
    /// Whether it did not count, also where the same was refused right before.
    var isRefused: Bool { json["word"] == "REFUSED" || result != "accepted" && result != "ignored" }
    var message: String { json["message"]?.plain ?? "" }
    /// The unit if there is one, else the code as it was read.
    var subject: String { json["serial"]?.plain ?? json["code"]?.plain ?? "" }

    /// What happened to the unit, such as PASSED; only whether it counted, where the rest is not for the reader.
    var word: String { json["word"]?.plain ?? visible(result.uppercased()) }

    var fill: Paint {
        switch json["colour"]?.string {
        case "green": .onGreen
        case "amber": .onAmber
        case "red": .onRed
        default: isRefused ? .onRed : .onGrey
        }
    }

    /// What is under way of the product.
    private var counts: String? {
        // A product that was looked up says so itself.
        guard !(word == "FOUND" && json["serial"] == nil) else { return nil }
        guard let making = json["in_production"], let back = json["in_repacking"], let there = json["in_stock"] else {
            return nil
        }
        return "\(json["product"]?.plain ?? ""): \(making.plain) in production, \(back.plain) in repacking, "
            + "\(there.plain) in stock"
    }

    private var next: String? { json["next"].map { "Next: \($0.plain)" } }

    /// One line, for a pipe or a list.
    var line: String {
        let at = json["at"]?.string.map(LocalTime.clock) ?? ""
        return [at, word, subject, message, json["operator"].map { "(\($0.plain))" } ?? ""]
            .filter { !$0.isEmpty }.joined(separator: "  ")
    }

    /// Two or three lines.
    func lines(_ screen: Screen) -> [String] {
        let word = screen.isColoured ? " \(self.word) " : self.word
        let head = [screen.paint(word, fill), screen.paint(subject, .bold), next].compactMap { $0 }.joined(
            separator: "  ")
        return [head] + wrapped(message, screen.width.map { max(20, $0 - 2) }).map { "  " + $0 }
            + (counts.map { ["  " + $0] } ?? [])
    }

    /// A band with the result in large letters, and what to do under it.
    func large(_ screen: Screen) -> [String] {
        var lines = Self.band(word, fill, screen)
        lines.append("")
        lines.append("  " + screen.paint(subject, .bold))
        lines += wrapped(message, screen.width.map { max(20, $0 - 2) }).map { "  " + screen.paint($0, .bold) }
        if let next { lines.append("  " + screen.paint(next, .bold)) }
        if let counts { lines.append("  " + counts) }
        if let warning = json["warning"] { lines.append("  " + screen.paint("Mind: \(words(warning.plain))", .amber)) }
        let who = [json["operator"]?.plain, json["at"]?.string.map(LocalTime.clock)].compactMap { $0 }
        lines.append("  " + screen.paint(who.joined(separator: "  "), .faint))
        return lines
    }

    /// A word in large letters over the whole width.
    static func band(_ word: String, _ fill: Paint, _ screen: Screen) -> [String] {
        let width = screen.width ?? 80
        let letters = [""] + BlockLetters.lines(word, screen) + [""]
        return letters.map { line in
            let text = "  " + line
            return screen.isColoured ? screen.paint(fitted(text, max(width, displayWidth(text))), fill) : trimmed(text)
        }
    }
}
