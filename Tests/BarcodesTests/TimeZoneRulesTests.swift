import Barcodes
import FoundationEssentials
import Testing

@Suite struct TimeZoneRulesTests {
    /// The system's file of a zone (Debian: package `tzdata`).
    private func file(_ zone: String) throws -> [UInt8] {
        try Array(Data(contentsOf: URL(filePath: "/usr/share/zoneinfo/\(zone)")))
    }

    @Test(
        "offsets and dates at known instants",
        arguments: [
            // Seconds since 1970, seconds ahead of UTC, the day there.
            ("Europe/Berlin", 1_768_478_400, 3_600, "2026-01-15"),  // 2026-01-15T12:00:00Z
            ("Europe/Berlin", 1_774_745_999, 3_600, "2026-03-29"),  // the second before summer time
            ("Europe/Berlin", 1_774_746_000, 7_200, "2026-03-29"),
            ("Europe/Berlin", 1_784_116_800, 7_200, "2026-07-15"),  // 2026-07-15T12:00:00Z
            ("Europe/Berlin", 1_792_889_999, 7_200, "2026-10-25"),  // the second before winter time
            ("Europe/Berlin", 1_792_890_000, 3_600, "2026-10-25"),
            ("Europe/Berlin", 1_798_757_999, 3_600, "2026-12-31"),  // the second before midnight there
            ("Europe/Berlin", 1_798_758_000, 3_600, "2027-01-01"),
            ("Europe/Berlin", 2_525_860_800, 3_600, "2050-01-15"),  // beyond the last transition: the POSIX rule
            ("Europe/Berlin", 2_541_499_200, 7_200, "2050-07-15"),
            ("America/New_York", -2_208_988_800, -18_000, "1899-12-31"),
            ("America/New_York", 1_774_746_000, -14_400, "2026-03-28"),
            ("America/New_York", 1_798_758_000, -18_000, "2026-12-31"),
            ("America/New_York", 2_525_860_800, -18_000, "2050-01-15"),
            ("America/New_York", 2_541_499_200, -14_400, "2050-07-15"),
            ("Asia/Kolkata", 1_798_757_999, 19_800, "2027-01-01"),
            ("Asia/Kolkata", 2_525_860_800, 19_800, "2050-01-15"),
            ("Australia/Lord_Howe", 1_768_478_400, 39_600, "2026-01-15"),  // half an hour of summer time, in January
            ("Australia/Lord_Howe", 1_784_116_800, 37_800, "2026-07-15"),
            ("Australia/Lord_Howe", 2_525_860_800, 39_600, "2050-01-15"),
            ("Australia/Lord_Howe", 2_541_499_200, 37_800, "2050-07-15"),
            ("Europe/Dublin", 2_525_860_800, 0, "2050-01-15"),  // standard time is in summer there
            ("Europe/Dublin", 2_541_499_200, 3_600, "2050-07-15"),
            ("UTC", 1_798_757_999, 0, "2026-12-31"), ("UTC", 2_541_499_200, 0, "2050-07-15"),
        ] as [(String, Int64, Int, String)])
    func known(zone: String, time: Int64, offset: Int, date: String) throws {
        let rules = try TimeZoneRules(file(zone))
        #expect(rules.offset(atUnixSeconds: time) == offset)
        #expect("\(rules.localDate(atUnixSeconds: time))" == date)
    }

    @Test(
        "the POSIX rule goes on where the table ends, as the table would",
        arguments: [
            "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Europe/Dublin", "America/Nuuk",
            "Pacific/Auckland",
        ])
    func ruleAgreesWithTable(zone: String) throws {
        let bytes = try file(zone)
        let rules = try TimeZoneRules(bytes)
        let footer = String(decoding: bytes.dropLast().suffix(while: { $0 != 0x0A }), as: UTF8.self)
        let ruleOnly = try TimeZoneRules(tzif(footer: footer))
        // 2024 to 2036; some files have transitions until 2037, others end with the last change of the law.
        for time in stride(from: Int64(1_704_067_200), to: 2_100_000_000, by: 1_800) {
            if rules.offset(atUnixSeconds: time) != ruleOnly.offset(atUnixSeconds: time) {
                Issue.record("\(zone) at \(time)")
                return
            }
        }
    }

    @Test(
        "forms of the POSIX rule",
        arguments: [
            // 2026-01-15 and 2026-07-15, 12:00 UTC.
            ("UTC0", 0, 0), ("IST-5:30", 19_800, 19_800), ("<+0545>-5:45", 20_700, 20_700),
            ("XXX3:30:15", -12_615, -12_615),
            ("CET-1CEST,M3.5.0,M10.5.0/3", 3_600, 7_200), ("EST5EDT,M3.2.0,M11.1.0", -18_000, -14_400),
            ("<-02>2<-01>,M3.5.0/-1,M10.5.0/0", -7_200, -3_600), ("AEST-10AEDT,M10.1.0,M4.1.0/3", 39_600, 36_000),
            ("IST-1GMT0,M10.5.0,M3.5.0/1", 0, 3_600), ("XXX-2<+01>-1,0/0,J90/23", 3_600, 7_200),
            ("EST5EDT,0/0,J365/25", -14_400, -14_400),  // summer time all year (RFC 8536)
            ("CET-1CEST,J60,J300", 3_600, 7_200), ("CET-1CEST,59,299", 3_600, 7_200),
        ])
    func footers(footer: String, january: Int, july: Int) throws {
        let rules = try TimeZoneRules(tzif(footer: footer))
        #expect(rules.offset(atUnixSeconds: 1_768_478_400) == january)
        #expect(rules.offset(atUnixSeconds: 1_784_116_800) == july)
    }

    @Test func leapDaysInRules() throws {
        // Summer time from 1 March on: J60 always, 60 only in leap years.
        let julian = try TimeZoneRules(tzif(footer: "AAA0BBB,J60/0,J300"))
        let zeroBased = try TimeZoneRules(tzif(footer: "AAA0BBB,60/0,J300"))
        let firstOfMarch2026 = Int64(20_513) * 86_400
        let firstOfMarch2028 = Int64(21_244) * 86_400
        #expect(LocalDate(daysSince1970: 21_244).description == "2028-03-01")
        #expect(julian.offset(atUnixSeconds: firstOfMarch2026 - 1) == 0)
        #expect(julian.offset(atUnixSeconds: firstOfMarch2026) == 3_600)
        #expect(julian.offset(atUnixSeconds: firstOfMarch2028 - 1) == 0)
        #expect(julian.offset(atUnixSeconds: firstOfMarch2028) == 3_600)
        #expect(zeroBased.offset(atUnixSeconds: firstOfMarch2026) == 0)
        #expect(zeroBased.offset(atUnixSeconds: firstOfMarch2028) == 3_600)
    }

    @Test func versionOneHasNoRule() throws {
        // 4-byte times: one transition at 1000 from UTC+1 to UTC-1.
        var bytes = header(version: 0, transitions: 1, types: 2)
        bytes += [0, 0, 3, 0xE8, 1] + [0, 0, 0x0E, 0x10, 0, 0] + [0xFF, 0xFF, 0xF1, 0xF0, 0, 0] + Array("A\0".utf8)
        let rules = try TimeZoneRules(bytes)
        #expect(rules.offset(atUnixSeconds: 999) == 3_600)
        #expect(rules.offset(atUnixSeconds: 1_000) == -3_600)
        #expect(rules.offset(atUnixSeconds: 4_000_000_000) == -3_600)
    }

    @Test(
        "days begin at their midnight, the first of two, or where the clocks skip it",
        arguments: [
            // The day, its first moment in seconds since 1970.
            ("UTC", "2026-03-02", 1_772_409_600), ("Europe/Berlin", "2026-03-02", 1_772_406_000),
            ("Europe/Berlin", "2026-03-29", 1_774_738_800), ("Europe/Berlin", "2026-03-30", 1_774_821_600),
            ("America/Santiago", "2026-09-05", 1_788_580_800),  // 04:00Z
            ("America/Santiago", "2026-09-06", 1_788_667_200),  // 04:00Z: from 24:00 to 01:00
            ("America/Santiago", "2026-09-07", 1_788_750_000),  // 03:00Z
            ("America/Havana", "2027-03-14", 1_805_000_400),  // 05:00Z: from 24:00 to 01:00
            ("America/Havana", "2027-03-15", 1_805_083_200),  // 04:00Z
            ("America/Havana", "2026-11-01", 1_793_505_600),  // 04:00Z: 00:00 comes twice, an hour apart
            ("America/St_Johns", "2010-11-07", 1_289_097_000),  // 02:30Z: a minute later it was 23:01 again
            ("Pacific/Apia", "2011-12-30", 1_325_239_200), ("Pacific/Apia", "2011-12-31", 1_325_239_200),  // skipped
            ("Asia/Kathmandu", "2026-01-01", 1_767_204_900), ("Australia/Lord_Howe", "2026-10-04", 1_791_034_200),
        ] as [(String, String, Int64)])
    func startOfDay(zone: String, day: String, start: Int64) throws {
        let rules = try TimeZoneRules(file(zone))
        let days = (10_000..<30_000).first { LocalDate(daysSince1970: $0).description == day }
        #expect(rules.start(of: LocalDate(daysSince1970: try #require(days))) == start)
    }

    @Test("the first moment of each day around every change of every zone from 2000 to 2040")
    func startOfDayEverywhere() throws {
        let directory = "/usr/share/zoneinfo/"
        let names = try FileManager.default.subpathsOfDirectory(atPath: directory)
        var seen: Set<[UInt8]> = []
        var (changes, withoutMidnight) = (0, 0)
        for name in names.sorted() where !name.hasPrefix("right/") {
            guard let bytes = FileManager.default.contents(atPath: directory + name).map(Array.init),
                bytes.starts(with: "TZif".utf8), seen.insert(bytes).inserted
            else { continue }
            let rules = try TimeZoneRules(bytes)
            // 2000-01-01 to 2041-01-01.
            var before = rules.offset(atUnixSeconds: 946_684_800)
            for time in stride(from: Int64(946_684_800), to: 2_240_611_200, by: 86_400) {
                let offset = rules.offset(atUnixSeconds: time)
                defer { before = offset }
                guard offset != before else { continue }
                changes += 1
                let day = rules.localDate(atUnixSeconds: time).daysSince1970
                for day in (day - 1)...(day + 1) {
                    let start = rules.start(of: LocalDate(daysSince1970: day))
                    let first = rules.localDate(atUnixSeconds: start).daysSince1970
                    let last = rules.localDate(atUnixSeconds: start - 1).daysSince1970
                    if first < day || last >= day { Issue.record("\(name): day \(day) begins at \(start)") }
                    let local = (Int(start) + rules.offset(atUnixSeconds: start)) - first * 86_400
                    if local != 0 { withoutMidnight += 1 }
                    // No moment before it belongs to the day; no zone's clocks go back by more than three hours and a bit.
                    for earlier in stride(from: start - 12_000, to: start, by: 300)
                    where Int(earlier) + rules.offset(atUnixSeconds: earlier) >= day * 86_400 {
                        return _ = Issue.record("\(name): day \(day) began before \(start), at \(earlier)")
                    }
                }
            }
        }
        #expect(
            changes > 5_000 && withoutMidnight > 50, "\(changes) changes, \(withoutMidnight) days without a midnight")
    }

    @Test func utc() {
        #expect(TimeZoneRules.utc.offset(atUnixSeconds: 1_798_758_000) == 0)
        #expect(TimeZoneRules.utc.localDate(atUnixSeconds: -1).description == "1969-12-31")
    }

    @Test(
        "bytes that are no time zone",
        arguments: [
            ([], "bytes"), (Array("TZif".utf8), "bytes"),
            (Array("#!/bin/sh, and then some more of it, and more".utf8), "TZif"),
        ] as [([UInt8], String)])
    func malformed(bytes: [UInt8], why: String) {
        let problem = #expect(throws: TimeZoneRules.Problem.self) { try TimeZoneRules(bytes) }
        #expect(problem?.message.hasPrefix("cannot read the time zone file") == true)
        #expect(problem?.message.contains(why) == true)
    }

    @Test(
        "footers that are no rule",
        arguments: [
            "X", "CET", "CET-", "CET-1CEST", "CET-25", "CET-1CEST,M3.5.0", "CET-1CEST,M13.5.0,M10.5.0",
            "CET-1CEST,M3.6.0,M10.5.0",
            "CET-1CEST,M3.5.7,M10.5.0", "CET-1CEST,J0,J300", "CET-1CEST,J366,J300", "CET-1CEST,366,J300", "CET-1:60",
            "<+1-1",
            "CET-1CEST,M3.5.0,M10.5.0/168", "CET-1CEST,M3.5.0,M10.5.0 ", "ÄÖÜ1", "CET-99999999999999999999",
        ])
    func malformedFooter(footer: String) {
        #expect(throws: TimeZoneRules.Problem.self) { try TimeZoneRules(tzif(footer: footer)) }
    }

    @Test func malformedTables() {
        let types: [UInt8] = [0, 0, 0, 0, 0, 0]
        let name = Array("A\0".utf8)
        let cases: [(String, [UInt8])] = [
            ("0 local time types", header(version: 0, transitions: 0, types: 0) + name),
            ("257 local time types", header(version: 0, transitions: 0, types: 257) + name),
            (
                "out of order",
                header(version: 0, transitions: 2, types: 1) + [0, 0, 0, 2, 0, 0, 0, 1, 0, 0] + types + name
            ),
            ("unknown local time type", header(version: 0, transitions: 1, types: 1) + [0, 0, 0, 2, 7] + types + name),
            ("too few bytes", header(version: 0, transitions: 0xFFFF_FFFF, types: 1) + types + name),
            ("offset of days", header(version: 0, transitions: 0, types: 1) + [0x7F, 0, 0, 0, 0, 0] + name),
        ]
        for (why, bytes) in cases {
            let problem = #expect(throws: TimeZoneRules.Problem.self) { try TimeZoneRules(bytes) }
            #expect(problem?.message.contains(why) == true, "\(problem?.message ?? "")")
        }
    }

    @Test func damagedFilesAreReadWithoutHarm() throws {
        let whole = try file("Europe/Berlin")
        for count in 0..<whole.count {
            #expect(throws: TimeZoneRules.Problem.self) { try TimeZoneRules(Array(whole.prefix(count))) }
        }
        var random = SeededGenerator(seed: 7)
        for _ in 0..<2_000 {
            var bytes = whole
            for _ in 0..<4 {
                bytes[Int.random(in: bytes.indices, using: &random)] = .random(in: 0...255, using: &random)
            }
            guard let rules = try? TimeZoneRules(bytes) else { continue }
            for time: Int64 in [-5_000_000_000, 0, 1_774_746_000, 2_541_499_200, 253_402_300_799] {
                #expect(abs(rules.offset(atUnixSeconds: time)) <= 93_600)
            }
        }
    }

    private func header(version: UInt8, transitions: UInt32, types: UInt32) -> [UInt8] {
        let counts = [0, 0, 0, transitions, types, 2].flatMap { count in
            [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: count >> $0) }
        }
        return Array("TZif".utf8) + [version] + [UInt8](repeating: 0, count: 15) + counts
    }

    /// A file of version 3 without transitions.
    private func tzif(footer: String) -> [UInt8] {
        let block: [UInt8] = [0, 0, 0, 0, 0, 0] + Array("A\0".utf8)
        let head = header(version: UInt8(ascii: "3"), transitions: 0, types: 1)
        return head + block + head + block + Array("\n\(footer)\n".utf8)
    }
}

extension BidirectionalCollection {
    /// The longest end of which all elements pass.
    fileprivate func suffix(while passes: (Element) -> Bool) -> SubSequence {
        var start = endIndex
        while start > startIndex, passes(self[index(before: start)]) { formIndex(before: &start) }
        return self[start...]
    }
}
