import Barcodes
import Testing

@Suite struct LocalDateTests {
    @Test(
        "dates and weeks around New Year and leap days",
        arguments: [
            (0, "1970-01-01", 1970, 1), (-1, "1969-12-31", 1970, 1), (-719_468, "0000-03-01", 0, 9),
            (11_016, "2000-02-29", 2000, 9),
            (16_800, "2015-12-31", 2015, 53), (16_801, "2016-01-01", 2015, 53), (17_166, "2016-12-31", 2016, 52),
            (17_167, "2017-01-01", 2016, 52), (17_168, "2017-01-02", 2017, 1), (17_897, "2019-01-01", 2019, 1),
            (18_259, "2019-12-29", 2019, 52), (18_260, "2019-12-30", 2020, 1), (18_628, "2021-01-01", 2020, 53),
            (20_450, "2025-12-28", 2025, 52), (20_451, "2025-12-29", 2026, 1), (20_454, "2026-01-01", 2026, 1),
            (20_514, "2026-03-02", 2026, 10), (20_815, "2026-12-28", 2026, 53), (20_819, "2027-01-01", 2026, 53),
            (20_821, "2027-01-03", 2026, 53), (20_822, "2027-01-04", 2027, 1), (47_540, "2100-02-28", 2100, 8),
            (47_541, "2100-03-01", 2100, 9),
        ])
    func known(days: Int, text: String, weekYear: Int, week: Int) {
        let date = LocalDate(daysSince1970: days)
        #expect("\(date)" == text)
        #expect(date.weekYear == weekYear)
        #expect(date.week == week)
    }

    @Test func eachDayFollowsTheOneBefore() {
        var before = LocalDate(daysSince1970: -200_000)
        for days in -199_999...200_000 {
            let date = LocalDate(daysSince1970: days)
            let isNextDay = date.year == before.year && date.month == before.month && date.day == before.day + 1
            let isNextMonth =
                date.year == before.year && date.month == before.month + 1 && date.day == 1 && before.day >= 28
            let isNextYear = date.year == before.year + 1 && date.month == 1 && date.day == 1 && before.month == 12
            let isMonday = (days + 3) % 7 == 0
            let sameWeek = date.week == before.week && date.weekYear == before.weekYear
            let nextWeek =
                date.week == before.week + 1 && date.weekYear == before.weekYear
                || date.week == 1 && date.weekYear == before.weekYear + 1 && before.week >= 52
            if !(isNextDay || isNextMonth || isNextYear) || !(isMonday ? nextWeek : sameWeek) {
                Issue.record("\(date) after \(before)")
            }
            before = date
        }
    }
}
