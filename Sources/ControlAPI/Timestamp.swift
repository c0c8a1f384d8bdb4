/// Times on the wire: milliseconds since 1970-01-01T00:00:00Z as RFC 3339 text in UTC, such as `2026-03-02T08:00:00.000Z`.
public enum Timestamp {
    /// The time as text with milliseconds. Times outside the years 0 to 9999 are written as the nearest one within.
    public static func text(_ milliseconds: Int64) -> String {
        let time = min(max(milliseconds, -62_167_219_200_000), 253_402_300_799_999)
        let days = Int((time >= 0 ? time : time - 86_399_999) / 86_400_000)
        let rest = Int(time - Int64(days) * 86_400_000)
        let (year, month, day) = civil(days)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(24)
        append(year, 4, "-", to: &bytes)
        append(month, 2, "-", to: &bytes)
        append(day, 2, "T", to: &bytes)
        append(rest / 3_600_000, 2, ":", to: &bytes)
        append(rest / 60_000 % 60, 2, ":", to: &bytes)
        append(rest / 1_000 % 60, 2, ".", to: &bytes)
        append(rest % 1_000, 3, "Z", to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Reads an RFC 3339 time with any offset and any number of decimals; what is finer than a millisecond is cut off.
    /// A leap second is the first moment after it.
    ///
    /// - Returns: nil if the text is no such time.
    public static func milliseconds(_ text: String) -> Int64? {
        var reader = Reader(rest: Substring(text).utf8)
        guard let year = reader.number(4), reader.take("-"), let month = reader.number(2), reader.take("-"),
            let day = reader.number(2), reader.take("T") || reader.take("t") || reader.take(" "),
            let hour = reader.number(2), reader.take(":"), let minute = reader.number(2), reader.take(":"),
            let second = reader.number(2), (1...12).contains(month), day >= 1, day <= length(month: month, year: year),
            hour < 24, minute < 60, second < 60 || second == 60 && minute == 59
        else { return nil }
        var milliseconds = 0
        if reader.take(".") {
            guard let decimals = reader.decimals() else { return nil }
            milliseconds = decimals
        }
        var offset = 0
        if !reader.take("Z"), !reader.take("z") {
            let isWest = reader.take("-")
            guard isWest || reader.take("+"), let hours = reader.number(2), reader.take(":"),
                let minutes = reader.number(2), hours < 24, minutes < 60
            else { return nil }
            offset = (hours * 60 + minutes) * (isWest ? -1 : 1)
        }
        guard reader.rest.isEmpty else { return nil }
        let minutes = (days(year, month, day) * 24 + hour) * 60 + minute - offset
        return Int64((minutes * 60 + second) * 1_000 + (second == 60 ? 0 : milliseconds))
    }

    /// Days since 1970-01-01 of a day in the Gregorian calendar.
    public static func days(_ year: Int, _ month: Int, _ day: Int) -> Int {
        // Years begin in March here, so that the leap day is the last one.
        let year = month > 2 ? year : year - 1
        let era = (year >= 0 ? year : year - 399) / 400
        let yearOfEra = year - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

    /// How many days a month has.
    public static func length(month: Int, year: Int) -> Int {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    private static func civil(_ days: Int) -> (year: Int, month: Int, day: Int) {
        let days = days + 719_468
        let era = (days >= 0 ? days : days - 146_096) / 146_097
        let dayOfEra = days - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shifted = (5 * dayOfYear + 2) / 153
        let month = shifted < 10 ? shifted + 3 : shifted - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * shifted + 2) / 5 + 1)
    }

    private static func append(_ number: Int, _ width: Int, _ separator: Unicode.Scalar, to bytes: inout [UInt8]) {
        var divisor = 1
        for _ in 1..<width { divisor *= 10 }
        while divisor > 0 {
            bytes.append(UInt8(ascii: "0") + UInt8(number / divisor % 10))
            divisor /= 10
        }
        bytes.append(UInt8(ascii: separator))
    }

    private struct Reader {
        var rest: Substring.UTF8View

        mutating func take(_ character: Unicode.Scalar) -> Bool {
            guard rest.first == UInt8(ascii: character) else { return false }
            rest.removeFirst()
            return true
        }

        mutating func number(_ width: Int) -> Int? {
            let digits = rest.prefix(width)
            guard digits.count == width, digits.allSatisfy({ $0 &- UInt8(ascii: "0") < 10 }) else { return nil }
            rest.removeFirst(width)
            return digits.reduce(0) { $0 * 10 + Int($1 - UInt8(ascii: "0")) }
        }

        /// Decimals of a second, as milliseconds.
        mutating func decimals() -> Int? {
            let digits = rest.prefix { $0 &- UInt8(ascii: "0") < 10 }
            guard !digits.isEmpty else { return nil }
            rest = rest.dropFirst(digits.count)
            return (0..<3).reduce(0) { sum, place in
                sum * 10 + (digits.dropFirst(place).first.map { Int($0 - UInt8(ascii: "0")) } ?? 0)
            }
        }
    }
}
