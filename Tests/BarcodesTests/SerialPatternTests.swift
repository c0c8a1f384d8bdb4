import Barcodes
import Testing

@Suite struct SerialPatternTests {
    static let monday = LocalDate(daysSince1970: 20_514)  // 2026-03-02, week 10
    static let newYear = LocalDate(daysSince1970: 20_819)  // 2027-01-01, week 53 of 2026

    @Test(
        arguments: [
            ("{product}-{yy}{ww}-{seq:4}", .week, "PCB-100-2610-0007", "PCB-100-2653-0007"),
            ("{yyyy}{mm}{dd}{seq:3}", .day, "20260302007", "20270101007"),
            ("{yyyy}-W{ww}-{seq:3}", .week, "2026-W10-007", "2026-W53-007"),
            ("{order}-{seq:1}", .order, "1001-7", "1001-7"),
            ("SN{seq:6}", .product, "SN000007", "SN000007"),
            ("{product}{seq:4}", .product, "PCB-1000007", "PCB-1000007"),
            ("{seq:4}/{order}", .product, "0007/1001", "0007/1001"),
            ("{yy}{mm}{dd}-{seq:2}", .week, "260302-07", "270101-07"),
        ] as [(String, SerialPattern.Period, String, String)])
    func serials(pattern: String, per: SerialPattern.Period, monday: String, newYear: String) throws {
        let rule = try SerialPattern(pattern, per: per)
        #expect(rule.description == pattern)
        #expect(try rule.serial(product: "PCB-100", order: "1001", date: Self.monday, counter: 7) == monday)
        #expect(try rule.serial(product: "PCB-100", order: "1001", date: Self.newYear, counter: 7) == newYear)
    }

    @Test func checkCharacterCoversAllBeforeIt() throws {
        let luhn = try SerialPattern("X-7992-7398{seq:2}{check:luhn}", per: .product)
        #expect(try luhn.serial(product: "P", order: nil, date: Self.monday, counter: 71) == "X-7992-7398713")
        let mod = try SerialPattern("A12425-GABC-{seq:7}-{check:mod37_36}", per: .product)
        #expect(
            try mod.serial(product: "P", order: nil, date: Self.monday, counter: 1_234_002) == "A12425-GABC-1234002-M")
    }

    @Test func theCounterGrowsBeyondItsDigits() throws {
        let rule = try SerialPattern("{yy}{ww}-{seq:2}", per: .week)
        let serials = try [1, 99, 100, 12_345].map {
            try rule.serial(product: "P", order: nil, date: Self.monday, counter: $0)
        }
        #expect(serials == ["2610-01", "2610-99", "2610-100", "2610-12345"])
    }

    @Test func counterKeys() throws {
        func key(_ per: SerialPattern.Period, _ date: LocalDate) throws -> String {
            try SerialPattern("{order}-{yy}{ww}{mm}{dd}{seq:4}", per: per).counterKey(
                product: "PCB-100", order: "1001", date: date)
        }
        #expect(try key(.product, Self.monday) == "PCB-100")
        #expect(try key(.order, Self.monday) == "PCB-100/1001")
        #expect(try key(.day, Self.monday) == "PCB-100/2026-03-02")
        #expect(try key(.week, Self.monday) == "PCB-100/2026-W10")
        #expect(try key(.week, Self.newYear) == "PCB-100/2026-W53")
    }

    @Test(
        "patterns that can't be used",
        arguments: [
            ("", .product, 0, "counter"), ("PCB", .product, 3, "{seq:4}"), ("{seq}", .product, 0, "how many digits"),
            ("{seq:}", .product, 0, "how many digits"), ("{seq:0}", .product, 0, "1 to 18"),
            ("{seq:19}", .product, 0, "1 to 18"),
            ("{seq:-1}", .product, 0, "1 to 18"), ("A{seq:4:5}", .product, 1, "such as {seq:4}"),
            ("{seq:4}-{seq:4}", .product, 8, "second counter"), ("AB{serial}", .product, 2, "there are {product}"),
            ("{YY}{seq:4}", .product, 0, "there are {product}"), ("AB{seq:4", .product, 2, "no }"),
            ("A}{seq:4}", .product, 1, "braces"),
            ("A {seq:4}", .product, 1, "a space"), ("Ä{seq:4}", .product, 0, "printable ASCII"),
            ("{seq:4}{check:mod11}", .product, 7, "{check:luhn}"),
            ("{check:luhn}{seq:4}", .product, 0, "at the pattern's end"),
            ("{seq:4}{check:luhn}{check:mod37_36}", .product, 7, "there can be one"),
            ("{seq:4}{check:luhn}X", .product, 7, "end"),
            ("TRV:{seq:4}", .product, 0, "control codes"),
            (String(repeating: "X", count: 61) + "{seq:4}", .product, 68, "64 characters"),
            // Would repeat serials.
            ("{product}-{seq:4}", .order, 10, "{order}"), ("{product}-{yy}-{seq:4}", .week, 15, "{ww}"),
            ("{product}-{ww}-{seq:4}", .week, 15, "{yy}"), ("{ww}{seq:4}", .week, 4, "{yy}"),
            ("{yy}{mm}{seq:4}", .day, 8, "{dd}"),
            ("{mm}{dd}{seq:4}", .day, 8, "{yyyy}"), ("{yy}{dd}{seq:4}", .day, 8, "{mm}"),
            ("{yy}{ww}{seq:4}", .day, 8, "{dd}"),
            ("{product}-{yy}{mm}{seq:4}", .week, 18, "{ww}"),
            // Couldn't be told apart.
            ("{order}{seq:4}", .order, 7, "no digit between"), ("{seq:4}{order}", .order, 7, "no digit between"),
            ("{order}{yy}{seq:4}", .product, 11, "no digit between"),
            ("{order}0{seq:4}", .product, 8, "no digit between"),
            ("{order}-{seq:4}-{order}", .order, 16, "twice"),
        ] as [(String, SerialPattern.Period, Int, String)])
    func refused(pattern: String, per: SerialPattern.Period, offset: Int, why: String) {
        let problem = #expect(throws: SerialPattern.Problem.self) { try SerialPattern(pattern, per: per) }
        #expect(problem?.offset == offset)
        #expect(problem?.message.contains(why) == true, "\(problem?.message ?? "")")
        #expect(problem?.message.hasPrefix("cannot") == true)
    }

    @Test func serialsThatCannotBeMade() throws {
        let ordered = try SerialPattern("AB-{order}-{seq:4}", per: .order)
        func problem(_ product: String, _ order: String?, _ counter: Int, _ rule: SerialPattern) -> SerialPattern
            .Problem?
        {
            #expect(throws: SerialPattern.Problem.self) {
                try rule.serial(product: product, order: order, date: Self.monday, counter: counter)
            }
        }
        let missing = problem("P", nil, 1, ordered)
        #expect(missing?.offset == 3)
        #expect(missing?.message.contains("work order") == true)
        #expect(problem("P", "SO 1", 1, ordered)?.message.contains("character 6 is a space") == true)
        #expect(problem("P", String(repeating: "9", count: 57), 1, ordered)?.message.contains("65 characters") == true)
        #expect(problem("P", "1", 0, ordered)?.message.contains("begin at 1") == true)
        let product = try SerialPattern("{product}{seq:4}", per: .product)
        #expect(problem("TRV:", nil, 1, product)?.message.contains("TRV:") == true)
    }

    /// Every pattern that is accepted, over orders and days chosen to collide if they can.
    @Test func acceptedPatternsNeverRepeatASerial() throws {
        let pieces = [
            "{order}", "{yy}", "{yyyy}", "{mm}", "{dd}", "{ww}", "{seq:1}", "{seq:2}", "-", "1", "0-", "{check:luhn}",
        ]
        let orders = ["1", "11", "111", "1-1", "1-11", "11-1", "0", "10", "2", "26", "1-", "-1"]
        let days = [20_514, 20_515, 20_520, 20_521, 20_545, 20_550, 20_560, 20_819, 20_822, 20_878, 21_184, 20_453]
        let counts = [1, 2, 10, 11, 12, 26, 101, 110, 111, 1_110]
        var random = SeededGenerator(seed: 3)
        var accepted = 0
        for _ in 0..<6_000 {
            let text = (0..<Int.random(in: 1...6, using: &random)).map { _ in pieces.randomElement(using: &random) ?? ""
            }.joined()
            let per = SerialPattern.Period.allCases.randomElement(using: &random) ?? .product
            guard let rule = try? SerialPattern(text, per: per) else { continue }
            accepted += 1
            var made: [String: String] = [:]
            for order in orders {
                for day in days.map({ LocalDate(daysSince1970: $0) }) {
                    let key = rule.counterKey(product: "P", order: order, date: day)
                    for count in counts {
                        let serial = try rule.serial(product: "P", order: order, date: day, counter: count)
                        #expect(Serial.isValid(serial))
                        // A counter never gives a count twice, so only different keys or counts must differ.
                        let source = "\(key) \(count)"
                        if let other = made.updateValue(source, forKey: serial), other != source {
                            Issue.record("\(text) per \(per) makes \(serial) from \(other) and from \(source)")
                        }
                    }
                }
            }
        }
        #expect(accepted > 100)
    }
}
