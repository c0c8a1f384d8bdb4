/// A label in ZPL II with named fields in place of its data, such as `^FD{{serial}}^FS`.
///
/// A template is read once and then filled as often as labels are needed. What is put into it is always data: whatever
/// characters it has, it prints as text and never becomes a command. `{{...}}` may stand in field data (`^FD`, `^FV`) only.
/// Text is UTF-8; a template whose fields go beyond ASCII selects it with `^CI28`.
public struct LabelTemplate: Sendable, Equatable {
    /// Why a text is not a label template, and where.
    public struct Problem: Error, Equatable, CustomStringConvertible {
        /// Line of the template, counted from 1.
        public let line: Int
        /// Character in the line, counted from 1.
        public let column: Int
        /// What is wrong and what would be right.
        public let message: String

        /// `line 3, column 12: ...`
        public var description: String { "line \(line), column \(column): \(message)" }
    }

    /// Why a label was not made: a value that this kind of symbol would print as something else.
    public struct Unprintable: Error, Equatable, CustomStringConvertible {
        /// The field, such as `serial`.
        public let field: String
        /// Its value.
        public let value: String
        /// The symbol and the characters that it takes.
        public let reason: String

        /// `cannot print serial "a(1)": ...`
        public var description: String { "cannot print \(field) \"\(value)\": \(reason)" }
    }

    /// Every field that a template may use; `NAME` stands for any variant attribute of the product.
    public static let fields = [
        "serial", "product.code", "product.name", "product.gtin", "product.attributes.NAME", "order", "order.due",
        "iteration", "date", "time", "copy",
    ]

    enum Piece: Sendable, Equatable {
        case zpl([UInt8])
        case field(name: String, symbol: Symbol, indicator: UInt8)
        /// Where a copy is marked if the template has no `{{copy}}`; `closing` if a field is still open there.
        case copyMark(closing: Bool)
    }

    let pieces: [Piece]

    /// Reads a template.
    /// - Throws: `Problem` for an unknown field, a placeholder outside field data or in a symbol whose data cannot be
    ///   protected, a change of the command characters, and a text that is no label.
    public init(_ zpl: String) throws(Problem) {
        var reader = TemplateReader(zpl)
        pieces = try reader.read()
    }

    /// The fields that this template uses, in their order, each once.
    public var usedFields: [String] {
        pieces.reduce(into: []) { names, piece in
            if case .field(let name, _, _) = piece, !names.contains(name) { names.append(name) }
        }
    }

    /// The label as it goes to the printer, and as a preview shows it.
    /// - Parameters:
    ///   - copy: 0 for the label itself, 1 for its first reprint, and so on. A reprint says `COPY 1` where the template has
    ///     `{{copy}}`, else small in the upper left corner.
    ///   - mayBeDouble: it is printed again because nobody knows whether it came out: it says `MAY EXIST TWICE` there.
    ///   - value: the value of a field; nil leaves it empty.
    /// - Throws: `Unprintable` if a symbol cannot hold a value.
    public func filled(
        copy: Int = 0, mayBeDouble: Bool = false, with value: (_ field: String) -> String?
    ) throws(Unprintable) -> String {
        let marks = (copy > 0 ? ["COPY \(copy)"] : []) + (mayBeDouble ? ["MAY EXIST TWICE"] : [])
        let copyText = marks.joined(separator: " ")
        let marksCopy = !marks.isEmpty && !usedFields.contains("copy")
        var label: [UInt8] = []
        for piece in pieces {
            switch piece {
            case .zpl(let bytes):
                label += bytes
            case .field(let name, let symbol, let indicator):
                let text = name == "copy" ? copyText : value(name) ?? ""
                guard symbol.holds(text.utf8) else {
                    throw Unprintable(field: name, value: text, reason: symbol.limits)
                }
                for byte in text.utf8 {
                    for plain in symbol.written(byte) { label.appendFieldData(plain, indicator: indicator) }
                }
            case .copyMark(let closing):
                if marksCopy { label += Array("\(closing ? "^FS" : "")^FO8,4^A0N,20,20^FD\(copyText)^FS".utf8) }
            }
        }
        return String(decoding: label, as: UTF8.self)
    }
}

extension [UInt8] {
    /// Appends a byte of field data so that the printer takes it for nothing else: plain if it is harmless, else as the
    /// hexadecimal escape of `^FH`.
    mutating func appendFieldData(_ byte: UInt8, indicator: UInt8) {
        let harmless = (0x20...0x7E).contains(byte) && byte != UInt8(ascii: "^") && byte != UInt8(ascii: "~")
        if harmless && byte != indicator {
            append(byte)
        } else {
            let digits = Array("0123456789ABCDEF".utf8)
            self += [indicator, digits[Int(byte >> 4)], digits[Int(byte & 15)]]
        }
    }
}
