/// A label printer's answer to `~HS` (Host Status Return of Zebra's ZPL II Programming Guide): three strings, each between
/// STX and ETX, of fields between commas. Printers that only speak ZPL like a Zebra answer it too, or not at all; a Zebra
/// itself may keep silent while it is out of paper or ribbon or its head is open.
public struct HostStatus: Sendable, Equatable {
    /// What asks for it.
    public static let request = Array("~HS\r\n".utf8)
    /// How many strings an answer has, each ended by ETX (3).
    public static let strings = 3

    /// String 1, field 2.
    public var isPaperOut: Bool
    /// String 1, field 3.
    public var isPaused: Bool
    /// How many formats (labels) are received and not printed: string 1, field 5.
    public var formats: Int
    /// A format was begun and its end has not come: string 1, field 8.
    public var isPartial: Bool
    /// The print head is too hot to print: string 1, field 12.
    public var isOverheated: Bool
    /// String 2, field 3.
    public var isHeadOpen: Bool
    /// String 2, field 4.
    public var isRibbonOut: Bool
    /// A printed label waits to be taken off (peel-off mode): string 2, field 8.
    public var isLabelWaiting: Bool
    /// How many labels of the batch in print are left: string 2, field 9.
    public var labelsLeft: Int

    /// Reads an answer; nil for one that is cut short or garbled. What stands around the strings is passed over.
    public init?(_ answer: [UInt8]) {
        let strings = Self.strings(in: answer)
        guard let one = strings.firstIndex(where: { $0.count >= 12 }), one + 1 < strings.count else { return nil }
        let (first, second) = (strings[one], strings[one + 1])
        guard second.count >= 9,
            let isPaperOut = Self.flag(first[1]), let isPaused = Self.flag(first[2]),
            let formats = Self.number(first[4]), let isPartial = Self.flag(first[7]),
            let isOverheated = Self.flag(first[11]), let isHeadOpen = Self.flag(second[2]),
            let isRibbonOut = Self.flag(second[3]), let isLabelWaiting = Self.flag(second[7]),
            let labelsLeft = Self.number(second[8])
        else { return nil }
        (self.isPaperOut, self.isPaused, self.formats, self.isPartial) = (isPaperOut, isPaused, formats, isPartial)
        (self.isOverheated, self.isHeadOpen, self.isRibbonOut) = (isOverheated, isHeadOpen, isRibbonOut)
        (self.isLabelWaiting, self.labelsLeft) = (isLabelWaiting, labelsLeft)
    }

    /// The cause that comes first where there are several: an open head also reports no paper, and no paper is a pause.
    public var condition: PrinterCondition {
        if isHeadOpen { return .headOpen }
        if isPaperOut { return .paperOut }
        if isRibbonOut { return .ribbonOut }
        if isOverheated { return .fault }
        return isPaused ? .paused : .ready
    }

    /// Whether nothing that it received is left to be printed.
    public var isIdle: Bool { formats == 0 && !isPartial && (labelsLeft == 0 || isLabelWaiting) }

    /// Whether it holds more that is to be printed than it did before.
    public func holdsMore(than before: HostStatus) -> Bool {
        formats > before.formats || labelsLeft > before.labelsLeft && !isLabelWaiting
    }

    /// Whether a printer with this IEEE 1284 id, such as `MFG:Zebra;CMD:ZPL;MDL:ZD420;`, may be asked: it names ZPL among
    /// the languages that it speaks.
    public static func isSpoken(by printerID: String) -> Bool {
        printerID.split(separator: ";").contains { entry in
            guard let colon = entry.firstIndex(of: ":") else { return false }
            let key = words(entry[..<colon])
            guard key == ["CMD"] || key == ["COMMAND", "SET"] else { return false }
            return entry[entry.index(after: colon)...].split(separator: ",").contains {
                words($0).first?.hasPrefix("ZPL") ?? false
            }
        }
    }

    private static func words(_ text: Substring) -> [String] {
        text.split(whereSeparator: \.isWhitespace).map { $0.uppercased() }
    }

    /// The fields of each whole string.
    private static func strings(in answer: [UInt8]) -> [[ArraySlice<UInt8>]] {
        var strings: [[ArraySlice<UInt8>]] = []
        var start: Int?
        for (index, byte) in answer.enumerated() {
            if byte == 0x02 { start = index + 1 }
            if byte == 0x03, let begin = start {
                strings.append(
                    answer[begin..<index].split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false))
                start = nil
            }
        }
        return strings
    }

    private static func flag(_ field: ArraySlice<UInt8>) -> Bool? {
        number(field).flatMap { $0 > 1 ? nil : $0 == 1 }
    }

    private static func number(_ field: ArraySlice<UInt8>) -> Int? {
        guard field.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        return Int(String(decoding: field, as: UTF8.self))
    }
}
