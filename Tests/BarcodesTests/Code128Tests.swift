import Barcodes
import Testing

@Suite struct Code128Tests {
    @Test func knownSymbols() throws {
        // "Wikipedia" in code set B, check value 88; start 104, then the letters less 32.
        #expect(try values("Wikipedia") == [104, 55, 73, 75, 73, 80, 69, 68, 73, 65, 88, 106])
        #expect(
            try bars("Wikipedia")
                == "11010010000 11101000110 10000110100 11000010010 10000110100 10100111100 10110010000 10000100110 "
                + "10000110100 10010110000 11110010010 1100011101011")
        // Digits in pairs; sum 105 + 12 + 2 * 34 = 185.
        #expect(try values("1234") == [105, 12, 34, 82, 106])
    }

    @Test(
        "code set C where it makes the symbol shorter",
        arguments: [
            ("A", 1), ("12", 1), ("123", 3), ("1234", 2), ("12345", 4), ("A1234", 4), ("A12345", 5), ("A123456B", 7),
            ("A1234B", 6),
            ("A12345B", 7), ("1234B", 4), ("TRV:WO:1001", 10), ("PCB-100-2610-0001", 16), ("~ !", 3), ("12B34", 5),
        ])
    func lengths(text: String, characters: Int) throws {
        // Start and check of 11 modules, stop of 13.
        #expect(try Code128.modules(text).count == 11 + characters * 11 + 11 + 13)
        #expect(try read(text) == text)
    }

    @Test func anyPrintableTextIsReadBack() throws {
        var random = SeededGenerator(seed: 8)
        for _ in 0..<2_000 {
            let text = (0..<Int.random(in: 1...30, using: &random)).map { _ in
                let digit = Bool.random(using: &random)
                return String(Unicode.Scalar(UInt8.random(in: digit ? 48...57 : 32...126, using: &random)))
            }.joined()
            #expect(try read(text) == text)
        }
    }

    @Test func everySymbolCharacterIsItself() throws {
        let patterns = try (0..<100).map { try Self.pattern(ofPair: $0) }
        #expect(Set(patterns).count == 100)
        for pattern in patterns {
            #expect(pattern.reduce(0, +) == 11)
            #expect((pattern[0] + pattern[2] + pattern[4]) % 2 == 0)
        }
        // Value n is the pair n of set C and the character n + 32 of set B.
        for value in 0..<95 {
            #expect(try Array(Code128.widths(String(Unicode.Scalar(UInt8(value + 32))))[6..<12]) == patterns[value])
        }
    }

    @Test(
        "what can't be encoded",
        arguments: [("", "empty"), ("A\u{1D}B", "character 2 (hexadecimal 1D)"), ("ä", "E4"), ("A\nB", "character 2")])
    func refused(text: String, why: String) {
        let problem = #expect(throws: Code128.Problem.self) { try Code128.modules(text) }
        #expect(problem?.message.contains(why) == true)
    }

    // A reader, after ISO/IEC 15417.

    private static func pattern(ofPair value: Int) throws -> [Int] {
        Array(try Code128.widths((value < 10 ? "0" : "") + String(value))[6..<12])
    }

    private func bars(_ text: String) throws -> String {
        let modules = try Code128.modules(text)
        return stride(from: 0, to: modules.count, by: 11).reduce(into: "") { bars, start in
            // The stop character is two modules longer.
            if start > 0, modules.count - start > 2 { bars += " " }
            bars += modules[start...].prefix(11).map { $0 ? "1" : "0" }.joined()
        }
    }

    private func values(_ text: String) throws -> [Int] {
        var known: [[Int]: Int] = [
            [1, 1, 4, 1, 3, 1]: 100, [3, 1, 1, 1, 4, 1]: 101, [4, 1, 1, 1, 3, 1]: 102, [2, 1, 1, 2, 1, 4]: 104,
            [2, 1, 1, 2, 3, 2]: 105, [2, 3, 3, 1, 1, 1]: 106,
        ]
        for value in 0..<100 { known[try Self.pattern(ofPair: value)] = value }
        let widths = try Code128.widths(text)
        #expect(widths.last == 2)
        return try stride(from: 0, to: widths.count - 1, by: 6).map { start in
            try #require(known[Array(widths[start..<(start + 6)])])
        }
    }

    private func read(_ text: String) throws -> String {
        var values = try values(text)
        #expect(values.popLast() == 106)
        let check = values.popLast()
        #expect(values.enumerated().reduce(0) { $0 + max(1, $1.offset) * $1.element } % 103 == check)
        var inC = values.removeFirst() == 105
        var read = ""
        for value in values {
            if inC, value == 100 {
                inC = false
            } else if !inC, value == 99 {
                inC = true
            } else if inC {
                read += (value < 10 ? "0" : "") + String(value)
            } else {
                read.unicodeScalars.append(Unicode.Scalar(UInt8(value + 32)))
            }
        }
        return read
    }
}
