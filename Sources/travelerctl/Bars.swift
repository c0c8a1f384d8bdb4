import Barcodes

extension Bars {
    /// A value from 0 to 1 as a bar; one that is not 0 is always seen.
    static func bar(_ part: Double, _ width: Int, _ screen: Screen) -> String {
        let eighths = part > 0 ? max(1, Int((min(part, 1) * Double(width * 8)).rounded())) : 0
        guard screen.isUnicode else { return String(repeating: "#", count: (eighths + 7) / 8) }
        let rests = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"]
        return String(repeating: "█", count: eighths / 8) + rests[eighths % 8]
    }
}

/// A Code 128 bar code on a terminal, dark on light whatever the terminal's own colours are.
enum Bars {
    /// The symbol as lines of equal width, with its quiet zones; a sentence where it can't be drawn.
    static func lines(_ text: String, _ screen: Screen) -> [String] {
        guard let symbol = try? Code128.modules(text) else { return ["(This code has no bars.)"] }
        let quiet = [Bool](repeating: false, count: Code128.quietZone)
        var modules = quiet + symbol + quiet
        // Half a column for each module keeps the symbol within 80 columns.
        if modules.count % 2 == 1 { modules.append(false) }
        guard screen.isUnicode, screen.height != nil, screen.width.map({ $0 >= modules.count / 2 }) ?? true else {
            return ["  (The bars need a UTF-8 terminal of \(modules.count / 2) columns; --print prints them instead.)"]
        }
        var row = ""
        for index in stride(from: 0, to: modules.count, by: 2) {
            switch (modules[index], modules[index + 1]) {
            case (true, true): row += "█"
            case (true, false): row += "▌"
            case (false, true): row += "▐"
            case (false, false): row += " "
            }
        }
        // Black on white: a scanner reads no other.
        return [String](repeating: "\u{1B}[30;107m\(row)\u{1B}[0m", count: 6)
    }
}
