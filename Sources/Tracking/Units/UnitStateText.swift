// How a unit's state stands in the ledger: eleven fields between `|`, empty where there is nothing. A field's own `|`,
// `%` and what separates stage times are written as `%` and two hexadecimal digits. The fifth holds marks: `h` on hold,
// `s` was in stock, `b` came back from a customer, and last `c` with the number of the defect case or `r` with that of the
// returned item, which are whole numbers.

extension UnitState {
    /// The state as one line of text, the same for equal states.
    public var text: String {
        var text: [UInt8] = []
        text.reserveCapacity(160)
        func plain(_ value: String) { text += value.utf8 }
        func mark(_ mark: Unicode.Scalar) { text.append(UInt8(ascii: mark)) }
        func escaped(_ value: String) {
            for byte in value.utf8 {
                if Self.isReserved(byte) {
                    text += [UInt8(ascii: "%"), Self.digits[Int(byte >> 4)], Self.digits[Int(byte & 15)]]
                } else {
                    text.append(byte)
                }
            }
        }
        func field(_ value: String?) {
            mark("|")
            if let value { escaped(value) }
        }
        plain(status.rawValue)
        field(stage)
        field(failedStage)
        mark("|")
        if iteration != 0 { plain(String(iteration)) }
        mark("|")
        if onHold { mark("h") }
        if wasInStock { mark("s") }
        if wasReturned { mark("b") }
        if let returnItem { plain("r" + returnItem) }
        if let defectCase { plain("c" + defectCase) }
        mark("|")
        if let routing {
            escaped(routing.code)
            plain("/" + String(routing.version))
        }
        field(assignee)
        field(worker)
        field(delivery)
        field(writeOffReason)
        mark("|")
        for (index, passage) in passed.enumerated() {
            if index > 0 { mark(",") }
            escaped(passage.stage)
            mark("=")
            plain(String(passage.at))
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// Reads what `text` wrote; nil for anything else.
    public init?(text: String) {
        let fields = text.utf8.split(separator: UInt8(ascii: "|"), omittingEmptySubsequences: false)
        guard fields.count == 11, let status = Status(rawValue: String(Substring(fields[0]))) else { return nil }
        func field(_ index: Int) -> String? {
            fields[index].isEmpty ? nil : Self.unescaped(fields[index])
        }
        self.init(status: status)
        stage = field(1)
        failedStage = field(2)
        if !fields[3].isEmpty {
            guard let value = Int(Substring(fields[3])) else { return nil }
            iteration = value
        }
        onHold = fields[4].contains(UInt8(ascii: "h"))
        wasInStock = fields[4].contains(UInt8(ascii: "s"))
        wasReturned = fields[4].contains(UInt8(ascii: "b"))
        var marks = fields[4]
        for (mark, path) in [(UInt8(ascii: "c"), \Self.defectCase), (UInt8(ascii: "r"), \.returnItem)] {
            guard let start = marks.firstIndex(of: mark) else { continue }
            let number = Substring(marks[marks.index(after: start)...])
            guard Int64(number) != nil else { return nil }
            self[keyPath: path] = String(number)
            marks = marks[..<start]
        }
        if !fields[5].isEmpty {
            guard let slash = fields[5].lastIndex(of: UInt8(ascii: "/")),
                let version = Int(Substring(fields[5][fields[5].index(after: slash)...]))
            else { return nil }
            routing = RoutingRef(code: Self.unescaped(fields[5][..<slash]), version: version)
        }
        assignee = field(6)
        worker = field(7)
        delivery = field(8)
        writeOffReason = field(9)
        for passage in fields[10].split(separator: UInt8(ascii: ",")) {
            guard let equals = passage.firstIndex(of: UInt8(ascii: "=")),
                let at = Int64(Substring(passage[passage.index(after: equals)...]))
            else { return nil }
            passed.append(Passage(stage: Self.unescaped(passage[..<equals]), at: at))
        }
    }

    private static func isReserved(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "|"), UInt8(ascii: "%"), UInt8(ascii: ","), UInt8(ascii: "="), UInt8(ascii: "/"): true
        default: false
        }
    }

    private static let digits = Array("0123456789ABCDEF".utf8)

    private static func unescaped(_ bytes: Substring.UTF8View) -> String {
        guard bytes.contains(UInt8(ascii: "%")) else { return String(Substring(bytes)) }
        var result: [UInt8] = []
        var index = bytes.startIndex
        while index < bytes.endIndex {
            let byte = bytes[index]
            let next = bytes.index(after: index)
            if byte == UInt8(ascii: "%"), let end = bytes.index(next, offsetBy: 2, limitedBy: bytes.endIndex),
                let value = UInt8(Substring(bytes[next..<end]), radix: 16)
            {
                result.append(value)
                index = end
            } else {
                result.append(byte)
                index = next
            }
        }
        return String(decoding: result, as: UTF8.self)
    }
}
