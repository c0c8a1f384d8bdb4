/// Where a scanner in HID-POS mode puts what it read: the fields of its scanned data report.
///
/// Such a scanner doesn't type. It sends reports of a fixed length, as the USB Implementers Forum's HID Point of Sale Usage
/// Tables 1.02 (usage page 0x8C) describe them, and says in its report descriptor (Device Class Definition for HID 1.11,
/// section 6.2.2) where in a report each field stands.
public struct ScannedDataReport: Hashable, Sendable {
    /// The number in front of each report; nil where the device numbers none.
    let id: UInt8?
    /// How many bytes a report has, with its number.
    let length: Int
    /// How many of the data bytes count; nil where the device doesn't say, and fills up with zeros.
    let count: Int?
    /// The AIM identifier, byte by byte; nil where the device has none.
    let symbology: [Int]?
    /// The data, in bytes.
    let data: Range<Int>
    /// The bit that says that the next report goes on with the same code; nil where a report holds a whole one.
    let continued: Int?

    /// Finds the report in a device's report descriptor; nil where the device is no scanner in HID-POS mode.
    public init?(descriptor: some Sequence<UInt8>) {
        var parser = ReportDescriptor()
        guard parser.read(Array(descriptor)),
            let data = parser.fields.first(where: { $0.usage == Usage.decodedData && $0.size == 8 && $0.bit % 8 == 0 })
        else { return nil }
        let own = parser.fields.filter { $0.report == data.report }
        func bit(_ usage: UInt32, size: Int) -> Int? {
            own.first { $0.usage == usage && ($0.size == size || size == 1) }?.bit
        }
        func byte(_ usage: UInt32) -> Int? { bit(usage, size: 8).flatMap { $0 % 8 == 0 ? $0 / 8 : nil } }
        id = data.report
        length = ((parser.bits[data.report] ?? 0) + 7) / 8
        count = byte(Usage.byteCount)
        let identifiers = Usage.symbologyIdentifiers.compactMap(byte)
        symbology = identifiers.count == Usage.symbologyIdentifiers.count ? identifiers : nil
        // The data bytes follow each other, as elements of one field or of several.
        var end = data.bit
        for field in own where field.usage == Usage.decodedData && field.bit == end && field.size == 8 { end += 8 }
        self.data = data.bit / 8..<end / 8
        continued = bit(Usage.decodeDataContinued, size: 1)
    }

    /// Usages with their page in the upper half.
    private enum Usage {
        static let byteCount: UInt32 = 0x01_003B
        static let symbologyIdentifiers: [UInt32] = [0x8C_00FB, 0x8C_00FC, 0x8C_00FD]
        static let decodedData: UInt32 = 0x8C_00FE
        static let decodeDataContinued: UInt32 = 0x8C_00FF
    }
}

/// The input fields that a report descriptor declares.
private struct ReportDescriptor {
    /// One element of an input field.
    struct Field {
        var report: UInt8?
        var usage: UInt32
        /// Where it begins in its report, in bits.
        var bit: Int
        /// How many bits it has.
        var size: Int
    }

    private(set) var fields: [Field] = []
    /// How many bits the input reports have, by their number, which is counted.
    private(set) var bits: [UInt8?: Int] = [:]

    /// State that lasts until it is changed.
    private struct Global {
        var page: UInt32 = 0
        var size = 0
        var count = 0
        var report: UInt8?
    }

    /// A report is no longer than this in bits: the kernel's limit is 16 KiB.
    private static let longest = 16_384 * 8

    /// Reads a descriptor; false where it is cut off, or declares more than a report may hold.
    mutating func read(_ bytes: [UInt8]) -> Bool {
        var global = Global()
        var saved: [Global] = []
        var usages: [UInt32] = []
        var minimum: UInt32?
        var rest = bytes[...]
        while let prefix = rest.popFirst() {
            if prefix == 0xFE {
                // A long item: its length, its tag, and data of no defined meaning.
                guard let length = rest.popFirst(), rest.count > Int(length) else { return false }
                rest = rest.dropFirst(Int(length) + 1)
                continue
            }
            let length = [0, 1, 2, 4][Int(prefix & 3)]
            guard rest.count >= length else { return false }
            let value = rest.prefix(length).reversed().reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
            rest = rest.dropFirst(length)
            // A usage of four bytes brings its page along.
            func usage() -> UInt32 { length == 4 ? value : global.page << 16 | value }
            switch prefix & 0xFC {
            case 0x04: global.page = value
            case 0x74: global.size = Int(value)
            case 0x84: global.report = UInt8(truncatingIfNeeded: value)
            case 0x94: global.count = Int(value)
            case 0xA4: saved.append(global)
            case 0xB4:
                guard let last = saved.popLast() else { return false }
                global = last
            case 0x08: usages.append(usage())
            case 0x18: minimum = usage()
            case 0x28:
                guard let first = minimum, first <= usage(), usage() - first < 0x1000, usages.count < 0x1000 else {
                    break
                }
                usages += first...usage()
                minimum = nil
            case 0x80:
                guard add(global, usages, isConstant: value & 1 != 0) else { return false }
                usages = []
            case 0x90, 0xA0, 0xB0, 0xC0:
                // Outputs, collections and features: what was said of usages was about them.
                usages = []
            default: break
            }
        }
        return true
    }

    private mutating func add(_ global: Global, _ usages: [UInt32], isConstant: Bool) -> Bool {
        var bit = bits[global.report] ?? (global.report == nil ? 0 : 8)
        guard global.size <= Self.longest, global.count <= Self.longest,
            bit + global.size * global.count <= Self.longest
        else { return false }
        // Padding, and fields of no width, are only counted; no device has as many others as would fill the memory.
        if isConstant || global.size == 0 {
            bits[global.report] = bit + global.size * global.count
            return true
        }
        guard fields.count + global.count <= Self.longest else { return false }
        for index in 0..<global.count {
            // The last usage stands for all elements that are left.
            if let last = usages.last {
                let usage = index < usages.count ? usages[index] : last
                fields.append(Field(report: global.report, usage: usage, bit: bit, size: global.size))
            }
            bit += global.size
        }
        bits[global.report] = bit
        return true
    }
}

/// Puts the reports of a scanner in HID-POS mode together to frames.
///
/// A frame ends with a report that doesn't say that another one follows. A pause of 100 ms before that breaks it, as does
/// the loss of the device; what follows within a second of the pause is taken for its rest, and is broken as well.
public struct ReportFramer: Sendable {
    private let report: ScannedDataReport
    private var bytes: [UInt8] = []
    private var startedAt: Int64?
    private var lastReport: Int64 = 0
    private var restUntil = Int64.min
    private var isIncomplete = false

    /// A framer between two scans.
    public init(_ report: ScannedDataReport) { self.report = report }

    /// When a scan that is not at its end becomes a broken one, in microseconds; nil between scans.
    public var deadline: Int64? { startedAt == nil ? nil : lastReport + KeyDecoder.pause }

    /// Takes one report, read at `time` (microseconds), and gives the frame that a pause before it broke, and the one that ended
    /// with it.
    ///
    /// Reports of another number, and those with nothing in them, give none.
    public mutating func feed(_ input: some Collection<UInt8>, at time: Int64) -> [Frame] {
        let input = Array(input)
        guard report.id == nil || input.first == report.id else { return [] }
        let paused = elapsed(to: time)
        lastReport = time
        let isFirst = startedAt == nil
        if isFirst { startedAt = time }
        if input.count < report.length { isIncomplete = true }
        func byte(_ index: Int) -> UInt8 { index < input.count ? input[index] : 0 }
        var data = input.dropFirst(report.data.lowerBound).prefix(report.data.count)
        if let count = report.count {
            data = data.prefix(Int(byte(count)))
        } else {
            while data.last == 0 { data.removeLast() }
        }
        if isFirst, let symbology = report.symbology?.map(byte), symbology.first == UInt8(ascii: "]"),
            isLetter(symbology[1]), isLetter(symbology[2]) || isDigit(symbology[2]), !data.starts(with: symbology)
        {
            // In front of the data it says what a keyboard scanner says that is set to send it.
            bytes += symbology
        }
        // One byte too many says that it is too long.
        bytes += data.prefix(Frame.maximumLength + 1 - min(bytes.count, Frame.maximumLength + 1))
        let isContinued = report.continued.map { byte($0 / 8) >> UInt8($0 % 8) & 1 != 0 } ?? false
        return [paused, isContinued ? nil : end(at: time)].compactMap(\.self)
    }

    /// Takes it that reports may have been lost by `time` (microseconds): a scan that is not at its end is broken, and what
    /// begins within a second may be the rest of one.
    public mutating func dropped(at time: Int64) -> Frame? {
        restUntil = time + KeyDecoder.rest
        return startedAt == nil ? nil : finish(.broken(.dropped), at: time)
    }

    /// Takes the time, in microseconds; gives the frame that stood still for too long.
    public mutating func elapsed(to now: Int64) -> Frame? {
        guard let deadline, now >= deadline else { return nil }
        restUntil = lastReport + KeyDecoder.rest
        return finish(.broken(.pause), at: lastReport)
    }

    /// Takes the loss of the device: what was begun is broken.
    public mutating func disconnected() -> Frame? {
        defer { self = ReportFramer(report) }
        return startedAt == nil ? nil : finish(.broken(.unplugged), at: lastReport)
    }

    private mutating func end(at time: Int64) -> Frame? {
        // A suffix is for scanners that type: here the report's end is the frame's.
        while let last = bytes.last, last == 0x0D || last == 0x0A || last == 0x09 { bytes.removeLast() }
        let isRest = startedAt.map { $0 < restUntil } ?? false
        restUntil = .min
        if bytes.isEmpty, !isIncomplete {
            startedAt = nil
            return nil
        }
        return finish(isIncomplete ? .broken(.dropped) : isRest ? .broken(.pause) : .complete, at: time)
    }

    private mutating func finish(_ outcome: Frame.Outcome, at time: Int64) -> Frame {
        let text = Frame.text(of: bytes.prefix(Frame.maximumLength))
        let isTooLong = bytes.count > Frame.maximumLength && outcome == .complete
        let frame = Frame(
            text: text, outcome: isTooLong ? .broken(.tooLong) : outcome, startedAt: startedAt ?? time, endedAt: time)
        bytes.removeAll(keepingCapacity: true)
        startedAt = nil
        isIncomplete = false
        return frame
    }
}
