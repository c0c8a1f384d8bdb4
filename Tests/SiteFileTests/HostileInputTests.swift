import SiteFile
import Testing
import Tracking

/// Whatever the text, the answer is a refusal with a place, and soon.
@Suite struct HostileInputTests {
    private func refusal(_ text: String) -> String? {
        #expect(throws: SiteFileProblems.self) { try parse(text) }?.description
    }

    @Test func aFileOverOneMebibyte() throws {
        let comment = "#" + String(repeating: "x", count: SiteFile.maximumSize - 1)
        #expect(try parse(comment).products.isEmpty)
        #expect(
            refusal(comment + "x") == "1:1: cannot read a site file of 1048577 bytes; it can have 1 MiB (1048576 bytes)"
        )
    }

    @Test(arguments: [("[", "]"), ("{a: ", "}"), ("- ", ""), ("? ", ""), ("[{a: ", "}]"), ("{[", "]}")])
    func tenThousandLevels(open: String, close: String) throws {
        for count in [900, 10_000] {
            let text = String(repeating: open, count: count) + "x" + String(repeating: close, count: count)
            for file in [text, "products: \(text)", "products:\n  \(text)"] { #expect(refusal(file) != nil) }
        }
        let deep = "suppliers: " + String(repeating: open == "? " || open == "- " ? "[" : open, count: 10_000)
        #expect(refusal(deep)?.contains("nested this deep") == true)
    }

    @Test func aliasesThatMultiply() {
        var bomb = "a0: &a0 [x]\n"
        for level in 1...40 { bomb += "a\(level): &a\(level) [*a\(level - 1), *a\(level - 1)]\n" }
        #expect(refusal(bomb) == "2:10: cannot read anchors and aliases (& and *); write the value out in each place")

        var keys = "- &a0 {x: y}\n"
        for level in 1...40 { keys += "- &a\(level) {? *a\(level - 1) : 1, ? [*a\(level - 1)] : 2}\n" }
        #expect(refusal(keys)?.hasPrefix("2:10: cannot read anchors") == true)

        var few = "a0: &a0 [x]\n"
        for level in 1...9 { few += "a\(level): &a\(level) [*a\(level - 1), *a\(level - 1)]\n" }
        #expect(refusal(few)?.hasPrefix("1:5: cannot read anchors") == true)
    }

    @Test func ampersandsAndAsterisksInText() throws {
        let plant = try parse(
            """
            suppliers:
              - { code: a, name: Smith & Co * Sons }
              - { code: b, name: "&a *a &b *b" }
            labels:
              - name: l
                zpl: |
                  ^XA^FD &a *a^FS
                  ^XZ
            """)
        #expect(plant.suppliers["a"]?.name == "Smith & Co * Sons")
        #expect(plant.suppliers["b"]?.name == "&a *a &b *b")
    }

    @Test(arguments: ["\0", "teams\0: []", "teams: []\n\0", "suppliers:\n  - { code: \"a\\0\", name: A }"])
    func zeroBytes(text: String) {
        #expect(refusal(text) != nil)
    }

    @Test func everyControlCharacterIsPlaced() {
        for value in UInt32(0)..<0xA0 where ![9, 10, 13, 0x85].contains(value) && !(0x20...0x7E).contains(value) {
            let scalar = Unicode.Scalar(value) ?? " "
            #expect(refusal("teams:\n\n  \(scalar)")?.hasPrefix("3:3: cannot read the character U+00") == true)
        }
        #expect(refusal("# a\u{FEFF}")?.hasPrefix("1:4: cannot read the character U+FEFF") == true)
    }

    @Test(arguments: ["\n", "\r\n", "\r", "\u{85}", "\u{2028}"])
    func everyLineBreakCounts(lineBreak: String) {
        let text = ["teams:", "  # none", "", "stagess: []"].joined(separator: lineBreak)
        #expect(refusal(text)?.hasPrefix("4:1: stagess: unknown key") == true)
    }

    @Test func columnsCountUnicodeScalars() {
        #expect(refusal("suppliers: [{ name: 🏭é, code: a b }]")?.hasPrefix("1:32: suppliers[0].code") == true)
    }

    @Test func noMoreThanAHundredProblems() {
        let entries = (0..<5_000).map { "  - { code: c\($0), nam: A }\n" }.joined()
        let refused = #expect(throws: SiteFileProblems.self) { try parse("suppliers:\n\(entries)") }
        #expect(refused?.problems.count == 100)
        #expect(refused?.problems.first?.line == 2)
        #expect(refused?.problems.last?.line == 101)
    }

    @Test func manyRepeatedKeys() {
        let often = String(repeating: "teams: []\n", count: 40)
        #expect(refusal(often)?.split(separator: "\n").count == 11)
        #expect(refusal(often)?.hasSuffix("\n11:1: this key is repeated; keep one") == true)
        #expect(
            refusal("\u{F700}: 1\n\u{F700}: 2\n")?.hasPrefix("1:1: \u{F700}: the key `\u{F700}` is repeated; keep one")
                == true)
        for keys in [#""": 1\n"": 2"#, #""te\x61ms": 1\nteams: 2"#, "[a]: 1\n[a]: 2"] {
            let text = keys.replacing(#"\n"#, with: "\n")
            #expect(refusal(text) == "1:1: this key is repeated; keep one")
        }
        let broken = refusal("settings: { a: 1, a: 2 }\nstations: [\n")
        #expect(broken?.hasPrefix("1:13: the key `a` is repeated; keep one\n3:1: cannot read the YAML: ") == true)
    }

    @Test func expressionsThatWouldExhaustTheirCompiler() {
        for (expression, column) in [
            (String(repeating: "(", count: 100_000), 65), (String(repeating: "(", count: 200), 264),
            ("a{999999999999}", 66),
        ] {
            let text = "products: [{ code: P, name: P, type: part, serial: { external: \"\(expression)\" } }]"
            #expect(refusal(text)?.hasPrefix("1:\(column): products[0].serial.external: ") == true)
        }
    }

    /// Every beginning of the example, and the example with any one character replaced, is read or refused.
    @Test func damagedExamples() throws {
        let scalars = Array(exampleFile.unicodeScalars)
        for end in stride(from: 0, to: scalars.count, by: 23) {
            _ = try? parse(String(String.UnicodeScalarView(scalars[..<end])))
        }
        for (index, damage) in zip(
            stride(from: 0, to: scalars.count, by: 11), repeatElement(Array("{}[]:,-\"'&*|>#?! \n\t9"), count: 10_000))
        {
            var damaged = scalars
            damaged[index] = damage[index % damage.count].unicodeScalars.first ?? " "
            _ = try? parse(String(String.UnicodeScalarView(damaged)))
        }
    }
}
