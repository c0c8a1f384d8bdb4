/// A printer's reading of ZPL, as far as these tests need it: written from the programming guide, not from `Labels`.
struct Printer {
    struct Field: Equatable {
        /// The `^B` command with its parameters, or empty for text.
        var symbol = ""
        /// `FB` or `TB`.
        var block = ""
        /// The data after `^FH` was undone, before the symbol looks at it.
        var data: [UInt8] = []
        /// What a scanner or a person reads in the end.
        var reads: [UInt8] { Printer.reading(data, symbol: symbol, block: block) }
        var text: String { String(decoding: reads, as: UTF8.self) }
    }

    var commands: [String] = []
    var fields: [Field] = []

    init(_ zpl: String) {
        var field = Field()
        var indicator: UInt8?
        let bytes = Array(zpl.utf8)
        let starts = bytes.indices.filter { bytes[$0] == UInt8(ascii: "^") || bytes[$0] == UInt8(ascii: "~") }
        for (start, end) in zip(starts, starts.dropFirst() + [bytes.endIndex]) {
            let command = String(decoding: bytes[start..<min(start + 3, end)], as: UTF8.self)
            let parameters = Array(bytes[min(start + 3, end)..<end])
            commands.append(command)
            switch command {
            case "^FH": indicator = parameters.first ?? UInt8(ascii: "_")
            case "^FB", "^TB": field.block = String(command.dropFirst())
            case "^BY": break
            case _ where command.hasPrefix("^B"): field.symbol = command + String(decoding: parameters, as: UTF8.self)
            case "^FD", "^FV": field.data = Self.unescape(parameters, indicator)
            case "^FS":
                fields.append(field)
                field = Field()
                indicator = nil
            default: break
            }
        }
    }

    static func unescape(_ data: [UInt8], _ indicator: UInt8?) -> [UInt8] {
        var out: [UInt8] = []
        var at = 0
        while at < data.count {
            let hex = String(decoding: data[min(at + 1, data.count)..<min(at + 3, data.count)], as: UTF8.self)
            if data[at] == indicator, hex.utf8.count == 2, let byte = UInt8(hex, radix: 16) {
                out.append(byte)
                at += 3
            } else {
                out.append(data[at])
                at += 1
            }
        }
        return out
    }

    private static func reading(_ data: [UInt8], symbol: String, block: String) -> [UInt8] {
        let parameters = symbol.dropFirst(3).split(separator: ",", omittingEmptySubsequences: false)
        if symbol.hasPrefix("^BX") {
            return undouble(data, parameters.dropFirst(6).first?.utf8.first ?? UInt8(ascii: "~"))
        }
        if symbol.hasPrefix("^BQ") { return Array(data.drop { $0 != UInt8(ascii: ",") }.dropFirst()) }
        if symbol.hasPrefix("^B7") || block == "FB" { return undouble(data, UInt8(ascii: "\\")) }
        let isAutomatic = parameters.dropFirst(5).first?.hasPrefix("A") ?? false
        guard symbol.hasPrefix("^BC"), !isAutomatic else { return data }
        var out: [UInt8] = []
        var at = 0
        while at < data.count {
            if data[at] == UInt8(ascii: ">"), at + 1 < data.count {
                switch data[at + 1] {
                case UInt8(ascii: "0"): out.append(UInt8(ascii: ">"))
                case UInt8(ascii: "<"): out.append(UInt8(ascii: "^"))
                case UInt8(ascii: "="): out.append(UInt8(ascii: "~"))
                default: break  // a change of subset or a function character
                }
                at += 2
            } else {
                out.append(data[at])
                at += 1
            }
        }
        return out
    }

    private static func undouble(_ data: [UInt8], _ lead: UInt8) -> [UInt8] {
        var out: [UInt8] = []
        var at = 0
        while at < data.count {
            let isPair = data[at] == lead && at + 1 < data.count
            if isPair && data[at + 1] == lead { out.append(lead) } else if !isPair { out.append(data[at]) }
            at += isPair ? 2 : 1
        }
        return out
    }
}
