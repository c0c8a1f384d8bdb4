import ControlAPI
import Testing

@Suite struct TimestampTests {
    @Test(
        "times are written in UTC with milliseconds",
        arguments: [
            (0, "1970-01-01T00:00:00.000Z"), (1, "1970-01-01T00:00:00.001Z"), (-1, "1969-12-31T23:59:59.999Z"),
            (1_772_438_400_000, "2026-03-02T08:00:00.000Z"), (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00.000Z"), (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
            (-62_167_219_200_000, "0000-01-01T00:00:00.000Z"), (Int64.max, "9999-12-31T23:59:59.999Z"),
            (Int64.min, "0000-01-01T00:00:00.000Z"),
        ] as [(Int64, String)])
    func writes(milliseconds: Int64, text: String) {
        #expect(Timestamp.text(milliseconds) == text)
    }

    @Test(
        "RFC 3339 is read with any offset and any decimals",
        arguments: [
            ("2026-03-02T08:00:00Z", 1_772_438_400_000), ("2026-03-02T08:00:00.5Z", 1_772_438_400_500),
            ("2026-03-02t08:00:00.123999z", 1_772_438_400_123), ("2026-03-02 09:00:00+01:00", 1_772_438_400_000),
            ("2026-03-01T20:30:00-11:30", 1_772_438_400_000), ("2026-03-02T08:00:00.000-00:00", 1_772_438_400_000),
            ("2016-12-31T23:59:60Z", 1_483_228_800_000),
        ] as [(String, Int64)])
    func reads(text: String, milliseconds: Int64) {
        #expect(Timestamp.milliseconds(text) == milliseconds)
    }

    @Test(
        "anything else is no time",
        arguments: [
            "", "2026-03-02", "2026-03-02T08:00:00", "2026-03-02T08:00Z", "2026-02-29T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-00-01T00:00:00Z", "2026-01-00T00:00:00Z", "2026-03-02T24:00:00Z", "2026-03-02T08:60:00Z",
            "2026-03-02T08:00:60Z", "2026-03-02T08:00:00.Z", "2026-03-02T08:00:00Zx", "2026-03-02T08:00:00+0100",
            "2026-03-02T08:00:00+24:00", "+026-03-02T08:00:00Z", "26-03-02T08:00:00Z", "２026-03-02T08:00:00Z",
        ])
    func refuses(text: String) {
        #expect(Timestamp.milliseconds(text) == nil)
    }

    @Test func everyTimeComesBack() {
        var random = Numbers(state: 7)
        for _ in 0..<10_000 {
            let time = Int64.random(in: -62_167_219_200_000...253_402_300_799_999, using: &random)
            #expect(Timestamp.milliseconds(Timestamp.text(time)) == time)
        }
        // Each day follows the one before.
        var day = Timestamp.days(1999, 12, 31)
        for year in 2000...2101 {
            for month in 1...12 {
                for number in 1...Timestamp.length(month: month, year: year) {
                    day += 1
                    #expect(Timestamp.days(year, month, number) == day)
                }
            }
        }
    }
}
