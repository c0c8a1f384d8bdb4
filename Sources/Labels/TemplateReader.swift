/// Reads ZPL as far as templates need it: commands, fields, and the data between them.
struct TemplateReader {
    /// What is known of the field that is being described; `^FS` ends it.
    private struct Field {
        var barcode: (name: String, parameters: [String])?
        var block: String?
        var indicator: UInt8?
        var isNumbered = false
        var hasData = false
    }

    private let zpl: [UInt8]
    private var pieces: [LabelTemplate.Piece] = []
    /// The ZPL since the last piece.
    private var pending: [UInt8] = []
    private var field = Field()

    init(_ text: String) { zpl = Array(text.utf8) }

    mutating func read() throws(LabelTemplate.Problem) -> [LabelTemplate.Piece] {
        var at = zpl.firstIndex(where: isPrefix) ?? zpl.endIndex
        guard at < zpl.endIndex else { throw problem(0, "a label begins with ^XA and ends with ^XZ") }
        try refusePlaceholders(in: 0..<at)
        pending += zpl[..<at]
        var isStarted = false
        var lastEnd: (piece: Int, closing: Bool)?
        while at < zpl.endIndex {
            let name = try commandName(at)
            let end = zpl[(at + 3)...].firstIndex(where: isPrefix) ?? zpl.endIndex
            if name == "^XA" { isStarted = true }
            if name == "^XZ" {
                flush()
                lastEnd = (pieces.count, field.hasData)
            }
            try take(name, at: at, parameters: (at + 3)..<end)
            at = end
        }
        guard isStarted, let lastEnd else { throw problem(0, "a label begins with ^XA and ends with ^XZ") }
        flush()
        pieces.insert(.copyMark(closing: lastEnd.closing), at: lastEnd.piece)
        return pieces
    }

    private mutating func take(_ name: String, at: Int, parameters: Range<Int>) throws(LabelTemplate.Problem) {
        let letters = String(name.dropFirst())
        if name == "^FD" || name == "^FV" {
            field.hasData = true
            return try takeData(at: at, parameters)
        }
        try refusePlaceholders(in: parameters)
        switch letters {
        case "CC", "CT", "CD":
            throw problem(at, "\(name) changes the command characters; a label with fields keeps ^ and ~ and the comma")
        case "XA", "XZ", "FS": field = Field()
        case "FH":
            let indicator = zpl[parameters].first { $0 > 0x20 } ?? UInt8(ascii: "_")
            guard indicator < 0x7F else { throw problem(at, "^FH takes one ASCII character") }
            field.indicator = indicator
        case "FN": field.isNumbered = true
        case "FB", "TB": field.block = letters
        case "BY": break
        case _ where name.hasPrefix("^B"):
            let values = String(decoding: zpl[parameters], as: UTF8.self)
                .split(separator: ",", omittingEmptySubsequences: false)
                .map { String($0.filter { !$0.isWhitespace }) }
            field.barcode = (letters, values)
            if letters == "BX" && isFilled(after: parameters.upperBound) { return nameDataMatrixEscape() }
        default: break
        }
        pending += zpl[at..<parameters.upperBound]
    }

    /// Field data: text and placeholders. Data with placeholders gets `^FH` before it if the template gives none.
    private mutating func takeData(at: Int, _ range: Range<Int>) throws(LabelTemplate.Problem) {
        guard firstPlaceholder(in: range) != nil else {
            pending += zpl[at..<range.upperBound]
            return
        }
        if field.isNumbered {
            throw problem(at, "a field cannot stand in a stored format's ^FN: how it is printed is not known here")
        }
        let indicator = field.indicator ?? UInt8(ascii: "_")
        if field.indicator == nil { pending += Array("^FH_".utf8) }
        pending += zpl[at..<range.lowerBound]

        var next = range.lowerBound
        while let open = firstPlaceholder(in: next..<range.upperBound) {
            takeText(next..<open)
            guard let close = placeholderEnd(in: (open + 2)..<range.upperBound) else {
                throw problem(open, "{{ is never closed; a field is written {{serial}}")
            }
            let name = String(decoding: zpl[(open + 2)..<close], as: UTF8.self).filter { $0 != " " }
            try checkField(name, at: open)
            let symbol = try symbol(before: Array(zpl[range.lowerBound..<open]), at: open)
            flush()
            pieces.append(.field(name: name, symbol: symbol, indicator: indicator))
            next = close + 2
        }
        takeText(next..<range.upperBound)
    }

    /// The template's own text in data: what it means must not change because `^FH` was added.
    private mutating func takeText(_ range: Range<Int>) {
        for byte in zpl[range] {
            if field.indicator == nil && byte == UInt8(ascii: "_") {
                pending.appendFieldData(byte, indicator: byte)
            } else {
                pending.append(byte)
            }
        }
    }

    private func symbol(before: [UInt8], at: Int) throws(LabelTemplate.Problem) -> Symbol {
        let symbol: Symbol
        do throws(Complaint) {
            guard let known = try Symbol(barcode: field.barcode, block: field.block, before: before) else {
                throw Complaint(
                    "a field cannot stand in ^\(field.barcode?.name ?? ""); "
                        + "text, ^BC, ^BX, ^BQ, ^BO, ^B7, ^B3, ^B2, ^BE, ^B8 and ^BU take fields")
            }
            symbol = known
        } catch {
            throw problem(at, error.message)
        }
        if let lead = symbol.lead, !before.reversed().prefix(while: { $0 == lead }).count.isMultiple(of: 2) {
            throw problem(at, "the \(character(lead)) before this field would take its first character with it")
        }
        if let indicator = field.indicator, before.suffix(2).contains(indicator) {
            throw problem(at, "the \(character(indicator)) before this field would take its first character with it")
        }
        return symbol
    }

    /// Writes the current `^BX` with an escape character, its own or ours.
    private mutating func nameDataMatrixEscape() {
        var values = field.barcode?.parameters ?? []
        values += Array(repeating: "", count: max(0, 7 - values.count))
        if values[6].isEmpty { values[6] = character(Symbol.dataMatrixEscape) }
        field.barcode?.parameters = values
        pending += Array("^BX\(values.joined(separator: ","))".utf8)
    }

    /// Whether the field that is being described has a placeholder in its data.
    private func isFilled(after start: Int) -> Bool {
        var end = start
        // The field ends at ^FS; where another ^BX comes before that, it is the one that counts.
        while end < zpl.endIndex {
            if zpl[end] == UInt8(ascii: "^"), let name = try? commandName(end), name == "^FS" || name == "^BX" { break }
            end += 1
        }
        return firstPlaceholder(in: start..<end) != nil
    }

    private func checkField(_ name: String, at: Int) throws(LabelTemplate.Problem) {
        let attributes = "product.attributes."
        if LabelTemplate.fields.contains(name) && !name.hasPrefix(attributes) { return }
        if name.hasPrefix(attributes) && name.count > attributes.count { return }
        let nearest = LabelTemplate.fields.min { distance($0, name) < distance($1, name) } ?? ""
        let hint = distance(nearest, name) <= max(2, nearest.count / 3) ? "; did you mean {{\(nearest)}}?" : "."
        let fields = LabelTemplate.fields.joined(separator: ", ")
        throw problem(at, "there is no field {{\(name)}}\(hint) The fields are: \(fields)")
    }

    private func refusePlaceholders(in range: Range<Int>) throws(LabelTemplate.Problem) {
        guard let at = firstPlaceholder(in: range) else { return }
        throw problem(at, "a field can stand in field data only, after ^FD or ^FV: elsewhere it could become a command")
    }

    /// `^` or `~` and two characters, in capitals. Anything else would be read differently by different printers.
    private func commandName(_ at: Int) throws(LabelTemplate.Problem) -> String {
        let letters = zpl[(at + 1)...].prefix(2)
        func isLetter(_ byte: UInt8?) -> Bool { byte.map { (0x41...0x5A).contains($0 & 0xDF) } ?? false }
        let isFont = (letters.first ?? 0) & 0xDF == UInt8(ascii: "A")
        let isSecond = isLetter(letters.last) || letters.last.map { (0x30...0x39).contains($0) } ?? false
        guard letters.count == 2, isLetter(letters.first), isFont || isSecond, !letters.contains(where: isPrefix) else {
            let hex = zpl[at] == UInt8(ascii: "^") ? "_5E" : "_7E"
            throw problem(at, "\(character(zpl[at])) begins a command, and this is none; in data write ^FH^FD...\(hex)")
        }
        return String(decoding: [zpl[at]] + letters, as: UTF8.self).uppercased()
    }

    private func isPrefix(_ byte: UInt8) -> Bool { byte == UInt8(ascii: "^") || byte == UInt8(ascii: "~") }

    private func firstPlaceholder(in range: Range<Int>) -> Int? { firstPair(UInt8(ascii: "{"), in: range) }
    private func placeholderEnd(in range: Range<Int>) -> Int? { firstPair(UInt8(ascii: "}"), in: range) }

    private func firstPair(_ byte: UInt8, in range: Range<Int>) -> Int? {
        range.dropLast().first { zpl[$0] == byte && zpl[$0 + 1] == byte }
    }

    private func character(_ byte: UInt8) -> String { String(Character(Unicode.Scalar(byte))) }

    private mutating func flush() {
        if !pending.isEmpty { pieces.append(.zpl(pending)) }
        pending = []
    }

    private func problem(_ at: Int, _ message: String) -> LabelTemplate.Problem {
        let lineStart = (zpl[..<at].lastIndex(of: UInt8(ascii: "\n")) ?? -1) + 1
        let line = zpl[..<at].count { $0 == UInt8(ascii: "\n") } + 1
        let column = String(decoding: zpl[lineStart..<at], as: UTF8.self).count + 1
        return .init(line: line, column: column, message: message)
    }
}

/// Edits (insert, delete, replace) from one word to the other, after Levenshtein.
private func distance(_ from: String, _ to: String) -> Int {
    let to = Array(to)
    var row = Array(0...to.count)
    for (i, character) in from.enumerated() {
        var diagonal = row[0]
        row[0] = i + 1
        for j in to.indices {
            let cost = min(diagonal + (to[j] == character ? 0 : 1), row[j] + 1, row[j + 1] + 1)
            diagonal = row[j + 1]
            row[j + 1] = cost
        }
    }
    return row[to.count]
}
