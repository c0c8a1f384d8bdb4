/// A small note from a station's label printer: the answer to a scan, or a code to be read there.
///
/// It is laid out for a label of 50 mm by 30 mm at 203 dpi (400 by 240 dots), in the upper left corner of a larger one, and
/// changes no setting of the printer that a label depends on. What is put into it is always data: whatever characters it
/// has, it prints as text and never becomes a command.
public struct Slip: Sendable, Equatable {
    /// What is to be seen from afar, such as `PASSED`; as large as it fits into one line.
    public var heading: String
    /// Sentences, each wrapped to the width. What has no room is cut off with `...`.
    public var lines: [String]
    /// A code to be scanned from the slip, printed as Code 128 with its text. Up to 13 characters print in bars of two dots,
    /// which any scanner reads; one that is longer than 31 or beyond ASCII is printed as text only.
    public var barcode: String?
    /// The time, in small letters at the foot.
    public var time: String

    /// A slip of its parts.
    public init(heading: String, lines: [String] = [], barcode: String? = nil, time: String = "") {
        (self.heading, self.lines, self.barcode, self.time) = (heading, lines, barcode, time)
    }

    private static let width = 384
    private static let bottom = 240
    private static let margin = 8
    private static let footer = 22

    /// The slip as it goes to the printer.
    public var zpl: [UInt8] {
        var label = Array("^XA".utf8)
        let texts = [heading, time] + lines
        if !texts.allSatisfy({ $0.utf8.allSatisfy { $0 < 0x80 } }) { label += Array("^CI28".utf8) }

        var y = Self.margin
        let letters = max(heading.count, 1)
        let height = max(28, min(64, Self.width * 5 / (3 * letters)))
        label.appendText(Self.wrapped([heading], height: height, rows: 1).first ?? "", y: y, height: height)
        y += height + 8

        var sentences = lines
        if let barcode {
            if let dots = Self.barWidth(barcode) {
                label += Array("^FO\(Self.margin),\(y)^BY\(dots)^BCN,72,Y,N,N,A".utf8)
                label.appendField(barcode)
                y += 72 + 32
            } else {
                sentences.insert(barcode, at: 0)
            }
        }

        let textHeight = 26
        let rows = (Self.bottom - Self.footer - y) / (textHeight + 4)
        for row in Self.wrapped(sentences, height: textHeight, rows: rows) {
            label.appendText(row, y: y, height: textHeight)
            y += textHeight + 4
        }
        if !time.isEmpty { label.appendText(time, y: Self.bottom - Self.footer, height: 20) }
        return label + Array("^XZ\n".utf8)
    }

    /// Dots of a Code 128 symbol's narrowest bar, with its quiet zones on a slip: 11 modules for each character, start and
    /// check character, 13 for the stop, 20 around. Nil for what is no text for a symbol, or too long for any.
    private static func barWidth(_ code: String) -> Int? {
        guard !code.isEmpty, code.utf8.allSatisfy({ (0x20...0x7E).contains($0) }) else { return nil }
        let modules = 11 * (code.utf8.count + 2) + 33
        return [3, 2, 1].first { $0 * modules <= width + 2 * margin }
    }

    /// Breaks texts into rows at spaces, and words that are longer than a row within. The last row that has room ends in
    /// `...` where something is left out. A row's characters are taken as 0.6 of their height wide, as a wide text is.
    static func wrapped(_ texts: [String], height: Int, rows: Int) -> [String] {
        let columns = width * 5 / (3 * height)
        var all: [String] = []
        for text in texts {
            var row = ""
            for word in text.split(whereSeparator: { $0.isWhitespace || $0.isNewline }) {
                var rest = word
                if !row.isEmpty && row.count + 1 + rest.count > columns {
                    all.append(row)
                    row = ""
                }
                while rest.count > columns {
                    all.append(String(rest.prefix(columns)))
                    rest = rest.dropFirst(columns)
                }
                row += row.isEmpty ? String(rest) : " " + rest
            }
            if !row.isEmpty { all.append(row) }
        }
        guard all.count > rows else { return all }
        var kept = Array(all.prefix(max(rows, 0)))
        if let last = kept.popLast() { kept.append(last.prefix(columns - 3) + "...") }
        return kept
    }
}

extension [UInt8] {
    /// A line of text at the left margin.
    fileprivate mutating func appendText(_ text: String, y: Int, height: Int) {
        self += Array("^FO8,\(y)^A0N,\(height),\(height)".utf8)
        appendField(text)
    }

    fileprivate mutating func appendField(_ text: String) {
        self += Array("^FH_^FD".utf8)
        for byte in text.utf8 { appendFieldData(byte, indicator: UInt8(ascii: "_")) }
        self += Array("^FS".utf8)
    }
}
