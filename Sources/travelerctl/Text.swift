import ControlAPI

/// A text of which nothing can steer the terminal: control characters become visible ones.
///
/// - Parameter lines: whether line ends and tabs may stay.
func visible(_ text: some StringProtocol, lines: Bool = false) -> String {
    guard text.unicodeScalars.contains(where: \.isUnsafeToShow) else { return String(text) }
    var result = ""
    for scalar in text.unicodeScalars {
        switch scalar {
        case "\n" where lines, "\t" where lines: result.unicodeScalars.append(scalar)
        case "\u{7F}": result += "\u{2421}"
        case _ where scalar.value < 0x20:
            // The control pictures stand in the same order.
            Unicode.Scalar(0x2400 + scalar.value).map { result.unicodeScalars.append($0) }
        case _ where scalar.isUnsafeToShow: result += "<U+\(String(scalar.value, radix: 16, uppercase: true))>"
        default: result.unicodeScalars.append(scalar)
        }
    }
    return result
}

/// How many columns a text takes on a terminal.
func displayWidth(_ text: some StringProtocol) -> Int {
    if text.utf8.allSatisfy({ $0 < 0x80 }) { return text.utf8.count }
    return text.reduce(0) { $0 + displayWidth($1) }
}

private func displayWidth(_ character: Character) -> Int {
    guard let scalar = character.unicodeScalars.first else { return 0 }
    switch scalar.properties.generalCategory {
    case .nonspacingMark, .enclosingMark, .format: return 0
    default: break
    }
    if scalar.properties.isEmojiPresentation || character.unicodeScalars.contains("\u{FE0F}") { return 2 }
    // East Asian Wide and Fullwidth (Unicode Standard Annex 11), as blocks.
    switch scalar.value {
    case 0x1100...0x115F, 0x2E80...0x303E, 0x3041...0x33FF, 0x3400...0x4DBF, 0x4E00...0x9FFF, 0xA000...0xA4CF,
        0xA960...0xA97F, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F, 0xFF01...0xFF60, 0xFFE0...0xFFE6,
        0x17000...0x18AFF, 0x1B000...0x1B2FF, 0x20000...0x3FFFD:
        return 2
    default: return 1
    }
}

/// The text in a field of so many columns; one that is wider is cut, and says so.
func fitted(_ text: String, _ width: Int, right: Bool = false, ellipsis: String = "…") -> String {
    let own = displayWidth(text)
    guard own > width else {
        let space = String(repeating: " ", count: width - own)
        return right ? space + text : text + space
    }
    var result = ""
    var used = displayWidth(ellipsis)
    for character in text {
        let next = displayWidth(character)
        guard used + next <= width else { break }
        result.append(character)
        used += next
    }
    return result + ellipsis + String(repeating: " ", count: max(0, width - used))
}

/// The text in lines of at most so many columns, broken at spaces; a longer word keeps a line of its own.
func wrapped(_ text: String, _ width: Int?) -> [String] {
    guard let width, displayWidth(text) > width else { return [text] }
    var lines: [String] = []
    var line = ""
    for word in text.split(separator: " ", omittingEmptySubsequences: true) {
        if line.isEmpty {
            line = String(word)
        } else if displayWidth(line) + 1 + displayWidth(word) <= width {
            line += " " + word
        } else {
            lines.append(line)
            line = String(word)
        }
    }
    return lines + [line]
}

/// `in_production` as people read it.
func words(_ code: String) -> String { visible(code).split(separator: "_").joined(separator: " ") }

/// `1 unit`, `3 units`.
func count(_ number: Int, _ one: String, _ many: String? = nil) -> String {
    "\(number) \(number == 1 ? one : many ?? one + "s")"
}
