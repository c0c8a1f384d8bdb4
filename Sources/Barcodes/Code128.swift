/// Code 128 bar codes (ISO/IEC 15417) of printable ASCII, for control sheets and the terminal.
public enum Code128 {
    /// Why a text can't be encoded.
    public struct Problem: Error, Hashable, Sendable, CustomStringConvertible {
        /// Which character is wrong, and what would be right.
        public let message: String
        /// The same as `message`.
        public var description: String { message }
    }

    /// How many modules must stay blank on either side of a symbol.
    public static let quietZone = 10

    /// The symbol as modules from left to right, true where it is dark, without the quiet zones.
    public static func modules(_ text: String) throws(Problem) -> [Bool] {
        var modules: [Bool] = []
        var dark = true
        for width in try widths(text) {
            modules.append(contentsOf: repeatElement(dark, count: width))
            dark.toggle()
        }
        return modules
    }

    /// The symbol as widths in modules of bars and spaces in turn, a bar first.
    public static func widths(_ text: String) throws(Problem) -> [Int] {
        try values(text).flatMap { patterns[$0].utf8.map { Int($0 - UInt8(ascii: "0")) } }
    }

    /// The symbol's values from the start to the stop character, with the check character; code set C wherever it makes
    /// the symbol shorter, else B.
    static func values(_ text: String) throws(Problem) -> [Int] {
        let bytes = Array(text.utf8)
        guard !bytes.isEmpty else { throw Problem(message: "cannot encode an empty text: give at least one character") }
        if let (index, scalar) = text.unicodeScalars.enumerated().first(where: { !(" "..."~").contains($1) }) {
            let hex = String(scalar.value, radix: 16, uppercase: true)
            throw Problem(
                message: "cannot encode character \(index + 1) (hexadecimal \(hex)): use printable ASCII characters")
        }
        var values: [Int] = []
        var inC = false
        var index = 0
        while index < bytes.count {
            let run = bytes[index...].prefix(while: isDigit).count
            if inC, run >= 2 {
                values.append(Int(bytes[index] - 48) * 10 + Int(bytes[index + 1] - 48))
                index += 2
                continue
            }
            // Changing over to C pays for four digits at either end of the text, for six in between.
            let atStart = values.isEmpty
            let atEnd = index + run == bytes.count
            if !inC, run % 2 == 0, run >= (atStart || atEnd ? 4 : 6) || atStart && atEnd && run == 2 {
                values.append(atStart ? startC : codeC)
                inC = true
                continue
            }
            if atStart || inC {
                values.append(atStart ? startB : codeB)
                inC = false
            }
            values.append(Int(bytes[index]) - 32)
            index += 1
        }
        let sum = values.enumerated().reduce(0) { $0 + max($1.offset, 1) * $1.element }
        return values + [sum % 103, stop]
    }

    private static let codeC = 99
    private static let codeB = 100
    private static let startB = 104
    private static let startC = 105
    private static let stop = 106

    /// Widths of bar, space, bar, space, bar, space of the values 0 to 105, and of the stop character.
    static let patterns = """
        212222 222122 222221 121223 121322 131222 122213 122312 132212 221213 221312 231212 112232 122132 122231 \
        113222 123122 123221 223211 221132 221231 213212 223112 312131 311222 321122 321221 312212 322112 322211 \
        212123 212321 232121 111323 131123 131321 112313 132113 132311 211313 231113 231311 112133 112331 132131 \
        113123 113321 133121 313121 211331 231131 213113 213311 213131 311123 311321 331121 312113 312311 332111 \
        314111 221411 431111 111224 111422 121124 121421 141122 141221 112214 112412 122114 122411 142112 142211 \
        241211 221114 413111 241112 134111 111242 121142 121241 114212 124112 124211 411212 421112 421211 212141 \
        214121 412121 111143 111341 131141 114113 114311 411113 411311 113141 114131 311141 411131 211412 211214 \
        211232 2331112
        """.split(separator: " ")
}
