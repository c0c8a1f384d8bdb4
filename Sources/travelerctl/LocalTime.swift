import ArgumentParser
import Barcodes
import ControlAPI
import Glibc

/// Times as people at this machine read and write them: in its own time zone.
enum LocalTime {
    /// `2026-03-02 09:00`, or with seconds; a text that is no time stays as it is.
    static func text(_ wire: String, seconds: Bool = false) -> String {
        guard let parts = parts(wire) else { return visible(wire) }
        let time = "\(parts.day) \(two(parts.hour)):\(two(parts.minute))"
        return seconds ? "\(time):\(two(parts.second))" : time
    }

    /// `2026-03-02`.
    static func day(_ wire: String) -> String { parts(wire)?.day ?? visible(wire) }

    /// `09:00:27`.
    static func clock(_ wire: String) -> String {
        parts(wire).map { "\(two($0.hour)):\(two($0.minute)):\(two($0.second))" } ?? visible(wire)
    }

    /// Reads a day, or a local time, or a time with its offset, and answers how the wire writes it. A day stands for its
    /// first moment, or for the first one after it.
    ///
    /// - Parameter offset: how many seconds a day's time is ahead of UTC at a moment.
    static func wire(_ text: String, endOfDay: Bool, offset: (Int64) -> Int = LocalTime.offset) -> String? {
        if let milliseconds = Timestamp.milliseconds(text) { return Timestamp.text(milliseconds) }
        if text.utf8.count == 10 {
            guard let midnight = Timestamp.milliseconds(text + "T00:00:00Z") else { return nil }
            let day = LocalDate(daysSince1970: Int(midnight / 86_400_000) + (endOfDay ? 1 : 0))
            return Timestamp.text(TimeZoneRules.start(of: day, offset: offset) * 1_000)
        }
        // A time without an offset is read as if it were UTC, and then taken apart for this time zone.
        let padded = text + (text.utf8.count == 16 ? ":00Z" : "Z")
        guard let reading = Timestamp.milliseconds(padded) else { return nil }
        var asUTC = time_t(reading / 1_000)
        var parts = tm()
        gmtime_r(&asUTC, &parts)
        parts.tm_isdst = -1
        let seconds = mktime(&parts)
        return Timestamp.text(Int64(seconds) * 1_000 + reading % 1_000)
    }

    /// How many seconds this machine's time is ahead of UTC then.
    private static func offset(_ unixSeconds: Int64) -> Int {
        var seconds = time_t(unixSeconds)
        var parts = tm()
        localtime_r(&seconds, &parts)
        return parts.tm_gmtoff
    }

    private struct Parts {
        var day: String
        var hour: Int32
        var minute: Int32
        var second: Int32
    }

    private static func parts(_ wire: String) -> Parts? {
        guard let milliseconds = Timestamp.milliseconds(wire) else { return nil }
        var seconds = time_t(milliseconds >= 0 ? milliseconds / 1_000 : (milliseconds - 999) / 1_000)
        var parts = tm()
        localtime_r(&seconds, &parts)
        return Parts(
            day: "\(parts.tm_year + 1_900)-\(two(parts.tm_mon + 1))-\(two(parts.tm_mday))", hour: parts.tm_hour,
            minute: parts.tm_min, second: parts.tm_sec)
    }

    private static func two(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
}

/// `--from` and `--to`.
struct Period: ParsableArguments {
    @Option(help: "From this day or time on: 2026-03-02, or \"2026-03-02 08:00\" here, or with an offset.")
    var from: String?
    @Option(help: "Up to the end of this day, or up to this time.")
    var to: String?

    func validate() throws {
        guard let start = try start, let end = try end, start >= end else { return }
        throw ValidationError("No time lies between: --from \(from ?? "") is after --to \(to ?? "").")
    }

    /// The first moment, as the wire writes it.
    var start: String? { get throws { try from.map { try moment($0, "--from", endOfDay: false) } } }

    /// The first moment after the last one, as the wire writes it.
    var end: String? { get throws { try to.map { try moment($0, "--to", endOfDay: true) } } }

    /// A report about this time.
    func report(_ name: String, by grouping: String? = nil) throws -> Request {
        .get("reports", name, query: ["by": grouping, "from": try start, "to": try end])
    }

    private func moment(_ text: String, _ option: String, endOfDay: Bool) throws -> String {
        guard let moment = LocalTime.wire(text, endOfDay: endOfDay) else {
            throw ValidationError(
                "\(text) is no time for \(option); write 2026-03-02, \"2026-03-02 08:00\" or 2026-03-02T08:00:00Z")
        }
        return moment
    }
}
