/// Letters five lines high, to be read from across the bench.
enum BlockLetters {
    /// The text as five lines, two columns for each dot where there is room for that.
    static func lines(_ text: String, _ screen: Screen) -> [String] {
        let glyphs = text.compactMap { font[$0] }
        let scale = screen.width.map { glyphs.count * 12 <= $0 - 4 } ?? false ? 2 : 1
        let dot = String(repeating: screen.glyph("█", "#"), count: scale)
        let blank = String(repeating: " ", count: scale)
        return (0..<5).map { row in
            glyphs.map { glyph in glyph[row].map { $0 == "#" ? dot : blank }.joined() }.joined(separator: blank)
        }
    }

    private static let font: [Character: [String]] = [
        "A": [" ### ", "#   #", "#####", "#   #", "#   #"],
        "B": ["#### ", "#   #", "#### ", "#   #", "#### "],
        "C": [" ####", "#    ", "#    ", "#    ", " ####"],
        "D": ["#### ", "#   #", "#   #", "#   #", "#### "],
        "E": ["#####", "#    ", "#### ", "#    ", "#####"],
        "F": ["#####", "#    ", "#### ", "#    ", "#    "],
        "G": [" ####", "#    ", "#  ##", "#   #", " ####"],
        "H": ["#   #", "#   #", "#####", "#   #", "#   #"],
        "I": ["#####", "  #  ", "  #  ", "  #  ", "#####"],
        "K": ["#   #", "#  # ", "###  ", "#  # ", "#   #"],
        "L": ["#    ", "#    ", "#    ", "#    ", "#####"],
        "N": ["#   #", "##  #", "# # #", "#  ##", "#   #"],
        "O": [" ### ", "#   #", "#   #", "#   #", " ### "],
        "P": ["#### ", "#   #", "#### ", "#    ", "#    "],
        "R": ["#### ", "#   #", "#### ", "#  # ", "#   #"],
        "S": [" ####", "#    ", " ### ", "    #", "#### "],
        "T": ["#####", "  #  ", "  #  ", "  #  ", "  #  "],
        "U": ["#   #", "#   #", "#   #", "#   #", " ### "],
        "V": ["#   #", "#   #", "#   #", " # # ", "  #  "],
        "W": ["#   #", "#   #", "# # #", "## ##", "#   #"],
        "Y": ["#   #", " # # ", "  #  ", "  #  ", "  #  "],
        "?": [" ### ", "#   #", "   # ", "     ", "  #  "],
        " ": ["  ", "  ", "  ", "  ", "  "],
    ]
}
