/// A time zone's rules, from a TZif file (RFC 8536, versions 1 to 4) such as those under `/usr/share/zoneinfo`.
///
/// Leap seconds are not counted: POSIX time has none, and neither have the files that systems use.
public struct TimeZoneRules: Hashable, Sendable {
    /// What is wrong with a file.
    public struct Problem: Error, Hashable, Sendable, CustomStringConvertible {
        /// What was found and what was expected.
        public let message: String
        /// The same as `message`.
        public var description: String { message }
    }

    /// Coordinated Universal Time.
    public static let utc = TimeZoneRules(transitions: [], kinds: [], offsets: [0], footer: nil)

    private let transitions: [Int64]
    /// For each transition, which of `offsets` holds from then on.
    private let kinds: [UInt8]
    private let offsets: [Int]
    /// The rule for times after the last transition.
    private let footer: PosixRule?

    private init(transitions: [Int64], kinds: [UInt8], offsets: [Int], footer: PosixRule?) {
        self.transitions = transitions
        self.kinds = kinds
        self.offsets = offsets
        self.footer = footer
    }

    /// Reads the bytes of a TZif file.
    public init(_ bytes: [UInt8]) throws(Problem) {
        var reader = Reader(bytes: bytes[...])
        var header = try reader.header()
        var timeSize = 4
        if header.version >= UInt8(ascii: "2") {
            _ = try reader.take(header.blockSize(timeSize: 4))
            header = try reader.header()
            timeSize = 8
        }
        guard header.types > 0, header.types <= 256 else {
            throw Problem("\(header.types) local time types", expected: "1 to 256")
        }
        let times = Array(try reader.take(header.transitions * timeSize))
        transitions = (0..<header.transitions).map { Self.signed(times[($0 * timeSize)..<(($0 + 1) * timeSize)]) }
        kinds = Array(try reader.take(header.transitions))
        let types = Array(try reader.take(header.types * 6))
        offsets = (0..<header.types).map { Int(Self.signed(types[($0 * 6)..<($0 * 6 + 4)])) }
        _ = try reader.take(header.rest(timeSize: timeSize))
        let footer = timeSize == 8 ? try reader.footer() : ""
        guard zip(transitions, transitions.dropFirst()).allSatisfy({ $0 < $1 }) else {
            throw Problem("transitions out of order", expected: "ascending times")
        }
        guard kinds.allSatisfy({ $0 < header.types }) else {
            throw Problem("a transition to an unknown local time type", expected: "one below \(header.types)")
        }
        // The standard's own bounds are -25 to +26 hours.
        guard offsets.allSatisfy({ (-90_000...93_600).contains($0) }) else {
            throw Problem("an offset of days", expected: "-25 to +26 hours from UTC")
        }
        if footer.isEmpty {
            self.footer = nil
        } else {
            guard let rule = PosixRule(footer) else {
                throw Problem(
                    "the rule \"\(footer)\" at its end",
                    expected: "a POSIX TZ string such as CET-1CEST,M3.5.0,M10.5.0/3")
            }
            self.footer = rule
        }
    }

    /// How many seconds local time is ahead of UTC at an instant, given in seconds since 1970-01-01T00:00:00Z.
    public func offset(atUnixSeconds time: Int64) -> Int {
        guard let first = transitions.first, time >= first else {
            return transitions.isEmpty ? footer?.offset(at: time) ?? offsets[0] : offsets[0]
        }
        var (low, high) = (0, transitions.count)
        while high - low > 1 {
            let middle = (low + high) / 2
            if transitions[middle] <= time { low = middle } else { high = middle }
        }
        if high == transitions.count, let footer { return footer.offset(at: time) }
        return offsets[Int(kinds[low])]
    }

    /// The day on the calendar there at an instant, given in seconds since 1970-01-01T00:00:00Z.
    public func localDate(atUnixSeconds time: Int64) -> LocalDate {
        LocalDate(daysSince1970: floorDiv(Int(time) + offset(atUnixSeconds: time), 86_400))
    }

    /// The first moment of a day there, in seconds since 1970-01-01T00:00:00Z: its midnight, the first of two, or where
    /// the clocks skip it the moment at which they do. A day that a zone skips begins where the next one does.
    public func start(of day: LocalDate) -> Int64 { Self.start(of: day, offset: offset(atUnixSeconds:)) }

    /// The same, where nothing but the offset from UTC at each moment is known.
    public static func start(of day: LocalDate, offset: (_ unixSeconds: Int64) -> Int) -> Int64 {
        let midnight = Int64(day.daysSince1970) * 86_400
        // By the standard's bounds no local time is that far ahead.
        var time = midnight - 93_600
        while true {
            let here = offset(time)
            let reached = max(time, midnight - Int64(here))
            guard let change = firstChange(after: time, upTo: reached, offset) else { return reached }
            time = change
        }
    }

    /// When the offset first differs from that at `start`. No zone changes twice within an hour.
    private static func firstChange(after start: Int64, upTo end: Int64, _ offset: (Int64) -> Int) -> Int64? {
        let here = offset(start)
        var before = start
        while before < end {
            var after = min(before + 3_600, end)
            guard offset(after) == here else {
                while after - before > 1 {
                    let middle = (before + after) / 2
                    if offset(middle) == here { before = middle } else { after = middle }
                }
                return after
            }
            before = after
        }
        return nil
    }

    /// A big-endian two's complement number.
    private static func signed(_ bytes: ArraySlice<UInt8>) -> Int64 {
        bytes.reduce(bytes.first.map { $0 >= 0x80 ? -1 : 0 } ?? 0) { $0 << 8 | Int64($1) }
    }
}

extension TimeZoneRules.Problem {
    fileprivate init(_ found: String, expected: String) {
        message = "cannot read the time zone file: it has \(found), expected \(expected); use one compiled by zic"
    }
}

extension TimeZoneRules {
    private struct Header {
        var version: UInt8
        var utIndicators, standardIndicators, leapSeconds, transitions, types, characters: Int

        func blockSize(timeSize: Int) -> Int { transitions * (timeSize + 1) + types * 6 + rest(timeSize: timeSize) }

        /// What follows the local time types: names, leap seconds, indicators.
        func rest(timeSize: Int) -> Int {
            characters + leapSeconds * (timeSize + 4) + standardIndicators + utIndicators
        }
    }

    private struct Reader {
        var bytes: ArraySlice<UInt8>

        mutating func take(_ count: Int) throws(Problem) -> ArraySlice<UInt8> {
            guard count <= bytes.count else { throw Problem("too few bytes", expected: "\(count - bytes.count) more") }
            defer { bytes = bytes.dropFirst(count) }
            return bytes.prefix(count)
        }

        mutating func header() throws(Problem) -> Header {
            guard try take(4).elementsEqual("TZif".utf8) else {
                throw Problem("something else at its start", expected: "the letters TZif")
            }
            let version = try take(16).first ?? 0
            var counts: [Int] = []
            for _ in 0..<6 { counts.append(try take(4).reduce(0) { $0 << 8 | Int($1) }) }
            return Header(
                version: version, utIndicators: counts[0], standardIndicators: counts[1], leapSeconds: counts[2],
                transitions: counts[3], types: counts[4], characters: counts[5])
        }

        mutating func footer() throws(Problem) -> String {
            guard try take(1).first == 0x0A, let end = bytes.firstIndex(of: 0x0A) else {
                throw Problem("no rule for later times", expected: "one between two line feeds")
            }
            return String(decoding: bytes[..<end], as: UTF8.self)
        }
    }
}
