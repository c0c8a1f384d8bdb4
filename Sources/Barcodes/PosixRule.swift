/// A POSIX TZ string (with the extensions of RFC 8536): standard time, and daylight saving time with its changes.
struct PosixRule: Hashable {
    private var standard: Int
    private var daylight: Daylight?

    private struct Daylight: Hashable {
        var offset: Int
        var start: Change
        var end: Change
    }

    private enum Day: Hashable {
        /// `Jn`: 1 to 365, where 29 February never counts.
        case julian(Int)
        /// `n`: 0 to 365, where it does.
        case zeroBased(Int)
        /// `Mm.w.d`: month, week (5 is the last), weekday (0 is Sunday).
        case month(Int, week: Int, weekday: Int)
    }

    private struct Change: Hashable {
        var day: Day
        /// Seconds from the day's midnight by the clock before the change.
        var time: Int

        /// When it happens in that year, in seconds of local time since 1970-01-01T00:00.
        func seconds(in year: Int) -> Int {
            let days: Int
            switch day {
            case .julian(let number):
                let leapDay = LocalDate.isLeap(year) && number >= 60 ? 1 : 0
                days = LocalDate.days(year: year, month: 1, day: 1) + number - 1 + leapDay
            case .zeroBased(let number): days = LocalDate.days(year: year, month: 1, day: 1) + number
            case .month(let month, let week, let weekday):
                let first = LocalDate.days(year: year, month: month, day: 1)
                let next = month == 12 ? first + 31 : LocalDate.days(year: year, month: month + 1, day: 1)
                // `weekday` counts from Sunday, `LocalDate` from Monday.
                let firstMatch = first + floorMod(weekday - 1 - LocalDate.weekday(first), 7)
                let wanted = firstMatch + (week - 1) * 7
                days = wanted < next ? wanted : wanted - 7
            }
            return days * 86_400 + time
        }
    }

    init?(_ text: String) {
        var parser = Parser(bytes: text.utf8[...])
        guard parser.skipName(), let standard = parser.time(hours: 24) else { return nil }
        self.standard = -standard
        if parser.bytes.isEmpty { return }
        guard parser.skipName() else { return nil }
        var offset = self.standard + 3600
        if parser.bytes.first != UInt8(ascii: ",") {
            guard let daylight = parser.time(hours: 24) else { return nil }
            offset = -daylight
        }
        guard let start = parser.change(), let end = parser.change(), parser.bytes.isEmpty else { return nil }
        daylight = Daylight(offset: offset, start: start, end: end)
    }

    /// Seconds ahead of UTC: what the last change before or at this time brought.
    func offset(at time: Int64) -> Int {
        guard let daylight else { return standard }
        let year = LocalDate.civil(floorDiv(Int(time) + standard, 86_400)).year
        var latest = (time: Int.min, offset: standard)
        for year in (year - 1)...(year + 1) {
            let changes = [
                (daylight.end.seconds(in: year) - daylight.offset, standard),
                (daylight.start.seconds(in: year) - standard, daylight.offset),
            ]
            // Where both fall together, daylight saving time goes on all year.
            for (at, offset) in changes where at <= time && at >= latest.time { latest = (at, offset) }
        }
        return latest.offset
    }

    private struct Parser {
        var bytes: Substring.UTF8View

        mutating func skip(_ character: Unicode.Scalar) -> Bool {
            guard let first = bytes.first, UInt32(first) == character.value else { return false }
            bytes = bytes.dropFirst()
            return true
        }

        /// Letters, or anything between angle brackets; at least three characters.
        mutating func skipName() -> Bool {
            let quoted = skip("<")
            let name = bytes.prefix { quoted ? $0 != UInt8(ascii: ">") : isLetter($0) }
            bytes = bytes[name.endIndex...]
            return name.count >= 3 && (!quoted || skip(">"))
        }

        mutating func number(_ range: ClosedRange<Int>) -> Int? {
            let digits = bytes.prefix(while: isDigit)
            guard digits.count <= 3, let number = Int(Substring(digits)), range ~= number else { return nil }
            bytes = bytes[digits.endIndex...]
            return number
        }

        /// `[+-]hh[:mm[:ss]]` in seconds.
        mutating func time(hours: Int) -> Int? {
            let isNegative = skip("-")
            if !isNegative { _ = skip("+") }
            guard var seconds = number(0...hours).map({ $0 * 3600 }) else { return nil }
            for unit in [60, 1] where skip(":") {
                guard let part = number(0...59) else { return nil }
                seconds += part * unit
            }
            return isNegative ? -seconds : seconds
        }

        /// `,day[/time]`
        mutating func change() -> Change? {
            guard skip(",") else { return nil }
            let day: Day
            if skip("M") {
                guard let month = number(1...12), skip("."), let week = number(1...5), skip("."),
                    let weekday = number(0...6)
                else { return nil }
                day = .month(month, week: week, weekday: weekday)
            } else if skip("J") {
                guard let number = number(1...365) else { return nil }
                day = .julian(number)
            } else {
                guard let number = number(0...365) else { return nil }
                day = .zeroBased(number)
            }
            guard skip("/") else { return Change(day: day, time: 7200) }
            return time(hours: 167).map { Change(day: day, time: $0) }
        }
    }
}
