/// A day of the proleptic Gregorian calendar, with its ISO 8601 week.
public struct LocalDate: Hashable, Sendable, CustomStringConvertible {
    /// Days since 1970-01-01, negative before.
    public let daysSince1970: Int
    /// The year.
    public let year: Int
    /// The month, 1 to 12.
    public let month: Int
    /// The day of the month, 1 to 31.
    public let day: Int
    /// The year that the week belongs to; differs from `year` on some days around New Year.
    public let weekYear: Int
    /// The ISO 8601 week, 1 to 53: weeks begin on Monday, and week 1 has the year's first Thursday.
    public let week: Int

    /// The day that many days after 1970-01-01 (before, if negative).
    public init(daysSince1970 days: Int) {
        daysSince1970 = days
        (year, month, day) = Self.civil(days)
        // A week belongs to the year of its Thursday; 1970-01-01 was one.
        let thursday = days + 3 - Self.weekday(days)
        weekYear = Self.civil(thursday).year
        week = (thursday - Self.days(year: weekYear, month: 1, day: 1)) / 7 + 1
    }

    /// The date, as in `2026-03-02`.
    public var description: String {
        Self.padded(year, 4) + "-" + Self.padded(month, 2) + "-" + Self.padded(day, 2)
    }

    /// Monday is 0.
    static func weekday(_ days: Int) -> Int { floorMod(days + 3, 7) }

    /// Days since 1970-01-01.
    static func days(year: Int, month: Int, day: Int) -> Int {
        // The year begins in March here, so that the leap day is its last.
        let year = month <= 2 ? year - 1 : year
        let dayOfYear = (153 * ((month + 9) % 12) + 2) / 5 + day - 1
        return 365 * year + floorDiv(year, 4) - floorDiv(year, 100) + floorDiv(year, 400) + dayOfYear - 719_468
    }

    static func civil(_ days: Int) -> (year: Int, month: Int, day: Int) {
        let shifted = days + 719_468
        let era = floorDiv(shifted, 146_097)
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let march = (5 * dayOfYear + 2) / 153
        let month = march < 10 ? march + 3 : march - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * march + 2) / 5 + 1)
    }

    static func isLeap(_ year: Int) -> Bool { year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) }

    /// Decimal digits with zeros in front, at least `width` of them.
    static func padded(_ number: Int, _ width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
    }
}

func floorDiv(_ number: Int, _ divisor: Int) -> Int {
    number >= 0 ? number / divisor : -((divisor - 1 - number) / divisor)
}

func floorMod(_ number: Int, _ divisor: Int) -> Int { number - floorDiv(number, divisor) * divisor }
